"""Tasks on a Ray cluster: many machines, or this one.

The tasks, and so their bits, are those of the worker processes. The problem is put into Ray's object
store once; each of its worker processes makes and compiles the network once. A lost machine costs time
only: Ray gives its tasks to another one, and tasks can be repeated at will.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

from backtester.errors import BacktesterError, RecipeError
from backtester.execution.messages import Ready, Refused
from backtester.execution.worker import ENVIRONMENT
from backtester.forecasters import ForecasterCache
from backtester.models.forecaster import Weights
from backtester.recipe import ExecutionSection
from backtester.tasks import Task, TaskFailure, TaskResult, TaskRunner, Trainable, task_key

__all__ = ["RayExecutor"]

# How often Ray repeats a task whose machine or process was lost.
_RETRIES = 5


class RayExecutor:
    """Does the tasks of one problem on a Ray cluster; a context manager.

    Parameters
    ----------
    section : its ``address`` names the cluster, ``workers`` how many tasks run at a time
    problem : what to train; files of the user's must be at the same place on every machine
    first : the task whose shapes are compiled to find what makes the problem untrainable

    Raises
    ------
    RecipeError : on entering, Ray is not installed, or no cluster at this address
    BacktesterError : on entering, what a worker refused
    """

    def __init__(self, section: ExecutionSection, *, problem: Trainable, first: Task) -> None:
        self._section = section
        self._problem = problem
        self._first = first
        self._ours = False
        self.busy_with: tuple[Task | None, ...] = ()
        self.worker_bytes = 0

    def __enter__(self) -> RayExecutor:
        self._ray = _import_ray()
        if not self._ray.is_initialized():
            self._connect()
        options = {"num_cpus": 1, "max_retries": _RETRIES, "runtime_env": {"env_vars": dict(ENVIRONMENT)}}
        self._attempt = self._ray.remote(**options)(_attempt)
        self._prepare = self._ray.remote(**options)(_prepare)
        try:
            self.turn_to(self._problem, first=self._first)
        except BaseException:
            self.__exit__()
            raise
        return self

    def turn_to(self, problem: Trainable, *, first: Task) -> None:
        """Leave the problem for another one; between two `run`.

        Raises
        ------
        BacktesterError : what makes it untrainable
        """
        self._shared = self._ray.put(problem)
        self._known = {"name": _name_of(problem), "first": first}
        answer = self._ray.get(self._prepare.remote(self._shared, **self._known))
        if isinstance(answer, Refused):
            raise answer.error()

    def __exit__(self, *_: object) -> None:
        if self._ours:
            self._ray.shutdown()

    def _connect(self) -> None:
        address, workers = self._section.address or "local", self._section.workers
        local = {"num_cpus": workers or None, "include_dashboard": False} if address == "local" else {}
        try:
            _knock(address)
            self._ray.init(address=address, log_to_driver=False, logging_level="ERROR", **local)
        except (OSError, RuntimeError, ValueError) as error:
            raise RecipeError(
                f"execution.address = {address!r}: no Ray cluster answers ({str(error).splitlines()[0]}).",
                advice="Start one with `ray start --head`, or leave the address empty.",
            ) from error
        self._ours = True

    @property
    def n_workers(self) -> int:
        """Tasks that run at a time."""
        return self._section.workers or int(self._ray.cluster_resources().get("CPU", 1))

    def run(
        self, tasks: Sequence[Task], *, initial: Mapping[Task, Weights]
    ) -> Iterator[TaskResult | TaskFailure]:
        """Do tasks; what comes of each, in the order in which they end."""
        waiting = iter(tasks)
        running: dict[Any, Task] = {}
        while True:
            while len(running) < self.n_workers and (task := next(waiting, None)) is not None:
                begin = initial.get(task, ())
                running[self._attempt.remote(self._shared, **self._known, task=task, initial=begin)] = task
            self.busy_with = tuple(running.values())
            if not running:
                return
            ended, _ = self._ray.wait(list(running), num_returns=1)
            for reference in ended:
                yield self._outcome(reference, task=running.pop(reference))

    def _outcome(self, reference: Any, *, task: Task) -> TaskResult | TaskFailure:
        try:
            outcome: TaskResult | TaskFailure = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            reason = f"its worker was lost {_RETRIES} times ({type(error).__name__})"
            return TaskFailure(task=task, reason=reason)
        return outcome


def _name_of(problem: Trainable) -> str:
    """Hash all that determines a problem's results: what a process made for one serves no other."""
    keys = (task_key(problem, task) for task in problem.tasks() if task.member == 0)
    return hashlib.sha256("".join(keys).encode()).hexdigest()


def _knock(address: str) -> None:
    """Find out in seconds that nobody listens; Ray itself tries for minutes."""
    host, separator, port = address.rpartition("//")[2].rpartition(":")
    if separator and port.isdigit():
        socket.create_connection((host, int(port)), timeout=5).close()


def _import_ray() -> ModuleType:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise RecipeError(
            'execution.executor = "ray": Ray is not installed.',
            advice="Install it with: pip install 'walkforward-backtester[ray]', or use \"processes\".",
        ) from error
    return ray


# What a worker process of Ray made for the problem that it served last, by the problem's name.
_made: dict[str, TaskRunner] = {}
_forecasters = ForecasterCache()


def _prepare(problem: Trainable, *, name: str, first: Task) -> Ready | Refused:
    try:
        _runner(problem, name=name, first=first)
    except BacktesterError as error:
        return Refused.of(error)
    return Ready()


def _attempt(
    problem: Trainable, *, name: str, first: Task, task: Task, initial: Weights
) -> TaskResult | TaskFailure:
    try:
        runner = _runner(problem, name=name, first=first)
    except BacktesterError as error:
        return TaskFailure(task=task, reason=str(error).replace("\n", " "))
    return runner.attempt(task, initial=initial)


def _runner(problem: Trainable, *, name: str, first: Task) -> TaskRunner:
    if name not in _made:
        _made.clear()
        runner = TaskRunner(problem, forecasters=_forecasters)
        runner.prepare(first)
        _made[name] = runner
    return _made[name]
