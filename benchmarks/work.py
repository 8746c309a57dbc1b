"""The work that every contestant does: prices, recipe, samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import backtester
from backtester.question import Question
from backtester.recipe.toml import format_table

__all__ = [
    "BATCH_SIZE",
    "EPOCHS",
    "TEST_BARS",
    "TRAIN_BARS",
    "Work",
    "bars_of",
    "price_frame",
    "write_samples",
]

TRAIN_BARS, TEST_BARS, BATCH_SIZE, EPOCHS = 750, 63, 32, 10


def price_frame(n_bars: int, *, seed: int = 7) -> pd.DataFrame:
    """Daily bars of a random walk: what there is to learn does not matter for the time it takes."""
    rng = np.random.default_rng(seed)
    returns = rng.normal(0, 0.01, n_bars)
    return bars_of(returns, overnight=rng.normal(0, 0.001, n_bars))


def bars_of(returns: NDArray[np.float64], *, overnight: NDArray[np.float64]) -> pd.DataFrame:
    """Daily bars with these log returns from close to close, and from close to open."""
    close = 100 * np.exp(np.cumsum(returns))
    opens = np.concatenate([[100.0], close[:-1]]) * np.exp(overnight)
    return pd.DataFrame(
        {
            "open": opens,
            "high": np.maximum(opens, close) * 1.001,
            "low": np.minimum(opens, close) * 0.999,
            "close": close,
            "volume": 1e6,
        },
        index=pd.bdate_range("1970-01-05", periods=len(close), name="date"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Folds of one kind.

    Parameters
    ----------
    n_folds : all of them whole, so 28 take 2,514 bars (of 2,500 the last fold tests 49)
    model : the recipe's ``[model]``
    validation, patience : 0 for no early stopping
    """

    n_folds: int = 28
    model: Mapping[str, Any] = field(default_factory=lambda: {"kind": "lstm", "lookback": 20, "units": [50]})
    validation: float = 0.0
    patience: int = 0

    @property
    def n_bars(self) -> int:
        """Bars of the prices."""
        return TRAIN_BARS + TEST_BARS * self.n_folds

    def recipe(self, **sections: Mapping[str, Any]) -> dict[str, Any]:
        """Sections of the recipe, with more of them if wanted."""
        return {
            "folds": {"train": TRAIN_BARS, "test": TEST_BARS, "validation": self.validation},
            "features": {"columns": ["log_return"]},
            "model": dict(self.model),
            "training": {
                "epochs": EPOCHS,
                "batch_size": BATCH_SIZE,
                "optimizer": "adam",
                "patience": self.patience,
            },
            **sections,
        }

    def recipe_text(self, **sections: Mapping[str, Any]) -> str:
        """The recipe as TOML."""
        tables = (format_table(name, values=values) for name, values in self.recipe(**sections).items())
        return "\n".join(tables)

    def question(self) -> Question:
        """Recipe and prices, checked."""
        return backtester.ask(self.recipe(), prices=price_frame(self.n_bars), symbol="BENCHMARK")

    def described(self) -> dict[str, Any]:
        """What goes into the answer of a benchmark."""
        return {"n_folds": self.n_folds, "n_bars": self.n_bars, "recipe": self.recipe()}


def write_samples(work: Work, path: Path, *, n_folds: int) -> None:
    """Write the samples of the first folds, bit for bit those that our own training sees.

    Holds for each fold k ``inputs_k``, ``targets_k``, ``test_inputs_k``, ``test_targets_k``, and
    ``series_k``: the same values as one series, training window then test span, for those who cut
    their windows themselves.
    """
    problem = work.question().problem
    arrays: dict[str, Any] = {}
    for index in range(n_folds):
        fold, samples = problem.folds[index], problem.samples(index)
        values = problem.features.values[fold.train.start : fold.test.stop, 0]
        known = values[problem.features.warmup : TRAIN_BARS]
        arrays |= {
            f"inputs_{index}": samples.train.inputs,
            f"targets_{index}": samples.train.targets,
            f"test_inputs_{index}": samples.test.inputs,
            f"test_targets_{index}": samples.test.targets,
            f"series_{index}": np.nan_to_num((values - known.mean()) / known.std()).astype(np.float32),
        }
    np.savez(path, **arrays)
