"""The mean of a series whose neighbours depend on each other, and its standard error.

HAC: errors that stay right under heteroskedasticity and autocorrelation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Kernel",
    "MeanTest",
    "autocovariances",
    "automatic_lags",
    "long_run_variance",
    "mean_test",
]

_ROUNDING = 1e-12
"""Relative size below which a spread is none: equal numbers differ from their mean by 1e-18, not by 0."""


class Kernel(StrEnum):
    """The weight of an autocovariance by its lag k of at most L."""

    BARTLETT = "bartlett"
    """1 - k / (L + 1): the variance is never negative, but too small where the lags do not reach far."""
    RECTANGULAR = "rectangular"
    """1: right where nothing depends on what is more than L back; the estimate may be negative."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanTest:
    """A mean beside its standard error.

    Parameters
    ----------
    mean, se : in the unit of the series; the standard error of a constant series is 0
    statistic : mean / se; NaN where the standard error is 0 or unknown
    """

    mean: float
    se: float
    statistic: float


def autocovariances(x: ArrayLike, lags: int) -> NDArray[np.float64]:
    """Give the autocovariances of a series.

    Parameters
    ----------
    x : array (n,), no NaN
    lags : the largest lag, 0 or more

    Returns
    -------
    array (lags + 1,), from lag 0, in the square of the unit of x; 0 from lag n on and for a constant
    series, NaN for an empty one

    Source
    ------
    γ_k = (1/n) Σ_{t>k} (x_t - x̄)(x_{t-k} - x̄). Divided by n at every lag, without which the Bartlett sum
    could be negative.

    Examples
    --------
    >>> autocovariances([1.0, 2.0, 3.0], 1).round(6).tolist()
    [0.666667, 0.0]
    """
    values = np.asarray(x, dtype=np.float64)
    n = len(values)
    if n == 0:
        return np.full(lags + 1, math.nan)
    centred = values - np.mean(values)
    if np.max(np.abs(centred)) <= _ROUNDING * np.max(np.abs(values)):
        return np.zeros(lags + 1)
    # a sum of products, not a dot product: the last bits of that depend on the threads of the BLAS
    return np.array([float(np.sum(centred[k:] * centred[: max(n - k, 0)])) / n for k in range(lags + 1)])


def automatic_lags(n: int) -> int:
    """Give the lags to take in where nothing is known of the dependence.

    Parameters
    ----------
    n : numbers in the series

    Returns
    -------
    int, 0 or more; below n

    Source
    ------
    ⌊4 (n/100)^(2/9)⌋, the usual reading of Newey and West (1994) for the Bartlett kernel.

    Examples
    --------
    >>> automatic_lags(1250)
    7
    """
    return max(0, min(math.floor(4.0 * math.pow(n / 100.0, 2.0 / 9.0)), n - 1))


def long_run_variance(x: ArrayLike, *, lags: int, kernel: Kernel | str = Kernel.BARTLETT) -> float:
    """Give the variance of √n times the mean of a series.

    Parameters
    ----------
    x : array (n,), no NaN
    lags : the largest lag taken in
    kernel : weights of the lags

    Returns
    -------
    float, in the square of the unit of x; 0 for a constant series, NaN for an empty one; may be negative
    under the rectangular kernel

    Source
    ------
    γ₀ + 2 Σ_{k=1..L} w_k γ_k: Newey and West (1987) for Bartlett weights, Hansen and Hodrick (1980) for
    equal ones. Agrees with statsmodels.

    Examples
    --------
    >>> round(long_run_variance([1.0, 2.0, 3.0, 2.0], lags=1, kernel="rectangular"), 6)
    0.5
    """
    gamma = autocovariances(x, lags)
    k = np.arange(1, lags + 1)
    weights = 1.0 - k / (lags + 1.0) if Kernel(kernel) is Kernel.BARTLETT else np.ones(lags)
    total = float(gamma[0] + 2.0 * np.sum(weights * gamma[1:]))
    # what cancels leaves crumbs, and a statistic would be made of them
    return 0.0 if abs(total) <= _ROUNDING * float(gamma[0]) else total


def mean_test(x: ArrayLike, *, lags: int, kernel: Kernel | str = Kernel.BARTLETT) -> MeanTest:
    """Hold the mean of a series against 0.

    Parameters
    ----------
    x : array (n,), no NaN
    lags : the largest lag taken in
    kernel : weights of the lags; Bartlett's where the rectangular ones give no positive variance

    Returns
    -------
    MeanTest; standard error and statistic are NaN for fewer than lags + 2 numbers, the mean for none

    Source
    ------
    se = √(long-run variance / n), without a correction for small samples: a t-statistic as statsmodels
    gives it for OLS on a constant with ``cov_type="HAC"``.

    Examples
    --------
    >>> mean_test([1.0, 2.0, 3.0, 2.0], lags=0)
    MeanTest(mean=2.0, se=0.3535533905932738, statistic=5.65685424949238)
    """
    values = np.asarray(x, dtype=np.float64)
    n = len(values)
    mean = float(np.mean(values)) if n else math.nan
    if n < lags + 2:
        return MeanTest(mean=mean, se=math.nan, statistic=math.nan)
    variance = long_run_variance(values, lags=lags, kernel=kernel)
    if variance <= 0.0:
        variance = long_run_variance(values, lags=lags)
    se = math.sqrt(max(variance, 0.0) / n)
    return MeanTest(mean=mean, se=se, statistic=mean / se if se > 0.0 else math.nan)
