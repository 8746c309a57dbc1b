"""One run without a disk: the program's folds, fits, trading, judgement and verdict, on prices in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backtester.backtest import replay_holding, retrade, variants_table
from backtester.forecasters import ForecasterCache
from backtester.forecasts import Forecasts
from backtester.judgement import judge, verdict
from backtester.judging import evidence_of
from backtester.models import BASELINES
from backtester.prices import Prices
from backtester.question import Question, ask
from backtester.recipe import recipe_from_mapping, shareable_mapping
from backtester.tasks import Task, TaskRunner
from backtester.trials import Trial, snapshot
from backtester.walkforward import FoldOutcome, baseline_table, forecast_table

__all__ = ["Judged", "fit_forecasts", "guessed_forecasts", "judge_run", "question_of", "traded_trial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What ``summary.json`` and ``returns.csv`` would hold, and the recipe's seed."""

    judgement: dict[str, Any]
    verdict: dict[str, Any]
    returns: pd.DataFrame
    seed: int


def question_of(recipe: Mapping[str, Any], *, prices: Prices) -> Question:
    """Ask as `backtester.ask` does, of prices that were checked before."""
    return ask(recipe_from_mapping(recipe, name="calibration", folder=Path()), prices=prices)


def fit_forecasts(question: Question) -> Forecasts:
    """Fit every fold in this process, as a worker does, and forecast its test span."""
    problem = question.problem
    runner = TaskRunner(problem, forecasters=ForecasterCache())
    outcomes = [
        FoldOutcome(fold=fold, results=(runner.run(Task(fold=fold.index, member=0)),), failures=())
        for fold in problem.folds
    ]
    return forecast_table(problem, outcomes=outcomes, dates=question.prices.dates)


def guessed_forecasts(question: Question, *, other: Question) -> Forecasts:
    """Give the forecasts fitted to other prices of the same length: as steady as any, and worth nothing."""
    own, foreign = fit_forecasts(question).frame, fit_forecasts(other).frame["forecast"]
    return Forecasts(frame=own.assign(forecast=foreign, forecast_price=own["last_price"] * np.exp(foreign)))


def traded_trial(question: Question, *, forecasts: Forecasts) -> Trial:
    """Trade the forecasts, and give the trial that the registry would keep."""
    return _trial(question, returns=_traded(question, forecasts=forecasts)["return"])


def judge_run(question: Question, *, forecasts: Forecasts, others: Sequence[Trial] = ()) -> Judged:
    """Trade the forecasts and judge them from the tables that a run directory would hold.

    Parameters
    ----------
    question : of the run
    forecasts : of its model
    others : trials on the same prices
    """
    recipe, prices = question.loaded.recipe, question.prices
    naive = {
        kind: baseline_table(question.problem, kind=kind, dates=prices.dates) for kind in sorted(BASELINES)
    }
    bars = {
        "strategy": _traded(question, forecasts=forecasts),
        "buy_and_hold": replay_holding(prices, forecasts, broker=recipe.broker),
        "last_price": _traded(question, forecasts=naive["last_price"]),
        "last_return": _traded(question, forecasts=naive["last_return"]),
    }
    own = _trial(question, returns=bars["strategy"]["return"])
    table, returns = snapshot([own, *others], dates=own.dates, own=own.sha256)
    columns = {kind: naive[kind].frame["forecast"] for kind in ("last_return", "mean_return")}
    tables = {
        "forecasts": forecasts.frame,
        "baselines": forecasts.frame[["symbol", "origin"]].assign(**columns),
        "returns": pd.DataFrame({key: frame["return"] for key, frame in bars.items()}),
        "exposures": pd.DataFrame({key: frame["exposure"] for key, frame in bars.items()}),
        "variants": variants_table(
            prices,
            forecasts,
            strategy=recipe.strategy,
            broker=recipe.broker,
            folder=question.loaded.folder,
            periods_per_year=recipe.data.periods_per_year,
        ),
        "trials": table,
        "trial_returns": returns.set_index("date"),
    }
    evidence = evidence_of(tables, recipe=shareable_mapping(recipe))
    judgement = judge(evidence)
    return Judged(
        judgement=judgement,
        verdict=verdict(judgement, settings=evidence.settings, failed_folds=evidence.failed_folds),
        returns=tables["returns"],
        seed=recipe.seed,
    )


def _traded(question: Question, *, forecasts: Forecasts) -> pd.DataFrame:
    recipe = question.loaded.recipe
    return retrade(
        question.prices,
        forecasts,
        strategy=recipe.strategy,
        broker=recipe.broker,
        folder=question.loaded.folder,
        periods_per_year=recipe.data.periods_per_year,
    )


def _trial(question: Question, *, returns: pd.Series) -> Trial:
    dates = pd.DatetimeIndex(returns.index)
    return Trial(
        sha256=question.trial_sha256,
        name=question.directory_name,
        recipe=question.loaded.name,
        symbol=question.prices.symbol,
        settings={},
        headline={},
        dates=dates,
        returns=returns.to_numpy(dtype="float64"),
        market=question.prices.frame["close"].pct_change().loc[dates].to_numpy(dtype="float64"),
    )
