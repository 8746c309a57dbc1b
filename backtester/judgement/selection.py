"""Choosing among many trials: whether the best of the past stays good, and how many there really were."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backtester.judgement.blocks import as_columns, varies
from backtester.judgement.bootstrap import one_blas_thread

__all__ = [
    "EffectiveTrials",
    "effective_trials",
    "effective_trials_of",
    "mean_returns",
    "probability_of_overfitting",
    "sharpe_ratios",
]

Floats = NDArray[np.float64]

MOST_BLOCKS = 16
"""Blocks beyond which the splits are too many to go through: 12,870 of 16, but 184,756 of 20."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveTrials:
    """How many independent trials those made are worth, between 1 and their number.

    Parameters
    ----------
    mean_correlation : from the mean correlation ρ̄ of any two: ρ̄ + (1 - ρ̄) n
    effective_rank : from the spectrum of the correlations
    largest : of the two; the one to correct a search by
    """

    mean_correlation: float
    effective_rank: float
    largest: float


def sharpe_ratios(returns: Floats) -> Floats:
    """Give the Sharpe ratio per bar of each column, to rank by: 0 for one that never varies.

    Examples
    --------
    >>> sharpe_ratios(np.array([[1.0, 0.0], [3.0, 0.0]])).round(6).tolist()
    [1.414214, 0.0]
    """
    n, k = returns.shape
    if n < 2:
        return np.zeros(k)
    sd = np.std(returns, axis=0, ddof=1)
    ratios: Floats = np.divide(np.mean(returns, axis=0), sd, out=np.zeros(k), where=varies(returns))
    return ratios


def mean_returns(returns: Floats) -> Floats:
    """Give the mean of each column."""
    means: Floats = np.mean(returns, axis=0)
    return means


def probability_of_overfitting(
    returns: ArrayLike, *, blocks: int = 10, metric: Callable[[Floats], Floats] = sharpe_ratios
) -> float:
    """Give how often the best trial of one half of the past is in the worse half of the trials in the other.

    It judges the choosing, not a strategy, and is no pass mark: trials without any skill come out at 0.5,
    give or take 0.2.

    Parameters
    ----------
    returns : array (n, k), simple returns of each trial, the same bars, no NaN; where ``blocks`` does not
        divide n the earliest bars are left out
    blocks : even, from 2 to 16; 10 make 252 splits
    metric : from returns (bars, k) to a figure for each trial, larger is better

    Returns
    -------
    float in [0, 1]; NaN for fewer than 2 trials or fewer bars than blocks

    Raises
    ------
    ValueError
        for a number of blocks that is odd or out of bounds

    Source
    ------
    Bailey, Borwein, López de Prado and Zhu (2015), combinatorially symmetric cross-validation: over all
    choices of half of the blocks, the share with ln(ω / (1 - ω)) ≤ 0, ω = rank / (k + 1) in the other half,
    1 being the worst. Equal figures share their mean rank; of several best ones the first is chosen.

    Examples
    --------
    >>> probability_of_overfitting([[4, 1, 2, 3], [3, 4, 1, 2]], blocks=2, metric=mean_returns)
    0.5
    """
    if blocks % 2 or not 2 <= blocks <= MOST_BLOCKS:
        raise ValueError(f"blocks must be even and between 2 and {MOST_BLOCKS}, not {blocks}")
    values = as_columns(returns)
    n, n_trials = values.shape
    if n_trials < 2 or n < blocks:
        return math.nan
    parts = np.split(values[n % blocks :], blocks)
    figures = [
        metric(np.concatenate([parts[block] for block in half]))
        for half in combinations(range(blocks), blocks // 2)
    ]
    # in the order of `combinations` the first half of blocks faces the last, the second the last but one
    worse = [_is_worse(inside, outside) for inside, outside in zip(figures, reversed(figures), strict=True)]
    return sum(worse) / len(worse)


def _is_worse(inside: Floats, outside: Floats) -> bool:
    """Whether the best inside ranks no better than the middle outside."""
    its = outside[np.argmax(inside)]
    rank = float(np.sum(outside < its)) + (float(np.sum(outside == its)) + 1.0) / 2.0
    # ω ≤ ½ without a division, so that a trial exactly in the middle counts
    return 2.0 * rank <= len(outside) + 1


def effective_trials(returns: ArrayLike) -> EffectiveTrials:
    """Give how many independent trials a search is worth, from how alike their returns are.

    Parameters
    ----------
    returns : array (n, k), returns of each trial, the same bars, no NaN; trials that never vary are left
        out, as none of them can come out best

    Returns
    -------
    EffectiveTrials; NaN where no trial varies

    Source
    ------
    See `effective_trials_of`.
    """
    values = as_columns(returns)
    moved = values[:, varies(values)]
    if moved.shape[1] == 0:
        return EffectiveTrials(mean_correlation=math.nan, effective_rank=math.nan, largest=math.nan)
    centred = moved - np.mean(moved, axis=0)
    scaled = centred / np.sqrt(np.sum(centred**2, axis=0))
    with one_blas_thread():
        return effective_trials_of(np.clip(scaled.T @ scaled, -1.0, 1.0))


def effective_trials_of(correlations: ArrayLike) -> EffectiveTrials:
    """Give how many independent trials a search is worth, from the correlations of their returns.

    Parameters
    ----------
    correlations : array (k, k), symmetric, 1 on the diagonal

    Returns
    -------
    EffectiveTrials

    Source
    ------
    ρ̄ + (1 - ρ̄) k (López de Prado 2018), at most k: negative correlations would make it more. Effective
    rank exp(-Σ p ln p), p the shares of the eigenvalues (Roy and Vetterli 2007).

    Examples
    --------
    >>> round(effective_trials_of([[1.0, 0.5], [0.5, 1.0]]).effective_rank, 5)
    1.75477
    """
    matrix = np.asarray(correlations, dtype=np.float64)
    k = len(matrix)
    off_diagonal = (float(np.sum(matrix)) - float(np.trace(matrix))) / (k * (k - 1)) if k > 1 else 0.0
    by_mean = min(max(off_diagonal + (1.0 - off_diagonal) * k, 1.0), float(k))
    eigenvalues = np.maximum(np.linalg.eigvalsh(matrix), 0.0)
    shares = eigenvalues[eigenvalues > 0.0] / np.sum(eigenvalues)
    by_rank = min(max(math.exp(-float(np.sum(shares * np.log(shares)))), 1.0), float(k))
    return EffectiveTrials(mean_correlation=by_mean, effective_rank=by_rank, largest=max(by_mean, by_rank))
