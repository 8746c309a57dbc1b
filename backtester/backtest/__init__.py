"""Backtrader: the feed, the broker, the base class of strategies, and the function that trades forecasts."""

from backtester.backtest.broker import costs_of
from backtester.backtest.fills import check_fill
from backtester.backtest.strategy import ForecastStrategy
from backtester.backtest.trading import Trading, buy_and_hold, trade

__all__ = ["ForecastStrategy", "Trading", "buy_and_hold", "check_fill", "costs_of", "trade"]
