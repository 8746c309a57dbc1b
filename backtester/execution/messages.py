"""What driver and workers say to each other."""

from __future__ import annotations

from dataclasses import dataclass

from backtester.tasks import Problem, Task, TaskResult

__all__ = ["Failed", "Ready", "Refused", "Solved", "Start", "Work"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """To a worker: prepare for tasks of this problem, compiled for the shape of the first."""

    problem: Problem
    first: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """To a worker: do this task."""

    task: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """From a worker: prepared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """From a worker: the problem cannot be trained at all."""

    kind: str
    message: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """From a worker: done."""

    result: TaskResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """From a worker: this task gives nothing."""

    task: Task
    reason: str
