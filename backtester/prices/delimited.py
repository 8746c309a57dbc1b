"""Delimited text (CSV) to a raw table, line by line, so that size never exhausts the memory."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import BinaryIO, cast

import numpy as np

from backtester.errors import PricesError
from backtester.prices.columns import n_known, normalized
from backtester.prices.opening import HEAD_BYTES, foreign_kind
from backtester.prices.raw import MAX_ROWS, RawTable, refuse_rows
from backtester.prices.table import Note, NoteKind

__all__ = ["read_delimited"]

MAX_LINE_CHARACTERS = 100_000
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_EXPORT_AGAIN = "Export the prices again as CSV text, one row for each bar, with a header."


def read_delimited(file: BinaryIO, *, name: str) -> RawTable:
    """Read a header and rows of text cells.

    Parameters
    ----------
    file : open for reading bytes; it is gzip data if and only if ``name`` ends in ``.gz``
    name : the file's name, for messages

    Raises
    ------
    PricesError : not a table of text, or rows that do not fit its header
    """
    encoding = _checked_encoding(file, name)
    notes: list[Note] = []
    if encoding == "utf-16":
        notes.append(Note(kind=NoteKind.REPAIR, text=f"{name}: the text is UTF-16."))
    try:
        with closing(_lines(_unpacked(file, name), name=name, encoding=encoding)) as lines:
            first = next((line for line in lines if line[1].strip()), None)
            if first is None:
                raise PricesError(f"{name} is empty.", advice=_EXPORT_AGAIN)
            delimiter = _delimiter(first[1])
            if delimiter != ",":
                notes.append(_repair(name, f"the delimiter is a {DELIMITERS[delimiter]}."))
            return _table(_records(first, lines, delimiter=delimiter, name=name), name=name, notes=notes)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise PricesError(
            f"{name}: the gzip data are damaged or cut off.", advice="Get the file again."
        ) from error
    except UnicodeError as error:
        raise _not_text(file, name) from error


def _repair(name: str, text: str) -> Note:
    return Note(kind=NoteKind.REPAIR, text=f"{name}: {text}")


def _unpacked(file: BinaryIO, name: str) -> BinaryIO:
    file.seek(0)
    return cast(BinaryIO, gzip.GzipFile(fileobj=file)) if name.lower().endswith(".gz") else file


def _checked_encoding(file: BinaryIO, name: str) -> str:
    head = file.read(HEAD_BYTES)
    if name.lower().endswith(".gz") and head:
        if not head.startswith(b"\x1f\x8b"):
            raise PricesError(
                f"{name} is not gzip data, although its name ends in .gz.", advice="Rename it to end in .csv."
            )
        try:
            head = _unpacked(file, name).read(HEAD_BYTES)
        except (EOFError, OSError, zlib.error) as error:
            raise PricesError(
                f"{name}: the gzip data are damaged or cut off.", advice="Get the file again."
            ) from error
    if head.startswith(_UTF16_MARKS):
        return "utf-16"
    kind = foreign_kind(head)
    if not kind:
        return "utf-8-sig"
    advice = {
        "gzip data": "Name it .csv.gz, or unpack it first.",
        "Parquet data": 'Set `source = "parquet"` in [data].',
        "an HTML page": "The download probably failed and saved an error page: open it in a browser to see.",
    }
    raise PricesError(f"{name} is {kind}, not CSV text.", advice=advice.get(kind, _EXPORT_AGAIN))


def _lines(file: BinaryIO, *, name: str, encoding: str) -> Generator[tuple[int, str], None, None]:
    text = io.TextIOWrapper(file, encoding=encoding, newline=None)
    try:
        number = 0
        while line := text.readline(MAX_LINE_CHARACTERS + 1):
            number += 1
            if "\0" in line:
                raise PricesError(f"{name}: line {number} holds NUL bytes.", advice=_EXPORT_AGAIN)
            if len(line) > MAX_LINE_CHARACTERS:
                raise PricesError(
                    f"{name}: line {number} is longer than {MAX_LINE_CHARACTERS} characters.",
                    advice=_EXPORT_AGAIN,
                )
            yield number, line
    finally:
        # The caller goes on to hash the same open file.
        text.detach()


def _not_text(file: BinaryIO, name: str) -> PricesError:
    # The decoder reads ahead, so its error does not know the line: look for it again.
    for number, line in enumerate(_unpacked(file, name), start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            return PricesError(
                f"{name}: line {number} is not UTF-8 text (byte {line[error.start]:#04x}): "
                "binary data or another encoding.",
                advice="Save the file as UTF-8 text.",
            )
    return PricesError(f"{name} is not the text it claims to be.", advice="Save the file as UTF-8 text.")


def _delimiter(header: str) -> str:
    def rank(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([header], delimiter=delimiter), [])
        return n_known(cells), len(cells)

    return max(DELIMITERS, key=rank)


def _records(
    first: tuple[int, str], lines: Iterator[tuple[int, str]], *, delimiter: str, name: str
) -> Iterator[tuple[int, list[str]]]:
    current = first[0]

    def texts() -> Iterator[str]:
        nonlocal current
        yield first[1]
        for number, line in lines:
            current = number
            yield line

    reader = csv.reader(texts(), delimiter=delimiter)
    try:
        for record in reader:
            yield current, [cell.strip() for cell in record]
    except csv.Error as error:
        raise PricesError(
            f"{name}: line {current} cannot be read ({error}).", advice=_EXPORT_AGAIN
        ) from error


def _table(records: Iterator[tuple[int, list[str]]], *, name: str, notes: list[Note]) -> RawTable:
    first_line, header = next(records)
    numbers: list[int] = []
    rows: list[list[str]] = []
    n_blank, first_blank = first_line - 1, 1
    truncated = False
    for number, record in records:
        if not any(record):
            first_blank = first_blank if n_blank else number
            n_blank += 1
            continue
        if len(rows) == MAX_ROWS:
            truncated = True
            break
        numbers.append(number)
        rows.append(record)
    if not rows:
        raise PricesError(f"{name} holds a header only, no rows.", advice=_EXPORT_AGAIN)
    if n_blank:
        notes.append(_repair(name, f"{n_blank} blank line(s) left out, the first is line {first_blank}."))
    rows = _fitting(rows, header, numbers=numbers, name=name, notes=notes)
    return RawTable(
        name=name,
        headers=tuple(header),
        columns=tuple(zip(*rows, strict=True)),
        lines=np.asarray(numbers, dtype=np.int64),
        truncated=truncated,
        notes=tuple(notes),
    )


def _fitting(
    rows: list[list[str]], header: Sequence[str], *, numbers: Sequence[int], name: str, notes: list[Note]
) -> list[list[str]]:
    width = len(header)
    if all(len(row) == width + 1 and not row[-1] for row in rows):
        notes.append(_repair(name, "each row ends in a delimiter that the header lacks; left out."))
        return [row[:-1] for row in rows]
    odd = [(number, row) for number, row in zip(numbers, rows, strict=True) if len(row) != width]
    if odd:
        findings = [f"line {number} has {len(row)} field(s), the header has {width}" for number, row in odd]
        advice = "Remove or complete the line."
        if [number for number, row in odd] == [numbers[-1]] and len(rows[-1]) < width:
            advice = "The file seems to be cut off: get it again, or remove its last line."
        raise refuse_rows(name, findings, advice=advice)
    names = [normalized(cell) for cell in header]
    # One cell tells most rows from a header; comparing them all would be a third of the reading time.
    probe = next((position for position, cell in enumerate(header) if n_known([cell])), 0)
    again = [
        f"line {number} repeats the header"
        for number, row in zip(numbers, rows, strict=True)
        if normalized(row[probe]) == names[probe] and [normalized(cell) for cell in row] == names
    ]
    if again:
        raise refuse_rows(name, again, advice="Two files seem to be joined: give one file, with one header.")
    return rows
