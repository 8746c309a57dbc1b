"""The form of a file, before its cells are read: bytes, line ends, quotes."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from backtester.prices.opening import display_name, open_regular, sha256_of

__all__ = ["FileForm", "read_form"]

_CHUNK = 1 << 20
_MOST_BYTES = 1 << 30
"""Unpacked bytes looked at: a small archive can hold more than any disk."""
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileForm:
    """What the bytes of a text file tell.

    Parameters
    ----------
    name : the file's name without its folder
    size : bytes on the disk
    sha256 : of these bytes
    packed : whether they are gzip data
    text : whether it is a file of text lines; the facts below are None where it is not
    encoding : ``UTF-8``, ``UTF-8 with a byte order mark`` or ``UTF-16``
    lines : line ends, and one for a last line without
    crlf : how many of them are CR LF
    final_newline : whether the last line ends
    quotes : how many ``"`` there are
    head : the first line as written, at most 500 characters
    """

    name: str
    size: int
    sha256: str
    packed: bool
    text: bool
    encoding: str | None = None
    lines: int | None = None
    crlf: int | None = None
    final_newline: bool | None = None
    quotes: int | None = None
    head: str | None = None


def read_form(path: Path) -> FileForm:
    """Look at the bytes of a file.

    Raises
    ------
    PricesError : missing, not readable, or no regular file
    """
    name = display_name(path)
    with open_regular(path) as file:
        sha256 = sha256_of(file)
        size = file.tell()
        file.seek(0)
        packed = name.lower().endswith(".gz")
        whole = FileForm(name=name, size=size, sha256=sha256, packed=packed, text=False)
        if name.lower().endswith((".parquet", ".pq")):
            return whole
        source = cast(BinaryIO, gzip.GzipFile(fileobj=file)) if packed else file
        try:
            return _text_form(source, whole)
        except (OSError, EOFError, zlib.error):
            return whole


def _text_form(source: BinaryIO, whole: FileForm) -> FileForm:
    head = source.read(_CHUNK)
    ends = crlf = quotes = total = 0
    chunk, last = head, b""
    while chunk and total < _MOST_BYTES:
        total += len(chunk)
        ends += chunk.count(b"\n")
        crlf += chunk.count(b"\r\n") + (last == b"\r" and chunk.startswith(b"\n"))
        quotes += chunk.count(b'"')
        last = chunk[-1:]
        chunk = source.read(_CHUNK)
    wide = head.startswith(_UTF16_MARKS)
    marked = head.startswith(_UTF8_MARK)
    if b"\0" in head and not wide:
        return whole
    first = head.decode("utf-16" if wide else "utf-8-sig", errors="replace").splitlines()
    return FileForm(
        name=whole.name,
        size=whole.size,
        sha256=whole.sha256,
        packed=whole.packed,
        text=True,
        encoding="UTF-16" if wide else "UTF-8 with a byte order mark" if marked else "UTF-8",
        # in UTF-16 a line end is two characters of two bytes, which the counts of bytes do not see
        lines=None if wide else ends + (last not in {b"\n", b""}),
        crlf=None if wide else crlf,
        final_newline=None if wide else last == b"\n",
        quotes=quotes,
        head=next((line[:500] for line in first if line.strip()), ""),
    )
