"""The tables of a run: trade the forecasts and the baselines, and write what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from backtester.backtest import Trading, buy_and_hold, trade, variants_table
from backtester.files import write_bytes
from backtester.forecasts import Forecasts
from backtester.judging import trial_of
from backtester.models import BASELINES
from backtester.prices import Note
from backtester.question import Question
from backtester.recipe import shareable_mapping
from backtester.run_directory import write_table
from backtester.summary import summarise
from backtester.trials import Trial
from backtester.walkforward import WalkForward, baseline_table, forecast_table

__all__ = ["Results", "forecasts_of", "write_results"]

_NAIVE = ("last_return", "mean_return")


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What came of trading.

    Parameters
    ----------
    summary : every headline figure, without the judgement
    trial : for the registry
    notes : what the reader must know
    """

    summary: dict[str, Any]
    trial: Trial
    notes: tuple[Note, ...]


def forecasts_of(question: Question, *, result: WalkForward) -> Forecasts:
    """Gather what the training gave into the table of forecasts; a baseline's needs none."""
    problem, dates = question.problem, question.prices.dates
    kind = question.loaded.recipe.model.kind
    if kind in BASELINES:
        return baseline_table(problem, kind=kind, dates=dates)
    return forecast_table(problem, outcomes=result.outcomes, dates=dates)


def write_results(question: Question, *, forecasts: Forecasts, directory: Path) -> Results:
    """Trade the forecasts, and write every table but those that the judgement adds.

    Raises
    ------
    UserCodeError : the strategy failed, or a file of the user's was edited meanwhile
    StorageError : the disk is full or read-only
    """
    recipe, prices, problem = question.loaded.recipe, question.prices, question.problem
    tables = {kind: baseline_table(problem, kind=kind, dates=prices.dates) for kind in BASELINES}
    traded = _trade_all(question, forecasts=forecasts, tables=tables)
    variants = variants_table(
        prices,
        forecasts,
        strategy=recipe.strategy,
        broker=recipe.broker,
        folder=question.loaded.folder,
        periods_per_year=recipe.data.periods_per_year,
    )
    question.check_code()  # the strategy's file was read just now, maybe minutes after the question
    summary = summarise(
        recipe,
        symbol=prices.symbol,
        forecasts=forecasts,
        baselines={kind: tables[kind] for kind in _NAIVE},
        traded=traded,
    )
    write_table(directory / "prices.csv", prices.frame.reset_index(names="date"))
    write_bytes(directory / "forecasts.csv", forecasts.to_csv().encode())
    naive = {kind: tables[kind].frame["forecast"] for kind in _NAIVE}
    write_table(directory / "baselines.csv", forecasts.frame[["symbol", "origin"]].assign(**naive))
    for name, column in (("returns.csv", "return"), ("exposures.csv", "exposure")):
        frame = pd.DataFrame({key: trading.bars[column] for key, trading in traded.items()})
        write_table(directory / name, frame.reset_index(names="date"))
    write_table(directory / "variants.csv", variants.reset_index(names="date"))
    for name in ("orders", "trades"):
        rows = [
            _labelled(getattr(trading, name), name=key, symbol=prices.symbol)
            for key, trading in traded.items()
        ]
        write_table(directory / f"{name}.csv", pd.concat([row for row in rows if len(row)] or rows[:1]))
    trial = trial_of(
        sha256=question.trial_sha256,
        name=directory.name,
        recipe_name=question.loaded.name,
        recipe=shareable_mapping(recipe),
        summary=summary,
        returns=traded["strategy"].bars["return"],
        close=prices.frame["close"],
    )
    return Results(summary=summary, trial=trial, notes=traded["strategy"].notes)


def _trade_all(
    question: Question, *, forecasts: Forecasts, tables: dict[str, Forecasts]
) -> dict[str, Trading]:
    """Trade the model and the baselines by the same rules, and hold."""
    recipe, prices = question.loaded.recipe, question.prices
    traded = {
        name: trade(
            prices,
            table,
            strategy=recipe.strategy,
            broker=recipe.broker,
            folder=question.loaded.folder,
            periods_per_year=recipe.data.periods_per_year,
        )
        for name, table in (
            ("strategy", forecasts),
            ("last_price", tables["last_price"]),
            ("last_return", tables["last_return"]),
        )
    }
    held = buy_and_hold(prices, forecasts, broker=recipe.broker)
    return {
        "strategy": traded["strategy"],
        "buy_and_hold": held,
        "last_price": traded["last_price"],
        "last_return": traded["last_return"],
    }


def _labelled(frame: pd.DataFrame, *, name: str, symbol: str) -> pd.DataFrame:
    labelled = frame.reset_index(drop=True)
    labelled.insert(0, "strategy", name)
    labelled.insert(1, "symbol", symbol)
    return labelled
