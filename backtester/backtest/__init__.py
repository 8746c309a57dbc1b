"""Backtrader: the feed, the broker, the base class of strategies, and the function that trades forecasts."""

from backtester.backtest.broker import AccountError, costs_of
from backtester.backtest.fills import check_fill
from backtester.backtest.next_fill import NextFill, next_fill
from backtester.backtest.replay import BuiltinStrategy, replay, replay_holding, retrade
from backtester.backtest.strategy import ForecastStrategy
from backtester.backtest.trading import Trading, buy_and_hold, trade
from backtester.backtest.variants import one_bar_later, variants_table

__all__ = [
    "AccountError",
    "BuiltinStrategy",
    "ForecastStrategy",
    "NextFill",
    "Trading",
    "buy_and_hold",
    "check_fill",
    "costs_of",
    "next_fill",
    "one_bar_later",
    "replay",
    "replay_holding",
    "retrade",
    "trade",
    "variants_table",
]
