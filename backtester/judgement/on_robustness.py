"""Question 4 in figures: what holds without training again, and what a stress run said."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtester.judgement.evidence import Evidence
from backtester.judgement.sharpe_difference import SharpeDifference, sharpe_difference

__all__ = ["BEST_DAYS", "on_robustness"]

Floats = NDArray[np.float64]

BEST_DAYS = 5
"""The days whose gain a result must not rest on."""


def on_robustness(evidence: Evidence, *, seed: int) -> dict[str, Any]:
    """Hold the strategy's Sharpe ratio against buy-and-hold's under other circumstances.

    Parameters
    ----------
    evidence : of the run
    seed : of the bootstrap

    Returns
    -------
    dict : ``checks``, and ``axes``: what those of a stress run said, empty without one

    Notes
    -----
    A check is answered yes where the gain is sure there as well: the interval lies above 0. In a half of the
    history, whose interval is wider by √2, a gain above 0 is enough. It is answered no where the interval's
    upper end is below the smallest gain of interest. A strategy that does not act on the forecast cannot be
    tested by delaying it.
    """
    checks = []
    for key, label, strategy, holding in _circumstances(evidence):
        found = sharpe_difference(strategy, holding, draws=evidence.settings.draws, seed=seed)
        scale = math.sqrt(evidence.periods_per_year)
        low, high = (end * scale for end in found.interval(evidence.interval_level))
        checks.append(
            {
                "key": key,
                "label": label,
                "sharpe_difference": {"value": found.difference * scale, "interval": [low, high]},
                "answer": "inconclusive"
                if key == "one_bar_later" and _ignores_forecasts(evidence)
                else _answer(found, low=low, high=high, half=key.endswith("half"), evidence=evidence),
            }
        )
    return {"checks": checks, "axes": [dict(axis) for axis in evidence.stress]}


def _ignores_forecasts(evidence: Evidence) -> bool:
    """Whether a later forecast changes nothing: the delay then tests nothing."""
    return bool((evidence.variants["strategy_one_bar_later"] == evidence.returns["strategy"]).all())


def _answer(found: SharpeDifference, *, low: float, high: float, half: bool, evidence: Evidence) -> str:
    if (found.difference > 0.0) if half else (low > 0.0):
        return "yes"
    return "no" if high < evidence.settings.smallest_sharpe else "inconclusive"


def _circumstances(evidence: Evidence) -> Iterator[tuple[str, str, Floats, Floats]]:
    """Key, words, and the returns of strategy and buy-and-hold."""
    columns = {
        name: frame[name].to_numpy(dtype=np.float64)
        for frame in (evidence.returns, evidence.variants)
        for name in frame.columns
    }
    strategy, holding = columns["strategy"], columns["buy_and_hold"]
    middle = len(strategy) // 2
    yield (
        "double_costs",
        "at double cost",
        columns["strategy_double_costs"],
        columns["buy_and_hold_double_costs"],
    )
    yield "one_bar_later", "one bar later", columns["strategy_one_bar_later"], holding
    yield "first_half", "in the first half", strategy[:middle], holding[:middle]
    yield "second_half", "in the second half", strategy[middle:], holding[middle:]
    kept = np.sort(np.argsort(strategy, kind="stable")[:-BEST_DAYS])
    yield "without_best_days", f"without its {BEST_DAYS} best days", strategy[kept], holding[kept]
