"""The engine: folds x members -> tasks -> out-of-sample forecasts.

Each forecast at origin t comes from a network trained on bars before the fold's test span, hence
before t; what is already in the store is not trained again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.execution import Executor
from backtester.folds import Fold
from backtester.forecasts import FORECAST_COLUMNS, Forecasts
from backtester.models import BASELINES, baseline_forecasts
from backtester.prices import Note, NoteKind
from backtester.store import DamagedEntry, FoldStore
from backtester.tasks import Problem, Task, TaskFailure, TaskResult, Trainable, fold_words, task_key

__all__ = [
    "Beside",
    "FoldOutcome",
    "Progress",
    "Timing",
    "WalkForward",
    "Work",
    "baseline_table",
    "forecast_table",
    "open_work",
    "say_nothing",
    "table_of",
    "walk_forward",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the training is.

    Parameters
    ----------
    done, total : tasks
    fold : index of the one just finished; see `fold_words`
    failed : whether it gave nothing
    loss : its last training loss, in scaled units; None where it failed or has none
    seconds_left : at the rate so far
    rate : tasks a second so far
    busy_with : fold that each worker is at, None where it waits
    """

    done: int
    total: int
    fold: int
    failed: bool
    loss: float | None
    seconds_left: float
    rate: float
    busy_with: tuple[int | None, ...]


def say_nothing(_: object) -> None:
    """Stand in for a listener where nobody wants to hear how far the work is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Where the time went; ``startup_seconds`` ends when the workers have imported and compiled."""

    startup_seconds: float
    training_seconds: float
    workers: int
    folds_trained: int
    folds_reused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldOutcome:
    """One fold after the training.

    Parameters
    ----------
    fold : its bars
    results : one for each member that succeeded, by member
    failures : of the other members; with any, the fold has no forecast
    """

    fold: Fold
    results: tuple[TaskResult, ...]
    failures: tuple[TaskFailure, ...]

    @property
    def reason(self) -> str:
        """Why the fold has no forecast; empty where it has."""
        return "; ".join(dict.fromkeys(failure.reason for failure in self.failures))


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What came of the tasks that belong to no fold, by member."""

    results: tuple[TaskResult, ...] = ()
    failures: tuple[TaskFailure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkForward:
    """All folds after the training, in order, and what was trained beside them."""

    outcomes: tuple[FoldOutcome, ...]
    timing: Timing
    notes: tuple[Note, ...]
    beside: Beside = Beside()


class Folded(Trainable, Protocol):
    """What is trained fold by fold, perhaps with other tasks beside."""

    @property
    def folds(self) -> tuple[Fold, ...]:
        """The schedule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is known before the training: results in the store, and the tasks that are not."""

    keys: dict[Task, str]
    stored: tuple[TaskResult, ...]
    missing: tuple[Task, ...]
    notes: tuple[Note, ...]


def open_work(problem: Trainable, *, store: FoldStore) -> Work:
    """Look up every task of a problem in the store; a damaged entry is noted and trained again."""
    if problem.model.kind in BASELINES:
        return Work(keys={}, stored=(), missing=(), notes=())
    keys: dict[Task, str] = {}
    for task in problem.tasks():
        before = _before(problem, task)
        keys[task] = task_key(problem, task, begins_from=keys[before] if before else "")
    found = {task: store.read(key, task=task) for task, key in keys.items()}
    damaged = [(task, entry) for task, entry in found.items() if isinstance(entry, DamagedEntry)]
    return Work(
        keys=keys,
        stored=tuple(entry for entry in found.values() if isinstance(entry, TaskResult)),
        missing=tuple(task for task, entry in found.items() if not isinstance(entry, TaskResult)),
        notes=tuple(
            Note(
                kind=NoteKind.WARNING,
                text=f"The stored result of {fold_words(task.fold)} was damaged ({entry.reason}); "
                "trained again.",
            )
            for task, entry in damaged
        ),
    )


def _before(problem: Trainable, task: Task) -> Task | None:
    """The task whose weights this one begins from, if any."""
    if not problem.training.warm_start or task.fold <= 0:
        return None
    return Task(fold=task.fold - 1, member=task.member)


def walk_forward(
    problem: Folded,
    *,
    work: Work,
    store: FoldStore,
    executor: Executor,
    on_progress: Callable[[Progress], None],
    started: float,
) -> WalkForward:
    """Train what is missing on a started executor and gather all results.

    Parameters
    ----------
    problem : what to train
    work : from ``open_work``
    store : where results are kept as they come
    executor : started
    on_progress : called after each task
    started : ``time.monotonic()`` when the executor began to start

    Returns
    -------
    WalkForward, a fold with a failed member has no forecast and says why
    """
    begun = time.monotonic()
    results, failures = list(work.stored), list[TaskFailure]()
    notes = dict.fromkeys(work.notes)
    for done, outcome in enumerate(_outcomes(problem, work=work, executor=executor), start=1):
        if isinstance(outcome, TaskResult):
            store.write(work.keys[outcome.task], outcome)
            results.append(outcome)
        else:
            failures.append(outcome)
        on_progress(_progress(outcome, done=done, work=work, executor=executor, begun=begun))
    if problem.training.warm_start:
        notes[_WARM] = None
    for versions in dict.fromkeys(result.other_versions for result in results if result.other_versions):
        notes[Note(kind=NoteKind.WARNING, text=f"Stored networks were trained with {versions}.")] = None
    for note in dict.fromkeys(result.note for result in results if result.note):
        notes[Note(kind=NoteKind.INFO, text=note[0].upper() + note[1:])] = None
    outcomes = tuple(
        FoldOutcome(
            fold=fold,
            results=tuple(sorted((r for r in results if r.task.fold == fold.index), key=lambda r: r.task)),
            failures=tuple(sorted((f for f in failures if f.task.fold == fold.index), key=lambda f: f.task)),
        )
        for fold in problem.folds
    )
    indices = {fold.index for fold in problem.folds}
    beside = Beside(
        results=tuple(sorted((r for r in results if r.task.fold not in indices), key=lambda r: r.task)),
        failures=tuple(sorted((f for f in failures if f.task.fold not in indices), key=lambda f: f.task)),
    )
    trained = {task.fold for task in work.missing} & indices
    timing = Timing(
        startup_seconds=begun - started,
        training_seconds=time.monotonic() - begun,
        workers=executor.n_workers,
        folds_trained=len(trained),
        folds_reused=len(({result.task.fold for result in work.stored} & indices) - trained),
    )
    return WalkForward(outcomes=outcomes, timing=timing, notes=tuple(notes), beside=beside)


_WARM = Note(
    kind=NoteKind.WARNING,
    text="Warm start: a fold begins from the weights of the fold before it; folds depend on each other.",
)


def _outcomes(problem: Folded, *, work: Work, executor: Executor) -> Iterator[TaskResult | TaskFailure]:
    """Do the missing tasks: all at once, or with a warm start fold after fold."""
    if not problem.training.warm_start:
        yield from executor.run(work.missing, initial={})
        return
    indices = {fold.index for fold in problem.folds}
    yield from executor.run([task for task in work.missing if task.fold not in indices], initial={})
    weights = {result.task: result.weights for result in work.stored}
    for fold in problem.folds:
        wave = [task for task in work.missing if task.fold == fold.index]
        ready = [task for task in wave if task.fold == 0 or _before(problem, task) in weights]
        initial = {task: weights[before] for task in ready if (before := _before(problem, task))}
        for outcome in executor.run(ready, initial=initial):
            if isinstance(outcome, TaskResult):
                weights[outcome.task] = outcome.weights
            yield outcome
        for task in wave:
            if task not in ready:
                yield TaskFailure(task=task, reason="the fold whose weights it begins from failed")


def _progress(
    outcome: TaskResult | TaskFailure, *, done: int, work: Work, executor: Executor, begun: float
) -> Progress:
    losses = outcome.report.loss if isinstance(outcome, TaskResult) else ()
    seconds, total = time.monotonic() - begun, len(work.missing)
    return Progress(
        done=done,
        total=total,
        fold=outcome.task.fold,
        failed=isinstance(outcome, TaskFailure),
        loss=losses[-1] if losses else None,
        seconds_left=seconds / done * (total - done),
        rate=done / max(seconds, 1e-9),
        busy_with=tuple(None if task is None else task.fold for task in executor.busy_with),
    )


def forecast_table(
    problem: Problem, *, outcomes: Sequence[FoldOutcome], dates: pd.DatetimeIndex
) -> Forecasts:
    """Average the members of each fold into the table of forecasts.

    A fold with a failed member has NaN forecasts: never a forecast from a failed fit.
    """
    mean = np.full(len(problem.close), np.nan)
    spread = np.full(len(problem.close), np.nan)
    for outcome in outcomes:
        if outcome.failures or not outcome.results:
            continue
        members = np.stack([result.forecast for result in outcome.results])
        mean[outcome.fold.test] = members.mean(axis=0)
        if len(members) > 1:
            spread[outcome.fold.test] = members.std(axis=0, ddof=1)
    return table_of(problem, dates=dates, forecast=mean, spread=spread)


def baseline_table(problem: Problem, *, kind: str, dates: pd.DatetimeIndex) -> Forecasts:
    """Forecast with a baseline at the same origins."""
    forecast = baseline_forecasts(kind, close=problem.close, horizon=problem.target.horizon)
    return table_of(problem, dates=dates, forecast=forecast, spread=np.full(len(forecast), np.nan))


def table_of(
    problem: Problem, *, dates: pd.DatetimeIndex, forecast: NDArray[np.float64], spread: NDArray[np.float64]
) -> Forecasts:
    """Put forecasts beside what was known at their origins and what came of them.

    Parameters
    ----------
    dates : of the bars
    forecast, spread : (n_bars,) log return over the horizon, and its sd over members; NaN where there is none

    Returns
    -------
    Forecasts, a row for each bar of a test span
    """
    horizon, close = problem.target.horizon, problem.close
    origins = np.concatenate([np.arange(fold.test.start, fold.test.stop) for fold in problem.folds])
    fold_index = np.concatenate(
        [np.full(fold.test.stop - fold.test.start, fold.index) for fold in problem.folds]
    )
    targets = origins + horizon
    known = targets < len(close)
    actual = np.full(len(origins), np.nan)
    actual[known] = np.log(close[targets[known]] / close[origins[known]])
    target_dates = pd.Series(pd.NaT, index=range(len(origins)), dtype=dates.dtype)
    target_dates[known] = dates[targets[known]]
    frame = pd.DataFrame(
        {
            "symbol": problem.symbol,
            "origin": dates[origins],
            "target_date": target_dates,
            "horizon": horizon,
            "fold": fold_index,
            "seed": problem.seed,
            "forecast": forecast[origins],
            "forecast_sd": spread[origins],
            "actual": actual,
            "last_price": close[origins],
            "forecast_price": close[origins] * np.exp(forecast[origins]),
        },
        columns=list(FORECAST_COLUMNS),
    )
    return Forecasts(frame=frame)
