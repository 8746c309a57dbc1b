"""Question 2 in figures: whether the strategy beats buy-and-hold at the same risk, after costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.judgement.bootstrap import (
    block_length,
    interval,
    one_sided_p_value,
    resampled_drawdowns,
    resampled_means,
    resampled_sharpes,
)
from backtester.judgement.evidence import Evidence
from backtester.judgement.exposure import alpha_beta, break_even_bp, exposure_matched
from backtester.judgement.sharpe import (
    adjusted_sharpe,
    minimum_track_record,
    probabilistic_sharpe,
    return_moments,
)
from backtester.judgement.sharpe_difference import sharpe_difference
from backtester.metrics import cagr, max_drawdown, sharpe

__all__ = ["on_money"]

Floats = NDArray[np.float64]

_BINS = 40
_DRAWDOWN_DRAWS = 2000
"""A drawdown depends on the path, so that each draw is walked through: enough for the ends of an interval."""
_BENCHMARKS = ("buy_and_hold", "exposure_matched", "last_price", "last_return")


def on_money(evidence: Evidence, *, seed: int) -> dict[str, Any]:
    """Judge the returns against buy-and-hold and against the naive forecasts' strategies.

    Parameters
    ----------
    evidence : of the run
    seed : of the bootstrap; all curves are drawn together

    Returns
    -------
    dict : ``curves``, ``differences``, ``regression``, ``break_even_bp``, ``block_length`` and
        ``distribution``; NaN where undefined

    Notes
    -----
    The account pays and earns no interest. So two ways to trade are compared at a rate of 0: any other
    would make idle cash a loss and leverage a gain. The Sharpe ratio of each curve by itself has the
    recipe's risk-free rate.
    """
    returns = _with_matched(evidence)
    strategy, holding = _column(returns, "strategy"), _column(returns, "buy_and_hold")
    block = block_length(strategy - holding)
    ratios = {
        name: sharpe_difference(strategy, _column(returns, name), draws=evidence.settings.draws, seed=seed)
        for name in _BENCHMARKS
    }
    scale = math.sqrt(evidence.periods_per_year)
    return {
        "curves": _curves(returns, block=block, evidence=evidence, seed=seed),
        "differences": {
            name: {
                "mean_a_year": _mean_gain(
                    strategy - _column(returns, name), block=block, evidence=evidence, seed=seed
                ),
                "sharpe": {
                    "value": ratio.difference * scale,
                    "interval": [end * scale for end in ratio.interval(evidence.interval_level)],
                    "se": ratio.se * scale,
                    "p_value": ratio.p_value_one_sided,
                },
            }
            for name, ratio in ratios.items()
        },
        "regression": _regression(strategy, holding, evidence=evidence),
        "break_even_bp": _break_even(evidence.variants),
        "block_length": block,
        "distribution": _histogram(ratios["buy_and_hold"].draws * scale),
    }


def _with_matched(evidence: Evidence) -> pd.DataFrame:
    matched = exposure_matched(
        _column(evidence.returns, "buy_and_hold"), exposure=_column(evidence.exposures, "strategy")
    )
    return evidence.returns.assign(exposure_matched=matched)


def _curves(returns: pd.DataFrame, *, block: int, evidence: Evidence, seed: int) -> dict[str, Any]:
    names = ["strategy", "buy_and_hold", "last_return", "exposure_matched"]
    values = returns[names].to_numpy(dtype=np.float64)
    draws, periods = evidence.settings.draws, evidence.periods_per_year
    sharpes = resampled_sharpes(values - evidence.risk_free, block=block, draws=draws, seed=seed)
    growth = resampled_means(np.log1p(np.maximum(values, -1.0 + 1e-15)), block=block, draws=draws, seed=seed)
    falls = resampled_drawdowns(values, block=block, draws=min(draws, _DRAWDOWN_DRAWS), seed=seed)
    return {
        name: _curve(values[:, i], evidence=evidence)
        | {
            "sharpe": _figure(
                sharpe(values[:, i], periods_per_year=periods, risk_free_rate=evidence.risk_free_rate),
                sharpes[:, i] * math.sqrt(periods),
                evidence=evidence,
            ),
            "cagr": _figure(
                cagr(values[:, i], periods_per_year=periods),
                np.expm1(growth[:, i] * periods),
                evidence=evidence,
            ),
            "max_drawdown": _figure(max_drawdown(values[:, i]), falls[:, i], evidence=evidence),
        }
        for i, name in enumerate(names)
    }


def _curve(values: Floats, *, evidence: Evidence) -> dict[str, float]:
    excess = values - evidence.risk_free
    moments = return_moments(excess)
    return {
        "sharpe_autocorrelation_adjusted": adjusted_sharpe(
            excess, periods_per_year=evidence.periods_per_year
        ),
        "probabilistic_sharpe": probabilistic_sharpe(moments),
        "minimum_track_record_years": minimum_track_record(moments, level=evidence.settings.level)
        / evidence.periods_per_year,
    }


def _mean_gain(gain: Floats, *, block: int, evidence: Evidence, seed: int) -> dict[str, Any]:
    means = resampled_means(gain, block=block, draws=evidence.settings.draws, seed=seed)[:, 0]
    observed, periods = float(np.mean(gain)), evidence.periods_per_year
    return _figure(observed * periods, means * periods, evidence=evidence) | {
        "p_value": one_sided_p_value(means, observed)
    }


def _regression(strategy: Floats, holding: Floats, *, evidence: Evidence) -> dict[str, Any]:
    found = alpha_beta(strategy, holding)
    periods, level = evidence.periods_per_year, evidence.interval_level
    return {
        "alpha_a_year": {
            "value": found.alpha * periods,
            "interval": [end * periods for end in found.alpha_interval(level)],
            "p_value": found.alpha_p_value_one_sided,
        },
        "beta": {"value": found.beta, "interval": list(found.beta_interval(level))},
    }


def _break_even(variants: pd.DataFrame) -> dict[str, Any]:
    found = break_even_bp(
        _column(variants, "strategy_no_costs"),
        _column(variants, "turnover_strategy"),
        benchmark_gross=_column(variants, "buy_and_hold_no_costs"),
        benchmark_turnover=_column(variants, "turnover_buy_and_hold"),
    )
    return {
        "value": found.value,
        "arithmetic": found.arithmetic,
        "reason": "" if found.reason is None else found.reason.value,
    }


def _figure(value: float, draws: Floats, *, evidence: Evidence) -> dict[str, Any]:
    return {"value": value, "interval": list(interval(draws, level=evidence.interval_level))}


def _histogram(draws: Floats) -> Mapping[str, Any]:
    known = draws[np.isfinite(draws)]
    if len(known) == 0 or np.ptp(known) == 0.0:
        return {"edges": [], "counts": []}
    # the outermost draws would squeeze all others into a few bars
    low, high = np.quantile(known, [0.0005, 0.9995])
    counts, edges = np.histogram(known, bins=_BINS, range=(low, high))
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def _column(frame: pd.DataFrame, name: str) -> Floats:
    return frame[name].to_numpy(dtype=np.float64)
