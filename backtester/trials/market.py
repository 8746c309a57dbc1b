"""Which returns are of the same market: decided by what they are, not by what they are called."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["AGREEING_SHARE", "MIN_COMMON", "MIN_MOVED", "TOLERANCE", "market_key", "same_market", "seconds"]

MIN_COMMON = 60
MIN_MOVED = 30
AGREEING_SHARE = 0.9
TOLERANCE = 0.02


def same_market(
    dates: pd.DatetimeIndex,
    market: npt.NDArray[np.float64],
    *,
    other: tuple[pd.DatetimeIndex, npt.NDArray[np.float64]],
) -> bool:
    """Whether two series of an asset's returns are of the same asset over much the same time.

    They are where they are equal to the last bit; or where they have at least 60 dates in common, at
    least half of the shorter one, and agree on at least 90 % of those on which the price moved, of which
    there must be 30. Names do not count, nor where a series begins: neither hides a trial.

    Parameters
    ----------
    dates, market : (n,) one series, simple returns from close to close
    other : the other

    Notes
    -----
    Two returns agree within 2 % of the median move. Measured in docs/trials.md: one asset under two
    adjustments or from two sources agrees so on 96 % of the days or more, a fund and the index that it
    follows on 18 %. Dividends and splits, which part adjusted prices from raw ones, are few days. Days
    on which neither moved say nothing: two illiquid assets stand still on the same ones.
    """
    if market_key(dates, market) == market_key(*other):
        return True
    _, mine, theirs = np.intersect1d(
        seconds(dates), seconds(other[0]), assume_unique=True, return_indices=True
    )
    if len(mine) < max(MIN_COMMON, min(len(market), len(other[1])) / 2):
        return False
    x, y = market[mine], other[1][theirs]
    size = np.maximum(np.abs(x), np.abs(y))
    moved = size > 0.0  # NaN has not moved
    if moved.sum() < MIN_MOVED:
        return False
    agreeing = np.abs(x - y)[moved] <= TOLERANCE * np.median(size[moved])
    return bool(agreeing.mean() >= AGREEING_SHARE)


def market_key(dates: pd.DatetimeIndex, market: npt.NDArray[np.float64]) -> bytes:
    """Hash a series of returns: equal where it is equal to the last bit."""
    return hashlib.sha256(seconds(dates).tobytes() + np.ascontiguousarray(market).tobytes()).digest()


def seconds(dates: pd.DatetimeIndex) -> npt.NDArray[np.int64]:
    """Give dates as seconds since 1970: an index may count in any unit."""
    return dates.to_numpy().astype("datetime64[s]").astype(np.int64)
