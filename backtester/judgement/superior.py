"""Is the best of many trials better than the benchmark, or only the luckiest? Hansen (2005).

The test for superior predictive ability. The resamples keep what the trials have in common, so that a
hundred variants of one idea count as little more than one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backtester.judgement.blocks import as_columns, variance_of_mean, varies
from backtester.judgement.bootstrap import resampled_mean_chunks

__all__ = ["Superior", "superior"]

Floats = NDArray[np.float64]

_SHORTEST = 3
"""Bars below which ln ln n is not positive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Superior:
    """Chances of gains as large as those found, were no trial better than the benchmark.

    Parameters
    ----------
    p_value : of the best trial (consistent)
    p_value_lower, p_value_upper : bounds: with trials that look worse than the benchmark left out of the
        comparison, and with all as good as the benchmark (conservative where many are bad)
    p_values : array (k,), read-only, of each trial, adjusted for all of them (consistent): the chance that
        the best of all would look as good as this one
    statistics : array (k,), read-only, mean over its standard error; NaN for a trial without spread
    """

    p_value: float
    p_value_lower: float
    p_value_upper: float
    p_values: Floats
    statistics: Floats


def superior(differences: ArrayLike, *, block: int, draws: int, seed: int) -> Superior:
    """Hold the best of several trials against a benchmark, for their number and likeness.

    Parameters
    ----------
    differences : array (n, k), return of each trial less that of the benchmark, every trial ever scored,
        the same bars; a NaN leaves every figure undefined
    block : mean length of the blocks, bars
    draws : resamples
    seed : of the draws

    Returns
    -------
    Superior; a trial without a gain has the p-value 1. One whose difference never varies is 1 where it is
    0 or less (nothing gained), NaN where it is above, and no rival to the others in either case.
    Everything is NaN for fewer than 3 bars or no trial

    Source
    ------
    Hansen (2005): max(max_k √n d̄_k/ω_k, 0), ω² = n times the `variance_of_mean` of a resample; resamples
    recentred by d̄_k where d̄_k ≥ -√(ω_k²/n · 2 ln ln n), by max(d̄_k, 0) for the lower bound, by d̄_k for
    the upper. p = (1 + number of resamples at least as large) / (draws + 1). Agrees with
    ``arch.bootstrap.SPA`` for differences that were divided by ω first; arch 8.0.0 does not studentise.
    """
    values = as_columns(differences)
    n, n_trials = values.shape
    if n < _SHORTEST or n_trials == 0 or not np.all(np.isfinite(values)):
        undefined = np.full(n_trials, math.nan)
        return _superior(undefined, statistics=undefined, best=(math.nan,) * 3)
    mean: Floats = np.mean(values, axis=0)
    error = np.sqrt(variance_of_mean(values, block=block))
    known = varies(values) & (error > 0.0)
    statistics: Floats = np.divide(mean, error, out=np.full(n_trials, math.nan), where=known)
    p_values = np.where(known | (mean <= 0.0), 1.0, math.nan)
    if not np.any(known):
        return _superior(p_values, statistics=statistics, best=(float(np.max(p_values)),) * 3)
    z = statistics[known]
    poor = z < -math.sqrt(2.0 * math.log(math.log(n)))
    # for the lower bound, the p-value itself, and the upper bound
    centres = (np.maximum(z, 0.0), np.where(poor, 0.0, z), z)
    largest: tuple[list[Floats], ...] = ([], [], [])
    scaled = values[:, known] / error[known]
    for means in resampled_mean_chunks(scaled, block=block, draws=draws, seed=seed):
        for found, centre in zip(largest, centres, strict=True):
            found.append(np.maximum(np.max(means - centre, axis=1), 0.0))
    ordered = [np.sort(np.concatenate(found)) for found in largest]
    p_values[known] = _p_values(ordered[1], z)
    lower, consistent, upper = (float(_p_values(found, np.max(z))) for found in ordered)
    return _superior(p_values, statistics=statistics, best=(lower, consistent, upper))


def _p_values(ordered: Floats, statistics: Floats | np.float64) -> Floats:
    """Share of resamples, in rising order, that are as large as each statistic or as 0."""
    smaller = np.searchsorted(ordered, np.maximum(statistics, 0.0), side="left")
    return np.asarray((1.0 + len(ordered) - smaller) / (len(ordered) + 1.0), dtype=np.float64)


def _superior(p_values: Floats, *, statistics: Floats, best: tuple[float, float, float]) -> Superior:
    p_values.setflags(write=False)
    statistics.setflags(write=False)
    return Superior(
        p_value_lower=best[0],
        p_value=best[1],
        p_value_upper=best[2],
        p_values=p_values,
        statistics=statistics,
    )
