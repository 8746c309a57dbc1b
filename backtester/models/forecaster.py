"""The seam between the engine and whatever learns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from backtester.samples import Samples

__all__ = ["FitReport", "Fitted", "Forecaster", "Weights"]

Weights = tuple[NDArray[np.float32], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FitReport:
    """What happened in one fit.

    Parameters
    ----------
    epochs : passes over the samples that were made
    loss : (epochs,) mean training loss in each, in scaled units; empty for a closed-form fit
    validation_loss : (epochs,) after each; empty without a validation part
    """

    epochs: int
    loss: tuple[float, ...] = ()
    validation_loss: tuple[float, ...] = ()


class Fitted(Protocol):
    """A fitted forecaster."""

    @property
    def report(self) -> FitReport:
        """What happened in the fit."""

    @property
    def weights(self) -> Weights:
        """The network's weights; empty for what has none."""

    def predict(self, samples: Samples) -> NDArray[np.float64]:
        """Scaled predictions (n,)."""


class Forecaster(Protocol):
    """Anything that learns from samples."""

    @property
    def note(self) -> str:
        """What the user should know of how it learns; empty for nothing."""

    def prepare(self, train: Samples, *, validation: Samples) -> None:
        """Do once what samples of these shapes need, such as compiling."""

    def fit(self, train: Samples, *, validation: Samples, seed: int, initial: Weights = ()) -> Fitted:
        """Learn; the same samples, seed and initial weights give the same bits.

        Parameters
        ----------
        initial : weights to begin from; empty for fresh ones

        Raises
        ------
        FitError : the fit diverged
        """
