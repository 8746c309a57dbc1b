"""What the user's code reads beside the bars: files and connections, which no cut reaches.

Python tells of each file that it opens and each connection that it makes. Those are counted while the user's
own code is on the stack, so that what is noted is the user's reading and not the program's. What a library
opens by itself, outside Python, is not told.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from backtester.audit.finding import TO_THE_END, Check, Leak
from backtester.prices import Prices
from backtester.prices.opening import display_name

__all__ = ["Reads", "check_reads", "noting_reads"]

_CODE = frozenset({".py", ".pyc", ".pyi", ".pyd", ".so", ".dll", ".dylib", ".pth", ".nbi", ".nbc"})
_IMPORTING = "<frozen importlib._bootstrap>"
_SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/", "/usr/")
"""Time zones, locales, fonts and the like."""
_CONNECTIONS = ("socket.connect", "socket.getaddrinfo", "sqlite3.connect", "urllib.Request")


@dataclass(slots=True, kw_only=True)
class Reads:
    """What one piece of the user's code read.

    Parameters
    ----------
    code : file of the user's code
    files : that it opened to read, in their order
    connected : whether it reached for the network or a database
    """

    code: str
    files: list[Path] = field(default_factory=list)
    connected: bool = False


_LISTENING: list[Reads] = []


@contextlib.contextmanager
def noting_reads(code: Path | None) -> Iterator[Reads]:
    """Note what a file of the user's code reads meanwhile.

    Parameters
    ----------
    code : as the code was loaded by; None: nothing is noted
    """
    reads = Reads(code=str(code))
    if code is None:
        yield reads
        return
    _install()
    _LISTENING.append(reads)
    try:
        yield reads
    finally:
        _LISTENING.remove(reads)


@functools.cache
def _install() -> None:
    sys.addaudithook(_heard)  # Python has no way to remove one


def _heard(event: str, given: tuple[object, ...]) -> None:
    if not _LISTENING or (event != "open" and event not in _CONNECTIONS):
        return
    path = _read_path(given) if event == "open" else None
    if event == "open" and path is None:
        return
    for reads in _LISTENING:
        if not _runs(reads.code):
            continue
        if path is None:
            reads.connected = True
        elif path not in reads.files:
            reads.files.append(path)


def _read_path(given: tuple[object, ...]) -> Path | None:
    """The file of data that is opened to be read; None for code, for writing, and for what the system has."""
    name, mode, flags = given
    if not isinstance(name, str | bytes | os.PathLike):
        return None
    reading = ("r" in mode or "+" in mode) if isinstance(mode, str) else not _writes(flags)
    path = Path(os.path.abspath(os.fsdecode(name)))
    if not reading or path.suffix.lower() in _CODE or str(path).startswith((*_SYSTEM, *_installed())):
        return None
    return path


def _writes(flags: object) -> bool:
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | getattr(os, "O_DIRECTORY", 0)))


@functools.cache
def _installed() -> tuple[str, ...]:
    """Folders of Python and its packages, whose data is none of the user's; the samples of prices are."""
    return tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


def _runs(code: str) -> bool:
    """Whether a file of code is on the stack, and does not merely import something."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if name in (code, _IMPORTING):
            return name == code
        frame = frame.f_back
    return False


def check_reads(reads: Reads, *, subject: str, prices: Prices, source: Path | None) -> list[Check]:
    """Say what was read: a note, and a leak where it is the file that the prices are from.

    Parameters
    ----------
    reads : of the user's code
    subject : what the code is
    prices : the whole history
    source : file of the prices; None where they are from none

    Returns
    -------
    One check; none where nothing was read
    """
    if not (reads.files or reads.connected):
        return []
    method = "files and connections that it opens"
    if source is not None and any(_same(path, source) for path in reads.files):
        text = f"it reads {display_name(source)}, the file of the prices, which is not cut"
        first, n_bars = prices.dates[0].date(), len(prices)
        leak = Leak(first=first, n_bars=n_bars, reach=TO_THE_END, text=text)
        return [Check(subject=subject, method=method, n=len(reads.files), leak=leak)]
    what = _named(reads.files, connected=reads.connected)
    note = f"it reads {what}: what it reads there is not cut, and may hold what was not known yet"
    return [Check(subject=subject, method=method, n=len(reads.files), note=note)]


def _same(path: Path, source: Path) -> bool:
    try:
        return path.samefile(source)
    except OSError:
        return False


def _named(files: Sequence[Path], *, connected: bool) -> str:
    names = [display_name(path) for path in files[:3]]
    if len(files) > len(names):
        names.append(f"{len(files) - len(names)} more files")
    if connected:
        names.append("from the network or a database")
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
