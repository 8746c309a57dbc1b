"""Where training tasks run: worker processes on this machine, or a Ray cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from backtester.execution.messages import is_refusal
from backtester.execution.pool import WorkerPool, available_cores
from backtester.models.forecaster import Weights
from backtester.recipe import ExecutionSection, ExecutorKind
from backtester.tasks import Task, TaskFailure, TaskResult, Trainable

__all__ = ["Executor", "WorkerPool", "available_cores", "is_refusal", "n_workers", "open_executor"]


class Executor(Protocol):
    """Started workers that do the tasks of one problem at a time."""

    @property
    def n_workers(self) -> int:
        """Number of workers."""

    @property
    def busy_with(self) -> tuple[Task | None, ...]:
        """What each worker does now; None where it waits or starts; empty where that is not known."""

    @property
    def worker_bytes(self) -> int:
        """Largest memory that a worker has had; 0 where that is not known."""

    def run(
        self, tasks: Sequence[Task], *, initial: Mapping[Task, Weights]
    ) -> Iterator[TaskResult | TaskFailure]:
        """Do tasks; what comes of each, in the order in which they end.

        Parameters
        ----------
        initial : weights to begin from, for the tasks that do
        """

    def turn_to(self, problem: Trainable, *, first: Task) -> None:
        """Leave the problem for another one, whose shapes are compiled where they are new.

        Raises
        ------
        BacktesterError : what makes it untrainable; the workers can turn to yet another one
        """


class _Idle:
    """The executor where nothing is to be done."""

    n_workers = 0
    busy_with = ()
    worker_bytes = 0

    def run(
        self, tasks: Sequence[Task], *, initial: Mapping[Task, Weights]
    ) -> Iterator[TaskResult | TaskFailure]:
        """Do nothing."""
        return iter(())

    def turn_to(self, problem: Trainable, *, first: Task) -> None:
        """Do nothing."""


def n_workers(section: ExecutionSection, *, n_tasks: int) -> int:
    """Give the number of workers to start: as the recipe says, but no more than there are tasks."""
    if section.executor is ExecutorKind.SERIAL:
        return 1
    return max(1, min(section.workers or available_cores(), n_tasks))


@contextlib.contextmanager
def open_executor(
    section: ExecutionSection, *, problem: Trainable, tasks: Sequence[Task], n_tasks: int = 0
) -> Iterator[Executor]:
    """Start workers for these tasks and stop them at the end.

    Parameters
    ----------
    section : how many, and where
    problem : what they train first
    tasks : of that problem; without any no worker is started
    n_tasks : in all, where tasks of other problems follow

    Raises
    ------
    BacktesterError : what makes the problem untrainable, found before the first task; e.g. RecipeError
        for a network of the wrong shape
    """
    if not tasks:
        yield _Idle()
        return
    if section.executor is ExecutorKind.RAY:
        from backtester.execution.ray import RayExecutor

        with RayExecutor(section, problem=problem, first=tasks[0]) as cluster:
            yield cluster
        return
    with WorkerPool(
        n_workers(section, n_tasks=max(n_tasks, len(tasks))), problem=problem, first=tasks[0]
    ) as pool:
        yield pool
