"""Figures of a series of returns.

Returns are simple returns per bar. A figure that is not defined is NaN.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "annual_turnover",
    "cagr",
    "drawdowns",
    "max_drawdown",
    "risk_free_per_bar",
    "sharpe",
    "total_return",
    "volatility",
]

_ROUNDING = 1e-12
"""Relative spread below which a series is constant: the sd of equal numbers comes out as 1e-18, not 0."""


def total_return(returns: ArrayLike) -> float:
    """Compound returns.

    Parameters
    ----------
    returns : array (n_bars,), simple returns, no NaN

    Returns
    -------
    float, a share: 0.1 is 10 %; 0 for no bars

    Examples
    --------
    >>> round(total_return([0.5, -0.5]), 12)
    -0.25
    """
    return float(np.prod(1.0 + _array(returns))) - 1.0


def cagr(returns: ArrayLike, *, periods_per_year: float) -> float:
    """Growth a year, compounded.

    Parameters
    ----------
    returns : array (n_bars,), simple returns, no NaN
    periods_per_year : bars in a year

    Returns
    -------
    float, a share a year; -1 after a total loss, NaN for no bars

    Source
    ------
    Π(1 + r)^(periods_per_year / n_bars) - 1. Agrees with QuantStats.

    Examples
    --------
    >>> round(cagr([0.1, 0.1], periods_per_year=1), 12)
    0.1
    """
    values = _array(returns)
    if len(values) == 0:
        return math.nan
    grown = 1.0 + total_return(values)
    if grown <= 0.0:
        return -1.0
    exponent = math.log(grown) * periods_per_year / len(values)
    return math.expm1(exponent) if exponent < 700.0 else math.inf


def volatility(returns: ArrayLike, *, periods_per_year: float) -> float:
    """Standard deviation of returns, a year.

    Parameters
    ----------
    returns : array (n_bars,), simple returns, no NaN
    periods_per_year : bars in a year

    Returns
    -------
    float, a share; exactly 0 for constant returns, NaN for fewer than 2 bars

    Source
    ------
    sd · √periods_per_year with ddof 1. Agrees with QuantStats.
    """
    return _sd(_array(returns)) * math.sqrt(periods_per_year)


def sharpe(returns: ArrayLike, *, periods_per_year: float, risk_free_rate: float = 0.0) -> float:
    """Mean excess return over its standard deviation, a year.

    Parameters
    ----------
    returns : array (n_bars,), simple returns, no NaN
    periods_per_year : bars in a year
    risk_free_rate : a year; per bar it is `risk_free_per_bar`

    Returns
    -------
    float; NaN when the volatility is 0 or there are fewer than 2 bars

    Source
    ------
    √periods_per_year · mean(r - rf) / sd(r - rf) with ddof 1 (Sharpe 1994). Agrees with QuantStats
    where that is defined; QuantStats gives 0, an infinity or a huge number when the volatility is 0.

    Examples
    --------
    >>> round(sharpe([0.01, -0.02, 0.03, -0.01, 0.02], periods_per_year=252), 5)
    4.59322
    """
    values = _array(returns)
    spread = _sd(values)
    if not spread > 0.0:
        return math.nan
    risk_free = risk_free_per_bar(risk_free_rate, periods_per_year=periods_per_year)
    return math.sqrt(periods_per_year) * (float(np.mean(values)) - risk_free) / spread


def risk_free_per_bar(rate: float, *, periods_per_year: float) -> float:
    """Give the return a bar that compounds to a rate a year.

    Examples
    --------
    >>> round(risk_free_per_bar(0.21, periods_per_year=2), 12)
    0.1
    """
    return math.expm1(math.log1p(rate) / periods_per_year)


def drawdowns(returns: ArrayLike) -> NDArray[np.float64]:
    """How far the equity is below its highest so far, at each bar.

    Parameters
    ----------
    returns : array (n_bars,), simple returns, no NaN

    Returns
    -------
    array (n_bars,), shares in [-1, 0]; the equity of 1 before the first return counts as a peak

    Examples
    --------
    >>> drawdowns([-0.5, 1.0, 0.5, -0.25]).tolist()
    [-0.5, 0.0, 0.0, -0.25]
    """
    equity = np.cumprod(1.0 + _array(returns))
    peak = np.maximum.accumulate(np.concatenate(([1.0], equity)))[1:]
    return equity / peak - 1.0


def max_drawdown(returns: ArrayLike) -> float:
    """Give the deepest of the `drawdowns`, a share in [-1, 0]; 0 for no bars.

    Examples
    --------
    >>> max_drawdown([-0.5, 1.0, 0.5, -0.25])
    -0.5
    """
    return float(np.min(drawdowns(returns), initial=0.0))


def annual_turnover(turnover: ArrayLike, *, periods_per_year: float) -> float:
    """Mean turnover a bar times bars a year: 2 is in and out of the whole equity once a year.

    Parameters
    ----------
    turnover : array (n_bars,), value traded over equity, both sides counted
    periods_per_year : bars in a year

    Returns
    -------
    float, times the equity; NaN for no bars

    Examples
    --------
    >>> annual_turnover([1.0, 0.0, 1.0, 0.0], periods_per_year=12)
    6.0
    """
    values = _array(turnover)
    return float(np.mean(values)) * periods_per_year if len(values) else math.nan


def _array(values: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)


def _sd(values: NDArray[np.float64]) -> float:
    if len(values) < 2:
        return math.nan
    spread = float(np.std(values, ddof=1))
    return 0.0 if spread <= _ROUNDING * float(np.max(np.abs(values))) else spread
