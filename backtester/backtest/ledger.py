"""Tables from a recorded run: bars, orders, and the end of an account that lost everything."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.backtest.broker import Costs
from backtester.backtest.feed import Market
from backtester.backtest.recorder import OrderRecord, OrderStatus, Record

__all__ = ["Ledger", "asked_table", "bars_table", "close_ruined", "count_rejected", "orders_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """A run with the market it ran on.

    Parameters
    ----------
    market : the bars
    record : the account at each bar's close
    start_cash : equity before the first bar
    ruined_at : position of the bar at which the account was closed, or None
    """

    market: Market
    record: Record
    start_cash: float
    ruined_at: int | None = None

    @property
    def fills(self) -> tuple[OrderRecord, ...]:
        """The orders that traded, in the order of their fills."""
        filled = (order for order in self.record.orders if order.filled)
        return tuple(sorted(filled, key=lambda order: order.bar))

    def slippage_of(self, order: OrderRecord) -> float:
        """Money lost to slippage: by a market order against the open; other orders name their price."""
        if not (order.filled and order.market):
            return 0.0
        return abs(order.size) * abs(order.price - float(self.market.line("open")[order.bar]))


def close_ruined(ledger: Ledger, *, costs: Costs) -> Ledger:
    """Close the account at the first open or close at which its equity would not pay for closing it.

    From then on equity and position are 0, and what was ordered later never happened. Backtrader
    itself would trade on below zero.
    """
    record, market = ledger.record, ledger.market
    cash_before = np.concatenate(([ledger.start_cash], record.cash[:-1]))
    held_before = np.concatenate(([0.0], record.position[:-1]))
    at_open = _cannot_close(cash_before, held_before * market.line("open"), costs=costs)
    at_close = _cannot_close(record.cash, record.position * market.line("close"), costs=costs)
    ruined = at_open | at_close
    if not ruined.any():
        return ledger
    bar = int(np.argmax(ruined))
    last_order = bar - 1 if at_open[bar] else bar
    alive = np.arange(len(ruined)) < bar
    kept = tuple(order for order in record.orders if order.bar <= last_order)
    record = Record(
        equity=np.where(alive, record.equity, 0.0),
        cash=np.where(alive, record.cash, 0.0),
        position=np.where(alive, record.position, 0.0),
        orders=kept,
    )
    return replace(ledger, record=record, ruined_at=bar)


def _cannot_close(cash: NDArray[np.float64], held: NDArray[np.float64], *, costs: Costs) -> NDArray[np.bool_]:
    rate = np.where(held > 0.0, costs.of_selling, costs.of_buying)
    result: NDArray[np.bool_] = cash + held - np.abs(held) * rate <= 0.0
    return result


def bars_table(ledger: Ledger) -> pd.DataFrame:
    """Give equity, return, exposure, turnover and cost at each bar from the first possible fill on."""
    record, market = ledger.record, ledger.market
    equity_before = np.concatenate(([ledger.start_cash], record.equity[:-1]))
    gain = np.divide(record.equity, equity_before, out=np.ones_like(equity_before), where=equity_before > 0.0)
    held = record.position * market.line("close")
    exposure = np.divide(held, record.equity, out=np.zeros_like(held), where=record.equity > 0.0)
    traded, cost = np.zeros(len(held)), np.zeros(len(held))
    for order in ledger.fills:
        traded[order.bar] += abs(order.size) * market.line("open")[order.bar]
        cost[order.bar] += order.commission + ledger.slippage_of(order)
    cash_before = np.concatenate(([ledger.start_cash], record.cash[:-1]))
    held_before = np.concatenate(([0.0], record.position[:-1])) * market.line("open")
    turnover = np.divide(traded, cash_before + held_before, out=np.zeros_like(traded), where=traded > 0.0)
    table = pd.DataFrame(
        {
            "equity": record.equity,
            "return": gain - 1.0,
            "exposure": exposure,
            "turnover": turnover,
            "cost": cost,
        },
        index=pd.DatetimeIndex(market.dates, name="date"),
    )
    return table.iloc[market.first_origin + 1 :].copy()


def orders_table(ledger: Ledger) -> pd.DataFrame:
    """Give one row for each order: size in shares, price with slippage, money for the rest."""
    dates, orders = ledger.market.dates, ledger.record.orders
    filled = [order.bar if order.filled else None for order in orders]
    size = np.array([abs(order.size) for order in orders], dtype=np.float64)
    price = np.array([order.price for order in orders], dtype=np.float64)
    return pd.DataFrame(
        {
            "decided": pd.DatetimeIndex([dates[order.decided] for order in orders]),
            "filled": pd.DatetimeIndex([pd.NaT if bar is None else dates[bar] for bar in filled]),
            "side": pd.array(["buy" if order.size > 0 else "sell" for order in orders], dtype="str"),
            "size": size,
            "price": price,
            "value": size * price,
            "commission": np.array([order.commission for order in orders], dtype=np.float64),
            "slippage": np.array([ledger.slippage_of(order) for order in orders], dtype=np.float64),
            "status": pd.array([order.status.value for order in orders], dtype="str"),
        }
    )


def asked_table(ledger: Ledger) -> pd.DataFrame:
    """Give what was ordered, row by row as `orders_table` has what became of it: ``kind`` and ``asked``."""
    asked = [order.asked for order in ledger.record.orders]
    return pd.DataFrame(
        {
            "kind": ["Market" if each is None else each.kind for each in asked],
            "asked": ["" if each is None else repr((each.size, *each.prices)) for each in asked],
        }
    )


def count_rejected(ledger: Ledger) -> int:
    """How many orders the broker refused."""
    return sum(order.status is OrderStatus.REJECTED for order in ledger.record.orders)
