"""The CSV of a fetched symbol: only a file of ours is replaced, and one with more rows never by a part."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from backtester.errors import PricesError
from backtester.files import create_bytes, make_folder, write_bytes
from backtester.prices.opening import open_regular
from backtester.prices.symbols import file_stem

__all__ = ["COLUMNS", "Written", "write_symbol"]

COLUMNS = {
    "Open": "open",
    "High": "high",
    "Low": "low",
    "Close": "close",
    "Adj Close": "adj_close",
    "Volume": "volume",
    "Dividends": "dividends",
    "Stock Splits": "splits",
}
"""Names in the file, by those of yfinance."""
_HEADER = ",".join(("date", *COLUMNS.values())).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Where a symbol was written.

    Parameters
    ----------
    file : None where another file stays in its place
    said, advice : why it stays, and what to do
    """

    file: Path | None = None
    said: str = ""
    advice: str = ""


def write_symbol(frame: pd.DataFrame, *, symbol: str, folder: Path, whole: bool) -> Written:
    """Write a symbol's bars as a CSV of its name.

    Parameters
    ----------
    frame : dates as index, and columns under their names in the file
    whole : whether these are all bars that were asked for; else a file with more rows stays

    Raises
    ------
    StorageError : the folder cannot be made or written
    """
    make_folder(folder)
    file = folder / f"{file_stem(symbol)}.csv"
    content = frame.to_csv(date_format="%Y-%m-%d", lineterminator="\n").encode()
    if not os.path.lexists(file) and create_bytes(file, content):
        return Written(file=file)
    n_rows = _rows_of_ours(file, header=content.split(b"\n", 1)[0])
    if n_rows is None:
        return Written(
            said=f"{file.name} is there already and was not written by this command: it stays.",
            advice="Name another folder with --out, or move that file away.",
        )
    if not whole and n_rows > len(frame):
        return Written(said=f"{file.name} has {n_rows} rows, more than the {len(frame)} of now: it stays.")
    write_bytes(file, content)
    return Written(file=file)


def _rows_of_ours(file: Path, *, header: bytes) -> int | None:
    """Count the rows of a CSV that this command wrote; None where its header is another's."""
    try:
        with open_regular(file) as opened:
            first = opened.readline(len(_HEADER) + len(header) + 2).rstrip(b"\r\n")
            return sum(1 for _ in opened) if first in {_HEADER, header} else None
    except (PricesError, OSError):
        return None
