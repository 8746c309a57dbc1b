"""The program ``backtester``: its commands, and how errors reach the user."""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated

import typer

from backtester.cli import (
    auditing,
    comparing,
    controlling,
    explaining,
    exploring,
    fetching,
    forecasting,
    running,
    showing,
    starting,
    storing,
    stressing,
    verifying,
)
from backtester.cli.console import print_error
from backtester.errors import BacktesterError, InterruptedRunError, StorageError

__all__ = ["app", "main"]

app = typer.Typer(
    name="backtester",
    help="Learn, before any money is at risk, whether a neural price forecast is worth trading.",
    epilog="Begin with: backtester run lstm",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("run")(running.run)
app.command("plan")(running.plan)
app.command("stress")(stressing.stress)
app.command("explore")(exploring.explore)
app.command("explain")(explaining.explain)
app.command("audit")(auditing.audit)
app.command("verify")(verifying.verify)
app.command("forecast")(forecasting.forecast)
app.command("report")(showing.report)
app.command("runs")(showing.runs)
app.command("compare")(comparing.compare)
app.command("fetch")(fetching.fetch)
app.command("init")(starting.init)
app.add_typer(controlling.control, name="control")
app.add_typer(storing.store, name="store")


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - as typer calls it
    if wanted:
        from importlib import metadata

        typer.echo(metadata.version("walkforward-backtester"))
        raise typer.Exit


@app.callback()
def options(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[  # read before the command, which need not be there then
        bool,
        typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Read the options that hold for every command."""
    if debug:
        os.environ["BACKTESTER_DEBUG"] = "1"


_stopped = False


def _interrupt(*_: object) -> None:
    global _stopped
    _stopped = True
    raise KeyboardInterrupt


def main() -> None:
    """Run the program; errors become a message on stderr and an exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller (`2>&-`)
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - open as long as the program runs
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where it is to be ignored
        signal.signal(signal.SIGINT, _interrupt)
    try:
        app()
    except BrokenPipeError:
        # the reader of our output is gone (`backtester runs | head`)
        _leave_stdout()
        sys.exit(1)
    except SystemExit as end:
        if end.code == InterruptedRunError.exit_code:
            print_error(InterruptedRunError("Interrupted."))
        raise
    except (Exception, KeyboardInterrupt) as error:
        if os.environ.get("BACKTESTER_DEBUG"):
            raise
        told = _told(error)
        if told is None:
            raise
        print_error(told)
        sys.exit(told.exit_code)


def _told(error: BaseException) -> BacktesterError | None:
    """What a user is told of an error; None where the traceback is wanted, as it is ours to mend."""
    # An import that is interrupted can fail in any way.
    if isinstance(error, InterruptedRunError) or (not _stopped and isinstance(error, BacktesterError)):
        return error
    if _stopped or isinstance(error, KeyboardInterrupt):
        return InterruptedRunError("Interrupted.")
    if isinstance(error, OSError):  # such as a full disk behind `> file`
        _leave_stdout()
        return StorageError(f"{error}.", advice="Run with --debug to see where.")
    return None


def _leave_stdout() -> None:
    """Let what is still in the buffer of stdout go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
