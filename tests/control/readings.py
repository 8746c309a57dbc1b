"""Made-up readings, in the place of training."""

from collections.abc import Callable
from typing import Any

import numpy as np

from backtester.control.problem import DigitsProblem
from backtester.control.training import Trained
from backtester.models.forecaster import FitReport
from backtester.tasks import TaskResult

REPORT = FitReport(epochs=2, loss=(2.0, 1.0), validation_loss=(2.1, 1.2))
# kernel and bias of two convolutions and of the ten units, for 8x8 pixels
SHAPES = ((3, 3, 1, 32), (32,), (3, 3, 32, 64), (64,), (256, 10), (10,))


def reading(wrong: float) -> Callable[..., Trained]:
    """Fits that read a share of the images wrongly, and guess where the labels are shuffled."""

    def train(problem: DigitsProblem, **_: Any) -> Trained:
        results = {}
        for task in problem.tasks():
            rng = np.random.default_rng(task.fold)
            split = problem.splits[task.fold]
            read = split.labels[split.test].copy()
            missed = rng.random(len(read)) < (0.9 if split.arrangement == "shuffled" else wrong)
            read[missed] = (read[missed] + 1) % 10
            forecast = read.astype(float)
            if "convolutional" in problem.model.kind:
                forecast = 0.9 * np.eye(10)[read] + 0.01
            results[task.fold] = TaskResult(
                task=task,
                seed=0,
                forecast=forecast,
                report=REPORT,
                weights=tuple(rng.normal(size=shape).astype(np.float32) for shape in SHAPES),
            )
        return Trained(results=results, n_trained=len(results))

    return train
