"""A price file as it can be read: strictly as `run` does, and leniently, to look at what `run` refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.exploring.form import FileForm
from backtester.prices.columns import normalized
from backtester.prices.raw import Bars, RawTable, TextBars
from backtester.prices.table import Note

__all__ = ["Order", "Refusal", "Table", "TableRead"]

_EVENTS = {
    "dividends": ("dividends", "dividend", "dividendamount", "divcash"),
    "splits": ("stocksplits", "stocksplit", "splits", "split", "splitratio", "splitcoefficient"),
}


class Order(StrEnum):
    """How the rows of a file lie in time."""

    OLDEST_FIRST = "oldest first"
    NEWEST_FIRST = "newest first"
    MIXED = "in no order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why `run` does not take the file, and what to do about it."""

    message: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRead:
    """Rows that could be read although not all of the file can be used.

    Parameters
    ----------
    text : the columns that matter, as written, of all rows
    rows : with dates and numbers, in the order of the file
    bars : the rows that can be right, oldest first, one a date; prices as written
    bad : what is wrong with the others, by their place in ``rows``
    repeated : places in ``rows`` of dates that were there before, and whether their values differ
    order : of the rows
    """

    text: TextBars
    rows: Bars
    bars: Bars
    bad: Mapping[int, str]
    repeated: Mapping[int, bool]
    order: Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What could be learnt of one file.

    Parameters
    ----------
    symbol, name : of the prices, of the file
    form : of its bytes; None for a frame
    raw : its cells; None where they cannot be told apart
    read : its rows; None where there are no dates or no closes
    used : bars as `run` uses them, or as near to that as they can be: index ``date``, float64 columns
        ``close`` and what there is of ``open``, ``high``, ``low``, ``volume``; None where ``read`` is
    adjustment : ``adjusted``, ``raw`` or ``unknown``, of ``used``
    refusal : why `run` does not take it; None where it does
    notes : what `run` notes on reading
    left_out : what had to be left out to read it in spite of its refusal
    """

    symbol: str
    name: str
    form: FileForm | None
    raw: RawTable | None = None
    read: TableRead | None = None
    used: pd.DataFrame | None = None
    adjustment: str = "unknown"
    refusal: Refusal | None = None
    notes: tuple[Note, ...] = ()
    left_out: tuple[str, ...] = ()

    def header_of(self, event: str) -> str | None:
        """Header of the column of ``dividends`` or ``splits``; None where there is none."""
        headers = () if self.raw is None else self.raw.headers
        return next((header for header in headers if normalized(header) in _EVENTS[event]), None)

    def event_cells(self, event: str) -> tuple[str, ...]:
        """Cells of that column beside each of ``read.bars``; none where there is no such column."""
        header = self.header_of(event)
        if self.raw is None or self.read is None or header is None:
            return ()
        cells = self.raw.columns[self.raw.headers.index(header)]
        places = np.searchsorted(self.raw.lines, self.read.bars.lines)
        return tuple(cells[place] for place in places.tolist())

    def events(self, event: str) -> NDArray[np.float64] | None:
        """Give ``dividends`` or ``splits`` beside each of ``read.bars``: 0 where there was none or no number.

        Returns
        -------
        float64 (n,); None where the file has no such column
        """
        cells = self.event_cells(event)
        if not cells:
            return None
        values = np.array([_number(cell) for cell in cells])
        return np.where(np.isfinite(values), values, 0.0)


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return 0.0
