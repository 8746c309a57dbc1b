"""How long the blocks must be in which a series is drawn anew."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backtester.judgement.hac import autocovariances

__all__ = [
    "as_columns",
    "block_length",
    "expected_block_length",
    "optimal_block_length",
    "variance_of_mean",
    "varies",
]

Floats = NDArray[np.float64]

_SHORTEST = 11
"""Bars below which the rule for the block length has too few lags to look at."""
_ROUNDING = 1e-12
"""Relative spread below which a series is constant."""


def block_length(x: ArrayLike, *, circular: bool = False) -> int:
    """Give the mean length of the blocks to draw a series in, in whole bars.

    Parameters
    ----------
    x : array (n,), the series whose mean is in question: for two ways to trade, their difference
    circular : whether the blocks are all of that length, not of random length

    Returns
    -------
    int, 1 or more: the `optimal_block_length` rounded up; 1 where that is undefined

    Source
    ------
    At least 1: on independent data the rule gives less in more than a third of the draws.

    Examples
    --------
    >>> block_length([0.01] * 100)
    1
    """
    optimal = optimal_block_length(x, circular=circular)
    return max(1, math.ceil(optimal)) if math.isfinite(optimal) else 1


def optimal_block_length(x: ArrayLike, *, circular: bool = False) -> float:
    """Give the mean length of blocks with the least squared error in the variance of the mean.

    Parameters
    ----------
    x : array (n,), no NaN
    circular : whether the blocks are all of that length, not of random length

    Returns
    -------
    float, bars, at most min(3√n, n/3) rounded up; NaN for a constant series or fewer than 11 bars

    Source
    ------
    Politis and White (2004), corrected by Patton, Politis and White (2009): autocovariances up to twice the
    lag from which on max(5, log₁₀ n) autocorrelations in a row are below 2√(log₁₀ n / n), under a flat-top
    window. Agrees with ``arch.bootstrap.optimal_block_length``.
    """
    values = np.asarray(x, dtype=np.float64)
    n = len(values)
    if n < _SHORTEST or not varies(values)[0]:
        return math.nan
    in_a_row = max(5, int(math.log10(n)))
    largest = math.ceil(math.sqrt(n)) + in_a_row
    gamma = autocovariances(values, largest)
    small = _autocorrelations(values, gamma=gamma) < 2.0 * math.sqrt(math.log10(n) / n)
    runs = np.lib.stride_tricks.sliding_window_view(small[:-1], in_a_row).all(axis=1)
    lag = min(2 * max(int(np.argmax(runs)), 1), largest) if np.any(runs) else largest
    k = np.arange(lag + 1)
    window = np.minimum(1.0, 2.0 * (1.0 - k / lag))
    longest = math.ceil(min(3.0 * math.sqrt(n), n / 3.0))
    return min(expected_block_length(window * gamma[: lag + 1], n=n, circular=circular), float(longest))


def expected_block_length(gamma: ArrayLike, *, n: int, circular: bool = False) -> float:
    """Give the best mean length of blocks for known autocovariances.

    Parameters
    ----------
    gamma : array (lags + 1,), autocovariances from lag 0; those beyond count as 0
    n : bars of the series
    circular : whether the blocks are all of that length, not of random length

    Returns
    -------
    float, bars, 0 or more; infinite where the long-run variance is 0

    Source
    ------
    (2G²/D)^(1/3) n^(1/3), G = Σ |k| γ_k and g = Σ γ_k over all k, D = 2g², for circular blocks 4g²/3
    (Patton, Politis and White 2009).

    Examples
    --------
    An AR(1) with φ = 0.5, for which it is (2φ/(1 - φ²))^(2/3) n^(1/3):

    >>> round(expected_block_length([0.5**k for k in range(100)], n=1000), 4)
    12.1141
    """
    values = np.asarray(gamma, dtype=np.float64)
    slope = 2.0 * float(np.sum(np.arange(len(values)) * values))
    level = float(values[0]) + 2.0 * float(np.sum(values[1:]))
    if level == 0.0:
        return math.inf
    return float(((1.5 if circular else 1.0) * (slope / level) ** 2 * n) ** (1.0 / 3.0))


def variance_of_mean(x: ArrayLike, *, block: int) -> Floats:
    """Give the variance that the mean of a resample has, without drawing any.

    Parameters
    ----------
    x : array (n,) or (n, k), no NaN
    block : mean length of the blocks, bars

    Returns
    -------
    array (k,), 0 for a constant column

    Source
    ------
    (1/n)[γ₀ + 2 Σ κ_i γ_i], κ_i = (1 - i/n)(1 - 1/b)^i + (i/n)(1 - 1/b)^(n-i) (Politis and Romano 1994).
    As i and n - i go together, the same is a sum over the autocovariances around the circle.

    Examples
    --------
    >>> variance_of_mean([1.0, 2.0, 3.0, 2.0], block=1).round(6).tolist()
    [0.125]
    """
    values = as_columns(x)
    n = len(values)
    if n == 0:
        return np.full(values.shape[1], math.nan)
    centred = values - np.mean(values, axis=0)
    power = np.abs(np.fft.rfft(centred, axis=0)) ** 2
    around = np.fft.irfft(power, n=n, axis=0) / n
    i = np.arange(n)
    weights = (1.0 - i / n) * (1.0 - 1.0 / block) ** i
    total = around[0] + 2.0 * np.sum(weights[1:, None] * around[1:], axis=0)
    return np.where(varies(values), np.maximum(total, 0.0) / n, 0.0)


def as_columns(x: ArrayLike) -> Floats:
    """Give a series, or several beside each other, as an array (n, k)."""
    values = np.asarray(x, dtype=np.float64)
    return values[:, None] if values.ndim == 1 else values


def varies(x: ArrayLike) -> NDArray[np.bool_]:
    """Tell which columns vary by more than rounding: equal numbers differ by 1e-18, not by 0.

    Parameters
    ----------
    x : array (n,) or (n, k)

    Returns
    -------
    array (k,) of bool

    Examples
    --------
    >>> varies([[0.01, 1.0], [0.01, 2.0]]).tolist()
    [False, True]
    """
    values = as_columns(x)
    if len(values) == 0:
        return np.zeros(values.shape[1], dtype=np.bool_)
    found: NDArray[np.bool_] = np.ptp(values, axis=0) > _ROUNDING * np.max(np.abs(values), axis=0)
    return found


def _autocorrelations(values: Floats, *, gamma: Floats) -> Floats:
    """Size of each autocorrelation by the squares of the parts that overlap; infinite where one is 0."""
    n = len(values)
    lag = np.minimum(np.arange(len(gamma)), n - 2)
    squares = np.cumsum((values - np.mean(values)) ** 2)
    scale = np.sqrt(np.maximum(squares[-1] - squares[lag], 0.0) * squares[n - lag - 2])
    sizes: Floats = np.divide(n * np.abs(gamma), scale, out=np.full(len(gamma), math.inf), where=scale > 0.0)
    return sizes
