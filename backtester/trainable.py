"""What can be trained, task by task, whatever it is that the tasks learn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backtester.recipe import ModelSection, TrainingSection
from backtester.samples import Samples
from backtester.seeds import seed_of

__all__ = ["BESIDE", "Fingerprint", "Task", "TaskSamples", "Trainable", "fold_words"]

BESIDE = -1
"""Instead of a fold: tasks that are trained beside the walk-forward, for the published mode."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Task:
    """One network to train."""

    fold: int
    member: int

    def seed(self, problem: Trainable) -> int:
        """The seed of this network, whatever was trained before it."""
        return seed_of(problem.seed, "network", problem.symbol, self.fold, self.member)


def fold_words(fold: int) -> str:
    """Name a fold for a message.

    Examples
    --------
    >>> fold_words(3), fold_words(BESIDE)
    ('fold 3', 'the published mode')
    """
    return "the published mode" if fold == BESIDE else f"fold {fold}"


class TaskSamples(Protocol):
    """The samples of a task, and the way back from a scaled prediction to a forecast."""

    @property
    def train(self) -> Samples:
        """What is fitted."""

    @property
    def validation(self) -> Samples:
        """What is watched; may have length 0."""

    @property
    def test(self) -> Samples:
        """What is forecast."""

    def to_forecast(self, predicted: NDArray[np.floating]) -> NDArray[np.float64]:
        """Turn scaled predictions (n_test,) into forecasts (n_test,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What determines the samples of a task.

    Parameters
    ----------
    settings : values that JSON can hold, by name
    arrays : of numbers, in a fixed order
    """

    settings: Mapping[str, Any]
    arrays: tuple[NDArray[np.float64], ...]


class Trainable(Protocol):
    """What can be cut into training tasks: a walk-forward, and whatever is trained beside it."""

    @property
    def symbol(self) -> str:
        """Whose prices these are."""

    @property
    def seed(self) -> int:
        """Of the run."""

    @property
    def model(self) -> ModelSection:
        """As in the recipe."""

    @property
    def training(self) -> TrainingSection:
        """As in the recipe."""

    @property
    def folder(self) -> Path:
        """Where a relative reference in ``model`` starts."""

    @property
    def code_sha256(self) -> str:
        """Of the user's file named by ``model``, empty for a named model."""

    @property
    def n_features(self) -> int:
        """Columns of a window."""

    def tasks(self) -> tuple[Task, ...]:
        """All tasks, in the order in which they are begun."""

    def samples(self, fold: int) -> TaskSamples:
        """Scaled samples of the tasks of one fold."""

    def fingerprint(self, fold: int) -> Fingerprint:
        """What determines those samples."""
