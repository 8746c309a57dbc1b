"""Components of variance in a table of seeds, windows and periods, with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from backtester.judgement.variance import seed_spread, three_way

__all__ = ["Component", "Components", "components"]

Floats = NDArray[np.float64]

_DRAWS = 10_000
_LEVEL = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """Variance by one source.

    Parameters
    ----------
    variance : in the square of the unit of the results; may be below 0, which counts as 0
    interval : that is likely to hold it, 0 or more; NaN where there is one level only
    share : of all variance
    """

    variance: float
    interval: tuple[float, float]
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """Where the spread of results comes from.

    Parameters
    ----------
    by_source : ``period``, ``window``, ``window_period``, ``seed``
    mean : of all results
    mean_interval : of what it estimates, over other periods, windows and seeds
    level : of the intervals
    """

    by_source: Mapping[str, Component]
    mean: float
    mean_interval: tuple[float, float]
    level: float = _LEVEL


def components(results: ArrayLike, *, seed: int) -> Components:
    """Take the variance of results apart.

    Parameters
    ----------
    results : array (seeds, windows, periods), no NaN. Seeds are repetitions within a cell of window and
        period: a seed of the run gives every fold another network, so that seed 3 in one cell has nothing to
        do with seed 3 in another
    seed : of the draws for the intervals

    Returns
    -------
    Components; NaN for what takes a second seed, window or period

    Source
    ------
    Two-way random effects with repetitions: E[MS_seed] = σ²_seed, E[MS_wp] = σ²_seed + s·σ²_wp, E[MS_w] =
    E[MS_wp] + s·p·σ²_w, E[MS_p] = E[MS_wp] + s·w·σ²_p. Intervals: generalised (Weerahandi 1993), each
    expected mean square drawn as its sum of squares over a χ² of its degrees of freedom, for normal effects.
    The mean's: its variance σ²_p/p + σ²_w/w + σ²_wp/wp + σ²_seed/swp, with t of p - 1 degrees of freedom.

    Examples
    --------
    >>> found = components([[[1.0, 5.0]], [[3.0, 7.0]]], seed=1)
    >>> found.by_source["seed"].variance, found.by_source["period"].variance
    (2.0, 7.0)
    """
    values = np.asarray(results, dtype=np.float64)
    n_windows, n_periods = values.shape[1:]
    table = _table(values)
    # without a second window or period there is no interaction to hold the other against, only the seeds
    crossed = n_windows > 1 and n_periods > 1
    against = {
        "period": "window_period" if crossed else "seed",
        "window": "window_period" if crossed else "seed",
        "window_period": "seed",
    }
    generator = np.random.Generator(np.random.PCG64(seed))
    drawn = {name: line.drawn(generator) for name, line in table.items()}
    estimates, draws = {}, {}
    for name, line in table.items():
        error = against.get(name)
        estimates[name] = (line.mean_square - (table[error].mean_square if error else 0.0)) / line.each
        draws[name] = (drawn[name] - (drawn[error] if error else 0.0)) / line.each
    counted = {name: max(value, 0.0) for name, value in estimates.items() if math.isfinite(value)}
    total = sum(counted.values())
    mean = float(np.mean(values)) if values.size else math.nan
    spread = sum(value / table[name].levels for name, value in counted.items())
    reach = math.sqrt(spread) * _t(n_periods - 1)
    return Components(
        by_source={
            name: Component(
                variance=value,
                interval=_interval(draws[name]),
                share=counted.get(name, math.nan) / total if total > 0.0 else math.nan,
            )
            for name, value in estimates.items()
        },
        mean=mean,
        mean_interval=(mean - reach, mean + reach),
    )


def _table(values: Floats) -> dict[str, _Line]:
    n_seeds, n_windows, n_periods = values.shape
    squares = three_way(values).mean_squares
    seeds = seed_spread(values.reshape(n_seeds, -1).T).seed
    return {
        "period": _Line(squares.period, n_periods - 1, each=n_seeds * n_windows, levels=n_periods),
        "window": _Line(squares.window, n_windows - 1, each=n_seeds * n_periods, levels=n_windows),
        "window_period": _Line(
            squares.window_period,
            (n_windows - 1) * (n_periods - 1),
            each=n_seeds,
            levels=n_windows * n_periods,
        ),
        "seed": _Line(seeds, (n_seeds - 1) * n_windows * n_periods, each=1, levels=values.size),
    }


class _Line(NamedTuple):
    """A line of the table of variance: results a level has, and levels."""

    mean_square: float
    freedom: int
    each: int
    levels: int

    def drawn(self, generator: np.random.Generator) -> Floats:
        """Draw what the mean square may be expected to be."""
        if self.freedom <= 0:
            return np.full(_DRAWS, math.nan)
        return self.mean_square * self.freedom / generator.chisquare(self.freedom, _DRAWS)


def _interval(draws: Floats) -> tuple[float, float]:
    if np.isnan(draws).any():
        return math.nan, math.nan
    low, high = np.quantile(draws, [(1.0 - _LEVEL) / 2.0, (1.0 + _LEVEL) / 2.0])
    return max(float(low), 0.0), max(float(high), 0.0)


def _t(freedom: int) -> float:
    return float(stdtrit(freedom, (1.0 + _LEVEL) / 2.0)) if freedom > 0 else math.nan
