"""Where the spread of results comes from: the seed, the window, the period.

A variance component may be estimated below 0. It is given as it is, since that tells how little the data say;
whoever adds components up takes it for 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Effects",
    "SeedSpread",
    "Spread",
    "ThreeWay",
    "seed_spread",
    "spread",
    "three_way",
    "variance_over_cells",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Results that differ by the seed alone: one seed is an anecdote, and the best one is a lie.

    Parameters
    ----------
    n : results
    mean, sd, smallest, largest : in the unit of the results; sd with ddof 1
    """

    n: int
    mean: float
    sd: float
    smallest: float
    largest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedSpread:
    """Variance of results between cells and between the seeds of a cell.

    Parameters
    ----------
    between : mean square between cells
    seed : variance of results by the seed, the mean square within cells; exactly 0 where the seed changes
        nothing and is probably ignored
    cell : variance of results by the cell, the seed averaged out; may be below 0
    """

    between: float
    seed: float
    cell: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """One number for each effect of seed, window and period, and for each of their interactions."""

    seed: float
    window: float
    period: float
    seed_window: float
    seed_period: float
    window_period: float
    residual: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreeWay:
    """Seed × window × period taken apart.

    Parameters
    ----------
    mean_squares, components : of each effect; components, that is variances, may be below 0
    """

    mean_squares: Effects
    components: Effects


def spread(results: ArrayLike) -> Spread:
    """Sum up the results of several seeds; five or more make it worth reading.

    Parameters
    ----------
    results : array (n,), no NaN

    Returns
    -------
    Spread; the sd is NaN for fewer than 2 results, all figures for none

    Examples
    --------
    >>> found = spread([0.8, 1.1, 0.5, 1.4, 0.7])
    >>> round(found.mean, 6), round(found.sd, 6), found.smallest, found.largest
    (0.9, 0.353553, 0.5, 1.4)
    """
    values = np.asarray(results, dtype=np.float64)
    n = len(values)
    if n == 0:
        return Spread(n=0, mean=math.nan, sd=math.nan, smallest=math.nan, largest=math.nan)
    return Spread(
        n=n,
        mean=float(np.mean(values)),
        # counted from the first, equal results differ by exactly 0 and not by rounding
        sd=float(np.std(values - values[0], ddof=1)) if n > 1 else math.nan,
        smallest=float(np.min(values)),
        largest=float(np.max(values)),
    )


def seed_spread(results: ArrayLike) -> SeedSpread:
    """Take seeds and cells apart, a cell being one window in one period.

    Parameters
    ----------
    results : array (cells, seeds), no NaN. Seed 3 in one cell has nothing to do with seed 3 in another: the
        order within a row means nothing

    Returns
    -------
    SeedSpread; NaN for what takes a second cell or a second seed

    Source
    ------
    One-way random effects: seed = MS_within, cell = (MS_between - MS_within) / seeds.

    Examples
    --------
    >>> found = seed_spread([[1, 2, 3, 2], [2, 3, 7, 4], [6, 7, 8, 7]])
    >>> round(found.between, 4), found.seed, round(found.cell, 4)
    (25.3333, 2.0, 5.8333)
    """
    values = np.asarray(results, dtype=np.float64)
    n_cells, n_seeds = values.shape
    if values.size == 0:
        return SeedSpread(between=math.nan, seed=math.nan, cell=math.nan)
    off = values - values[:, :1]
    within = _ratio(_squares(off - np.mean(off, axis=1, keepdims=True)), n_cells * (n_seeds - 1))
    means = np.mean(values, axis=1)
    between = _ratio(n_seeds * _squares(means - np.mean(means)), n_cells - 1)
    return SeedSpread(between=between, seed=within, cell=(between - within) / n_seeds)


def variance_over_cells(found: SeedSpread, *, n_cells: int, n_seeds: int) -> float:
    """Give the variance of the mean over all results of a design.

    Parameters
    ----------
    found : components, of this or another design; one below 0 counts as 0
    n_cells, n_seeds : cells, and seeds in each, 1 or more

    Returns
    -------
    float, in the square of the unit of the results

    Source
    ------
    cell / n_cells + seed / (n_seeds n_cells): more seeds cannot replace more cells.

    Examples
    --------
    >>> found = SeedSpread(between=8.0, seed=4.0, cell=1.0)
    >>> variance_over_cells(found, n_cells=4, n_seeds=1), variance_over_cells(found, n_cells=4, n_seeds=100)
    (1.25, 0.26)
    """
    return max(found.cell, 0.0) / n_cells + found.seed / (n_seeds * n_cells)


def three_way(results: ArrayLike) -> ThreeWay:
    """Take seeds, windows and periods apart, where a seed means the same throughout, as the model's own does.

    Parameters
    ----------
    results : array (seeds, windows, periods), one result each, no NaN

    Returns
    -------
    ThreeWay; NaN for what takes a second seed, window or period

    Source
    ------
    Random effects. The mean square of an effect is expected to be the sum over all effects B that hold it of
    the component of B times the levels of the factors outside B, so that the component of A is
    Σ_{B ⊇ A} (-1)^{|B| - |A|} MS_B over the levels of the factors outside A.
    """
    values = np.asarray(results, dtype=np.float64)
    levels = values.shape
    if values.size == 0:
        nothing = Effects(**dict.fromkeys(_AXES, math.nan))
        return ThreeWay(mean_squares=nothing, components=nothing)
    values = values - values[0, 0, 0]
    values = values - np.mean(values)
    effects: dict[str, NDArray[np.float64]] = {}
    squares: dict[str, float] = {}
    for name, axes in _AXES.items():
        effect = np.mean(values, axis=tuple(_FACTORS - axes), keepdims=True)
        for part, of_part in effects.items():
            if _AXES[part] < axes:
                effect = effect - of_part
        effects[name] = effect
        repeated = math.prod(levels[axis] for axis in _FACTORS - axes)
        squares[name] = _ratio(repeated * _squares(effect), math.prod(levels[axis] - 1 for axis in axes))
    components: dict[str, float] = {}
    for name, axes in _AXES.items():
        total = sum((-1) ** len(_AXES[b] - axes) * squares[b] for b in _AXES if axes <= _AXES[b])
        components[name] = total / math.prod(levels[axis] for axis in _FACTORS - axes)
    return ThreeWay(mean_squares=Effects(**squares), components=Effects(**components))


_FACTORS = frozenset({0, 1, 2})
_AXES: Mapping[str, frozenset[int]] = {
    "seed": frozenset({0}),
    "window": frozenset({1}),
    "period": frozenset({2}),
    "seed_window": frozenset({0, 1}),
    "seed_period": frozenset({0, 2}),
    "window_period": frozenset({1, 2}),
    "residual": _FACTORS,
}


def _squares(values: NDArray[np.float64]) -> float:
    return float(np.sum(values**2))


def _ratio(numerator: float, denominator: int) -> float:
    return numerator / denominator if denominator > 0 else math.nan
