"""One training task: a fold and a member of one symbol, and what determines its result."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backtester.errors import BacktesterError, FitError
from backtester.features import FeatureMatrix
from backtester.folds import Fold, Part
from backtester.forecasters import ForecasterCache
from backtester.models.forecaster import FitReport, Weights
from backtester.recipe import (
    ModelSection,
    ReferenceModel,
    ScalerKind,
    TargetSection,
    TrainingSection,
)
from backtester.samples import FoldSamples, fold_samples
from backtester.trainable import BESIDE, Fingerprint, Task, TaskSamples, Trainable, fold_words

__all__ = [
    "BESIDE",
    "Fingerprint",
    "Problem",
    "Task",
    "TaskFailure",
    "TaskResult",
    "TaskRunner",
    "TaskSamples",
    "Trainable",
    "fold_words",
    "task_key",
]

# Part of every key: a change of the training code that moves a bit must raise it.
TRAINING_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """All that training needs to know of one symbol.

    Parameters
    ----------
    symbol : whose prices these are
    features : of all bars
    close : (n_bars,)
    folds : the schedule
    seed : of the run
    target, feature_scaler, model, training : as in the recipe
    folder : where a relative reference in ``model`` starts
    code_sha256 : of the user's file named by ``model``, empty for a named model
    """

    symbol: str
    features: FeatureMatrix
    close: NDArray[np.float64]
    folds: tuple[Fold, ...]
    seed: int
    target: TargetSection
    feature_scaler: ScalerKind
    model: ModelSection
    training: TrainingSection
    folder: Path
    code_sha256: str = ""

    def check(self) -> None:
        """Check that every fold has a sample to learn from.

        Raises
        ------
        RecipeError : a fold without one
        """
        for fold in self.folds:
            for part in Part:
                fold.origins(
                    part,
                    lookback=self.model.lookback,
                    horizon=self.target.horizon,
                    warmup=self.features.warmup,
                )

    @property
    def n_features(self) -> int:
        """Columns of a window."""
        return len(self.features.names)

    def tasks(self) -> tuple[Task, ...]:
        """Every fold and member, in order."""
        return tuple(
            Task(fold=fold.index, member=member)
            for fold in self.folds
            for member in range(self.training.members)
        )

    def fingerprint(self, fold: int) -> Fingerprint:
        """What determines the samples of one fold: the data of its span, how it is cut and scaled."""
        cut = self.folds[fold]
        first, last = cut.train.start, cut.test.stop
        parts = (cut.train, cut.validation, cut.test)
        return Fingerprint(
            settings={
                "layout": [[part.start - first, part.stop - first] for part in parts],
                "warmup": self.features.warmup,
                "target": self.target.model_dump(mode="json"),
                "feature_scaler": self.feature_scaler.value,
            },
            arrays=(self.features.values[first:last], self.close[first:last]),
        )

    def samples(self, fold: int) -> FoldSamples:
        """Scaled samples of one fold."""
        return fold_samples(
            self.features,
            self.close,
            fold=self.folds[fold],
            lookback=self.model.lookback,
            target=self.target,
            feature_scaler=self.feature_scaler,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """What one task gave.

    Parameters
    ----------
    task : which one
    seed : of this network
    forecast : (n_test,) one for each origin of the fold's test span: ``horizon``-bar log returns, or
        whatever the problem's samples turn predictions into
    report : epochs and losses
    weights : the network's; empty for other forecasters
    note : what the user should know, e.g. that the network did not compile
    other_versions : of libraries with which it was trained before; empty where they are those of now
    """

    task: Task
    seed: int
    forecast: NDArray[np.float64]
    report: FitReport
    weights: Weights = ()
    note: str = ""
    other_versions: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """All that the user should know of it."""
        versions = f"stored networks were trained with {self.other_versions}" if self.other_versions else ""
        return tuple(filter(None, (self.note, versions)))


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFailure:
    """Why one task gave nothing."""

    task: Task
    reason: str


def task_key(problem: Trainable, task: Task, *, begins_from: str = "") -> str:
    """Hash of all that determines a task's result: data of its span, settings, code, seed.

    Parameters
    ----------
    begins_from : with a warm start, the key of the task whose weights it begins from
    """
    samples = problem.fingerprint(task.fold)
    settings = {
        **samples.settings,
        "version": TRAINING_VERSION,
        "model": problem.model.model_dump(mode="json") | {"kind": _name_of(problem.model)},
        "training": problem.training.model_dump(mode="json", exclude={"members", "warm_start"}),
        "code": problem.code_sha256,
        "begins_from": begins_from,
        "seed": task.seed(problem),
    }
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for array in samples.arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _name_of(model: ModelSection) -> str:
    """A file's content stands for its path, so that a moved file trains nothing anew."""
    if isinstance(model, ReferenceModel):
        place, _, name = model.kind.rpartition(":")
        return name if place.endswith(".py") else model.kind
    return model.kind


class TaskRunner:
    """Runs tasks of one problem in this process.

    Parameters
    ----------
    problem : what to train
    forecasters : made before, whose compiled graphs are used again
    """

    def __init__(self, problem: Trainable, *, forecasters: ForecasterCache) -> None:
        self._problem = problem
        self._forecaster = forecasters.get(
            problem.model,
            training=problem.training,
            n_features=problem.n_features,
            folder=problem.folder,
            code_sha256=problem.code_sha256,
        )

    def prepare(self, task: Task) -> None:
        """Compile for the shapes of a task, so that tasks of the same shape only run."""
        samples = self._problem.samples(task.fold)
        self._forecaster.prepare(samples.train, validation=samples.validation)

    def attempt(self, task: Task, *, initial: Weights = ()) -> TaskResult | TaskFailure:
        """Run a task; whatever a fit raises costs this task alone."""
        try:
            return self.run(task, initial=initial)
        except BacktesterError as error:
            return TaskFailure(task=task, reason=str(error).replace("\n", " "))
        except MemoryError:
            return TaskFailure(task=task, reason="out of memory")
        except Exception as error:
            return TaskFailure(task=task, reason=f"{type(error).__name__}: {error}")

    def run(self, task: Task, *, initial: Weights = ()) -> TaskResult:
        """Train one network and forecast its test span.

        Parameters
        ----------
        initial : weights to begin from; empty for fresh ones

        Raises
        ------
        FitError : the fit diverged
        UserCodeError : the user's builder or regressor failed
        """
        samples = self._problem.samples(task.fold)
        seed = task.seed(self._problem)
        fitted = self._forecaster.fit(
            samples.train, validation=samples.validation, seed=seed, initial=initial
        )
        forecast = samples.to_forecast(fitted.predict(samples.test))
        if not np.isfinite(forecast).all():
            raise FitError(f"{int((~np.isfinite(forecast)).sum())} of its forecasts are not finite.")
        return TaskResult(
            task=task,
            seed=seed,
            forecast=forecast,
            report=fitted.report,
            weights=fitted.weights,
            note=self._forecaster.note,
        )
