"""The audit: of a recipe before anything is trained, of a finished run, and the quick one within a run."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from backtester.audit.columns import Column, check_columns, cuts_of
from backtester.audit.finding import FILES, Audit, Check
from backtester.audit.fits import check_fits
from backtester.audit.flaws import check_split
from backtester.audit.history import cut_after
from backtester.audit.reading import check_reads, noting_reads
from backtester.audit.samples import check_folds, check_scale
from backtester.audit.trading import Trader, check_fills, check_strategy, random_forecasts
from backtester.backtest import trade
from backtester.errors import StorageError
from backtester.features import feature_matrix
from backtester.forecasts import Forecasts
from backtester.models import BASELINES
from backtester.prices import Prices
from backtester.prices.samples import sample_path
from backtester.question import Question
from backtester.recipe import Fill, ReferenceModel, ReferenceStrategy, Source
from backtester.references import reference_file
from backtester.reopening import reopen
from backtester.run_directory import check_files
from backtester.seeds import seed_of
from backtester.stress.axes.regimes import is_bear, is_turbulent
from backtester.walkforward import baseline_table

__all__ = ["audit_question", "audit_run", "quick_audit"]

_FOLDS = 3
_SLOW = 120.0
"""Seconds from which on the cuts of one feature are worth a warning."""
_STRATEGY_CUTS = 6
_QUICK_BARS = 300
"""Of the first forecasts, on which a run looks at a strategy: each look trades all bars up to there."""

Step = Callable[[str], None]


def audit_question(question: Question, *, cuts: int = 0, step: Step = lambda _: None) -> Audit:
    """Audit a recipe on its prices before training.

    Parameters
    ----------
    question : from `ask`
    cuts : bars to cut the history after, for the features; 0: every one
    step : told what begins

    Returns
    -------
    Audit of features, fold samples, the scale of the prices, the strategy on drawn forecasts, and the split
    of a published mode; where model or features are the user's own, of the model in the first and the last
    fold, fitted for one epoch

    Raises
    ------
    BacktesterError : user code that fails on the whole history
    """
    step("Cutting the history under the features.")
    checks = _features(question, cuts=cuts, step=step)
    step("Changing the bars that follow each part of a fold.")
    checks += _folds(question)
    step("Running the strategy with another future.")
    checks += _strategy(question)
    recipe = question.loaded.recipe
    own = isinstance(recipe.model, ReferenceModel) or any(":" in name for name in recipe.features.columns)
    if own and recipe.model.kind not in BASELINES:
        step("Fitting the model with another future.")
        folds = sorted({0, len(question.problem.folds) - 1})
        checks += check_fits(question, folds=folds, epochs=1)
    return Audit.of([*checks, *check_split(question)])


def quick_audit(question: Question) -> Audit:
    """Audit the user's own features and strategy by some cuts, as every run does by itself.

    What comes with the program is audited by its tests.

    Raises
    ------
    BacktesterError : user code that fails on the whole history, a strategy on the forecasts of a baseline
    """
    recipe = question.loaded.recipe
    own = [name for name in recipe.features.columns if ":" in name]
    checks = _features(question, cuts=recipe.audit.cuts, columns=own) if own else []
    if isinstance(recipe.strategy, ReferenceStrategy):
        _check_runs(question)
        checks += _strategy(question, n_cuts=2, n_bars=_QUICK_BARS)
    return Audit.of(checks)


def audit_run(directory: Path, *, cuts: int = 0, n_folds: int = _FOLDS, step: Step = lambda _: None) -> Audit:
    """Audit a finished run: what `audit_question` does, and its fitted networks, orders and regimes.

    Parameters
    ----------
    directory : of the run
    cuts : bars to cut the history after, for features and regimes; 0: every one
    n_folds : folds that are trained again, three times each, spread from the first to the last

    Raises
    ------
    RunDirectoryError : no finished run, or its question cannot be asked again here
    StorageError : a file is missing or cannot be read
    """
    reopened = reopen(directory, whole=False)
    question, record = reopened.question, reopened.record
    for note in reopened.notes:
        step(note)
    step("Cutting the history under the features and the regimes.")
    checks = _files(directory) + _features(question, cuts=cuts, step=step) + _regimes(question, cuts=cuts)
    step("Changing the bars that follow each part of a fold.")
    checks += _folds(question)
    if question.problem.model.kind not in BASELINES:
        done = [fold["index"] for fold in record.manifest["folds"] if fold["state"] != "failed"]
        chosen = [done[i] for i in np.unique(np.linspace(0, len(done) - 1, n_folds).round().astype(int))]
        step(f"Training {len(chosen)} folds again, with the future cut off and changed.")
        training = question.problem.training
        alone = training.members == 1 and not training.warm_start
        checks += check_fits(question, folds=chosen, stored=record.forecasts if alone else None)
    step("Running the strategy with another future.")
    forecasts = Forecasts(frame=record.forecasts)
    checks += _strategy(question, forecasts=forecasts)
    dates = question.prices.dates
    for name, orders in record.orders.groupby("strategy"):
        checks.append(check_fills(orders, dates=dates, subject=str(name)))
    return Audit.of([*checks, *check_split(question)])


def _files(directory: Path) -> list[Check]:
    """Whether the files are those that the run wrote; an edited one is audited all the same."""
    check = Check(subject=FILES, method="checksums in SHA256SUMS", n=1)
    try:
        check_files(directory)
    except StorageError as error:
        check = dataclasses.replace(check, note=f"{error.message} `backtester verify` tells what differs.")
    return [check]


def _features(
    question: Question, *, cuts: int, columns: Sequence[str] | None = None, step: Step = lambda _: None
) -> list[Check]:
    recipe, prices = question.loaded.recipe, question.prices
    borders = [fold.test.start for fold in question.problem.folds]
    seed = seed_of(recipe.seed, "audit")
    chosen = cuts_of(len(prices), n_cuts=cuts, borders=borders, seed=seed)
    names = recipe.features.columns if columns is None else columns
    checks: list[Check] = []
    for name in names:
        column = _column(name, folder=question.loaded.folder)
        _warn_of_slow(column, prices=prices, n_cuts=len(chosen), step=step)
        with noting_reads(_code_of(name, question=question)) as reads:
            checks += check_columns([column], prices, cuts=chosen, shortest=borders[0] + 1)
        checks += check_reads(reads, subject=column.subject, prices=prices, source=_source(question))
    return checks


def _code_of(name: str, *, question: Question) -> Path | None:
    """The user's file behind a feature or strategy; None for what comes with the program."""
    return reference_file(name, folder=question.loaded.folder) if ":" in name else None


def _source(question: Question) -> Path | None:
    """The file that the prices were read from."""
    data = question.loaded.recipe.data
    if question.prices.source == "frame":
        return None
    if data.source is Source.SAMPLE:
        return sample_path(data.symbol)
    return question.loaded.folder / data.path if data.path else None


def _warn_of_slow(column: Column, *, prices: Prices, n_cuts: int, step: Step) -> None:
    if ":" not in column.subject or n_cuts < len(prices) - 1:
        return
    started = time.perf_counter()
    column.compute(prices)
    seconds = 0.5 * n_cuts * (time.perf_counter() - started)  # half the bars on average
    if seconds > _SLOW:
        step(f"{column.subject} is slow: about {seconds / 60:.0f} minutes for every cut; see --cuts.")


def _column(name: str, *, folder: Path) -> Column:
    def compute(prices: Prices) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        values: np.ndarray[tuple[int], np.dtype[np.float64]] = feature_matrix(
            prices, [name], folder=folder
        ).values[:, 0]
        return values

    return Column(subject=f"feature '{name}'", compute=compute)


def _regimes(question: Question, *, cuts: int) -> list[Check]:
    year = question.loaded.recipe.data.periods_per_year
    seed = seed_of(question.loaded.recipe.seed, "audit")
    chosen = cuts_of(len(question.prices), n_cuts=cuts, seed=seed)
    columns = [
        Column(subject="regime 'bear'", compute=lambda prices: is_bear(prices.column("close"), year=year)),
        Column(
            subject="regime 'turbulent'",
            compute=lambda prices: is_turbulent(prices.column("close"), year=year),
        ),
    ]
    return check_columns(columns, question.prices, cuts=chosen)


def _folds(question: Question) -> list[Check]:
    problem = question.problem
    if problem.model.kind in BASELINES:
        return []
    folds = range(len(problem.folds))
    columns = question.loaded.recipe.features.columns
    scale = check_scale(problem, prices=question.prices, columns=columns, folds=folds)
    return [*check_folds(problem, dates=question.prices.dates, folds=folds), scale]


def _strategy(
    question: Question, *, forecasts: Forecasts | None = None, n_cuts: int = _STRATEGY_CUTS, n_bars: int = 0
) -> list[Check]:
    recipe, prices, problem = question.loaded.recipe, question.prices, question.problem
    if forecasts is None:
        table = baseline_table(problem, kind="last_price", dates=prices.dates)
        forecasts = random_forecasts(table, seed=seed_of(recipe.seed, "audit"))
    if n_bars:
        prices = cut_after(prices, bar=min(problem.folds[0].test.start + n_bars, len(prices) - 1))
        frame = forecasts.frame
        forecasts = Forecasts(frame=frame[frame["origin"] <= prices.dates[-1]].reset_index(drop=True))
    first, last = problem.folds[0].test.start + 2, len(prices) - 2
    chosen = sorted({int(bar) for bar in np.linspace(first, last, n_cuts + 2)[1:-1]})
    subject = f"strategy '{recipe.strategy.kind}'"
    with noting_reads(_code_of(recipe.strategy.kind, question=question)) as reads:
        checks = check_strategy(
            _trader(question),
            prices=prices,
            forecasts=forecasts,
            cuts=[bar for bar in chosen if first <= bar <= last],
            subject=subject,
            fills_at="open" if recipe.broker.fill is Fill.NEXT_OPEN else "close",
        )
    return [*checks, *check_reads(reads, subject=subject, prices=question.prices, source=_source(question))]


def _trader(question: Question) -> Trader:
    recipe = question.loaded.recipe

    def traded(on: Prices, table: Forecasts) -> pd.DataFrame:
        trading = trade(
            on,
            table,
            strategy=recipe.strategy,
            broker=recipe.broker,
            folder=question.loaded.folder,
            periods_per_year=recipe.data.periods_per_year,
        )
        return pd.concat([trading.orders, trading.asked], axis=1)

    return traded


def _check_runs(question: Question) -> None:
    """Trade the baselines, as the run will after its training: what fails on them fails there as well."""
    for kind in ("last_return", "last_price"):
        table = baseline_table(question.problem, kind=kind, dates=question.prices.dates)
        _trader(question)(question.prices, table)
