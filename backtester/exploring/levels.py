"""Boxes of prices and returns, rolling volatility, drawdown, moving averages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.exploring.seasons import MONTHS, WEEKDAYS

__all__ = ["MEANS", "VOLATILITY_SESSIONS", "box", "box_values", "drawdown", "moving_means", "volatility"]

MEANS = (50, 100)
"""Lengths of the moving averages, in sessions."""
VOLATILITY_SESSIONS = (21, 63)
_WHISKER = 1.5
_N_OUTLIERS = 12


def moving_means(close: pd.Series) -> dict[int, pd.Series]:
    """Means of the last 50 and 100 closes, the present one among them; NaN before there are so many."""
    return {length: close.rolling(length).mean() for length in MEANS}


def volatility(returns: pd.Series, *, periods_per_year: float) -> dict[int, pd.Series]:
    """Standard deviation of the last 21 and 63 returns, a year; NaN before there are so many."""
    factor = math.sqrt(periods_per_year)
    return {length: factor * returns.rolling(length).std() for length in VOLATILITY_SESSIONS}


def drawdown(close: pd.Series) -> pd.Series:
    """How far each close is below the highest so far, a share in [-1, 0]."""
    return close / close.cummax() - 1.0


def box(values: NDArray[np.float64]) -> dict[str, Any] | None:
    """Quartiles, whiskers and what lies beyond them.

    Returns
    -------
    dict of ``n``, ``q1``, ``median``, ``q3``, ``low`` and ``high`` (the last values within 1.5 times the
    quartiles' distance, Tukey 1977), ``outside`` (how many lie beyond), ``mean`` and ``extremes`` (the
    farthest of them, at most 12); None for fewer than 5 numbers

    Examples
    --------
    >>> box(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 99.0]))["extremes"]
    [99.0]
    """
    found = np.sort(values[np.isfinite(values)])
    if len(found) < 5:
        return None
    q1, median, q3 = (float(value) for value in np.quantile(found, [0.25, 0.5, 0.75]))
    reach = _WHISKER * (q3 - q1)
    within = found[(found >= q1 - reach) & (found <= q3 + reach)]
    beyond = found[(found < q1 - reach) | (found > q3 + reach)]
    farthest = beyond[np.argsort(-np.abs(beyond - median))][:_N_OUTLIERS]
    return {
        "n": len(found),
        "q1": q1,
        "median": median,
        "q3": q3,
        "low": float(within.min()),
        "high": float(within.max()),
        "outside": len(beyond),
        "mean": float(found.mean()),
        "extremes": sorted(farthest.tolist()),
    }


def box_values(frame: pd.DataFrame, *, returns: pd.Series) -> dict[str, dict[str, Any]]:
    """Boxes of price levels, and of returns by year, month and weekday.

    Parameters
    ----------
    frame : bars by date
    returns : log returns by date

    Returns
    -------
    dict of ``prices``, ``year``, ``month`` and ``weekday``, each a mapping of names to boxes
    """
    dates = pd.DatetimeIndex(returns.index)
    names = [name for name in ("open", "high", "low", "close") if name in frame]
    years = dates.year.to_numpy()
    groups: dict[str, Mapping[str, NDArray[np.bool_]]] = {
        "year": {str(year): years == year for year in np.unique(years).tolist()},
        "month": {name[:3]: dates.month.to_numpy() == number for number, name in enumerate(MONTHS, start=1)},
        "weekday": {name: dates.day_of_week.to_numpy() == number for number, name in enumerate(WEEKDAYS)},
    }
    values = returns.to_numpy(dtype=np.float64)
    boxes = {
        "prices": {name.title(): box(frame[name].to_numpy(dtype=np.float64)) for name in names},
        **{
            kind: {name: box(values[inside]) for name, inside in group.items()}
            for kind, group in groups.items()
        },
    }
    return {
        kind: {name: found for name, found in group.items() if found is not None}
        for kind, group in boxes.items()
    }
