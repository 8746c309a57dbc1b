"""scikit-learn regressors as forecasters: the features of a window side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtester.models.forecaster import FitReport
from backtester.samples import Samples

__all__ = ["RegressorForecaster"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedRegressor:
    """A fitted regressor."""

    regressor: Any
    report: FitReport = FitReport(epochs=1)
    weights: tuple[NDArray[np.float32], ...] = ()

    def predict(self, samples: Samples) -> NDArray[np.float64]:
        """Scaled predictions (n,)."""
        predicted = np.asarray(self.regressor.predict(_flat(samples)), dtype=np.float64)
        return predicted.reshape(len(samples))


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressorForecaster:
    """A forecaster made of a scikit-learn regressor class.

    Early stopping has no meaning here: the regressor learns from the training part alone, so set
    ``folds.validation = 0`` to give it the whole window.
    """

    regressor_class: Any
    parameters: dict[str, Any]

    def fit(self, train: Samples, *, validation: Samples, seed: int) -> FittedRegressor:
        """Fit a fresh regressor; one that takes ``random_state`` and is not told one gets the seed."""
        regressor = self.regressor_class(**self.parameters)
        settings = regressor.get_params() if hasattr(regressor, "get_params") else {}
        if settings.get("random_state", 0) is None:
            regressor.set_params(random_state=seed)
        regressor.fit(_flat(train), train.targets.astype(np.float64))
        return FittedRegressor(regressor=regressor)


def _flat(samples: Samples) -> NDArray[np.float64]:
    return samples.inputs.reshape(len(samples), -1).astype(np.float64)
