"""What a strategy would do at the next fill: the run's own trading, with one bar more that has not come."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from backtester.backtest.feed import Market, market_of
from backtester.backtest.loading import load_strategy
from backtester.backtest.trading import run_market
from backtester.forecasts import Forecasts
from backtester.prices.table import Prices
from backtester.recipe.sections import BrokerSection
from backtester.recipe.strategies import StrategySection

__all__ = ["NextFill", "next_fill"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NextFill:
    """What would happen at the next bar, if it opened and closed at the last close.

    Parameters
    ----------
    exposure_now : position value over equity at the last close
    exposure_next : the same after the fill
    side : ``buy`` or ``sell``; empty where nothing is traded
    """

    exposure_now: float
    exposure_next: float
    side: str


def next_fill(
    prices: Prices,
    forecasts: Forecasts,
    *,
    strategy: StrategySection,
    broker: BrokerSection,
    folder: Path,
    periods_per_year: int,
) -> NextFill:
    """Trade forecasts up to the last close, and fill what was decided there.

    Parameters
    ----------
    prices : the whole history of one symbol
    forecasts : with one made at the last bar
    strategy : the recipe's ``[strategy]``
    broker : the recipe's ``[broker]``
    folder : of the recipe, to which a user's strategy file is relative
    periods_per_year : bars in a year, for strategies that scale volatility

    Returns
    -------
    NextFill

    Raises
    ------
    RecipeError : a strategy that cannot be used
    UserCodeError : the user's strategy raised, or asked for an exposure that is no finite number
    """
    loaded = load_strategy(strategy, folder=folder, periods_per_year=periods_per_year)
    market = _one_bar_more(market_of(prices, forecasts, fill=broker.fill))
    if not loaded.decides_by_forecast:
        market = market.from_first_origin()
    traded = run_market(market, loaded=loaded, broker=broker, max_exposure=strategy.max_exposure)
    exposure = traded.bars["exposure"].to_numpy()
    filled = traded.orders[traded.orders["filled"] == market.dates[-1]]
    bought = float(np.where(filled["side"] == "buy", filled["size"], -filled["size"]).sum())
    return NextFill(
        exposure_now=float(exposure[-2]) if len(exposure) > 1 else 0.0,
        exposure_next=float(exposure[-1]),
        side="" if bought == 0.0 else "buy" if bought > 0.0 else "sell",
    )


def _one_bar_more(market: Market) -> Market:
    """Append a bar at the last close. What is decided there never fills: its forecast is the last again."""
    last = market.lines[-1].copy()
    last[:4] = market.line("close")[-1]
    lines = np.vstack([market.lines, last])
    lines.setflags(write=False)
    dates = pd.DatetimeIndex([*market.dates, market.dates[-1] + pd.Timedelta(days=1)])
    return Market(dates=dates, lines=lines, first_origin=market.first_origin)
