"""How a series depends on its own past: autocorrelations with bands that hold when the variance moves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

__all__ = ["BAND", "autocorrelation_values", "robust_errors"]

BAND = 0.95
LAGS = 30
_JOINT = 10
"""Lags that are tested together."""


def autocorrelations(values: NDArray[np.float64], lags: int) -> NDArray[np.float64]:
    """Give the autocorrelations at lags 1 to ``lags``.

    Parameters
    ----------
    values : array (n,); NaN is missing, and pairs with it are left out
    lags : below n

    Returns
    -------
    array (lags,); NaN for a constant series

    Examples
    --------
    >>> autocorrelations(np.array([1.0, -1.0, 1.0, -1.0]), 1).tolist()
    [-0.75]
    """
    centred = np.where(np.isfinite(values), values - np.nanmean(values), 0.0)
    total = float(np.sum(centred * centred))
    if not total > 0.0:
        return np.full(lags, math.nan)
    return np.array([float(np.sum(centred[k:] * centred[:-k])) / total for k in range(1, lags + 1)])


def robust_errors(values: NDArray[np.float64], lags: int) -> NDArray[np.float64]:
    """Standard errors of the autocorrelations of a series that has none, whatever its variance does.

    Parameters
    ----------
    values : array (n,); NaN is missing
    lags : below n

    Returns
    -------
    array (lags,); 1/√n on average where the variance is constant, wider at lags over which it clusters

    Source
    ------
    √(Σ_t x²_t x²_{t-k}) / Σ_t x²_t with x about its mean: Taylor (1984); the same δ_k as in Lo and MacKinlay
    (1988). The usual ±1.96/√n is too narrow for returns, whose large days come together.

    Examples
    --------
    >>> robust_errors(np.array([1.0, -1.0, 1.0, -1.0]), 1).round(6).tolist()
    [0.433013]
    """
    squares = np.where(np.isfinite(values), (values - np.nanmean(values)) ** 2, 0.0)
    total = float(np.sum(squares))
    if not total > 0.0:
        return np.full(lags, math.nan)
    return np.array(
        [math.sqrt(float(np.sum(squares[k:] * squares[:-k]))) / total for k in range(1, lags + 1)]
    )


def autocorrelation_values(values: NDArray[np.float64]) -> dict[str, Any] | None:
    """Autocorrelations of a series, their bands, and a test of the first ten together.

    Parameters
    ----------
    values : array (n,); NaN is missing

    Returns
    -------
    dict of ``lags``, ``values``, ``band`` (half width around 0 at 95 %), ``outside`` (lags beyond it),
    ``expected_outside`` (by luck), ``joint`` (``lags``, ``statistic``, ``p_value``); None for fewer than 60
    numbers or a constant series

    Source
    ------
    Σ (ρ_k / se_k)² over the first ten lags, chi-squared with ten degrees of freedom (Diebold 1986).
    """
    known = int(np.isfinite(values).sum())
    if known < 60:
        return None
    lags = min(LAGS, known // 4)
    found, errors = autocorrelations(values, lags), robust_errors(values, lags)
    if not np.isfinite(found).all() or not (errors > 0.0).all():
        return None
    band = float(stats.norm.ppf(0.5 + BAND / 2.0)) * errors
    joint = min(_JOINT, lags)
    statistic = float(np.sum((found[:joint] / errors[:joint]) ** 2))
    return {
        "lags": list(range(1, lags + 1)),
        "values": found.tolist(),
        "band": band.tolist(),
        "outside": (np.flatnonzero(np.abs(found) > band) + 1).tolist(),
        "expected_outside": (1.0 - BAND) * lags,
        "joint": {
            "lags": joint,
            "statistic": statistic,
            "p_value": float(stats.chi2.sf(statistic, joint)),
        },
    }
