"""Returns drawn anew in blocks: how far a figure could have come out otherwise.

The stationary bootstrap (Politis and Romano 1994): a resample is put together from blocks that begin
anywhere and are of random, geometric length, in a circle, so that a bar keeps its neighbours. Columns are
drawn together: two ways to trade meet the same bars. The same seed gives the same resamples to every
function here, whatever the columns.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from contextlib import AbstractContextManager

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from backtester.judgement.blocks import as_columns, block_length, variance_of_mean, varies

__all__ = [
    "block_length",
    "interval",
    "one_blas_thread",
    "one_sided_p_value",
    "product",
    "resampled_counts",
    "resampled_drawdowns",
    "resampled_indices",
    "resampled_mean_chunks",
    "resampled_means",
    "resampled_sharpes",
    "variance_of_mean",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_CHUNK = 1 << 16
"""Bars drawn at once: arrays of half a MB, which stay in the processor's cache."""
_ROUNDING = 1e-12
"""Share of a series' variance below which a resample of it is constant."""


def resampled_indices(n: int, *, block: int, draws: int, seed: int) -> Iterator[Integers]:
    """Draw resamples, as the bars that they consist of.

    Parameters
    ----------
    n : bars
    block : mean length of the blocks, bars
    draws : resamples
    seed : of the draws

    Yields
    ------
    array (some draws, n) of bars 0..n-1, in the order of the resample; together ``draws`` rows
    """
    for first, begin, _ in _blocks(n, block=block, draws=draws, seed=seed):
        rows = first[-1]
        lengths = np.diff(first)
        bars = np.repeat(begin - first[:-1], lengths)
        bars += np.arange(rows)
        np.subtract(bars, n, out=bars, where=bars >= n)
        yield bars.reshape(-1, n)


def resampled_counts(n: int, *, block: int, draws: int, seed: int) -> Iterator[Floats]:
    """Draw resamples, as the number of times that each bar is in them.

    Parameters
    ----------
    n, block, draws, seed : see `resampled_indices`, whose resamples these are

    Yields
    ------
    array (some draws, n), whole numbers; each row sums to n
    """
    for first, begin, draw in _blocks(n, block=block, draws=draws, seed=seed):
        size = int(first[-1])
        end = begin + np.diff(first)
        around = end >= n
        end[around] -= n
        # a block adds one from its begin on and takes it back at its end
        steps = np.bincount(draw * n + begin, minlength=size) - np.bincount(draw * n + end, minlength=size)
        steps = steps.reshape(-1, n)
        steps[:, 0] += np.bincount(draw[around], minlength=len(steps))
        yield np.cumsum(steps, axis=1).astype(np.float64)


def _blocks(n: int, *, block: int, draws: int, seed: int) -> Iterator[tuple[Integers, Integers, Integers]]:
    """Where blocks lie in the resamples, one after the other, with the end; their first bars; their draw."""
    generator = np.random.Generator(np.random.PCG64(seed))
    at_once = max(1, _CHUNK // max(n, 1))
    for done in range(0, draws if n else 0, at_once):
        n_draws = min(at_once, draws - done)
        begins = generator.random((n_draws, n)) < 1.0 / block
        begins[:, 0] = True
        first = np.flatnonzero(begins)
        draw = np.repeat(np.arange(n_draws), np.count_nonzero(begins, axis=1))
        yield np.append(first, n_draws * n), generator.integers(n, size=len(first)), draw


def resampled_mean_chunks(columns: ArrayLike, *, block: int, draws: int, seed: int) -> Iterator[Floats]:
    """Give the `resampled_means` a few at a time: what is made of many columns need not hold them all."""
    values = as_columns(columns)
    for counts in resampled_counts(len(values), block=block, draws=draws, seed=seed):
        yield product(counts, values) / len(values)


def resampled_means(columns: ArrayLike, *, block: int, draws: int, seed: int) -> Floats:
    """Give the mean of each column in each resample.

    Parameters
    ----------
    columns : array (n, k), or (n,) for one
    block : mean length of the blocks, bars
    draws : resamples
    seed : of the draws

    Returns
    -------
    array (draws, k); NaN without bars
    """
    values = as_columns(columns)
    means = list(resampled_mean_chunks(values, block=block, draws=draws, seed=seed))
    return np.concatenate(means) if means else np.full((draws, values.shape[1]), math.nan)


def resampled_sharpes(returns: ArrayLike, *, block: int, draws: int, seed: int) -> Floats:
    """Give the Sharpe ratio of each column in each resample.

    Parameters
    ----------
    returns : array (n, k) of simple returns, or (n,) for one
    block, draws, seed : see `resampled_means`

    Returns
    -------
    array (draws, k), per bar, sd with ddof 1; NaN where a resample never varies
    """
    values = as_columns(returns)
    n, k = values.shape
    if n < 2:
        return np.full((draws, k), math.nan)
    # about the mean: the difference of two squares would cancel to noise otherwise
    mean, spread = np.mean(values, axis=0), np.var(values, axis=0)
    centred = values - mean
    moments = resampled_means(np.hstack([centred, centred**2]), block=block, draws=draws, seed=seed)
    variance = moments[:, k:] - moments[:, :k] ** 2
    known = (variance > _ROUNDING * spread) & varies(values)
    sd = np.sqrt(np.where(known, variance, 1.0) * n / (n - 1))
    return np.where(known, (mean + moments[:, :k]) / sd, math.nan)


def resampled_drawdowns(returns: ArrayLike, *, block: int, draws: int, seed: int) -> Floats:
    """Give the deepest drawdown of each column in each resample.

    Parameters
    ----------
    returns : array (n, k) of simple returns, or (n,) for one
    block, draws, seed : see `resampled_means`

    Returns
    -------
    array (draws, k), shares, 0 or less; the equity of 1 before the first return counts as a peak
    """
    growth = 1.0 + as_columns(returns)
    n, k = growth.shape
    found = np.zeros((draws, k))
    done = 0
    for bars in resampled_indices(n, block=block, draws=draws, seed=seed):
        for column in range(k):
            equity = np.cumprod(growth[:, column][bars], axis=1)
            peak = np.maximum(np.maximum.accumulate(equity, axis=1), 1.0)
            found[done : done + len(bars), column] = np.min(equity / peak, axis=1) - 1.0
        done += len(bars)
    return found


def interval(draws: ArrayLike, level: float = 0.9) -> tuple[float, float]:
    """Give the percentile interval of a figure from its value in each resample.

    Parameters
    ----------
    draws : array (draws,); values that are not finite are left out
    level : share of the draws inside, as many below as above

    Returns
    -------
    (low, high); NaN where no draw is finite

    Examples
    --------
    >>> tuple(round(end, 6) for end in interval(range(101)))
    (5.0, 95.0)
    """
    values = np.asarray(draws, dtype=np.float64)
    finite = values[np.isfinite(values)]
    if len(finite) == 0:
        return math.nan, math.nan
    low, high = np.quantile(finite, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return float(low), float(high)


def one_sided_p_value(draws: ArrayLike, observed: float) -> float:
    """Give the chance of a figure as large as the one observed, were it truly 0.

    Parameters
    ----------
    draws : array (draws,), the figure in each resample; one that is NaN counts as large
    observed : the figure

    Returns
    -------
    float in (0, 1]; NaN where the figure is undefined

    Source
    ------
    (1 + number of draws with draw - observed ≥ observed) / (draws + 1); never 0, as the observed one is a
    draw as well (Davison and Hinkley 1997).

    Examples
    --------
    >>> one_sided_p_value([0.9, 1.0, 1.1], 1.0)
    0.25
    """
    values = np.asarray(draws, dtype=np.float64)
    if not math.isfinite(observed):
        return math.nan
    return (1.0 + int(np.sum(~(values - observed < observed)))) / (len(values) + 1.0)


def product(counts: Floats, columns: Floats) -> Floats:
    """Multiply matrices, with the same bits whatever the number of threads of the BLAS.

    Parameters
    ----------
    counts : array (m, n)
    columns : array (n, k)

    Returns
    -------
    array (m, k)
    """
    with one_blas_thread():
        multiplied: Floats = counts @ columns
    return multiplied


def one_blas_thread() -> AbstractContextManager[object]:
    """Keep matrix products to one thread: how sums are split among several moves their last bits."""
    limit: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limit


@functools.cache
def _controller() -> ThreadpoolController:
    # looks through every loaded library, which takes longer than a product
    return ThreadpoolController()
