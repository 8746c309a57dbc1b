"""What the strategies that come along want, for thousands of paths of forecasts at once.

Their own classes decide one bar at a time; here each rule is written for arrays, and tests hold the orders
that follow to those of the classes.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from backtester.backtest import BuiltinStrategy
from backtester.recipe.strategies import LongOrCash, LongShort, Threshold, VolatilityScaled
from backtester.stress.paths import Venue

__all__ = ["wanted_exposures"]

Floats = NDArray[np.float64]


def wanted_exposures(
    forecasts: Floats, *, strategy: BuiltinStrategy, venue: Venue, periods_per_year: int
) -> Floats:
    """Decide at the close before each bar.

    Parameters
    ----------
    forecasts : (k, n), known at the close before each bar; NaN where there is none
    strategy : the recipe's ``[strategy]``, not a user's own
    venue : the bars, whose prices only ``volatility_scaled`` reads, up to the close before each
    periods_per_year : bars in a year

    Returns
    -------
    (k, n), share of equity; 0 where there is no forecast
    """
    largest = strategy.max_exposure
    match strategy:
        case LongOrCash():
            return np.where(forecasts > strategy.threshold_bp / 1e4, largest, 0.0)
        case LongShort():
            large = np.abs(forecasts) > strategy.threshold_bp / 1e4
            return np.where(large, np.copysign(largest, forecasts), 0.0)
        case Threshold():
            return _with_two_thresholds(forecasts, strategy=strategy)
        case VolatilityScaled():
            large = np.abs(forecasts) > strategy.threshold_bp / 1e4
            trades = large & ((forecasts > 0.0) | strategy.short)
            scale = _scale(venue, strategy=strategy, periods_per_year=periods_per_year)
            return np.where(trades, np.copysign(scale, forecasts), 0.0)


def _with_two_thresholds(forecasts: Floats, *, strategy: Threshold) -> Floats:
    enter, leave = strategy.enter_bp / 1e4, strategy.exit_bp / 1e4
    by_bar = np.ascontiguousarray(forecasts.T)
    wanted = np.zeros(by_bar.shape)
    now = np.zeros(by_bar.shape[1])
    # a comparison with NaN is False, which is cash
    for bar, forecast in enumerate(by_bar):
        long = (forecast > enter) | ((now > 0.0) & (forecast >= leave))
        short = ~long & ((forecast < -enter) | ((now < 0.0) & (forecast <= -leave))) & strategy.short
        now = np.where(long, strategy.max_exposure, np.where(short, -strategy.max_exposure, 0.0))
        wanted[bar] = now
    return wanted.T


def _scale(venue: Venue, *, strategy: VolatilityScaled, periods_per_year: int) -> Floats:
    """The size of a position opened at each bar (n,): 0 without enough past or without movement."""
    closes, n, window = venue.history, len(venue), strategy.window
    found = np.zeros(len(closes))
    if len(closes) > window:
        returns = closes[1:] / closes[:-1] - 1.0
        past = np.lib.stride_tricks.sliding_window_view(returns, window)
        volatility = np.std(past, axis=1, ddof=1) * math.sqrt(periods_per_year)
        moves = volatility >= 1e-9
        sizes = np.divide(strategy.target_volatility, volatility, out=np.zeros(len(past)), where=moves)
        found[window:] = np.minimum(sizes, strategy.max_exposure)
    # decided at the close before the bar
    return found[len(closes) - n - 1 : -1]
