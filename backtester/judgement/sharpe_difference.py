"""Is one Sharpe ratio above another? Ledoit and Wolf (2008).

The difference of two Sharpe ratios over the same bars is held against its own standard error, one that is
right for returns with fat tails that depend on each other, and the quotient against what it is in resamples
(the studentised bootstrap, which is nearer to its nominal level than the normal law).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from backtester.judgement.blocks import block_length, varies
from backtester.judgement.bootstrap import product
from backtester.judgement.hac import autocovariances

__all__ = ["SharpeDifference", "jobson_korkie_memmel_se", "parzen_lags", "sharpe_difference"]

Floats = NDArray[np.float64]

_ROUNDING = 1e-9
"""Relative size below which what one ratio does and the other does not is rounding: they are the same."""
_SHORTEST = 5
"""Bars below which the correction T / (T - 4) is undefined."""
_CHUNK = 1 << 19
"""Bars drawn at once: arrays of 4 MB."""
_EXTREME = 0.97
"""Largest autocorrelation believed in the choice of lags, which has no end as it nears 1 (Andrews 1991)."""


def _none() -> Floats:
    return np.empty(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharpeDifference:
    """How far one Sharpe ratio is above another.

    Parameters
    ----------
    difference : Sharpe ratio of the first less that of the second, per bar, sd with ddof 0
    se : its standard error
    statistic : difference / se
    p_value : two-sided, from the resamples
    p_value_one_sided : of the first being above the second, from the resamples
    p_value_normal : two-sided, from the normal law
    block : length of the blocks, bars
    draws : array (draws,), read-only, the difference in each resample; NaN where it is undefined
    studentised : array (draws,), read-only, (draw - difference) / (standard error in that resample) in
        rising order, with what is undefined at the end
    """

    difference: float
    se: float
    statistic: float
    p_value: float
    p_value_one_sided: float
    p_value_normal: float
    block: int = 1
    draws: Floats = field(default_factory=_none, repr=False, compare=False)
    studentised: Floats = field(default_factory=_none, repr=False, compare=False)

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """Give the differences that the resamples do not rule out.

        Parameters
        ----------
        level : share that it is to cover, as much missed below as above

        Returns
        -------
        (low, high), per bar; (0, 0) for two ratios that are the same, NaN for an end that is undefined or
        takes more resamples than there are

        Source
        ------
        The one-sided studentised tests turned around: low is above 0 exactly where ``p_value_one_sided``
        is at most (1 - level) / 2, so that interval and p-value never disagree. Ledoit and Wolf (2008)
        turn the two-sided test around, which gives a symmetric interval.
        """
        if self.se == 0.0:
            return self.difference, self.difference
        n_draws = len(self.studentised)
        beyond = math.floor((1.0 - level) / 2.0 * (n_draws + 1) + 1e-9)
        if beyond < 1:
            return math.nan, math.nan
        # an undefined resample counts as extreme on either side
        undefined = int(np.sum(np.isnan(self.studentised)))
        high = self.studentised[beyond - 1 - undefined] if beyond > undefined else math.nan
        low = self.studentised[n_draws - beyond]
        return float(self.difference - low * self.se), float(self.difference - high * self.se)


def sharpe_difference(
    a: ArrayLike,
    b: ArrayLike,
    *,
    draws: int,
    seed: int,
    lags: float | None = None,
    block: int | None = None,
) -> SharpeDifference:
    """Hold the difference of two Sharpe ratios against 0.

    Parameters
    ----------
    a, b : arrays (n,), simple returns of the same bars, no NaN
    draws : resamples; one in which a ratio is undefined counts as evidence for none
    seed : of the draws
    lags : S of the Parzen kernel of the standard error: the lag from which on autocovariances weigh
        nothing, 0 for none at all; by `parzen_lags` if not given
    block : length of the blocks, bars, at most n/3; by the rule for circular blocks if not given

    Returns
    -------
    SharpeDifference; for series that are the same or proportional the difference is 0 and each p-value 1;
    everything is NaN for a series that never varies and for fewer than 5 bars

    Source
    ------
    Ledoit and Wolf (2008): delta method, Parzen kernel, T / (T - 4), circular blocks. Not prewhitened.
    Their block length is calibrated by a bootstrap within the bootstrap, minutes for one p-value. Here it
    is the length that is best for the variance of the mean of u (Politis and White 2004, corrected 2009):
    to first order the difference is the mean of that one series, and its variance all that studentising
    needs.
    """
    returns = np.column_stack([np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)])
    n = len(returns)
    if n < _SHORTEST or not np.all(varies(returns)):
        return _constant(math.nan)
    mean, square = np.mean(returns, axis=0), np.mean(returns**2, axis=0)
    gradient = _gradient(mean[None, :], square[None, :])[0]
    y = np.hstack([returns - mean, returns**2 - square])
    parts = y * gradient
    u = np.sum(parts, axis=1)
    if np.sqrt(np.mean(u**2)) <= _ROUNDING * np.sqrt(np.mean(np.sum(np.abs(parts), axis=1) ** 2)):
        return _constant(1.0)
    sd = np.sqrt(np.mean((returns - mean) ** 2, axis=0))
    difference = float(mean[0] / sd[0] - mean[1] / sd[1])
    se = _standard_error(u, lags=parzen_lags(y) if lags is None else lags)
    length = block_length(u, circular=True) if block is None else block
    length = max(1, min(length, n // 3))
    differences, errors = _resampled(y, mean=mean, square=square, block=length, draws=draws, seed=seed)
    known = errors > 0.0
    studentised = np.divide(differences - difference, errors, out=np.full(draws, math.nan), where=known)
    statistic = difference / se if se > 0.0 else math.nan
    ordered = np.sort(studentised)
    ordered.setflags(write=False)
    differences.setflags(write=False)
    return SharpeDifference(
        difference=difference,
        se=se,
        statistic=statistic,
        # not "is at least": a resample without a ratio counts as well
        p_value=_share(~(np.abs(studentised) < abs(statistic))),
        p_value_one_sided=_share(~(studentised < statistic)),
        p_value_normal=float(2.0 * ndtr(-abs(statistic))),
        block=length,
        draws=differences,
        studentised=ordered,
    )


def parzen_lags(y: ArrayLike) -> float:
    """Choose S of the Parzen kernel: autocovariances of lag S and more weigh nothing.

    Parameters
    ----------
    y : array (n, k), series whose joint long-run variance is wanted

    Returns
    -------
    float, bars, 0 or more

    Source
    ------
    2.6614 (α n)^(1/5), α = Σ 4ρ²σ⁴/(1-ρ)⁸ / Σ σ⁴/(1-ρ)⁴ from an AR(1) fitted to each column (Andrews 1991,
    eq. 6.2 and 6.4).
    """
    values = np.asarray(y, dtype=np.float64)
    values = values - np.mean(values, axis=0)
    before, after = values[:-1], values[1:]
    squares = np.sum(before**2, axis=0)
    rho = np.divide(np.sum(before * after, axis=0), squares, out=np.zeros(len(squares)), where=squares > 0.0)
    rho = np.clip(rho, -_EXTREME, _EXTREME)
    variance = np.mean((after - rho * before) ** 2, axis=0)
    # in units of the largest, whose fourth power may be too small for a float otherwise
    share = (variance / max(float(np.max(variance)), np.finfo(np.float64).tiny)) ** 2
    below = float(np.sum(share / (1.0 - rho) ** 4))
    alpha = float(np.sum(4.0 * rho**2 * share / (1.0 - rho) ** 8)) / below if below > 0.0 else 0.0
    return float(2.6614 * (alpha * len(values)) ** 0.2)


def jobson_korkie_memmel_se(sharpe_a: float, sharpe_b: float, *, correlation: float, n: int) -> float:
    """Give the standard error of the difference of two Sharpe ratios for independent normal returns.

    Parameters
    ----------
    sharpe_a, sharpe_b : per bar
    correlation : of the returns
    n : bars

    Returns
    -------
    float, per bar; to check `sharpe_difference` against, not to judge by

    Source
    ------
    Jobson and Korkie (1981), corrected by Memmel (2003): √([2(1-ρ) + ½(a² + b² - 2abρ²)] / n).

    Examples
    --------
    >>> round(jobson_korkie_memmel_se(0.1, 0.05, correlation=0.5, n=1000), 7)
    0.0317017
    """
    squares = sharpe_a**2 + sharpe_b**2 - 2.0 * sharpe_a * sharpe_b * correlation**2
    return math.sqrt((2.0 * (1.0 - correlation) + 0.5 * squares) / n)


def _constant(p_value: float) -> SharpeDifference:
    """What is told of series without a ratio (NaN), or with the same one (1)."""
    none = 0.0 if p_value == 1.0 else math.nan
    return SharpeDifference(
        difference=none,
        se=none,
        statistic=none,
        p_value=p_value,
        p_value_one_sided=p_value,
        p_value_normal=p_value,
    )


def _share(extreme: NDArray[np.bool_]) -> float:
    return (1.0 + int(np.sum(extreme))) / (len(extreme) + 1.0)


def _gradient(mean: Floats, square: Floats) -> Floats:
    """How the difference moves with (mean a, mean b, mean a², mean b²): arrays (m, 2) to (m, 4)."""
    cubed = (square - mean**2) ** 1.5
    sign = np.array([1.0, -1.0])
    return np.hstack([sign * square / cubed, -0.5 * sign * mean / cubed])


def _standard_error(u: Floats, *, lags: float) -> float:
    n = len(u)
    k = np.arange(1, min(math.ceil(lags), n))
    x = k / lags if lags > 0.0 else k
    weights = np.where(x <= 0.5, 1.0 - 6.0 * x**2 + 6.0 * x**3, 2.0 * (1.0 - x) ** 3)
    gamma = autocovariances(u, len(k))
    long_run = gamma[0] + 2.0 * float(np.sum(weights * gamma[1:]))
    return math.sqrt(max(long_run, 0.0) / (n - 4))


def _resampled(
    y: Floats, *, mean: Floats, square: Floats, block: int, draws: int, seed: int
) -> tuple[Floats, Floats]:
    """Differences (draws,) in resamples of circular blocks, and the standard error in each; NaN without.

    What a resample adds up to follows from how often each block is in it: its blocks' sums give the
    moments, the products of these sums the variance. That is one matrix product for all resamples.
    """
    n = len(y)
    n_blocks = n // block
    total = np.cumsum(np.vstack([np.zeros(4), y, y[:block]]), axis=0)
    sums = total[block : block + n] - total[:n]
    products = np.einsum("ti,tj->tij", sums, sums).reshape(n, 16)
    columns = np.hstack([sums, products])
    generator = np.random.Generator(np.random.PCG64(seed))
    at_once = max(1, _CHUNK // n)
    differences, errors = np.full(draws, math.nan), np.full(draws, math.nan)
    for done in range(0, draws, at_once):
        m = min(at_once, draws - done)
        begin = generator.integers(n, size=(m, n_blocks)) + n * np.arange(m)[:, None]
        counts = np.bincount(begin.ravel(), minlength=m * n).reshape(m, n).astype(np.float64)
        added = product(counts, columns) / (n_blocks * block)
        shift, squared = added[:, :4], added[:, 4:].reshape(m, 4, 4)
        drawn_mean, drawn_square = mean + shift[:, :2], square + shift[:, 2:]
        variance = drawn_square - drawn_mean**2
        # a resample of flat bars alone has no ratio
        known = np.all(variance > _ROUNDING * (square - mean**2), axis=1)
        drawn_mean, drawn_square = drawn_mean[known], drawn_square[known]
        ratio = drawn_mean / np.sqrt(variance[known])
        spread = squared[known] - block * np.einsum("mi,mj->mij", shift[known], shift[known])
        gradient = _gradient(drawn_mean, drawn_square)
        long_run = np.einsum("mi,mij,mj->m", gradient, spread, gradient)
        at = done + np.flatnonzero(known)
        differences[at] = ratio[:, 0] - ratio[:, 1]
        errors[at] = np.sqrt(np.maximum(long_run, 0.0) / n)
    return differences, errors
