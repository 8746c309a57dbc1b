"""Trade a table of forecasts in milliseconds, without Backtrader's event loop.

Hundreds of variants of one run are affordable in this way. Nothing about trading is said here a second
time: the strategy's own class decides and orders, the broker's own formula sizes, the ledger's own tables
come out. What is replaced is the loop around them, and the tests hold its equity to Backtrader's.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.backtest.broker import Broker, costs_of, open_account
from backtester.backtest.feed import Market
from backtester.backtest.ledger import Ledger, bars_table, close_ruined
from backtester.backtest.loading import LoadedStrategy, load_strategy
from backtester.backtest.recorder import OrderRecord, OrderStatus, Record
from backtester.backtest.trading import tradable_market, trade
from backtester.forecasts import Forecasts
from backtester.prices.table import PRICE_COLUMNS, Prices
from backtester.recipe.sections import BrokerSection
from backtester.recipe.strategies import (
    LongOrCash,
    LongShort,
    ReferenceStrategy,
    StrategySection,
    Threshold,
    VolatilityScaled,
)

__all__ = ["BuiltinStrategy", "replay", "replay_holding", "retrade"]

BuiltinStrategy = LongOrCash | LongShort | Threshold | VolatilityScaled
"""The strategies that come along: they decide by the forecast and past prices, and need no event loop."""


def replay(
    prices: Prices,
    forecasts: Forecasts,
    *,
    strategy: BuiltinStrategy,
    broker: BrokerSection,
    periods_per_year: int,
) -> pd.DataFrame:
    """Give the ``bars`` that `trade` gives for a strategy that comes along.

    Parameters
    ----------
    prices : the whole history of one symbol
    forecasts : out of sample; rows of other symbols are left out
    strategy : the recipe's ``[strategy]``, not a user's own
    broker : the recipe's ``[broker]``
    periods_per_year : bars in a year, for strategies that scale volatility

    Returns
    -------
    frame, index ``date``: ``equity``, ``return``, ``exposure``, ``turnover``, ``cost``, as in `Trading`.
    There is no check for lack of cash, as `order_size` never asks for more than cash and credit pay for

    Raises
    ------
    RecipeError : as `trade`
    """
    loaded = load_strategy(strategy, folder=Path(), periods_per_year=periods_per_year)
    market = tradable_market(prices, forecasts, broker=broker)
    account = _Account(market, broker=broker, max_exposure=strategy.max_exposure)
    decider = _bare(loaded, account=account)
    bars = account.bars
    cash, position = account.at_closes()
    for bar in range(market.first_origin, len(market.dates)):
        bars.now = bar
        decider.next_open()
        cash[bar], position[bar] = account.cash, account.position
        decider.next()
    return account.table(cash=cash, position=position)


def replay_holding(prices: Prices, forecasts: Forecasts, *, broker: BrokerSection) -> pd.DataFrame:
    """Give the ``bars`` that `buy_and_hold` gives: one order, at the first possible fill.

    Parameters
    ----------
    prices : the whole history of one symbol
    forecasts : of which only the first origin matters
    broker : the recipe's ``[broker]``

    Returns
    -------
    frame, index ``date``: ``equity``, ``return``, ``exposure``, ``turnover``, ``cost``, as in `Trading`

    Raises
    ------
    RecipeError : as `buy_and_hold`
    """
    market = tradable_market(prices, forecasts, broker=broker)
    account = _Account(market, broker=broker, max_exposure=1.0)
    first = market.first_origin + 1
    account.bars.now = first
    size = account.broker.size_for(1.0, data=account.bars)
    if size > 0.0:
        account.buy(size=size, decided=market.first_origin)
    cash, position = account.at_closes()
    cash[first:], position[first:] = account.cash, account.position
    return account.table(cash=cash, position=position)


def retrade(
    prices: Prices,
    forecasts: Forecasts,
    *,
    strategy: StrategySection,
    broker: BrokerSection,
    folder: Path,
    periods_per_year: int,
) -> pd.DataFrame:
    """Trade once more, by the fastest way that is right: replayed, or by Backtrader for a user's own.

    A user's class may hold indicators, orders and state of its own, which only Backtrader keeps.

    Parameters
    ----------
    prices : the whole history of one symbol
    forecasts : out of sample; rows of other symbols are left out
    strategy : the recipe's ``[strategy]``
    broker : the recipe's ``[broker]``
    folder : of the recipe, to which a user's strategy file is relative
    periods_per_year : bars in a year

    Returns
    -------
    frame, the ``bars`` of `Trading`

    Raises
    ------
    RecipeError, UserCodeError : as `trade`
    """
    if isinstance(strategy, ReferenceStrategy):
        return trade(
            prices,
            forecasts,
            strategy=strategy,
            broker=broker,
            folder=folder,
            periods_per_year=periods_per_year,
        ).bars
    return replay(prices, forecasts, strategy=strategy, broker=broker, periods_per_year=periods_per_year)


def _bare(loaded: LoadedStrategy, *, account: _Account) -> Any:
    """Make the strategy without Backtrader's machinery: its own methods over our bars and account."""
    strategy = object.__new__(loaded.cls)
    strategy.p = SimpleNamespace(**dict(loaded.cls.params._getitems()) | loaded.parameters)
    strategy.data = account.bars
    strategy.broker = account.broker
    strategy.buy = account.buy
    strategy.sell = account.sell
    return strategy


class _Line:
    """One line as a strategy reads it: ``[0]`` is the bar just closed; later bars are not there."""

    __slots__ = ("_bars", "_values")

    def __init__(self, values: list[float], *, bars: _Bars) -> None:
        self._values = values
        self._bars = bars

    def __getitem__(self, ago: int) -> float:
        at = self._bars.now + ago
        if ago > 0 or at < 0:
            raise IndexError(f"No bar {ago} from this one is known.")
        return self._values[at]

    def get(self, *, ago: int = 0, size: int = 1) -> list[float]:
        """Give the last ``size`` values up to the one ``ago`` bars from now."""
        stop = self._bars.now + ago + 1
        if ago > 0 or stop < size:
            return []
        return self._values[stop - size : stop]


class _Dates:
    """The line of dates."""

    __slots__ = ("_bars", "_dates")

    def __init__(self, dates: list[date], *, bars: _Bars) -> None:
        self._dates = dates
        self._bars = bars

    def date(self, ago: int = 0) -> date:
        """Give the session of the bar."""
        return self._dates[self._bars.now + ago]


class _Bars:
    """Stands for a strategy's ``data``, at the bar ``now``."""

    def __init__(self, market: Market) -> None:
        self.now = 0
        for name in (*PRICE_COLUMNS, "forecast"):
            setattr(self, name, _Line(market.line(name).tolist(), bars=self))
        self.datetime = _Dates(market.dates.date.tolist(), bars=self)

    def __len__(self) -> int:
        return self.now + 1


class _Account:
    """Fills the orders of a strategy at once, at the open of the bar that it stands at."""

    def __init__(self, market: Market, *, broker: BrokerSection, max_exposure: float) -> None:
        self._market = market
        self._costs = costs_of(broker, max_exposure=max_exposure)
        self._start_cash = broker.cash
        self._opens = market.line("open").tolist()
        self._fills: list[OrderRecord] = []
        self.bars = _Bars(market)
        self.broker: Broker = open_account(broker, costs=self._costs, max_exposure=max_exposure)
        self._held = self.broker.positions[self.bars]

    @property
    def cash(self) -> float:
        """Money; negative when borrowed."""
        return self.broker.cash

    @property
    def position(self) -> float:
        """Shares; negative when short."""
        held: float = self._held.size
        return held

    def buy(self, *, size: float, decided: int) -> None:
        """Fill an order at the open, worse by the slippage."""
        self._fill(size, price=self._opens[self.bars.now] * (1.0 + self._costs.slippage), decided=decided)

    def sell(self, *, size: float, decided: int) -> None:
        """Fill an order at the open, worse by the slippage."""
        self._fill(-size, price=self._opens[self.bars.now] * (1.0 - self._costs.slippage), decided=decided)

    def _fill(self, size: float, *, price: float, decided: int) -> None:
        commission = abs(size) * price * self._costs.commission
        self.broker.cash -= size * price + commission
        self._held.size += size
        self._fills.append(
            OrderRecord(
                decided=decided,
                created=self.bars.now,
                bar=self.bars.now,
                size=size,
                filled=True,
                price=price,
                commission=commission,
                market=True,
                status=OrderStatus.FILLED,
            )
        )

    def at_closes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Give cash and position at each close (n_bars,) of an account that never traded, to write in."""
        n_bars = len(self._market.dates)
        return np.full(n_bars, self._start_cash), np.zeros(n_bars)

    def table(self, *, cash: NDArray[np.float64], position: NDArray[np.float64]) -> pd.DataFrame:
        """Give the bars of what was filled, ended where the account could not be closed any more."""
        equity = cash + position * self._market.line("close")
        record = Record(equity=equity, cash=cash, position=position, orders=tuple(self._fills))
        ledger = Ledger(market=self._market, record=record, start_cash=self._start_cash)
        return bars_table(close_ruined(ledger, costs=self._costs))
