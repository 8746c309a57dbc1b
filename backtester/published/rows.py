"""Rows in the order in which a published system reads them, and which of them train and are forecast.

A row is forecast from the ``lookback`` rows read before it. Positions count along a *line* of rows: the
history once, and once more behind it where the test reads the same rows again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.errors import PricesError
from backtester.recipe import ForecastRows, Order, PublishedSection

__all__ = ["Rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of one split.

    Parameters
    ----------
    values : (n,) prices in the order of reading
    dates : (n,) their sessions
    lookback : rows in a window
    n_train : rows before the split
    again : whether the same rows are read a second time, to be forecast
    train_targets, validation_targets, test_targets : int64, positions on the line
    """

    values: NDArray[np.float64]
    dates: pd.DatetimeIndex
    lookback: int
    n_train: int
    again: bool
    train_targets: NDArray[np.int64]
    validation_targets: NDArray[np.int64]
    test_targets: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        values: NDArray[np.float64],
        *,
        dates: pd.DatetimeIndex,
        section: PublishedSection,
        lookback: int,
        source_name: str,
    ) -> Rows:
        """Cut a history, given oldest first.

        Raises
        ------
        PricesError : too few rows for one training sample and one forecast
        """
        n = len(values)
        # less what a product such as 0.07 · 100 is above its whole number
        n_train = math.ceil(section.train * n - 1e-9) if isinstance(section.train, float) else section.train
        again = section.test is ForecastRows.AGAIN
        n_test = section.test_rows if again else n - n_train
        fitted = np.arange(lookback, n_train)
        n_fitted = int(len(fitted) * (1.0 - section.validation))
        if n_train > n or n_fitted < 1 or not 1 <= n_test <= n:
            raise PricesError(
                f"{source_name}: {n} rows do not fit [published]: {n_train} train, less a window of "
                f"{lookback} and {len(fitted) - n_fitted} of validation, and {max(n_test, 0)} are forecast.",
                advice="Take a longer history, or change published.train and published.test_rows.",
            )
        turn = slice(None, None, -1 if section.order is Order.NEWEST_FIRST else 1)
        return cls(
            values=np.ascontiguousarray(values[turn]),
            dates=dates[turn],
            lookback=lookback,
            n_train=n_train,
            again=again,
            train_targets=fitted[:n_fitted],
            validation_targets=fitted[n_fitted:],
            test_targets=np.arange(n_test) + (n if again else n_train),
        )

    @property
    def line(self) -> NDArray[np.float64]:
        """Prices by position."""
        return np.concatenate([self.values, self.values]) if self.again else self.values

    def days(self, positions: NDArray[np.int64]) -> pd.DatetimeIndex:
        """Sessions of positions on the line."""
        return self.dates[positions % len(self.values)]

    @property
    def reversed(self) -> bool:
        """Whether the rows run from the newest to the oldest."""
        return bool(self.dates[0] > self.dates[-1])

    @property
    def actual(self) -> NDArray[np.float64]:
        """(n_test,) what is forecast."""
        return self.line[self.test_targets]

    @property
    def last_price(self) -> NDArray[np.float64]:
        """(n_test,) the price of the row read before: the forecast that learns nothing.

        In reversed rows it is the price of the next session, not the last one.
        """
        return self.line[self.test_targets - 1]

    @property
    def scored(self) -> NDArray[np.bool_]:
        """(n_test,) whether the row read before is the neighbour in time.

        Where the history is read again, the first row follows the other end of it: no price stands before it,
        and the step across the seam would be the largest error of the last price by far.
        """
        neighbours: NDArray[np.bool_] = self.test_targets % len(self.values) > 0
        return neighbours

    @property
    def in_training(self) -> NDArray[np.bool_]:
        """(n_test,) whether the row is a target of the training too."""
        found: NDArray[np.bool_] = np.isin(self.test_targets % len(self.values), self.train_targets)
        return found

    @property
    def watched(self) -> NDArray[np.bool_]:
        """(n_test,) whether the row is a target of the watched part, which early stopping chooses by."""
        found: NDArray[np.bool_] = np.isin(self.test_targets % len(self.values), self.validation_targets)
        return found

    @property
    def in_inputs(self) -> NDArray[np.bool_]:
        """(n_test,) whether the row stands in a window of the training."""
        found: NDArray[np.bool_] = self.test_targets % len(self.values) < self.train_targets[-1]
        return found

    @property
    def straddles(self) -> NDArray[np.bool_]:
        """(n_test,) whether the window holds rows of the first reading, at the far end of the history."""
        reaches_back = self.test_targets - self.lookback < len(self.values)
        return reaches_back if self.again else np.zeros_like(reaches_back)

    @property
    def later(self) -> NDArray[np.bool_]:
        """(n_test,) whether the window holds a session after the one that is forecast."""
        days = self.days(np.arange(len(self.line))).asi8
        windows = np.lib.stride_tricks.sliding_window_view(days, self.lookback)
        newest: NDArray[np.int64] = windows[self.test_targets - self.lookback].max(axis=1)
        later: NDArray[np.bool_] = newest > days[self.test_targets]
        return later
