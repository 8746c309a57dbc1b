"""What driver and workers say to each other."""

from __future__ import annotations

from dataclasses import dataclass

from backtester import errors
from backtester.errors import BacktesterError
from backtester.models.forecaster import Weights
from backtester.tasks import Task, TaskFailure, TaskResult, Trainable

__all__ = ["Done", "Ready", "Refused", "Start", "Work", "is_refusal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """To a worker: prepare for tasks of this problem, compiled for the shape of the first."""

    problem: Trainable
    first: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """To a worker: do this task, from these weights if any."""

    task: Task
    initial: Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """From a worker: prepared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """From a worker: the problem cannot be trained at all."""

    kind: str
    message: str
    advice: str

    @classmethod
    def of(cls, error: BacktesterError) -> Refused:
        """Make an error ready to travel."""
        return cls(kind=type(error).__name__, message=error.message, advice=error.advice)

    def error(self) -> BacktesterError:
        """Give the error that was refused with; see `is_refusal`."""
        kind: type[BacktesterError] = getattr(errors, self.kind)
        error = kind(self.message, advice=self.advice)
        error.__cause__ = _RefusedError()
        return error


class _RefusedError(Exception):
    """Cause of an error that is about one problem."""


def is_refusal(error: BacktesterError) -> bool:
    """Whether a worker refused one problem, and others can still be trained; else nothing can be."""
    return isinstance(error.__cause__, _RefusedError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """From a worker: what came of its task."""

    outcome: TaskResult | TaskFailure
