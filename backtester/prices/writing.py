"""Prices to a CSV that reads back to the same bars."""

from __future__ import annotations

from pathlib import Path

from backtester.files import write_bytes
from backtester.prices.table import Adjustment, Prices

__all__ = ["write_csv"]


def write_csv(prices: Prices, path: Path) -> None:
    """Write the bars: ISO dates, floats that read back exactly.

    Adjusted prices get an ``adj_close`` equal to their close, so that a reader knows they are.

    Raises
    ------
    StorageError : the disk is full or read-only
    """
    frame = prices.frame
    if prices.adjustment is Adjustment.ADJUSTED:
        frame = frame.assign(adj_close=frame["close"])
    text = frame.to_csv(date_format="%Y-%m-%d", lineterminator="\n")
    write_bytes(path, text.encode())
