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
    def actual(self) -> NDArray[np.float64]:
        """(n_test,) what is forecast."""
        return self.line[self.test_targets]

    @property
    def last_price(self) -> NDArray[np.float64]:
        """(n_test,) the price of the row read before: the forecast that learns nothing."""
        return self.line[self.test_targets - 1]

    @property
    def in_training(self) -> NDArray[np.bool_]:
        """(n_test,) whether the row is a target of the training too, the watched part included."""
        rows = self.test_targets % len(self.values)
        return (rows >= self.lookback) & (rows < self.n_train)

    @property
    def in_inputs(self) -> NDArray[np.bool_]:
        """(n_test,) whether the row stands in a window of the training."""
        return self.test_targets % len(self.values) < self.n_train - 1

    @property
    def straddles(self) -> NDArray[np.bool_]:
        """(n_test,) whether the window holds rows of the first reading, at the far end of the history."""
        reaches_back = self.test_targets - self.lookback < len(self.values)
        return reaches_back if self.again else np.zeros_like(reaches_back)

    @property
    def in_own_window(self) -> NDArray[np.bool_]:
        """(n_test,) whether the row stands in its own window, in either reading."""
        n = len(self.values)
        own = self._windows(np.arange(len(self.line)) % n) == (self.test_targets % n)[:, None]
        found: NDArray[np.bool_] = own.any(axis=1)
        return found

    @property
    def later(self) -> NDArray[np.bool_]:
        """(n_test,) whether the window holds a session after the one that is forecast."""
        days = self.days(np.arange(len(self.line))).asi8
        newest: NDArray[np.int64] = self._windows(days).max(axis=1)
        return newest > days[self.test_targets]

    def _windows(self, line: NDArray[np.int64]) -> NDArray[np.int64]:
        """(n_test, lookback) the window of each row that is forecast, of values by position."""
        windows = np.lib.stride_tricks.sliding_window_view(line, self.lookback)
        return windows[self.test_targets - self.lookback]
