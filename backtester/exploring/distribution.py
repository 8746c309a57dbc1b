"""The distribution of returns: moments, tails, the worst and best days, held against a normal one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from backtester.metrics.figures import defined

__all__ = ["distribution_values", "log_returns", "normal_quantiles"]

TAILS = (0.001, 0.01, 0.05, 0.95, 0.99, 0.999)
_BEYOND = (3, 4, 5)
_N_EXTREMES = 10
_MOST_BINS = 81
_N_QQ = 400


def log_returns(close: pd.Series) -> pd.Series:
    """Log returns by the later date.

    Parameters
    ----------
    close : float64 by date, positive
    """
    logs = np.log(close.to_numpy(dtype=np.float64))
    return pd.Series(np.diff(logs), index=close.index[1:], name="return")


def distribution_values(returns: pd.Series) -> dict[str, Any]:
    """Moments and tails of returns.

    Parameters
    ----------
    returns : log returns by date, at least 3, not all equal

    Returns
    -------
    dict of ``n``, ``mean``, ``sd``, ``median``, ``min``, ``max``, ``skewness``, ``kurtosis`` (in excess of a
    normal one), ``jarque_bera`` (``statistic``, ``p_value``), ``zero`` and ``positive`` (shares), ``tails``
    (a list of ``share``, ``value``, ``normal``), ``beyond`` (days beyond 3, 4, 5 standard deviations and how
    many a normal distribution would have), ``worst`` and ``best`` (``date``, ``value``), and ``histogram``
    (``edges``, ``counts``)

    Source
    ------
    Skewness and excess kurtosis as scipy's, biased; Jarque and Bera (1980). Its p-value takes the days for
    independent, which they are not: it is a description, not a test of anything that is traded.
    """
    values = returns.to_numpy(dtype=np.float64)
    mean, sd = float(np.mean(values)), float(np.std(values, ddof=1))
    test = stats.jarque_bera(values)
    quantiles = np.quantile(values, TAILS)
    order = np.argsort(values, kind="stable")
    moments = {
        "mean": mean,
        "sd": sd,
        "median": float(np.median(values)),
        "min": float(values.min()),
        "max": float(values.max()),
        "skewness": float(stats.skew(values)),
        "kurtosis": float(stats.kurtosis(values)),
        "zero": float((values == 0.0).mean()),
        "positive": float((values > 0.0).mean()),
    }
    return {
        "n": len(values),
        **defined(moments),
        "jarque_bera": defined({"statistic": float(test.statistic), "p_value": float(test.pvalue)}),
        "tails": [
            {"share": share, "value": float(value), "normal": mean + sd * float(stats.norm.ppf(share))}
            for share, value in zip(TAILS, quantiles, strict=True)
        ],
        "beyond": [
            {
                "sd": k,
                "n": int((np.abs(values - mean) > k * sd).sum()),
                "normal": float(2.0 * stats.norm.sf(k) * len(values)),
            }
            for k in _BEYOND
        ],
        "worst": _days(returns, order[:_N_EXTREMES]),
        "best": _days(returns, order[::-1][:_N_EXTREMES]),
        "histogram": _histogram(values),
    }


def _days(returns: pd.Series, rows: NDArray[np.intp]) -> list[dict[str, Any]]:
    dates = pd.DatetimeIndex(returns.index).strftime("%Y-%m-%d")
    return [{"date": str(dates[row]), "value": float(returns.iloc[row])} for row in rows.tolist()]


def _histogram(values: NDArray[np.float64]) -> dict[str, Any]:
    """Counts in equal bins about zero; what lies beyond the outermost quantiles is in the last ones."""
    reach = max(float(np.quantile(np.abs(values), 0.998)), 1e-12)
    # Freedman and Diaconis (1981)
    spread = float(np.subtract(*np.quantile(values, [0.75, 0.25])))
    width = 2.0 * spread / math.cbrt(len(values)) if spread > 0.0 else reach / 20.0
    n = min(max(int(2.0 * reach / width) | 1, 11), _MOST_BINS)
    edges = np.linspace(-reach, reach, n + 1)
    counts, _ = np.histogram(np.clip(values, -reach, reach), bins=edges)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def normal_quantiles(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of a quantile plot against the normal distribution, thinned in its middle.

    Returns
    -------
    normal and observed quantiles, in standard deviations about the mean, at most about 400 each
    """
    ordered = np.sort((values - values.mean()) / values.std(ddof=1))
    n = len(ordered)
    places = np.arange(n)
    if n > _N_QQ:
        ends = _N_QQ // 4
        middle = np.linspace(ends, n - 1 - ends, _N_QQ - 2 * ends).round().astype(np.intp)
        places = np.unique(np.concatenate((places[:ends], middle, places[n - ends :])))
    normal = np.asarray(stats.norm.ppf((places + 0.5) / n), dtype=np.float64)
    return normal, ordered[places]
