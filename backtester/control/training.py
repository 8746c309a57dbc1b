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
from backtester.tasks import TaskResult
from backtester.walkforward import Progress, open_work, walk_forward

__all__ = ["Trained", "train"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What the splits gave.

    Parameters
    ----------
    results : by split
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
    started = time.monotonic()
    with open_executor(execution, problem=problem, tasks=work.missing) as executor:
        found = walk_forward(
            problem, work=work, store=store, executor=executor, on_progress=on_progress, started=started
        ).beside
    if found.failures:
        raise FoldsFailedError(
            f"{len(found.failures)} of {len(work.keys)} fits of the control failed: "
            f"{found.failures[0].reason}.",
            advice="Run the control again: what was trained is kept.",
        )
    return Trained(
        results={result.task.fold: result for result in found.results}, n_trained=len(work.missing)
    )
