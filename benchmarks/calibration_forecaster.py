"""A forecaster that fits in no time: it stands in for the network where 80,000 fits are needed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_SQUARES", "LeastSquares"]

LEAST_SQUARES = f"{__name__}:LeastSquares"
"""As a recipe's ``[model]`` names it."""


class LeastSquares:
    """The next return as an intercept and a share of each of the last ``lookback`` returns.

    It learns like any model of a user's, from the program's own samples: rolling windows, scaled on the
    training part, and no sample whose target lies beyond it.
    """

    def fit(self, X: NDArray[np.float64], y: NDArray[np.float64]) -> None:  # noqa: N803
        """Fit to samples (n, lookback) and their targets (n,)."""
        self._coefficients = np.linalg.lstsq(_with_intercept(X), y, rcond=None)[0]

    def predict(self, X: NDArray[np.float64]) -> NDArray[np.float64]:  # noqa: N803
        """Give one number for each sample."""
        predicted: NDArray[np.float64] = _with_intercept(X) @ self._coefficients
        return predicted


def _with_intercept(X: NDArray[np.float64]) -> NDArray[np.float64]:  # noqa: N803
    return np.column_stack([np.ones(len(X)), X])
