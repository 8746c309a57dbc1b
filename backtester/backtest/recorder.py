"""What happened in a Backtrader run: the account at each close, and every order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

__all__ = ["Asked", "OrderRecord", "OrderStatus", "Record", "Recorder"]


class OrderStatus(Enum):
    """How an order ended."""

    FILLED = "filled"
    REJECTED = "rejected"
    CANCELED = "canceled"
    EXPIRED = "expired"
    OPEN = "open"


_STATUS = {
    bt.Order.Completed: OrderStatus.FILLED,
    bt.Order.Margin: OrderStatus.REJECTED,
    bt.Order.Rejected: OrderStatus.REJECTED,
    bt.Order.Canceled: OrderStatus.CANCELED,
    bt.Order.Expired: OrderStatus.EXPIRED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An order as it was given, whatever became of it.

    Parameters
    ----------
    kind : ``Market``, ``Limit``, ``Stop`` and so on, as Backtrader calls it
    size : shares, signed
    prices : at which it is triggered and limited, or its distance where it trails; those it names itself
    """

    kind: str
    size: float
    prices: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """One order.

    Parameters
    ----------
    decided : position of the bar at whose close it was decided
    created : position of the bar at which it was given; that of the fill for one given at its open
    bar : position of the bar of its last change: the fill, or the rejection
    size : shares, signed; of the fill where there was one, else as ordered
    filled : whether anything was traded
    price : of the fill, slippage included; NaN without a fill
    commission : money
    market : whether a market order, which fills at the bar's open
    status : how it ended
    asked : what was ordered
    """

    decided: int
    created: int
    bar: int
    size: float
    filled: bool
    price: float
    commission: float
    market: bool
    status: OrderStatus
    asked: Asked | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The account over one run; arrays (n_bars,) at each close, read-only."""

    equity: NDArray[np.float64]
    cash: NDArray[np.float64]
    position: NDArray[np.float64]
    orders: tuple[OrderRecord, ...]


class Recorder(bt.Analyzer):  # type: ignore[misc]
    """Keep the account at each close and the last state of each order."""

    def start(self) -> None:
        """Begin with nothing."""
        self._rows: list[tuple[float, float, float]] = []
        self._orders: dict[int, tuple[int, Any]] = {}

    def notify_order(self, order: Any) -> None:
        """Keep the latest state; Backtrader hands over a copy at the bar of the change."""
        self._orders[order.ref] = (len(self.data) - 1, order)

    def next(self) -> None:
        """Mark the account at the close; called at every bar, also while indicators warm up."""
        broker = self.strategy.broker
        self._rows.append((broker.getvalue(), broker.getcash(), broker.getposition(self.data).size))

    def record(self) -> Record:
        """Give what was kept."""
        table = np.array(self._rows, dtype=np.float64).reshape(-1, 3)
        table.setflags(write=False)
        bar_of = {number: bar for bar, number in enumerate(self.data.datetime.array)}
        orders = tuple(_order_record(order, bar=bar, bar_of=bar_of) for bar, order in self._orders.values())
        return Record(equity=table[:, 0], cash=table[:, 1], position=table[:, 2], orders=orders)


def _order_record(order: Any, *, bar: int, bar_of: dict[float, int]) -> OrderRecord:
    filled = order.executed.size != 0
    decided = order.info.get("decided")
    return OrderRecord(
        decided=bar_of[order.created.dt] if decided is None else decided,
        created=bar_of[order.created.dt],
        bar=bar,
        size=float(order.executed.size if filled else order.created.size),
        filled=filled,
        price=float(order.executed.price) if filled else float("nan"),
        commission=float(order.executed.comm),
        market=order.exectype == bt.Order.Market,
        status=_STATUS.get(order.status, OrderStatus.OPEN),
        asked=_asked(order),
    )


def _asked(order: Any) -> Asked:
    kind, created = str(order.getordername()), order.created
    if order.exectype in (bt.Order.Market, bt.Order.Close):
        named: tuple[float | None, ...] = ()
    elif order.exectype in (bt.Order.StopTrail, bt.Order.StopTrailLimit):
        named = (created.trailamount, created.trailpercent)  # its price moves with every close
    else:
        named = (created.price, created.pricelimit)
    prices = tuple(float("nan") if price is None else float(price) for price in named)
    return Asked(kind=kind, size=float(created.size), prices=prices)
