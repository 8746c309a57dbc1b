"""Train on the latest window: the fold that walk-forward would make next, and what it needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backtester.errors import FoldsFailedError
from backtester.execution import open_executor
from backtester.folds import Fold, make_folds
from backtester.forecasts import Forecasts
from backtester.models import BASELINES
from backtester.question import Question
from backtester.run_directory import RunRecord
from backtester.store import FoldStore
from backtester.tasks import Problem
from backtester.walkforward import (
    FoldOutcome,
    Progress,
    Work,
    baseline_table,
    forecast_table,
    open_work,
    walk_forward,
)

__all__ = ["Latest", "forecast_latest", "latest_fold", "latest_problem", "needed_work"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """Forecasts up to the last bar.

    Parameters
    ----------
    forecasts : one row for each origin: the run's own, then those of the bars that came since, and at the
        last bar that of the network trained on the latest window
    fold : that network's; None for a model that learns nothing
    trained, reused : networks trained now, and taken from the store
    failed : origins without a forecast, as their folds failed
    missing : origins without a forecast for another reason
    notes : what the reader must know
    """

    forecasts: Forecasts
    fold: Fold | None
    trained: int
    reused: int
    failed: int
    missing: int
    notes: tuple[str, ...]


def latest_fold(question: Question) -> Fold:
    """Give the fold that a retraining at the last bar would make: its test span is that bar alone.

    Returns
    -------
    Fold, numbered after those of the question; the last of those where it is this fold already. A single
    split, which is never trained again, is laid out as a rolling window of the same length
    """
    folds, dates, settings = question.problem.folds, question.prices.dates, question.loaded.recipe.folds
    last = len(dates) - 1
    if folds[-1].test.start == last:
        return folds[-1]
    (fold,) = make_folds(
        dates,
        train=settings.train,
        test=1,
        validation=settings.validation,
        scheme=settings.scheme,
        embargo=settings.embargo,
        phase=last - (folds[0].test.start - settings.phase),
    )
    return replace(fold, index=len(folds))


def latest_problem(question: Question) -> Problem:
    """Give the question's problem with the latest fold at its end.

    Raises
    ------
    RecipeError : the latest window has no sample to learn from
    """
    problem, fold = question.problem, latest_fold(question)
    if problem.model.kind in BASELINES or fold.index < len(problem.folds):
        return problem
    longer = replace(problem, folds=(*problem.folds, fold))
    longer.check()
    return longer


def needed_work(problem: Problem, *, store: FoldStore, n_known: int) -> Work:
    """Leave out of the work what a forecast does not need.

    Parameters
    ----------
    problem : with the latest fold at its end
    store : of trained folds
    n_known : bars that the run itself had; of the folds before the latest only those with later origins
        are needed, and with a warm start the folds that they begin from, back to one in the store
    """
    work = open_work(problem, store=store)
    needed = {fold.index for fold in problem.folds if fold.test.stop > n_known}
    needed.add(problem.folds[-1].index)
    if problem.training.warm_start:
        missing = {task.fold for task in work.missing}
        for index in range(problem.folds[-1].index, 0, -1):
            if index in needed and index in missing:
                needed.add(index - 1)
    return replace(
        work,
        stored=tuple(result for result in work.stored if result.task.fold in needed),
        missing=tuple(task for task in work.missing if task.fold in needed),
        notes=(),
    )


def forecast_latest(
    question: Question,
    *,
    record: RunRecord,
    store: FoldStore,
    step: Callable[[str], None],
    on_progress: Callable[[Progress], None],
) -> Latest:
    """Forecast at the last bar, and at the bars that came since the run.

    Parameters
    ----------
    question : the run's, on its own prices or on those with newer bars
    record : of the run, whose forecasts are taken as they are
    store : of trained folds; what is there is not trained again
    step : called with a sentence before networks are trained
    on_progress : called after each network

    Returns
    -------
    Latest

    Raises
    ------
    FoldsFailedError : the network of the latest window could not be trained
    RecipeError : the latest window has no sample to learn from
    StorageError : the disk is full or read-only
    """
    problem, dates = latest_problem(question), question.prices.dates
    kind = problem.model.kind
    if kind in BASELINES:
        table = baseline_table(problem, kind=kind, dates=dates)
        return Latest(forecasts=table, fold=None, trained=0, reused=0, failed=0, missing=0, notes=())
    work = needed_work(problem, store=store, n_known=len(record.prices))
    if work.missing:
        step(f"Starting to train: {len(work.missing)} networks ({len(work.stored)} are in the store).")
    started = time.monotonic()
    execution = question.loaded.recipe.execution
    with open_executor(execution, problem=problem, tasks=work.missing) as executor:
        result = walk_forward(
            problem, work=work, store=store, executor=executor, on_progress=on_progress, started=started
        )
    latest = result.outcomes[-1]
    if latest.failures:
        raise FoldsFailedError(
            f"The network of the latest window has no forecast: {latest.reason}",
            advice="Repair the cause and ask again: what was trained is kept.",
        )
    found = forecast_table(problem, outcomes=result.outcomes, dates=dates)
    forecasts = _joined(found, record=record)
    without = forecasts.frame.loc[forecasts.frame["forecast"].isna(), "fold"]
    failed = int(without.isin(_failed_folds(record, outcomes=result.outcomes)).sum())
    return Latest(
        forecasts=forecasts,
        fold=latest.fold,
        trained=len(work.missing),
        reused=len(work.stored),
        failed=failed,
        missing=len(without) - failed,
        notes=tuple(note.text for note in result.notes),
    )


def _failed_folds(record: RunRecord, *, outcomes: Sequence[FoldOutcome]) -> set[int]:
    """Folds that failed in the run, as it tells itself, or now."""
    then = {int(fold["index"]) for fold in record.manifest["folds"] if fold["state"] != "done"}
    return then | {outcome.fold.index for outcome in outcomes if outcome.failures}


def _joined(found: Forecasts, *, record: RunRecord) -> Forecasts:
    """Put the run's own forecasts where it had one, but for the last origin, which is forecast anew."""
    frame = found.frame.drop_duplicates("origin", keep="last").reset_index(drop=True)
    own = record.forecasts.set_index("origin").reindex(frame["origin"])
    is_own = frame["origin"].isin(record.forecasts["origin"]).to_numpy(copy=True)
    is_own[-1] = False
    columns = {
        name: np.where(is_own, own[name].to_numpy(dtype=np.float64), frame[name].to_numpy(dtype=np.float64))
        for name in ("forecast", "forecast_sd")
    }
    price = frame["last_price"].to_numpy() * np.exp(columns["forecast"])
    return Forecasts(frame=frame.assign(**columns, forecast_price=price))
