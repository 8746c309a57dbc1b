"""Text to numbers: the one way of writing that fits every cell; what is no number stays NaN."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backtester.errors import PricesError
from backtester.prices.raw import TextBars, shown
from backtester.prices.table import Note, NoteKind

__all__ = ["NumberReading", "is_number", "read_numbers"]

_SPACES = " \u00a0\u2009\u202f"
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.ASCII | re.IGNORECASE)
# Cells of these characters alone are meant as numbers, and so decide how numbers are written.
_NUMBER_LIKE = re.compile(rf"[+-]?[\d.,'{_SPACES}]*\d[\d.,'{_SPACES}]*", re.ASCII)
# The second form groups as in India: 12,34,567.
_POINT = re.compile(
    rf"[+-]?(?:\d{{1,3}}([,'{_SPACES}])\d{{3}}(?:\1\d{{3}})*|\d{{1,2}}(?:,\d{{2}})+,\d{{3}})(?:\.\d*)?",
    re.ASCII,
)
_COMMA = re.compile(rf"[+-]?(?:\d+|\d{{1,3}}(?:([.'{_SPACES}])\d{{3}}(?:\1\d{{3}})*))(?:,\d+)?", re.ASCII)
_CURRENCIES = ("$", "€", "£", "¥", "₹")
_PRICES = ("open", "high", "low", "close", "adj_close")


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberReading:
    """Numbers of every numeric column.

    Parameters
    ----------
    values : float64 (n,) by standard name; NaN where the cell is blank or no number
    notes : how the numbers were written, where that is unusual
    """

    values: Mapping[str, NDArray[np.float64]]
    notes: tuple[Note, ...]


def is_number(text: str) -> bool:
    """Whether a text is a number in plain notation."""
    return _PLAIN.fullmatch(text) is not None


def read_numbers(bars: TextBars) -> NumberReading:
    """Read all columns but the date; each number is the double nearest to its text.

    Raises
    ------
    PricesError : the numbers can be read in two ways that differ
    """
    columns = {name: cells for name, cells in bars.cells.items() if name != "date"}
    notes: list[Note] = []
    bare = _without_currency(bars, columns, notes=notes)
    odd = {
        name: [row for row, cell in enumerate(cells) if cell and not is_number(cell)]
        for name, cells in bare.items()
    }
    decimal = _decimal_mark(bars, bare, odd=odd)
    values = {}
    for name, cells in bare.items():
        column = np.array(
            [_value(cell, decimal) for cell in cells]
            if decimal == ","
            else [float(cell) if is_number(cell) else _value(cell, decimal) for cell in cells],
            dtype=np.float64,
        )
        column.setflags(write=False)
        values[name] = column
    if any(_POINT.fullmatch(bare[name][row]) for name, rows in odd.items() for row in rows) or decimal == ",":
        text = "a decimal comma" if decimal == "," else "thousands separators"
        notes.append(Note(kind=NoteKind.REPAIR, text=f"{bars.name}: numbers are written with {text}."))
    return NumberReading(values=values, notes=tuple(notes))


def _without_currency(
    bars: TextBars, columns: Mapping[str, Sequence[str]], *, notes: list[Note]
) -> dict[str, Sequence[str]]:
    bare: dict[str, Sequence[str]] = dict(columns)
    for name in _PRICES:
        cells = columns.get(name, ())
        sign = next((cell[0] for cell in cells if cell), "")
        if sign in _CURRENCIES and all(not cell or cell[0] == sign for cell in cells):
            bare[name] = tuple(cell[1:].strip() for cell in cells)
            notes.append(
                Note(
                    kind=NoteKind.REPAIR,
                    text=f"{bars.name}: {sign} before each {bars.written[name]} left out.",
                )
            )
    return bare


def _decimal_mark(
    bars: TextBars, columns: Mapping[str, Sequence[str]], *, odd: Mapping[str, Sequence[int]]
) -> str:
    """Give the decimal mark that fits every cell that is meant as a number."""
    meant = [
        (name, row)
        for name, rows in odd.items()
        for row in rows
        if _NUMBER_LIKE.fullmatch(columns[name][row])
    ]
    if not meant:
        return "."
    point = all(_POINT.fullmatch(columns[name][row]) for name, row in meant)
    comma = all(
        not cell or _COMMA.fullmatch(cell) or not _NUMBER_LIKE.fullmatch(cell)
        for cells in columns.values()
        for cell in cells
    )
    if point and comma:
        for name, row in meant:
            cell = columns[name][row]
            if _value(cell, ".") != _value(cell, ","):
                raise PricesError(
                    f"{bars.name}: numbers read in two ways: {bars.written[name]} {shown(cell)} "
                    f"({bars.place(row)}) is {_value(cell, '.'):g} or {_value(cell, ','):g}.",
                    advice="Write the numbers without thousands separators and with a decimal point.",
                )
    return "," if comma and not point else "."


def _value(cell: str, decimal: str) -> float:
    if _INFINITE.fullmatch(cell):
        return math.copysign(math.inf, -1.0 if cell.startswith("-") else 1.0)
    pattern, group = (_COMMA, ".") if decimal == "," else (_POINT, ",")
    if pattern.fullmatch(cell):
        for separator in (group, "'", *_SPACES):
            cell = cell.replace(separator, "")
        return float(cell.replace(",", "."))
    return float(cell) if is_number(cell) and decimal == "." else math.nan
