"""Timing or only more held: where a gain comes from, and the cost at which it is gone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from backtester.judgement.blocks import varies
from backtester.judgement.hac import automatic_lags, long_run_variance

__all__ = ["AlphaBeta", "BreakEven", "NoBreakEven", "alpha_beta", "break_even_bp", "exposure_matched"]

Floats = NDArray[np.float64]

_BP = 1e4
_ROUNDING = 1e-12
_NEAR_RUIN = 1.0 - 1e-12
"""Share of the cost at which a single trade takes everything; at the whole of it wealth has no logarithm."""


def exposure_matched(returns: ArrayLike, *, exposure: ArrayLike) -> Floats:
    """Give the returns of holding, all the time, as much as a strategy held on average.

    Parameters
    ----------
    returns : array (n,), simple returns of the asset
    exposure : array (n,), the strategy's position value over equity in the same bars, signed

    Returns
    -------
    array (n,), mean exposure times return, the rest in cash at no interest

    Source
    ------
    What a strategy w·r earns above it is cov(w, r) a bar (ddof 0): timing and nothing else.

    Examples
    --------
    >>> exposure_matched([0.25, -0.5], exposure=[1.0, 0.0]).tolist()
    [0.125, -0.25]
    """
    held = np.asarray(exposure, dtype=np.float64)
    values = np.asarray(returns, dtype=np.float64)
    return (float(np.mean(held)) if len(held) else math.nan) * values


@dataclass(frozen=True, slots=True, kw_only=True)
class AlphaBeta:
    """A strategy's returns as so much of the benchmark's and a rest.

    Parameters
    ----------
    alpha : mean return that does not come from the benchmark, per bar
    beta : return for 1 of the benchmark's
    alpha_se, beta_se : standard errors under heteroskedasticity and autocorrelation
    alpha_p_value, beta_p_value : two-sided, of being 0
    alpha_p_value_one_sided : of alpha being above 0
    """

    alpha: float
    beta: float
    alpha_se: float
    beta_se: float
    alpha_p_value: float
    beta_p_value: float
    alpha_p_value_one_sided: float

    def alpha_interval(self, level: float = 0.9) -> tuple[float, float]:
        """Give the interval that covers alpha with this chance, as much missed below as above."""
        return _interval(self.alpha, se=self.alpha_se, level=level)

    def beta_interval(self, level: float = 0.9) -> tuple[float, float]:
        """Give the interval that covers beta with this chance, as much missed below as above."""
        return _interval(self.beta, se=self.beta_se, level=level)


def alpha_beta(strategy: ArrayLike, benchmark: ArrayLike, *, lags: int | None = None) -> AlphaBeta:
    """Regress a strategy's returns on the benchmark's.

    Parameters
    ----------
    strategy, benchmark : arrays (n,), simple returns of the same bars, no NaN
    lags : of the Newey-West errors; `automatic_lags` if not given

    Returns
    -------
    AlphaBeta; everything is NaN for fewer than 3 bars or a benchmark that never varies, the p-values where
    nothing is left unexplained

    Source
    ------
    Least squares with the errors of Newey and West (1987) and normal p-values, without a correction for
    small samples. Agrees with statsmodels ``OLS(...).fit(cov_type="HAC")``.
    """
    y, x = np.asarray(strategy, dtype=np.float64), np.asarray(benchmark, dtype=np.float64)
    n = len(y)
    if n < 3 or not varies(x)[0]:
        return _coefficients(alpha=math.nan, beta=math.nan, alpha_se=math.nan, beta_se=math.nan)
    mean = float(np.mean(x))
    centred = x - mean
    spread = float(np.mean(centred**2))
    beta = float(np.mean(centred * (y - np.mean(y)))) / spread
    alpha = float(np.mean(y)) - beta * mean
    left = y - alpha - beta * x
    largest = max(float(np.max(np.abs(y))), abs(beta) * float(np.max(np.abs(x))))
    if np.max(np.abs(left)) <= _ROUNDING * largest:
        left = np.zeros(n)
    # each coefficient's error is the mean of one series, so that the sandwich is a long-run variance
    slope = left * centred / spread
    moved = {"alpha": left - mean * slope, "beta": slope}
    n_lags = automatic_lags(n) if lags is None else lags
    se = {name: math.sqrt(max(long_run_variance(u, lags=n_lags), 0.0) / n) for name, u in moved.items()}
    return _coefficients(alpha=alpha, beta=beta, alpha_se=se["alpha"], beta_se=se["beta"])


def _coefficients(*, alpha: float, beta: float, alpha_se: float, beta_se: float) -> AlphaBeta:
    z_alpha = alpha / alpha_se if alpha_se > 0.0 else math.nan
    z_beta = beta / beta_se if beta_se > 0.0 else math.nan
    return AlphaBeta(
        alpha=alpha,
        beta=beta,
        alpha_se=alpha_se,
        beta_se=beta_se,
        alpha_p_value=float(2.0 * ndtr(-abs(z_alpha))),
        beta_p_value=float(2.0 * ndtr(-abs(z_beta))),
        alpha_p_value_one_sided=float(ndtr(-z_alpha)),
    )


def _interval(value: float, *, se: float, level: float) -> tuple[float, float]:
    reach = float(ndtri((1.0 + level) / 2.0)) * se
    return value - reach, value + reach


class NoBreakEven(StrEnum):
    """Why there is no cost at which a gain is gone."""

    NO_EXTRA_TURNOVER = "no extra turnover"
    """The strategy trades no more than the benchmark: costs do not tell them apart."""
    NO_GROSS_EXCESS = "no gross excess"
    """It earns no more even without costs."""
    NO_SUCH_COST = "no such cost"
    """A cost that ruins the benchmark first: its single trades are the larger ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """The cost per side at which a strategy earns no more than the benchmark.

    Parameters
    ----------
    value : bp of the value traded, on compounded wealth; NaN where there is none
    arithmetic : bp, on sums of returns; NaN where there is none
    reason : why ``value`` is NaN, else None
    """

    value: float
    arithmetic: float
    reason: NoBreakEven | None


def break_even_bp(
    gross: ArrayLike, turnover: ArrayLike, *, benchmark_gross: ArrayLike, benchmark_turnover: ArrayLike
) -> BreakEven:
    """Find the cost at which the gain over a benchmark is gone.

    Parameters
    ----------
    gross, benchmark_gross : arrays (n,), simple returns before costs
    turnover, benchmark_turnover : arrays (n,), value traded over equity, both sides counted

    Returns
    -------
    BreakEven

    Source
    ------
    The smallest c > 0 with Π(1 + g)(1 - cτ) the same for both. In sums: 10⁴ Σ(g_s - g_b) / Σ(τ_s - τ_b).

    Examples
    --------
    >>> found = break_even_bp(
    ...     [0.01, 0.01], [1.0, 1.0], benchmark_gross=[0.0, 0.0], benchmark_turnover=[0.0, 0.0]
    ... )
    >>> round(found.value, 6), round(found.arithmetic, 6)
    (99.009901, 100.0)
    """
    gains, traded = np.asarray(gross, dtype=np.float64), np.asarray(turnover, dtype=np.float64)
    its_gains = np.asarray(benchmark_gross, dtype=np.float64)
    its_traded = np.asarray(benchmark_turnover, dtype=np.float64)
    extra = float(np.sum(traded) - np.sum(its_traded))
    summed = float(np.sum(gains) - np.sum(its_gains))
    if not extra > _ROUNDING * float(np.sum(traded)):
        return BreakEven(value=math.nan, arithmetic=math.nan, reason=NoBreakEven.NO_EXTRA_TURNOVER)
    arithmetic = _BP * summed / extra if summed > 0.0 else math.nan
    ahead = _log_wealth(gains) - _log_wealth(its_gains)
    if not ahead > 0.0:
        return BreakEven(value=math.nan, arithmetic=arithmetic, reason=NoBreakEven.NO_GROSS_EXCESS)
    cost = _smallest_root(ahead, traded=traded, its_traded=its_traded)
    reason = NoBreakEven.NO_SUCH_COST if math.isnan(cost) else None
    return BreakEven(value=_BP * cost, arithmetic=arithmetic, reason=reason)


def _smallest_root(ahead: float, *, traded: Floats, its_traded: Floats) -> float:
    def left(cost: float) -> float:
        """What is left of the lead at this cost, in logs."""
        return ahead + _log_wealth(-cost * traded) - _log_wealth(-cost * its_traded)

    ruin = _NEAR_RUIN / max(float(np.max(traded)), float(np.max(its_traded)))
    low, high = 0.0, min(1e-4, ruin)
    while left(high) > 0.0:
        if high == ruin:
            return math.nan
        low, high = high, min(2.0 * high, ruin)
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if left(middle) > 0.0 else (low, middle)
    return 0.5 * (low + high)


def _log_wealth(returns: Floats) -> float:
    """Logarithm of what 1 becomes; minus infinity after a total loss."""
    return float(np.sum(np.log1p(returns))) if np.all(returns > -1.0) else -math.inf
