"""Pairs of series for scatter plots: whether one says anything about the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from backtester.metrics.figures import defined

__all__ = ["PAIRS", "pair_values", "pairs"]

PAIRS: Mapping[str, tuple[str, str]] = {
    "previous": ("Return of the day before", "Return"),
    "volume": ("Change of log volume", "Return"),
    "range": ("High to low, log", "Absolute return"),
}
"""Scatter plots by name: what is across, what is up."""


def pairs(frame: pd.DataFrame, *, returns: pd.Series) -> dict[str, pd.DataFrame]:
    """Give the points of each scatter plot.

    Parameters
    ----------
    frame : bars by date
    returns : log returns of its closes, by date

    Returns
    -------
    dict by the names of PAIRS of frames ``x``, ``y`` by date without gaps; those that the bars allow
    """
    values = returns.to_numpy(dtype=np.float64)
    found: dict[str, pd.DataFrame] = {}
    index = pd.DatetimeIndex(returns.index)
    if len(values) > 2:
        found["previous"] = pd.DataFrame({"x": values[:-1], "y": values[1:]}, index=index[1:])
    if "volume" in frame:
        volume = frame["volume"].to_numpy(dtype=np.float64)
        both = (volume[1:] > 0.0) & (volume[:-1] > 0.0)
        change = np.log(volume[1:][both] / volume[:-1][both])
        found["volume"] = pd.DataFrame({"x": change, "y": values[both]}, index=index[both])
    if "high" in frame and "low" in frame:
        reach = np.log(frame["high"].to_numpy(dtype=np.float64) / frame["low"].to_numpy(dtype=np.float64))
        found["range"] = pd.DataFrame({"x": reach[1:], "y": np.abs(values)}, index=index)
    return {name: points for name, points in found.items() if len(points) >= 3}


def pair_values(points: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, Any]]:
    """Correlations of each pair.

    Returns
    -------
    dict by name of ``n``, ``pearson`` and ``spearman`` (None where one side never moves)
    """
    found = {}
    for name, frame in points.items():
        x, y = frame["x"].to_numpy(), frame["y"].to_numpy()
        moves = float(np.ptp(x)) > 0.0 and float(np.ptp(y)) > 0.0
        pearson = float(np.corrcoef(x, y)[0, 1]) if moves else float("nan")
        spearman = float(stats.spearmanr(x, y).statistic) if moves else float("nan")
        found[name] = {"n": len(frame), **defined({"pearson": pearson, "spearman": spearman})}
    return found
