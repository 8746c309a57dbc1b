"""The program from its first moment to its last: signals, and how errors reach the user.

The first SIGINT or SIGTERM ends the work in order: what was finished is kept, workers are stopped. The
second leaves at once.
"""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False  # as typing has it, without the time of importing it
if TYPE_CHECKING:
    from backtester.errors import BacktesterError, InterruptedRunError

__all__ = ["main"]

_INTERRUPTED = 130  # as in InterruptedRunError; nothing is imported where a signal is handled
_stopped = False


def main() -> None:
    """Run the program; errors become a message on stderr and an exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller (`2>&-`)
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - open as long as the program runs
    try:
        _take_signals()
        _run()
    except KeyboardInterrupt:
        # while an error was being told
        if os.environ.get("BACKTESTER_DEBUG"):
            raise
        sys.exit(_INTERRUPTED)
    finally:
        # What remains is Python's own ending, which would show a traceback.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if signal.getsignal(signal.SIGINT) is _interrupt:
            signal.signal(signal.SIGINT, signal.SIG_DFL)


def _take_signals() -> None:
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where it is to be ignored
        signal.signal(signal.SIGINT, _interrupt)
    sys.unraisablehook = _not_lost


def _interrupt(*_: object) -> None:
    global _stopped
    if _stopped:
        _leave_at_once()
    _stopped = True
    raise KeyboardInterrupt


def _leave_at_once() -> None:
    """End here and now: every file is whole, and a worker ends when its driver is gone."""
    # a bar of progress had hidden the cursor
    told = "\x1b[?25h" if os.isatty(2) else ""
    try:
        os.write(2, f"{told}error: Interrupted.\n".encode())
    finally:
        os._exit(_INTERRUPTED)


def _not_lost(unraisable: sys.UnraisableHookArgs) -> None:
    """Interrupt again where Python drops exceptions: in the callback of a weak reference, in ``__del__``."""
    if _stopped and issubclass(unraisable.exc_type, KeyboardInterrupt):
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 0.01)  # when the callback is over
    else:
        sys.__unraisablehook__(unraisable)


def _run() -> None:
    try:
        from backtester.cli.app import app

        app()
    except BrokenPipeError:
        # the reader of our output is gone (`backtester runs | head`)
        _leave_stdout()
        sys.exit(1)
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            _tell(_interrupted())
        raise
    except (Exception, KeyboardInterrupt) as error:
        if os.environ.get("BACKTESTER_DEBUG"):
            raise
        told = _told(error)
        if told is None:
            raise
        _tell(told)
        sys.exit(told.exit_code)


def _tell(error: BacktesterError) -> None:
    from backtester.cli.console import print_error

    print_error(error)


def _told(error: BaseException) -> BacktesterError | None:
    """What a user is told of an error; None where the traceback is wanted, as it is ours to mend."""
    from backtester.errors import BacktesterError, InterruptedRunError

    # An import that is interrupted can fail in any way.
    if isinstance(error, InterruptedRunError) or (not _stopped and isinstance(error, BacktesterError)):
        return error
    if _stopped or isinstance(error, KeyboardInterrupt):
        return _interrupted()
    if isinstance(error, MemoryError):
        return _out_of_memory()
    if isinstance(error, OSError):
        if not error.filename:  # such as a full disk behind `> file`
            _leave_stdout()
        return _of_the_system(error)
    return None


def _of_the_system(error: OSError) -> BacktesterError:
    """An error of the operating system that no part foresaw."""
    import errno

    from backtester.errors import StorageError, UsageError

    name, said = str(error.filename or ""), error.strerror or str(error)
    if error.errno == errno.ENAMETOOLONG:
        longest = max(name.split("/"), key=len)
        part = longest if len(longest.encode(errors="surrogateescape")) > 255 else name
        return UsageError(
            f"{part[:40]}...: the name is too long for this file system ({len(part)} characters).",
            advice="Use a shorter one.",
        )
    wrong_name = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.ELOOP)
    if name and error.errno in wrong_name:
        return UsageError(f"{name}: {said}.", advice="Check the name and its permissions.")
    return StorageError(f"{name}: {said}." if name else f"{said}.", advice="Run with --debug to see where.")


def _out_of_memory() -> BacktesterError:
    from backtester.errors import StorageError

    return StorageError(
        "Out of memory.",
        advice="Use fewer workers (execution.workers) or a shorter history, or make room; "
        "what was finished is kept.",
    )


def _interrupted() -> InterruptedRunError:
    from backtester.errors import InterruptedRunError

    return InterruptedRunError("Interrupted.")


def _leave_stdout() -> None:
    """Let what is still in the buffer of stdout go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
