"""What a warm start does to accuracy and time: each market and seed with it and without, in turns.

python -m benchmarks.warm_start
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import backtester
from backtester.execution import open_executor
from backtester.metrics import forecast_accuracy
from backtester.recipe import ExecutionSection
from backtester.store import FoldStore
from backtester.walkforward import forecast_table, open_work, walk_forward
from benchmarks.figures import Disturbance, machine, print_answer, say
from benchmarks.work import Work, bars_of, price_frame

__all__ = ["MARKETS", "main", "measure"]

_WORKERS = 2
_EPOCHS = {"cold": 10, "warm": 10, "cold_3_epochs": 3, "warm_3_epochs": 3}


def _ar1(n_bars: int, *, phi: float = 0.3, seed: int = 11) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 0.01, n_bars)
    returns = np.zeros(n_bars)
    for t in range(1, n_bars):
        returns[t] = phi * returns[t - 1] + noise[t]
    return bars_of(returns, overnight=rng.normal(0, 0.001, n_bars))


MARKETS: Mapping[str, Any] = {"random_walk": price_frame, "ar1_0.3": _ar1}


def measure(*, folds: int, seeds: int) -> dict[str, Any]:
    """Train every market and seed in every way; accuracy out of sample, epochs and seconds a fold."""
    disturbance = Disturbance()
    answer: dict[str, Any] = {"benchmark": "warm_start", "machine": machine(), "workers": _WORKERS}
    answer["folds"], answer["seeds"], answer["markets"] = folds, seeds, {}
    for market, make in MARKETS.items():
        rows: dict[str, list[dict[str, float]]] = {way: [] for way in _EPOCHS}
        prices = make(Work(n_folds=folds).n_bars)
        for seed in range(1, seeds + 1):
            for way in _EPOCHS:
                disturbance.look()
                rows[way].append(_train(prices, way=way, n_folds=folds, seed=seed))
            told = ", ".join(f"{way} {found[-1]['r2_oos']:+.4f}" for way, found in rows.items())
            say(f"{market}, seed {seed}: R² {told}.")
        answer["markets"][market] = {
            way: {name: _described([row[name] for row in found]) for name in found[0]}
            for way, found in rows.items()
        }
    answer["machine"] |= disturbance.described()
    return answer


def _train(prices: pd.DataFrame, *, way: str, n_folds: int, seed: int) -> dict[str, float]:
    recipe = Work(n_folds=n_folds, validation=0.1, patience=5).recipe()
    recipe["training"] |= {"epochs": _EPOCHS[way], "warm_start": way.startswith("warm")}
    question = backtester.ask({"seed": seed, **recipe}, prices=prices, symbol="BENCHMARK")
    problem = question.problem
    with tempfile.TemporaryDirectory() as folder:
        store = FoldStore(folder=Path(folder))
        work = open_work(problem, store=store)
        with open_executor(
            ExecutionSection(workers=_WORKERS), problem=problem, tasks=work.missing
        ) as executor:
            result = walk_forward(
                problem,
                work=work,
                store=store,
                executor=executor,
                on_progress=lambda _: None,
                started=time.monotonic(),
            )
    forecasts = forecast_table(problem, outcomes=result.outcomes, dates=question.prices.dates)
    epochs = [found.report.epochs for outcome in result.outcomes for found in outcome.results]
    scored = forecasts.scored
    return {
        "r2_oos": forecast_accuracy(forecasts).r2_oos,
        "correlation": float(np.corrcoef(scored["forecast"], scored["actual"])[0, 1]),
        "epochs": statistics.mean(epochs),
        "seconds_per_fold": result.timing.training_seconds / n_folds,
    }


def _described(values: list[float]) -> dict[str, float]:
    return {
        "mean": round(statistics.mean(values), 5),
        "min": round(min(values), 5),
        "max": round(max(values), 5),
    }


def main() -> None:
    """Parse the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=int, default=28)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print_answer(measure(folds=options.folds, seeds=options.seeds))


if __name__ == "__main__":
    main()
