"""Small price files, clean or with one quirk planted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

HEADER = ["Date", "Open", "High", "Low", "Close", "Adj Close", "Volume"]
CLEAN = {"adjusted_close"}
"""What is found in a clean table with an adjusted close: that there is one."""

Row = list[str]


def clean_rows(n_bars: int = 600) -> list[Row]:
    """A random walk about 1000 on every weekday, in cents; one dividend in the middle."""
    random = np.random.default_rng(11)
    close = 1000.0 * np.exp(np.cumsum(random.normal(0.0, 0.008, n_bars)))
    opens = close * np.exp(random.normal(0.0, 0.004, n_bars))
    high, low = np.maximum(opens, close) * 1.003, np.minimum(opens, close) * 0.997
    factor = np.where(np.arange(n_bars) < n_bars // 2, 0.99, 1.0)
    volume = random.integers(400_001, 600_001, n_bars) // 10 * 10 + 7
    days = pd.bdate_range("2015-01-01", periods=n_bars)
    return [
        [f"{day:%Y-%m-%d}", *(f"{price:.2f}" for price in prices), f"{adjusted:.4f}", str(traded)]
        for day, *prices, adjusted, traded in zip(
            days, opens, high, low, close, np.round(close, 2) * factor, volume, strict=True
        )
    ]


def csv_bytes(rows: Sequence[Row], *, header: Sequence[str] = HEADER, end: str = "\n") -> bytes:
    return "".join(",".join(cells) + end for cells in (header, *rows)).encode()


def without(rows: Sequence[Row], *places: int) -> list[Row]:
    """The same rows without these columns."""
    return [[cell for place, cell in enumerate(row) if place not in places] for row in rows]


def scaled(row: Row, factor: float, *, places: Sequence[int] = (1, 2, 3, 4, 5)) -> Row:
    return [f"{float(cell) * factor:.4f}" if place in places else cell for place, cell in enumerate(row)]
