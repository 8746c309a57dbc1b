"""What a source gives before anything is believed: named columns of text, and where each row stood."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backtester.errors import PricesError
from backtester.prices.table import Note

__all__ = ["MAX_ROWS", "Bars", "RawTable", "TextBars", "listed", "refuse_rows", "shown"]

MAX_ROWS = 500_000
"""Rows read from a source at most: no daily history is as long, and memory stays bounded."""

N_LISTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTable:
    """Text cells as the source has them.

    Parameters
    ----------
    name : what messages call the source: the file's name without its folder
    headers : one for each column, as written
    columns : one tuple of text cells for each column; a blank cell is ``""``
    lines : where each row stood (1-based; in a file the header is line 1)
    unit : ``line`` for text files, ``row`` for the others
    truncated : whether there are more rows than MAX_ROWS
    notes : repairs of form made on the way
    """

    name: str
    headers: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    lines: NDArray[np.int64]
    unit: str = "line"
    truncated: bool = False
    notes: tuple[Note, ...] = ()

    def with_notes(self, notes: Iterable[Note]) -> RawTable:
        """Give the same table with these notes first."""
        return replace(self, notes=(*notes, *self.notes))


@dataclass(frozen=True, slots=True, kw_only=True)
class TextBars:
    """The columns that matter, under their standard names, still as text.

    Parameters
    ----------
    cells : text by standard name: ``date``, ``close``, and of the others those that are there
    written : the header as written, by standard name
    """

    name: str
    cells: Mapping[str, tuple[str, ...]]
    written: Mapping[str, str]
    lines: NDArray[np.int64]
    unit: str
    truncated: bool
    notes: tuple[Note, ...]

    def place(self, row: int) -> str:
        """Where a row stood in the source."""
        return f"{self.unit} {self.lines[row]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Rows with dates and numbers, in the order of the source until they are sorted.

    Parameters
    ----------
    dates : (n,) datetime64[D]
    values : float64 (n,) by standard name, read-only; NaN where a cell is not a number
    text : the cells as written, for messages
    """

    name: str
    dates: NDArray[np.datetime64]
    values: Mapping[str, NDArray[np.float64]]
    text: Mapping[str, tuple[str, ...]]
    written: Mapping[str, str]
    lines: NDArray[np.int64]
    unit: str

    def __len__(self) -> int:
        return len(self.dates)

    def place(self, row: int) -> str:
        """Where a row stood in the source, and its date."""
        return f"{self.unit} {self.lines[row]} ({self.dates[row]})"

    def cell(self, column: str, row: int) -> str:
        """Header and value as written, for messages."""
        return f"{self.written[column]} {shown(self.text[column][row])}"

    def take(self, rows: NDArray[np.intp]) -> Bars:
        """Give these rows, in this order."""
        values = {name: column[rows] for name, column in self.values.items()}
        for column in values.values():
            column.setflags(write=False)
        return replace(
            self,
            dates=self.dates[rows],
            values=values,
            text={name: tuple(cells[row] for row in rows) for name, cells in self.text.items()},
            lines=self.lines[rows],
        )


def shown(text: str) -> str:
    """Quote a value from a file for a message: escaped, and short."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


def listed(items: Sequence[str], *, joint: str = "; ") -> str:
    """Join the first five items, and say how many more there are."""
    more = len(items) - N_LISTED
    return joint.join(items[:N_LISTED]) + (f" and {more} more" if more > 0 else "")


def refuse_rows(name: str, findings: Iterable[str], *, advice: str) -> PricesError:
    """Make the error for rows that cannot be used: all if few, else the first five and the count."""
    found = list(findings)
    if len(found) == 1:
        return PricesError(f"{name}: {found[0]}.", advice=advice)
    count = f"{len(found)} rows cannot be used"
    first = ", the first five" if len(found) > N_LISTED else ""
    return PricesError(f"{name}: {count}{first}: {'; '.join(found[:N_LISTED])}.", advice=advice)
