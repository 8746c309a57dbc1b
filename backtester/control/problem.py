"""The control as a problem for the workers: the same tasks, store and compiled fit as for prices.

An image stands where a window stands: its rows are the bars, its columns the features. A fold is one
arrangement of the images for one seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from backtester.control.data import N_DIGITS, Dataset
from backtester.control.splits import Split
from backtester.folds import Fold
from backtester.recipe import ReferenceModel, TrainingSection
from backtester.references import reference_sha256
from backtester.samples import Samples
from backtester.tasks import Fingerprint, Task

__all__ = ["DigitsProblem", "DigitsSamples", "DigitsTraining", "logistic_problem", "network_problem"]

NETWORK = "backtester.models.digits:convolutional"
LOGISTIC = "sklearn.linear_model:LogisticRegression"


class DigitsTraining(TrainingSection):
    """How the network of the control is fitted: as for prices, but for ten classes."""

    outputs: ClassVar[int] = N_DIGITS

    loss: Literal["sparse_categorical_crossentropy"] = "sparse_categorical_crossentropy"  # type: ignore[assignment]
    """Mean of minus the logarithm of the probability given to the right digit."""


TRAINING = {
    "digits": DigitsTraining(epochs=100, batch_size=32, patience=10),
    "mnist": DigitsTraining(epochs=15, batch_size=128, patience=5),
}
LOGISTIC_STEPS = {"digits": 1000, "mnist": 200}


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitsSamples:
    """The images of one fold; the class of an image is its target."""

    train: Samples
    validation: Samples
    test: Samples

    def to_forecast(self, predicted: NDArray[np.floating]) -> NDArray[np.float64]:
        """Give predictions as they are: probabilities (n_test, 10), or digits (n_test,)."""
        return np.asarray(predicted, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitsProblem:
    """All that training needs to know of the images.

    Parameters
    ----------
    dataset : the images
    splits : one a fold
    trained : which of them are
    model, training : the network or its competitor, and how it is fitted
    code_sha256 : of the module that builds it
    """

    dataset: Dataset
    splits: tuple[Split, ...]
    trained: tuple[int, ...]
    model: ReferenceModel
    training: DigitsTraining
    code_sha256: str
    seed: int = 0
    folder: Path = Path()

    @property
    def symbol(self) -> str:
        """Stands where the symbol of prices stands."""
        return f"control {self.dataset.name}"

    @property
    def n_features(self) -> int:
        """Columns of an image."""
        return int(self.dataset.images.shape[2])

    def tasks(self) -> tuple[Task, ...]:
        """One for each split that is trained."""
        return tuple(Task(fold=split, member=0) for split in self.trained)

    @property
    def folds(self) -> tuple[Fold, ...]:
        """None: a split has no place in time."""
        return ()

    def samples(self, fold: int) -> DigitsSamples:
        """Images of one split, pixels from 0 to 1."""
        split = self.splits[fold]
        return DigitsSamples(
            train=self._part(split.train, split=split),
            validation=self._part(split.validation, split=split),
            test=self._part(split.test, split=split),
        )

    def fingerprint(self, fold: int) -> Fingerprint:
        """What determines a result: all images, and which of them were seen under which labels."""
        split = self.splits[fold]
        learned = np.concatenate([split.train, split.validation])
        return Fingerprint(
            settings={
                "images": self.dataset.sha256,
                "white": self.dataset.white,
                "parts": [len(split.train), len(split.validation), len(split.test)],
            },
            arrays=tuple(array.astype(np.float64) for array in (learned, split.labels[learned], split.test)),
        )

    def _part(self, positions: NDArray[np.int64], *, split: Split) -> Samples:
        images = self.dataset.images[positions].astype(np.float32)
        return Samples(
            inputs=images / np.float32(self.dataset.white),
            targets=split.labels[positions].astype(np.float32),
            origins=positions,
        )


def network_problem(dataset: Dataset, *, splits: tuple[Split, ...]) -> DigitsProblem:
    """Train the network on every split."""
    return DigitsProblem(
        dataset=dataset,
        splits=splits,
        trained=tuple(range(len(splits))),
        model=_model(NETWORK, dataset=dataset),
        training=TRAINING[dataset.name],
        code_sha256=reference_sha256(NETWORK, folder=Path()),
    )


def logistic_problem(dataset: Dataset, *, splits: tuple[Split, ...]) -> DigitsProblem:
    """Fit the plain competitor, which needs no validation and so learns from that part too.

    It draws nothing at random: where all seeds have the same images, one fit is enough.
    """
    whole = tuple(_without_validation(split) for split in splits)
    seen: set[bytes] = set()
    folds = []
    for fold, split in enumerate(whole):
        what = split.train.tobytes() + split.labels.tobytes()
        if what not in seen:
            seen.add(what)
            folds.append(fold)
    return DigitsProblem(
        dataset=dataset,
        splits=whole,
        trained=tuple(folds),
        model=_model(LOGISTIC, dataset=dataset, parameters={"max_iter": LOGISTIC_STEPS[dataset.name]}),
        training=TRAINING[dataset.name],
        code_sha256=reference_sha256(LOGISTIC, folder=Path()),
    )


def _model(kind: str, *, dataset: Dataset, parameters: dict[str, int] | None = None) -> ReferenceModel:
    return ReferenceModel(kind=kind, lookback=int(dataset.images.shape[1]), parameters=parameters or {})


def _without_validation(split: Split) -> Split:
    return Split(
        arrangement=split.arrangement,
        seed=split.seed,
        labels=split.labels,
        train=np.union1d(split.train, split.validation),
        validation=np.empty(0, dtype=np.int64),
        test=split.test,
    )
