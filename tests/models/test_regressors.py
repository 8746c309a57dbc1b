from pathlib import Path

import numpy as np
import pytest

from backtester.models.regressors import RegressorForecaster
from backtester.samples import Samples


class FromGlobalGenerators:
    """As users write them: no ``random_state``, and draws from wherever."""

    def fit(self, X, y):  # noqa: N803
        import random

        self.drawn = random.random() + np.random.normal()  # noqa: NPY002

    def predict(self, X):  # noqa: N803
        return self.drawn + np.random.normal(size=len(X))  # noqa: NPY002


def samples(n: int) -> Samples:
    return Samples(
        inputs=np.ones((n, 2, 1), np.float32), targets=np.ones(n, np.float32), origins=np.arange(n)
    )


@pytest.fixture
def forecaster() -> RegressorForecaster:
    return RegressorForecaster(
        regressor_class=FromGlobalGenerators,
        parameters={},
        name="mine.py:FromGlobalGenerators",
        folder=Path(),
    )


def test_the_same_seed_gives_the_same_bits_whatever_was_drawn_before(forecaster: RegressorForecaster):
    def forecast(seed: int) -> list[float]:
        fitted = forecaster.fit(samples(9), validation=samples(0), seed=seed)
        return fitted.predict(samples(5)).tolist()

    first = forecast(1)
    assert forecast(2) != first
    assert forecast(1) == first
