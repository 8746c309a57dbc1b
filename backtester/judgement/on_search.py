"""Question 3 in figures: what the best of so many trials would have gained by luck."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtester.judgement.blocks import varies
from backtester.judgement.bootstrap import block_length, interval, resampled_means
from backtester.judgement.evidence import Evidence
from backtester.judgement.selection import effective_trials, probability_of_overfitting
from backtester.judgement.sharpe import (
    deflated_sharpe,
    expected_maximum,
    per_period_sharpe,
    return_moments,
)
from backtester.judgement.superior import superior

__all__ = ["on_search", "risk_matched_difference"]

Floats = NDArray[np.float64]

_MOST_PRODUCTS = 10**10
"""Of bars, trials and draws; above it fewer are drawn, so that a thousand trials take seconds."""
_FEWEST_DRAWS = 999


def on_search(evidence: Evidence, *, seed: int) -> dict[str, Any]:
    """Judge the returns as one of all trials on this market.

    Parameters
    ----------
    evidence : of the run, with all trials
    seed : of the bootstrap

    Returns
    -------
    dict : ``trials``, p-values, deflated Sharpe ratio, probability of overfitting and a ``table``; NaN
        where undefined

    Notes
    -----
    A trial is held against buy-and-hold at its own risk (see `risk_matched_difference`): question 2 asks
    about the Sharpe ratio, and a strategy that is half in cash must not fail here for its lower mean.
    """
    holding = evidence.returns["buy_and_hold"].to_numpy(dtype=np.float64)
    returns = evidence.trial_returns.to_numpy(dtype=np.float64)
    differences = np.column_stack([risk_matched_difference(column, holding) for column in returns.T])
    own = int(np.flatnonzero(evidence.trials["own"].to_numpy(dtype=bool))[0])
    block = block_length(differences[:, own])
    n, n_trials = differences.shape
    draws = min(evidence.settings.draws, max(_FEWEST_DRAWS, _MOST_PRODUCTS // (n * n_trials)))
    together = superior(differences, block=block, draws=draws, seed=seed)
    alone = superior(differences[:, [own]], block=block, draws=draws, seed=seed)
    means = resampled_means(differences[:, own], block=block, draws=draws, seed=seed)[:, 0]
    complete = returns[:, ~np.isnan(returns).any(axis=0) & varies(np.nan_to_num(returns))]
    ratios = np.array([per_period_sharpe(column[~np.isnan(column)]) for column in returns.T])
    moved = bool(varies(differences[:, own])[0])
    return {
        "trials": n_trials,
        "p_value": float(together.p_values[own]) if moved else math.nan,
        "p_value_alone": float(alone.p_values[0]) if moved else math.nan,
        "p_value_best": together.p_value,
        "difference_interval": [
            end * evidence.periods_per_year for end in interval(means, level=evidence.interval_level)
        ],
        **_of_sharpe(returns[:, own], ratios=ratios, complete=complete, evidence=evidence),
        "overfitting": probability_of_overfitting(complete),
        "table": [
            {
                "trial": str(row.trial)[:12],
                "recipe": str(row.recipe),
                "own": bool(row.own),
                "sharpe": float(ratios[i]) * math.sqrt(evidence.periods_per_year),
                "difference_a_year": float(np.mean(differences[~np.isnan(returns[:, i]), i]))
                * evidence.periods_per_year,
            }
            for i, row in enumerate(evidence.trials.itertuples())
        ],
    }


def _of_sharpe(own: Floats, *, ratios: Floats, complete: Floats, evidence: Evidence) -> dict[str, Any]:
    effective = effective_trials(complete)
    known = ratios[np.isfinite(ratios)]
    variance = float(np.var(known, ddof=1)) if len(known) > 1 else 0.0
    n_trials = max(1.0, effective.largest) if math.isfinite(effective.largest) else 1.0
    return {
        "effective": {
            "mean_correlation": effective.mean_correlation,
            "effective_rank": effective.effective_rank,
            "largest": effective.largest,
        },
        "deflated_sharpe": deflated_sharpe(return_moments(own), n_trials=n_trials, variance=variance),
        "expected_maximum": expected_maximum(n_trials, variance=variance)
        * math.sqrt(evidence.periods_per_year),
    }


def risk_matched_difference(trial: Floats, holding: Floats) -> Floats:
    """Give what a trial earned above buy-and-hold, had it been levered to the same volatility.

    Parameters
    ----------
    trial : array (n,), excess returns, NaN outside its span
    holding : array (n,), excess returns of buy-and-hold

    Returns
    -------
    array (n,): trial · sd(holding) / sd(trial) - holding, over the trial's span; 0 outside, where it
        neither won nor lost, and for a trial that never varies. Its mean over sd(holding) is the
        difference of the Sharpe ratios
    """
    inside = ~np.isnan(trial)
    difference = np.zeros(len(trial))
    if not inside.any() or not varies(trial[inside])[0] or not varies(holding[inside])[0]:
        return difference
    scale = float(np.std(holding[inside]) / np.std(trial[inside]))
    difference[inside] = scale * trial[inside] - holding[inside]
    return difference
