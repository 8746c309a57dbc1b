"""scikit-learn regressors as forecasters: the features of a window side by side."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtester.errors import FitError, UserCodeError
from backtester.models.blocks import predict_in_blocks
from backtester.models.forecaster import FitReport, Weights
from backtester.references import reference_file, user_code_error
from backtester.samples import Samples

__all__ = ["RegressorForecaster"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedRegressor:
    """A fitted regressor."""

    regressor: Any
    report: FitReport
    weights: Weights = ()

    def predict(self, samples: Samples) -> NDArray[np.float64]:
        """Scaled predictions (n,).

        Raises
        ------
        FitError : not one number for each sample
        """
        try:
            return predict_in_blocks(lambda block: self.regressor.predict(_flat(block)), samples.inputs)
        except (TypeError, ValueError) as error:
            raise FitError(
                f"{type(self.regressor).__name__}.predict failed: {error}.",
                advice="A regressor must predict one number for each sample.",
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressorForecaster:
    """A forecaster made of a class with scikit-learn's ``fit`` and ``predict``.

    Early stopping has no meaning here: the regressor learns from the training part alone, so set
    ``folds.validation = 0`` to give it the whole window.

    Parameters
    ----------
    regressor_class : made anew for each fit
    parameters : handed to the class
    name, folder : of the reference, for messages
    """

    regressor_class: Any
    parameters: Mapping[str, Any]
    name: str
    folder: Path
    note: str = ""

    def prepare(self, train: Samples, *, validation: Samples) -> None:
        """Check that the class can be made with these parameters."""
        self._make(seed=0)

    def fit(
        self, train: Samples, *, validation: Samples, seed: int, initial: Weights = ()
    ) -> FittedRegressor:
        """Fit a fresh regressor; one that takes ``random_state`` and is not told one gets the seed.

        Raises
        ------
        UserCodeError : the regressor failed
        """
        # For a class of the user's that draws from the global generators, as Keras builders may too.
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        regressor = self._make(seed=seed)
        try:
            regressor.fit(_flat(train.inputs), train.targets.astype(np.float64))
        except Exception as error:
            raise self._failed(error, what="fit failed") from error
        return FittedRegressor(regressor=regressor, report=FitReport(epochs=1))

    def _make(self, *, seed: int) -> Any:
        try:
            regressor = self.regressor_class(**self.parameters)
            settings = regressor.get_params() if hasattr(regressor, "get_params") else {}
            if settings.get("random_state", 0) is None:
                regressor.set_params(random_state=seed)
        except Exception as error:
            raise self._failed(error, what="it cannot be made with these parameters") from error
        return regressor

    def _failed(self, error: Exception, *, what: str) -> UserCodeError:
        file = reference_file(self.name, folder=self.folder)
        return user_code_error(error, file=file, what=f"model.kind = {self.name!r}: {what}")


def _flat(inputs: NDArray[np.float32]) -> NDArray[np.float64]:
    return inputs.reshape(len(inputs), -1).astype(np.float64)
