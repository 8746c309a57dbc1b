"""What the contestants share: the samples they get, the clock, and the JSON they print.

A contestant is a script that runs in an environment of its own and imports nothing of this project.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["FoldRun", "FoldWork", "compete"]


@dataclass(frozen=True, kw_only=True)
class FoldWork:
    """One fold.

    Parameters
    ----------
    inputs : (n, lookback, 1) float32, scaled windows
    targets : (n,) float32
    test_inputs, test_targets : the same for the test span; the targets are for the error alone
    series : (n_train + n_test,) float32, scaled values of training window and test span
    epochs, batch_size : of the fit
    """

    inputs: np.ndarray
    targets: np.ndarray
    test_inputs: np.ndarray
    test_targets: np.ndarray
    series: np.ndarray
    epochs: int
    batch_size: int

    @property
    def lookback(self) -> int:
        """Bars in a window."""
        return self.inputs.shape[1]

    @property
    def n_test(self) -> int:
        """Forecasts to make."""
        return len(self.test_inputs)

    @property
    def steps(self) -> int:
        """Gradient steps of one fit."""
        return self.epochs * -(-len(self.inputs) // self.batch_size)


@dataclass(frozen=True, kw_only=True)
class FoldRun:
    """What a contestant did in one fold: its forecasts (n_test,), gradient steps, and network's size."""

    predicted: np.ndarray
    steps: int
    parameters: int


def compete(train_and_predict: Callable[[FoldWork], FoldRun]) -> None:
    """Do the folds of the file named on the command line, the first one twice: once to warm up."""
    parser = argparse.ArgumentParser()
    parser.add_argument("samples", help="file from benchmarks.work.write_samples")
    parser.add_argument("--folds", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    arguments = parser.parse_args()
    with np.load(arguments.samples) as file:
        arrays = dict(file)
    seconds, errors, runs = [], [], []
    for index in (0, *range(arguments.folds)):
        names = ("inputs", "targets", "test_inputs", "test_targets", "series")
        fold = FoldWork(
            **{name: arrays[f"{name}_{index}"] for name in names},
            epochs=arguments.epochs,
            batch_size=arguments.batch_size,
        )
        started = time.perf_counter()
        run = train_and_predict(fold)
        seconds.append(time.perf_counter() - started)
        if run.predicted.shape != (fold.n_test,) or not np.isfinite(run.predicted).all():
            raise SystemExit(f"fold {index}: {run.predicted.shape} forecasts, wanted ({fold.n_test},)")
        errors.append(np.nanmean((run.predicted - fold.test_targets) ** 2))
        runs.append(run)
    answer = {
        "seconds": seconds[1:],
        "warm_up_seconds": seconds[0],
        "folds": len(seconds) - 1,
        "samples": len(arrays["inputs_0"]),
        "steps": runs[0].steps,
        "parameters": runs[0].parameters,
        "mean_squared_error": float(np.mean(errors[1:])),
    }
    print(json.dumps(answer), flush=True)
