"""How far a Sharpe ratio can be trusted, from its sample's length, shape and dependence.

Sharpe ratios are per period here, not a year, unless said otherwise: the tests are made for these. Returns
are simple returns per bar, over the risk-free rate. A figure that is not defined is NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from backtester.judgement.hac import autocovariances, automatic_lags
from backtester.metrics import sharpe

__all__ = [
    "ReturnMoments",
    "adjusted_sharpe",
    "autocorrelation_factor",
    "deflated_sharpe",
    "expected_maximum",
    "minimum_track_record",
    "minimum_track_record_2025",
    "per_period_sharpe",
    "probabilistic_sharpe",
    "probabilistic_sharpe_2025",
    "return_moments",
    "standard_error_iid",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnMoments:
    """What the tests of a Sharpe ratio read of a series of returns.

    Parameters
    ----------
    n : returns in the series
    sharpe : per period
    skewness : 0 for the normal distribution
    kurtosis : raw, 3 for the normal distribution
    autocorrelation : of neighbours; only the revision of 2025 reads it
    """

    n: int
    sharpe: float
    skewness: float = 0.0
    kurtosis: float = 3.0
    autocorrelation: float = 0.0


def return_moments(returns: ArrayLike) -> ReturnMoments:
    """Take the moments of a series of returns.

    Parameters
    ----------
    returns : array (n,), no NaN

    Returns
    -------
    ReturnMoments; all but n are NaN for constant returns, the skewness for fewer than 3, the kurtosis for
    fewer than 4

    Source
    ------
    Skewness and kurtosis corrected for bias, as pandas gives them (which takes 3 off the kurtosis).
    """
    values = np.asarray(returns, dtype=np.float64)
    n, ratio = len(values), per_period_sharpe(values)
    if math.isnan(ratio):
        return ReturnMoments(
            n=n, sharpe=math.nan, skewness=math.nan, kurtosis=math.nan, autocorrelation=math.nan
        )
    scores = _scores(values)
    skewness = kurtosis = math.nan
    if n > 2:
        skewness = math.sqrt(n * (n - 1)) / (n - 2) * float(np.mean(scores**3))
    if n > 3:
        excess = (n + 1) * float(np.mean(scores**4)) - 3.0 * (n - 1)
        kurtosis = 3.0 + (n - 1) / ((n - 2) * (n - 3)) * excess
    return ReturnMoments(
        n=n,
        sharpe=ratio,
        skewness=skewness,
        kurtosis=kurtosis,
        autocorrelation=float(autocovariances(scores, 1)[1]),
    )


def per_period_sharpe(returns: ArrayLike) -> float:
    """Mean over standard deviation, ddof 1; NaN for constant returns and for fewer than 2.

    Examples
    --------
    >>> round(per_period_sharpe([0.01, -0.02, 0.03, -0.01, 0.02]), 6)
    0.289346
    """
    return sharpe(returns, periods_per_year=1.0)


def standard_error_iid(sharpe_ratio: float, *, n: int) -> float:
    """Standard error of a Sharpe ratio of independent, normal returns.

    Parameters
    ----------
    sharpe_ratio : per period
    n : returns it was taken from

    Returns
    -------
    float, per period; times √periods_per_year for the ratio a year; NaN for n below 1

    Source
    ------
    √((1 + SR²/2) / n), Lo (2002), eq. 9.

    Examples
    --------
    >>> round(standard_error_iid(0.5, n=12), 6)
    0.306186
    """
    return math.sqrt((1.0 + sharpe_ratio**2 / 2.0) / n) if n > 0 else math.nan


def autocorrelation_factor(autocorrelations: ArrayLike, *, periods: float) -> float:
    """Give what takes a Sharpe ratio per period to one per many periods, where returns depend on the past.

    Parameters
    ----------
    autocorrelations : array of ρ₁, ρ₂ and so on; those not given are 0, those from `periods` on unused
    periods : per-period returns in the longer period, 252 for daily returns and a year

    Returns
    -------
    float; √periods without autocorrelation, less where returns run on, as with stale prices; NaN where
    noisy estimates make the variance of the sum 0 or negative

    Source
    ------
    η(q) = q / √(q + 2 Σ_{k<q} (q - k) ρ_k), Lo (2002), eq. 20.

    Examples
    --------
    >>> round(autocorrelation_factor([0.2, 0.04], periods=3), 6)
    1.523019
    """
    rho = np.asarray(autocorrelations, dtype=np.float64)[: max(math.ceil(periods) - 1, 0)]
    lags = np.arange(1, len(rho) + 1)
    variance = periods + 2.0 * float(np.sum((periods - lags) * rho))
    return periods / math.sqrt(variance) if variance > 0.0 else math.nan


def adjusted_sharpe(returns: ArrayLike, *, periods_per_year: float) -> float:
    """Sharpe ratio a year that allows for autocorrelation.

    Parameters
    ----------
    returns : array (n,), no NaN
    periods_per_year : bars in a year

    Returns
    -------
    float, a year; NaN for constant returns and where the factor is

    Source
    ------
    η · SR, Lo (2002), eq. 20, with the sample's autocorrelations up to `automatic_lags`: noise in hundreds
    of further ones would drown them.
    """
    values = np.asarray(returns, dtype=np.float64)
    ratio = per_period_sharpe(values)
    if math.isnan(ratio):
        return math.nan
    rho = autocovariances(_scores(values), automatic_lags(len(values)))[1:]
    return ratio * autocorrelation_factor(rho, periods=periods_per_year)


def probabilistic_sharpe(moments: ReturnMoments, *, benchmark: float = 0.0) -> float:
    """Give one minus the p-value of "the true Sharpe ratio is the benchmark or less".

    Parameters
    ----------
    moments : of the returns
    benchmark : Sharpe ratio per period

    Returns
    -------
    float in [0, 1]; not the chance of skill

    Source
    ------
    PSR = Φ[(SR - SR*) √(n - 1) / √(1 - g₃ SR + (g₄ - 1) SR²/4)], Bailey and López de Prado (2012).

    Examples
    --------
    >>> round(probabilistic_sharpe(ReturnMoments(n=24, sharpe=0.458)), 4)
    0.9817
    """
    spread = _spread(moments, at=moments.sharpe)
    if moments.n < 2 or math.isnan(spread):
        return math.nan
    return float(ndtr((moments.sharpe - benchmark) * math.sqrt(moments.n - 1) / spread))


def minimum_track_record(moments: ReturnMoments, *, benchmark: float = 0.0, level: float = 0.05) -> float:
    """Give the returns that it takes until a Sharpe ratio is told from a smaller one.

    Parameters
    ----------
    moments : of the returns; their number is not read
    benchmark : the smaller Sharpe ratio, per period
    level : of the one-sided test, between 0 and 0.5

    Returns
    -------
    float, returns (over periods_per_year for years); NaN for a Sharpe ratio of no more than the benchmark

    Source
    ------
    MinTRL = 1 + (1 - g₃ SR + (g₄ - 1) SR²/4) (z / (SR - SR*))², Bailey and López de Prado (2012): where
    `probabilistic_sharpe` reaches 1 - level.
    """
    if not moments.sharpe > benchmark:
        return math.nan
    spread = _spread(moments, at=moments.sharpe)
    return 1.0 + (spread * float(ndtri(1.0 - level)) / (moments.sharpe - benchmark)) ** 2


def expected_maximum(n_trials: float, *, variance: float) -> float:
    """Give the best Sharpe ratio to be expected of trials that are worth nothing.

    Parameters
    ----------
    n_trials : independent ones; need not be whole
    variance : of the trials' Sharpe ratios, per period

    Returns
    -------
    float, per period; 0 for one trial or fewer

    Source
    ------
    √V · [(1 - γ) Φ⁻¹(1 - 1/N) + γ Φ⁻¹(1 - 1/(N e))], γ Euler's constant: Bailey and López de Prado (2014).
    An approximation for many trials, 1 % above the truth at 100; it would go below 0 between 1 and 1.3,
    and is held at 0 there.

    Examples
    --------
    >>> round(expected_maximum(100, variance=0.5 / 250), 6)
    0.113172
    """
    if n_trials <= 1.0:
        return 0.0
    sds = (1.0 - np.euler_gamma) * ndtri(1.0 - 1.0 / n_trials) + np.euler_gamma * ndtri(
        1.0 - 1.0 / (n_trials * math.e)
    )
    return math.sqrt(variance) * max(float(sds), 0.0)


def deflated_sharpe(moments: ReturnMoments, *, n_trials: float, variance: float) -> float:
    """Give the probabilistic Sharpe ratio against the best that worthless trials would have shown.

    To be reported, not decided on: it rejects far less often than its level says, since it asks for a full
    standard error on top of what the search alone is expected to reach.

    Parameters
    ----------
    moments : of the returns of the trial that was chosen
    n_trials, variance : see `expected_maximum`

    Returns
    -------
    float in [0, 1]

    Source
    ------
    DSR, Bailey and López de Prado (2014).
    """
    return probabilistic_sharpe(moments, benchmark=expected_maximum(n_trials, variance=variance))


def probabilistic_sharpe_2025(moments: ReturnMoments, *, benchmark: float = 0.0) -> float:
    """Give the probabilistic Sharpe ratio as revised in 2025.

    Parameters, returns : as `probabilistic_sharpe`

    Source
    ------
    Φ[(SR - SR*) √n / √(a - b g₃ SR* + c (g₄ - 1) SR*²/4)] with a = (1+ρ)/(1-ρ), b = 1 + ρ/(1-ρ) + ρ²/(1-ρ²),
    c = (1+ρ²)/(1-ρ²): López de Prado, Lipton and Zoonekynd (2025), SSRN 5520741. The variance is taken under
    the null, over n instead of n - 1, and allows for autocorrelation.

    Examples
    --------
    >>> round(probabilistic_sharpe_2025(ReturnMoments(n=24, sharpe=0.036 / 0.079)), 5)
    0.98721
    """
    spread = _spread(moments, at=benchmark, autocorrelation=moments.autocorrelation)
    if moments.n < 1 or math.isnan(spread):
        return math.nan
    return float(ndtr((moments.sharpe - benchmark) * math.sqrt(moments.n) / spread))


def minimum_track_record_2025(
    moments: ReturnMoments, *, benchmark: float = 0.0, level: float = 0.05
) -> float:
    """Give the returns that it takes, as revised in 2025.

    Parameters, returns : as `minimum_track_record`

    Source
    ------
    Where `probabilistic_sharpe_2025` reaches 1 - level; see there.
    """
    if not moments.sharpe > benchmark:
        return math.nan
    spread = _spread(moments, at=benchmark, autocorrelation=moments.autocorrelation)
    return (spread * float(ndtri(1.0 - level)) / (moments.sharpe - benchmark)) ** 2


def _scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((values - np.mean(values)) / np.std(values), dtype=np.float64)


def _spread(moments: ReturnMoments, *, at: float, autocorrelation: float = 0.0) -> float:
    """Standard deviation of √n times a Sharpe ratio whose true value is `at`."""
    rho = autocorrelation
    if not abs(rho) < 1.0:
        return math.nan
    a = (1.0 + rho) / (1.0 - rho)
    b = 1.0 + rho / (1.0 - rho) + rho**2 / (1.0 - rho**2)
    c = (1.0 + rho**2) / (1.0 - rho**2)
    variance = a - b * moments.skewness * at + c * (moments.kurtosis - 1.0) * at**2 / 4.0
    # estimated moments of a few returns may contradict each other
    return math.sqrt(variance) if variance > 0.0 else math.nan
