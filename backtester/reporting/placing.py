"""Where a page of ours may be written: never over a file that is something else."""

from __future__ import annotations

from pathlib import Path

from backtester.errors import RunDirectoryError

__all__ = ["check_page_place", "page_mark"]

_HEAD_BYTES = 4096


def page_mark(command: str) -> str:
    """Element in the head of a page that tells which command made it."""
    return f'<meta name="generator" content="walkforward-backtester {command}">'


def check_page_place(path: Path, *, command: str) -> None:
    """Check that a page may be written here: nothing is here, or a page of the same command.

    Parameters
    ----------
    path : of the page
    command : whose page it is, such as ``compare``

    Raises
    ------
    RunDirectoryError : something else is here
    """
    advice = "Nothing was changed. Name another file with --out."
    mark = page_mark(command).encode()
    if path.is_dir():
        raise RunDirectoryError(f"{path}: is a folder, not a file.", advice=advice)
    try:
        head = path.read_bytes()[:_HEAD_BYTES] if path.exists() or path.is_symlink() else mark
    except OSError:
        head = b""
    if mark not in head:
        raise RunDirectoryError(f"{path}: is not a page of `backtester {command}`.", advice=advice)
