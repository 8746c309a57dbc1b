"""Markets for the backtest's tests, made from seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from backtester.backtest import Trading, trade
from backtester.forecasts import Forecasts
from backtester.prices.table import Adjustment, Prices
from backtester.recipe.sections import BrokerSection
from backtester.recipe.strategies import LongOrCash, StrategySection


def make_prices(*, close, open=None, high=None, low=None, volume=None, start="2015-01-01") -> Prices:
    columns = {"open": open, "high": high, "low": low, "close": close, "volume": volume}
    given = {name: np.asarray(v, dtype=np.float64) for name, v in columns.items() if v is not None}
    index = pd.bdate_range(start, periods=len(close), name="date")
    return Prices(
        symbol="TEST",
        frame=pd.DataFrame(given, index=index),
        source="frame",
        source_name="test.csv",
        source_sha256="",
        adjustment=Adjustment.UNKNOWN,
    )


def make_forecasts(prices: Prices, values, *, first_origin: int = 0, horizon: int = 1) -> Forecasts:
    """``values`` belong to the bars from ``first_origin`` on."""
    dates = prices.dates[first_origin:]
    close = prices.column("close")[first_origin:]
    values = np.asarray(values, dtype=np.float64)
    assert len(values) == len(dates)
    actual = np.full(len(dates), np.nan)
    actual[:-horizon] = np.log(close[horizon:] / close[:-horizon])
    target = np.append(dates[horizon:], [np.datetime64("NaT")] * horizon)
    return Forecasts(
        frame=pd.DataFrame(
            {
                "symbol": prices.symbol,
                "origin": dates,
                "target_date": pd.DatetimeIndex(target),
                "horizon": horizon,
                "fold": 0,
                "seed": 0,
                "forecast": values,
                "forecast_sd": np.nan,
                "actual": actual,
                "last_price": close,
                "forecast_price": close * np.exp(values),
            }
        )
    )


def random_market(seed: int, *, n_bars: int = 400, first_origin: int = 60, horizon: int = 1):
    """A jumpy random walk, forecasts unrelated to it, some zero and some missing."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0002, 0.02, n_bars)))
    opens = np.append(close[0], close[:-1]) * np.exp(rng.standard_t(3, n_bars) * 0.01)
    high, low = np.maximum(opens, close) * 1.001, np.minimum(opens, close) * 0.999
    prices = make_prices(open=opens, high=high, low=low, close=close, volume=np.full(n_bars, 1e6))
    values = rng.normal(0.0, 0.001, n_bars - first_origin)
    values[rng.random(len(values)) < 0.05] = 0.0
    values[rng.random(len(values)) < 0.05] = np.nan
    return prices, make_forecasts(prices, values, first_origin=first_origin, horizon=horizon)


def run(
    prices: Prices,
    forecasts: Forecasts,
    *,
    strategy: StrategySection | None = None,
    broker: BrokerSection | None = None,
    folder: Path = Path(),
) -> Trading:
    return trade(
        prices,
        forecasts,
        strategy=LongOrCash() if strategy is None else strategy,
        broker=BrokerSection() if broker is None else broker,
        folder=folder,
        periods_per_year=252,
    )


def write_strategy(folder: Path, source: str) -> str:
    """Write a user's strategy file; gives the reference to its class ``Mine``."""
    (folder / "mine.py").write_text(source)
    return "mine.py:Mine"
