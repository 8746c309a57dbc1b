"""Trade a table of forecasts in Backtrader."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import backtrader as bt
import numpy as np
import pandas as pd

from backtester.backtest.account import check_account
from backtester.backtest.broker import AccountError, costs_of, open_account
from backtester.backtest.feed import Market, PriceFeed, market_of
from backtester.backtest.fills import check_fill
from backtester.backtest.ledger import (
    Ledger,
    asked_table,
    bars_table,
    close_ruined,
    count_rejected,
    orders_table,
)
from backtester.backtest.loading import LoadedStrategy, load_strategy
from backtester.backtest.recorder import Recorder
from backtester.backtest.strategy import ForecastStrategy
from backtester.backtest.trades import trades_table
from backtester.errors import BacktesterError, UserCodeError
from backtester.forecasts import Forecasts
from backtester.prices.table import Note, NoteKind, Prices
from backtester.recipe.sections import BrokerSection
from backtester.recipe.strategies import StrategySection
from backtester.references import user_code_error

__all__ = ["Trading", "buy_and_hold", "run_market", "tradable_market", "trade"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trading:
    """What came of trading one table of forecasts.

    Parameters
    ----------
    bars : index ``date`` from the bar after the first origin to the last bar; columns ``equity``
        (money, at the close), ``return`` (simple, the first against the starting cash),
        ``exposure`` (position value over equity at the close), ``turnover`` (value traded at the fill
        price before slippage, over the equity before it), ``cost`` (commission and slippage, money)
    orders : ``decided``, ``filled`` (NaT: never), ``side``, ``size``, ``price``, ``value``,
        ``commission``, ``slippage``, ``status``
    asked : the same rows as they were ordered: ``kind``, and size and prices in ``asked``; for the audit
    trades : ``entry_date``, ``exit_date`` (NaT: open at the end), ``direction``, ``size``,
        ``entry_price``, ``exit_price``, ``pnl`` (net), ``return``, ``bars``
    rejected : orders that the broker refused
    notes : what the reader must know
    """

    bars: pd.DataFrame
    orders: pd.DataFrame
    asked: pd.DataFrame
    trades: pd.DataFrame
    rejected: int
    notes: tuple[Note, ...]


class _BuyAndHold(ForecastStrategy):
    """Wants all equity in the asset at every bar; so it orders once and never again."""

    def target_exposure(self, forecast: float) -> float:
        return 1.0


def trade(
    prices: Prices,
    forecasts: Forecasts,
    *,
    strategy: StrategySection,
    broker: BrokerSection,
    folder: Path,
    periods_per_year: int,
) -> Trading:
    """Trade forecasts by a strategy: decided at the close of a bar, filled at the next.

    Parameters
    ----------
    prices : the whole history of one symbol
    forecasts : out of sample; rows of other symbols are left out
    strategy : the recipe's ``[strategy]``
    broker : the recipe's ``[broker]``
    folder : of the recipe, to which a user's strategy file is relative
    periods_per_year : bars in a year, for strategies that scale volatility

    Returns
    -------
    Trading

    Raises
    ------
    RecipeError : fills that these prices cannot carry (see `check_fill`, whose warnings the caller asks
        for once), a strategy that cannot be used
    UserCodeError : the user's strategy raised, or asked for an exposure that is no finite number
    """
    loaded = load_strategy(strategy, folder=folder, periods_per_year=periods_per_year)
    market = tradable_market(prices, forecasts, broker=broker)
    if not loaded.decides_by_forecast:
        market = market.from_first_origin()
    return run_market(market, loaded=loaded, broker=broker, max_exposure=strategy.max_exposure)


def buy_and_hold(prices: Prices, forecasts: Forecasts, *, broker: BrokerSection) -> Trading:
    """Buy with all cash at the first fill that a strategy on these forecasts could have; never sell.

    Parameters
    ----------
    prices : the whole history of one symbol
    forecasts : of which only the first origin matters
    broker : the recipe's ``[broker]``

    Returns
    -------
    Trading, over the same bars and at the same costs as `trade` gives for these forecasts
    """
    market = tradable_market(prices, forecasts, broker=broker)
    lines = market.lines.copy()
    # any number serves as the forecast: where it is NaN the base class would go to cash
    lines[:, -1] = np.where(np.arange(len(lines)) < market.first_origin, np.nan, 0.0)
    lines.setflags(write=False)
    held = Market(dates=market.dates, lines=lines, first_origin=market.first_origin)
    loaded = LoadedStrategy(cls=_BuyAndHold, parameters={"rebalance_band": 0.0})
    return run_market(held, loaded=loaded, broker=broker, max_exposure=1.0)


def tradable_market(prices: Prices, forecasts: Forecasts, *, broker: BrokerSection) -> Market:
    """Give the bars to trade on, where the broker's fills can be had on them.

    Raises
    ------
    RecipeError : fills that these prices cannot carry, see `check_fill`
    """
    market = market_of(prices, forecasts, fill=broker.fill)
    horizon = int(forecasts.frame["horizon"].min())
    check_fill(prices, fill=broker.fill, horizon=horizon, first_bar=market.first_origin + 1)
    return market


class _Cerebro(bt.Cerebro):  # type: ignore[misc]
    """Backtrader's, without timers that ring before the orders of the day are filled."""

    def _add_timer(self, owner: object, when: object, *given: object, **named: object) -> object:
        if named.get("cheat"):
            raise AccountError(
                "The strategy sets a timer that sees the day before its orders fill (add_timer, cheat=True).",
                advice="Remove cheat=True: the timer then rings after the fills.",
            )
        return super()._add_timer(owner, when, *given, **named)


def run_market(
    market: Market, *, loaded: LoadedStrategy, broker: BrokerSection, max_exposure: float
) -> Trading:
    """Run Backtrader over these bars.

    Raises
    ------
    UserCodeError : the user's strategy failed
    """
    costs = costs_of(broker, max_exposure=max_exposure)
    by_forecast = loaded.decides_by_forecast
    cerebro = _Cerebro(cheat_on_open=by_forecast, broker_coo=False, stdstats=False)
    account = open_account(broker, costs=costs, max_exposure=max_exposure, fills_same_bar=by_forecast)
    cerebro.broker = account
    cerebro.adddata(PriceFeed(market=market))
    cerebro.addstrategy(loaded.cls, **loaded.parameters)
    cerebro.addanalyzer(Recorder, _name="recorder")
    ran = _run_cerebro(cerebro, loaded=loaded)
    record = ran.analyzers.recorder.record()
    if len(record.equity) < len(market.dates):
        raise UserCodeError(
            f"strategy {loaded.reference!r} ended the run after {len(record.equity)} of "
            f"{len(market.dates)} bars.",
            advice="Remove runstop: a strategy that is done holds cash.",
        )
    ledger = Ledger(market=market, record=record, start_cash=broker.cash)
    if loaded.reference:
        sealed = account.as_sealed and ran.broker is account and cerebro.broker is account
        check_account(ledger, costs=costs, sealed=sealed, what=f"strategy {loaded.reference!r}")
    ledger = close_ruined(ledger, costs=costs)
    return Trading(
        bars=bars_table(ledger),
        orders=orders_table(ledger),
        asked=asked_table(ledger),
        trades=trades_table(ledger),
        rejected=count_rejected(ledger),
        notes=tuple(_notes(ledger, n_cut=getattr(ran, "n_cut", 0), max_exposure=max_exposure)),
    )


def _run_cerebro(cerebro: bt.Cerebro, *, loaded: LoadedStrategy) -> bt.Strategy:
    # With all bars loaded beforehand, which is faster, a user's `self.data.close[1]` is tomorrow's close.
    beforehand = not loaded.reference
    try:
        return cerebro.run(preload=beforehand, runonce=beforehand)[0]
    except BacktesterError:
        raise
    except (Exception, SystemExit) as error:
        if not loaded.reference:
            raise
        what = f"strategy {loaded.reference!r} failed"
        raise user_code_error(error, file=loaded.file, what=what) from error


def _notes(ledger: Ledger, *, n_cut: int, max_exposure: float) -> Iterator[Note]:
    if not ledger.fills:
        yield Note(kind=NoteKind.WARNING, text="The strategy never traded: nothing can be concluded from it.")
    if n_cut:
        yield Note(
            kind=NoteKind.WARNING,
            text=f"Exposures asked for beyond max_exposure = {max_exposure:g}, cut to it: {n_cut}.",
        )
    rejected = count_rejected(ledger)
    if rejected:
        yield Note(
            kind=NoteKind.WARNING, text=f"Orders that the broker refused for lack of cash: {rejected}."
        )
    if ledger.ruined_at is not None:
        date = ledger.market.dates[ledger.ruined_at].date().isoformat()
        yield Note(
            kind=NoteKind.WARNING,
            text=f"The account was closed on {date}: its equity no longer covered the cost of closing "
            "its position. The equity is 0 from then on.",
        )
