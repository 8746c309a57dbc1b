"""Train what is not in the store, in worker processes, and gather what every split gave."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from backtester.control.problem import DigitsProblem
from backtester.errors import FoldsFailedError
from backtester.execution import open_executor
from backtester.recipe import ExecutionSection
from backtester.store import FoldStore
from backtester.tasks import TaskFailure, TaskResult
from backtester.walkforward import Progress, Work, open_work

__all__ = ["Trained", "train"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What the splits gave.

    Parameters
    ----------
    results : by fold
    n_trained : of them, not found in the store
    """

    results: dict[int, TaskResult]
    n_trained: int


def train(
    problem: DigitsProblem,
    *,
    store: FoldStore,
    execution: ExecutionSection,
    on_progress: Callable[[Progress], None],
) -> Trained:
    """Train what is missing; each result is kept as it comes, so that a control that is stopped goes on.

    Raises
    ------
    FoldsFailedError : a fit failed, or no worker can be started
    StorageError : the disk is full or read-only
    """
    work = open_work(problem, store=store)
    results = {result.task.fold: result for result in work.stored}
    failures: list[TaskFailure] = []
    with open_executor(execution, problem=problem, tasks=work.missing) as executor:
        begun = time.monotonic()
        for done, outcome in enumerate(executor.run(work.missing, initial={}), start=1):
            if isinstance(outcome, TaskResult):
                store.write(work.keys[outcome.task], outcome)
                results[outcome.task.fold] = outcome
            else:
                failures.append(outcome)
            on_progress(_progress(outcome, done=done, work=work, seconds=time.monotonic() - begun))
    if failures:
        raise FoldsFailedError(
            f"{len(failures)} of {len(work.keys)} fits of the control failed: {failures[0].reason}.",
            advice="Run the control again: what was trained is kept.",
        )
    return Trained(results=results, n_trained=len(work.missing))


def _progress(outcome: TaskResult | TaskFailure, *, done: int, work: Work, seconds: float) -> Progress:
    losses = outcome.report.loss if isinstance(outcome, TaskResult) else ()
    total = len(work.missing)
    return Progress(
        done=done,
        total=total,
        fold=outcome.task.fold,
        failed=isinstance(outcome, TaskFailure),
        loss=losses[-1] if losses else None,
        seconds_left=seconds / done * (total - done),
        rate=done / max(seconds, 1e-9),
        busy_with=(),
    )
