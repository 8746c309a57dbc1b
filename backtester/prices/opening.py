"""Open a price file safely: a regular, readable file of the kind it claims to be."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from backtester.errors import PricesError

__all__ = ["display_name", "foreign_kind", "open_regular", "sha256_of"]

HEAD_BYTES = 4096
# More control bytes than this share of the head: not a text file that was damaged, but no text at all.
BINARY_SHARE = 0.05
_TURNING = re.compile("[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_CONTROL = bytes(byte for byte in range(32) if byte not in b"\t\n\v\f\r") + b"\x7f"
_HTML_TAGS = (b"<!doctype html", b"<html", b"<head", b"<body", b"<title", b"<table")
_MAGIC = (
    (b"\x1f\x8b", "gzip data"),
    (b"PK\x03\x04", "a zip archive or a spreadsheet (.xlsx)"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet (.xls)"),
    (b"PAR1", "Parquet data"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ", "xz data"),
    (b"%PDF", "a PDF document"),
)


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file for reading bytes; symbolic links are followed.

    Raises
    ------
    PricesError : missing, not readable, or a folder, pipe or device; never waits for one
    """
    name = display_name(path)
    try:
        # O_NONBLOCK: opening a pipe without a writer would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise _cannot_open(name, error) from error
    try:
        _check_regular(descriptor, name)
    except BaseException:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb") as file:
        yield file


def _check_regular(descriptor: int, name: str) -> None:
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return
    kind = "a folder" if stat.S_ISDIR(mode) else "a pipe" if stat.S_ISFIFO(mode) else "a device"
    raise PricesError(f"{name} is {kind}, not a file.", advice="Give the path of a file with prices.")


def _cannot_open(name: str, error: Exception) -> PricesError:
    if isinstance(error, FileNotFoundError):
        return PricesError(
            f"{name}: no such file.",
            advice="Check the path; in a recipe it is relative to the recipe's folder.",
        )
    if isinstance(error, PermissionError):
        return PricesError(f"{name}: no permission to read it.", advice="Make the file readable (chmod u+r).")
    reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
    return PricesError(f"{name}: cannot be opened ({reason}).", advice="Check `path` in [data].")


def display_name(path: Path) -> str:
    """Give the file's name without its folder, for messages and the manifest.

    Characters that would turn the words around them, and control characters, are written as escapes.
    """
    name = os.fsencode(path.name or str(path)).decode("utf-8", errors="backslashreplace")
    return _TURNING.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), name)


def foreign_kind(head: bytes) -> str:
    """Say what a file is that is no table of text, or ``""`` where it may be one.

    Parameters
    ----------
    head : the file's first bytes, HEAD_BYTES at most
    """
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    # Not every "<" is markup: some vendors write the header as <DATE>,<OPEN>,...
    if start.startswith(b"<") and any(tag in start for tag in _HTML_TAGS):
        return "an HTML page"
    if start.startswith(b"<?xml"):
        return "XML"
    if start.startswith((b"{", b"[")):
        return "JSON"
    n_control = len(head) - len(head.translate(None, delete=_CONTROL))
    return "binary data" if n_control > BINARY_SHARE * len(head) else ""


def sha256_of(file: BinaryIO) -> str:
    """Hash a whole open file, in chunks."""
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()
