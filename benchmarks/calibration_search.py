"""Twenty ways to trade one random walk, of which only the best is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from backtester.judgement import Answer
from backtester.prices import prices_from_frame
from benchmarks.calibration_forecaster import LEAST_SQUARES
from benchmarks.calibration_markets import MARKETS, SEED, prices_of, recipe_of
from benchmarks.calibration_matrix import LEVEL, VERDICT_BOUND
from benchmarks.calibration_run import fit_forecasts, judge_run, question_of, traded_trial
from benchmarks.work import TRAIN_BARS

__all__ = ["SEARCH", "search_once", "searched"]

_FORECASTERS = tuple(product((TRAIN_BARS, TRAIN_BARS // 2), (1, 5)))
"""Training window and last returns taken in."""
_STRATEGIES: Sequence[Mapping[str, Any]] = (
    {"kind": "long_or_cash"},
    {"kind": "long_or_cash", "threshold_bp": 2.0},
    {"kind": "long_short"},
    {"kind": "threshold", "enter_bp": 4.0, "exit_bp": 0.0, "short": True},
    {"kind": "volatility_scaled", "short": True},
)
SEARCH: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]] = tuple(
    (
        {
            # all have the first forecast on the same day
            "folds": {"train": train, "test": 63, "validation": 0.0, "phase": TRAIN_BARS - train},
            "model": {"kind": LEAST_SQUARES, "lookback": lookback},
        },
        strategy,
    )
    for (train, lookback), strategy in product(_FORECASTERS, _STRATEGIES)
)
"""Forecaster and strategy of each variant."""


def search_once(index: int, *, draws: int) -> dict[str, Any]:
    """Try all variants on one random walk without costs, take the best Sharpe ratio, and judge that run.

    Parameters
    ----------
    index : of the walk; none of those of the matrix
    draws : of the bootstrap

    Returns
    -------
    dict : ``best``, the variant; p-values of its returns: ``naive`` (its Sharpe ratio against 0, as if it
        had been the only one), ``alone`` (its gain over buy-and-hold, as the only one), ``adjusted`` (the
        same, for the twenty: the verdict's third question); ``deflated`` (1 - deflated Sharpe ratio);
        ``first_three`` and ``verdict``, whether they say yes
    """
    market, key = MARKETS["walk"], "search"
    prices = prices_from_frame(prices_of(market, key=key, index=index), symbol=key)
    recipe = recipe_of(market, key=key, index=index, draws=draws)
    questions = [
        question_of(recipe | forecaster | {"strategy": dict(strategy)}, prices=prices)
        for forecaster, strategy in SEARCH
    ]
    fits = [fit_forecasts(question) for question in questions[:: len(_STRATEGIES)]]
    forecasts = [fit for fit in fits for _ in _STRATEGIES]
    trials = [
        traded_trial(question, forecasts=fit) for question, fit in zip(questions, forecasts, strict=True)
    ]
    ratios = [float(np.mean(trial.returns) / max(np.std(trial.returns), 1e-12)) for trial in trials]
    best = int(np.argmax(ratios))
    others = [trial for i, trial in enumerate(trials) if i != best]
    run = judge_run(questions[best], forecasts=forecasts[best], others=others)
    search = run.judgement["search"]
    answers = [str(question["answer"]) for question in run.verdict["questions"]]
    return {
        "best": best,
        "naive": 1.0 - run.judgement["money"]["curves"]["strategy"]["probabilistic_sharpe"],
        "alone": search["p_value_alone"],
        "adjusted": search["p_value"],
        "deflated": 1.0 - search["deflated_sharpe"],
        "effective_trials": search["effective"]["largest"],
        "first_three": all(answer == Answer.YES for answer in answers[:3]),
        "verdict": run.verdict["answer"] == Answer.YES,
    }


def searched(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Sum up all searches: in what share each test was passed, with the p-values for the picture."""
    tests = ("naive", "alone", "adjusted", "deflated")
    shares = {name: float(np.mean([row[name] < LEVEL for row in rows])) for name in tests}
    shares |= {name: float(np.mean([row[name] for row in rows])) for name in ("first_three", "verdict")}
    return {
        "variants": len(SEARCH),
        "repetitions": len(rows),
        "seed": SEED,
        "effective_trials": round(float(np.mean([row["effective_trials"] for row in rows])), 2),
        "passed": {name: round(share, 4) for name, share in shares.items()},
        "holds": {name: shares[name] <= VERDICT_BOUND for name in ("adjusted", "first_three", "verdict")},
        "p_values": {name: [round(row[name], 4) for row in rows] for name in tests},
    }
