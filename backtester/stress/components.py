"""Components of variance in a table of seeds, windows and periods, with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backtester.judgement.variance import seed_spread, three_way

__all__ = ["Component", "Components", "components"]

Floats = NDArray[np.float64]

_DRAWS = 4000
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
    by_source : ``period``, ``window``, ``window_period``, ``seed``; with a network that serves several
        periods also ``seed_period``
    mean : of all results
    mean_interval : of what it estimates, over other periods, windows and seeds; NaN for one period
    level : of the intervals
    """

    by_source: Mapping[str, Component]
    mean: float
    mean_interval: tuple[float, float]
    level: float = _LEVEL


def components(results: ArrayLike, *, seed: int, shared: bool = False) -> Components:
    """Take the variance of results apart.

    Parameters
    ----------
    results : array (seeds, windows, periods), no NaN. Seed 3 of one window has nothing to do with seed 3 of
        another
    seed : of the draws for the intervals
    shared : whether one network serves several periods, so that a seed's luck goes through all periods of its
        window; else a seed gives every period another network, and seeds are repetitions within a cell

    Returns
    -------
    Components; NaN for what takes a second seed, window or period

    Source
    ------
    Random effects; s seeds, w windows, p periods. E[MS_seed] = σ²_seed, E[MS_wp] = σ²_seed + s·σ²_wp,
    E[MS_w] = E[MS_wp] + s·p·σ²_w, E[MS_p] = E[MS_wp] + s·w·σ²_p. Shared, seeds nested in windows and crossed
    with periods: E[MS_sp] = σ²_sp, E[MS_seed] = σ²_sp + p·σ²_seed, E[MS_wp] = σ²_sp + s·σ²_wp, E[MS_w] =
    E[MS_wp] + p·σ²_seed + s·p·σ²_w. The mean's variance is (E[MS_p] + E[MS_w] - E[MS_wp]) / swp either way.
    Intervals: generalised (Weerahandi 1993), each expected mean square drawn as its sum of squares over a χ²
    of its degrees of freedom, for normal effects. The mean's: the same, times a normal draw. In simulations
    of 2 or 3 windows and 3 to 20 periods it lies above the truth in 6 % or less; with t and the degrees of
    freedom of Satterthwaite in up to 8 %, with those of the periods in up to 13 %.

    Examples
    --------
    >>> found = components([[[1.0, 5.0]], [[3.0, 7.0]]], seed=1)
    >>> found.by_source["seed"].variance, found.by_source["period"].variance
    (2.0, 7.0)
    """
    values = np.asarray(results, dtype=np.float64)
    table = _shared_table(values) if shared else _table(values)
    generator = np.random.Generator(np.random.PCG64(seed))
    drawn = {name: line.drawn(generator) for name, line in table.items()}
    estimates, draws = {}, {}
    for name, line in table.items():
        estimates[name] = (
            line.mean_square + sum(sign * table[other].mean_square for other, sign in line.less)
        ) / line.each
        draws[name] = (drawn[name] + sum(sign * drawn[other] for other, sign in line.less)) / line.each
    counted = {name: max(value, 0.0) for name, value in estimates.items() if math.isfinite(value)}
    total = sum(counted.values())
    mean = float(np.mean(values)) if values.size else math.nan
    reach = _reach(drawn, shape=values.shape, shared=shared, generator=generator)
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


class _Line(NamedTuple):
    """A line of the table of variance: results a level has, and the lines that are taken off, with sign."""

    mean_square: float
    freedom: int
    each: int
    less: tuple[tuple[str, float], ...] = ()

    def drawn(self, generator: np.random.Generator) -> Floats:
        """Draw what the mean square may be expected to be."""
        if self.freedom <= 0:
            return np.full(_DRAWS, math.nan)
        return self.mean_square * self.freedom / generator.chisquare(self.freedom, _DRAWS)


def _table(values: Floats) -> dict[str, _Line]:
    n_seeds, n_windows, n_periods = values.shape
    squares = three_way(values).mean_squares
    seeds = seed_spread(values.reshape(n_seeds, -1).T).seed
    # without a second window or period there is no interaction to hold the other against, only the seeds
    error = (("window_period" if n_windows > 1 and n_periods > 1 else "seed", -1.0),)
    return {
        "period": _Line(squares.period, n_periods - 1, n_seeds * n_windows, error),
        "window": _Line(squares.window, n_windows - 1, n_seeds * n_periods, error),
        "window_period": _Line(
            squares.window_period, (n_windows - 1) * (n_periods - 1), n_seeds, (("seed", -1.0),)
        ),
        "seed": _Line(seeds, (n_seeds - 1) * n_windows * n_periods, 1),
    }


def _shared_table(values: Floats) -> dict[str, _Line]:
    n_seeds, n_windows, n_periods = values.shape
    squares = three_way(values).mean_squares
    networks = np.mean(values, axis=2)
    within = values - networks[:, :, None] - np.mean(values, axis=0) + np.mean(networks, axis=0)[:, None]
    freedom = n_windows * (n_seeds - 1)
    left = _ratio(float(np.sum(within**2)), freedom * (n_periods - 1))
    crossed = n_windows > 1 and n_periods > 1
    return {
        "period": _Line(
            squares.period,
            n_periods - 1,
            n_seeds * n_windows,
            (("window_period" if crossed else "seed_period", -1.0),),
        ),
        "window": _Line(
            squares.window,
            n_windows - 1,
            n_seeds * n_periods,
            (("window_period", -1.0), ("seed", -1.0), ("seed_period", 1.0)) if crossed else (("seed", -1.0),),
        ),
        "window_period": _Line(
            squares.window_period, (n_windows - 1) * (n_periods - 1), n_seeds, (("seed_period", -1.0),)
        ),
        "seed": _Line(n_periods * seed_spread(networks.T).seed, freedom, n_periods, (("seed_period", -1.0),)),
        "seed_period": _Line(left, freedom * (n_periods - 1), 1),
    }


def _reach(
    drawn: Mapping[str, Floats], *, shape: tuple[int, ...], shared: bool, generator: np.random.Generator
) -> float:
    """Half of the mean's interval."""
    n_seeds, n_windows, n_periods = shape
    if n_periods < 2:
        return math.nan
    nothing = np.zeros(_DRAWS)
    other, error = nothing, nothing
    if n_windows > 1:
        other, error = drawn["window"], drawn["window_period"]
    elif shared and n_seeds > 1:
        other, error = drawn["seed"], drawn["seed_period"]
    # a component below 0 counts as 0
    variance = np.maximum(drawn["period"] - error, 0.0) + np.maximum(other - error, 0.0) + error
    draws = np.abs(generator.standard_normal(_DRAWS)) * np.sqrt(variance / math.prod(shape))
    return float(np.quantile(draws, _LEVEL))


def _interval(draws: Floats) -> tuple[float, float]:
    if np.isnan(draws).any():
        return math.nan, math.nan
    low, high = np.quantile(draws, [(1.0 - _LEVEL) / 2.0, (1.0 + _LEVEL) / 2.0])
    return max(float(low), 0.0), max(float(high), 0.0)


def _ratio(numerator: float, denominator: int) -> float:
    return numerator / denominator if denominator > 0 else math.nan
