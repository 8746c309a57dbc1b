"""What a strategy would do next, held to what it does once that bar has come."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from backtester.backtest import next_fill, trade
from backtester.forecasts import Forecasts
from backtester.prices import Prices
from backtester.recipe import recipe_from_mapping
from tests.markets import ar1
from tests.questions import question

N = 200
PRICES = ar1(N, seed=6, phi=0.2)

OWN = """
import backtrader as bt

from backtester.backtest import ForecastStrategy


class EveryThird(ForecastStrategy):
    def target_exposure(self, forecast):
        return 0.5 if len(self.data) % 3 else 0.25


class Orders(bt.Strategy):
    def next(self):
        if len(self) % 4 == 0:
            self.order_target_percent(target=0.6 if self.data.forecast[0] > 0 else 0.1)
"""


def table(prices: Prices, forecast: np.ndarray) -> Forecasts:
    origins = np.arange(120, len(prices))
    frame = pd.DataFrame(
        {
            "symbol": prices.symbol,
            "origin": prices.dates[origins],
            "horizon": 1,
            "forecast": forecast[origins],
        }
    )
    return Forecasts(frame=frame)


def one_flat_bar_more(prices: Prices) -> Prices:
    """The bar that `next_fill` supposes: it opens and stays at the last close."""
    close = prices.column("close")[-1]
    bar = pd.DataFrame(
        {"open": close, "high": close, "low": close, "close": close, "volume": 1e6},
        index=pd.DatetimeIndex([prices.dates[-1] + pd.Timedelta(days=1)], name="date"),
    )
    return replace(prices, frame=pd.concat([prices.frame, bar]))


def settings(strategy: dict[str, Any], *, folder: Path) -> dict[str, Any]:
    recipe = recipe_from_mapping({"strategy": strategy}, name="small", folder=folder).recipe
    return {
        "strategy": recipe.strategy,
        "broker": recipe.broker,
        "folder": folder,
        "periods_per_year": 252,
    }


@pytest.mark.parametrize("n_bars", [193, 196, N])
@pytest.mark.parametrize(
    "strategy",
    [
        {"kind": "long_or_cash"},
        {"kind": "long_short"},
        {"kind": "threshold", "enter_bp": 20.0, "exit_bp": -20.0},
        {"kind": "volatility_scaled"},
        {"kind": "own.py:EveryThird"},
        {"kind": "own.py:Orders"},
    ],
    ids=lambda strategy: strategy["kind"],
)
def test_the_next_exposure_is_what_trading_gives_once_that_bar_has_come(
    strategy: dict[str, Any], n_bars: int, tmp_path: Path
):
    (tmp_path / "own.py").write_text(OWN)
    prices = replace(PRICES, frame=PRICES.frame.iloc[:n_bars])
    forecast = np.random.default_rng(2).normal(0, 0.003, N + 1)
    told = next_fill(prices, table(prices, forecast), **settings(strategy, folder=tmp_path))
    later = one_flat_bar_more(prices)
    traded = trade(later, table(later, forecast), **settings(strategy, folder=tmp_path))
    exposure = traded.bars["exposure"].to_numpy()
    assert told.exposure_next == pytest.approx(exposure[-1], abs=1e-12)
    assert told.exposure_now == pytest.approx(exposure[-2], abs=1e-12)
    filled = traded.orders[traded.orders["filled"] == later.dates[-1]]
    assert told.side == ("" if filled.empty else filled["side"].iloc[0])


def test_the_last_forecast_decides():
    asked = question(PRICES)
    recipe = asked.loaded.recipe
    given = {"strategy": recipe.strategy, "broker": recipe.broker, "folder": Path(), "periods_per_year": 252}
    forecast = np.full(N, 0.001)
    long = next_fill(PRICES, table(PRICES, forecast), **given)
    assert (long.exposure_now, long.exposure_next, long.side) == (pytest.approx(1), pytest.approx(1), "")
    forecast[-1] = -0.001
    out = next_fill(PRICES, table(PRICES, forecast), **given)
    assert (out.exposure_now, out.exposure_next, out.side) == (pytest.approx(1), 0.0, "sell")
