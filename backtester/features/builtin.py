"""The named features: each a function of the bars up to and including t, NaN in its warm-up only.

Prices enter as ratios, so that a feature stays the same when all prices are multiplied (adjusted prices of
the past are, whenever a dividend is paid). The raw levels at the end do not; a scaler takes care of them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from backtester.features.registry import feature

__all__: list[str] = []


@feature("ln(close[t] / close[t-1])", warmup="1")
def log_return(prices: pd.DataFrame) -> pd.Series:
    return _ln(prices["close"]).diff()


@feature("close[t] / close[t-n] - 1", warmup="n")
def return_(prices: pd.DataFrame, *, n: int) -> pd.Series:
    return prices["close"] / prices["close"].shift(n) - 1.0


@feature("standard deviation (ddof 1) of the last n log returns", warmup="n", least=2)
def volatility(prices: pd.DataFrame, *, n: int) -> pd.Series:
    return log_return(prices).rolling(n).std(ddof=1)


@feature(
    "close[t] / mean of the last n closes - 1; with m: mean of the last n closes / mean of the last m - 1",
    warmup="(m or n) - 1",
    ascending=True,
)
def ma_ratio(prices: pd.DataFrame, *, n: int, m: int | None = None) -> pd.Series:
    close = prices["close"]
    mean = close.rolling(n).mean()
    return close / mean - 1.0 if m is None else mean / close.rolling(m).mean() - 1.0


@feature(
    "100 G / (G + L), G and L the averages of rises and of falls of the close: at first the mean of n of "
    "them, then ((n - 1) average[t-1] + new) / n; 50 where the close never moved",
    warmup="n",
)
def rsi(prices: pd.DataFrame, *, n: int) -> pd.Series:
    # Source: Wilder (1978), New Concepts in Technical Trading Systems, section VI.
    change = prices["close"].diff()
    rise = _wilder_average(change.clip(lower=0.0), n=n)
    fall = _wilder_average(-change.clip(upper=0.0), n=n)
    moved = rise + fall
    return (100.0 * rise / moved.where(moved > 0.0)).where((moved > 0.0) | moved.isna(), 50.0)


@feature(
    "((EMA of fast - EMA of slow) - EMA of that over signal) / close[t]; EMA[t] = EMA[t-1] + 2 / (n + 1) "
    "(new - EMA[t-1]), from the first close on",
    warmup="slow + signal - 2",
    ascending=True,
)
def macd(prices: pd.DataFrame, *, fast: int, slow: int, signal: int) -> pd.Series:
    # Source: Appel (1979), the histogram; over the close, so that the price level does not matter.
    close = prices["close"]
    line = close.ewm(span=fast, adjust=False).mean() - close.ewm(span=slow, adjust=False).mean()
    histogram = (line - line.ewm(span=signal, adjust=False).mean()) / close
    return histogram.where(np.arange(len(close)) >= slow + signal - 2)


@feature("ln(high[t] / low[t])", warmup="0", needs=("high", "low"))
def range_(prices: pd.DataFrame) -> pd.Series:
    return _ln(prices["high"] / prices["low"])


@feature("ln(volume[t] / volume[t-1])", warmup="1", needs=("volume",), positive=("volume",))
def volume_change(prices: pd.DataFrame) -> pd.Series:
    return _ln(prices["volume"]).diff()


@feature("weekday of bar t: Monday 0 to Friday 4", warmup="0", needs=())
def day_of_week(prices: pd.DataFrame) -> pd.Series:
    return pd.Series(pd.DatetimeIndex(prices.index).day_of_week, index=prices.index, dtype=np.float64)


@feature("open[t]", warmup="0", needs=("open",))
def open_(prices: pd.DataFrame) -> pd.Series:
    return prices["open"]


@feature("high[t]", warmup="0", needs=("high",))
def high(prices: pd.DataFrame) -> pd.Series:
    return prices["high"]


@feature("low[t]", warmup="0", needs=("low",))
def low(prices: pd.DataFrame) -> pd.Series:
    return prices["low"]


@feature("close[t]", warmup="0")
def close(prices: pd.DataFrame) -> pd.Series:
    return prices["close"]


@feature("volume[t]", warmup="0", needs=("volume",))
def volume(prices: pd.DataFrame) -> pd.Series:
    return prices["volume"]


def _ln(values: pd.Series) -> pd.Series:
    logarithm: pd.Series = np.log(values)
    return logarithm


def _wilder_average(moves: pd.Series, *, n: int) -> pd.Series:
    """Wilder's average of moves whose first one, at bar 0, does not exist."""
    seeded = moves.copy()
    seeded.iloc[:n] = np.nan
    seeded.iloc[n : n + 1] = moves.iloc[1 : n + 1].mean()
    return seeded.ewm(alpha=1.0 / n, adjust=False).mean()
