"""Trades from fills: from flat to flat, a reversal closes one and opens the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from backtester.backtest.ledger import Ledger

__all__ = ["trades_table"]


@dataclass(slots=True, kw_only=True)
class _Trade:
    """A trade while it is being built; money is signed cash flow."""

    first_bar: int
    long: bool
    position: float = 0.0
    largest: float = 0.0
    cash: float = 0.0
    entered_size: float = 0.0
    entered_value: float = 0.0
    left_size: float = 0.0
    left_value: float = 0.0
    last_bar: int | None = None
    mark: float = 0.0

    def add(self, size: float, *, price: float, commission: float) -> None:
        """Book one fill, or the part of it that belongs here."""
        entering = (size > 0.0) == self.long
        if entering:
            self.entered_size += abs(size)
            self.entered_value += abs(size) * price
        else:
            self.left_size += abs(size)
            self.left_value += abs(size) * price
        self.position += size
        self.largest = max(self.largest, abs(self.position))
        self.cash -= size * price + commission

    @property
    def pnl(self) -> float:
        return self.cash + self.position * self.mark


def trades_table(ledger: Ledger) -> pd.DataFrame:
    """Give one row for each trade.

    Parameters
    ----------
    ledger : a recorded run

    Returns
    -------
    frame with the columns ``entry_date``, ``exit_date`` (NaT: open at the end), ``direction``,
    ``size`` (the largest position), ``entry_price`` and ``exit_price`` (means over the fills,
    slippage included; an open trade's exit price is the last close), ``pnl`` (after all costs so
    far), ``return`` (pnl over the value bought or sold to enter), ``bars`` held. The sum of ``pnl`` is
    the change of the equity, also where the account lost everything: a loss ends at what was there
    """
    trades = list(_trades(ledger))
    dates, last_bar = ledger.market.dates, len(ledger.market.dates) - 1
    ends = [trade.last_bar for trade in trades]
    entered = np.array([trade.entered_value for trade in trades], dtype=np.float64)
    pnl = np.array([trade.pnl for trade in trades], dtype=np.float64)
    return pd.DataFrame(
        {
            "entry_date": pd.DatetimeIndex([dates[trade.first_bar] for trade in trades]),
            "exit_date": pd.DatetimeIndex([pd.NaT if end is None else dates[end] for end in ends]),
            "direction": pd.array(["long" if trade.long else "short" for trade in trades], dtype="str"),
            "size": np.array([trade.largest for trade in trades], dtype=np.float64),
            "entry_price": np.array(
                [trade.entered_value / trade.entered_size for trade in trades], dtype=np.float64
            ),
            "exit_price": np.array([_exit_price(trade) for trade in trades], dtype=np.float64),
            "pnl": pnl,
            "return": pnl / entered,
            "bars": np.array(
                [
                    (last_bar if end is None else end) - trade.first_bar
                    for trade, end in zip(trades, ends, strict=True)
                ],
                dtype=np.int64,
            ),
        }
    )


def _exit_price(trade: _Trade) -> float:
    return (
        trade.mark if trade.last_bar is None or trade.left_size == 0.0 else trade.left_value / trade.left_size
    )


def _trades(ledger: Ledger) -> Iterator[_Trade]:
    trade: _Trade | None = None
    earned = 0.0
    for order in ledger.fills:
        left, commission = order.size, order.commission
        if trade is not None and abs(left) >= abs(trade.position) and (left > 0.0) != trade.long:
            closing = -trade.position
            share = closing / left
            trade.add(closing, price=order.price, commission=commission * share)
            trade.last_bar = order.bar
            earned += trade.pnl
            yield trade
            trade = None
            left, commission = left - closing, commission * (1.0 - share)
        if left != 0.0:
            if trade is None:
                trade = _Trade(first_bar=order.bar, long=left > 0.0)
            trade.add(left, price=order.price, commission=commission)
    if trade is not None:
        _end(trade, ledger=ledger, earned=earned)
        yield trade


def _end(trade: _Trade, *, ledger: Ledger, earned: float) -> None:
    """Mark the last trade: at the last close, or where the account was closed."""
    close = ledger.market.line("close")
    if ledger.ruined_at is None:
        trade.mark = float(close[-1])
        return
    trade.last_bar = ledger.ruined_at
    trade.mark = float(close[ledger.ruined_at])
    # the loss is what was left, whatever the price that day: shift the booked cash to match
    trade.cash = -ledger.start_cash - earned - trade.position * trade.mark
