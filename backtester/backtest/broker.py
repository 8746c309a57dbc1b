"""Backtrader's broker with our costs, exact sizes and a line of credit for leverage."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import backtrader as bt

from backtester.errors import RecipeError, UserCodeError
from backtester.recipe.sections import BrokerSection

__all__ = ["AccountError", "Broker", "Costs", "costs_of", "open_account", "order_size"]

_DUST = 1e-9
"""Share of the account's gross value by which cash may be below zero. A target of exactly the whole
equity spends all cash, and the last bits of floating point must not make that a refused order. Over
ten runs without costs or leverage the largest such debt was 6e-16; nothing is shaved off the size."""

_WHOLE = 1.0 + 1e-12
"""Keeps 9.999999999999998 shares from being truncated to 9."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a trade costs, as shares of its value (0.0001 is one basis point)."""

    commission: float
    slippage: float

    @property
    def of_buying(self) -> float:
        """Cost of buying as a share of the value at the fill price before slippage."""
        return self.slippage + self.commission * (1.0 + self.slippage)

    @property
    def of_selling(self) -> float:
        """Cost of selling as a share of the value at the fill price before slippage."""
        return self.slippage + self.commission * (1.0 - self.slippage)

    def of_closing(self, position_value: float) -> float:
        """Money that closing a position of this signed value takes."""
        return abs(position_value) * (self.of_selling if position_value > 0.0 else self.of_buying)


def order_size(exposure: float, *, cash: float, position: float, price: float, costs: Costs) -> float:
    """Give the order after which the exposure equals the target, costs paid.

    Parameters
    ----------
    exposure : wanted position value over the equity that is left after the order's costs
    cash : money, negative when borrowed
    position : shares held, negative when short
    price : at which the order fills, before slippage
    costs : of the trade

    Returns
    -------
    float, shares to buy (positive) or sell (negative); fractional; 0 when the equity would not
    cover the cost of closing the position

    Source
    ------
    With V = cash + position·price, a buy of d shares leaves the equity V - k·d·price, where
    k = slippage + commission·(1 + slippage). Then (position + d)·price = w·(V - k·d·price) gives
    d = (w·V - position·price) / (price·(1 + w·k)); a sale has 1 - w·k with its own k.

    Examples
    --------
    >>> free = Costs(commission=0.0, slippage=0.0)
    >>> order_size(0.5, cash=1000.0, position=0.0, price=100.0, costs=free)
    5.0
    >>> order_size(0.0, cash=500.0, position=5.0, price=100.0, costs=free)
    -5.0
    """
    held = position * price
    equity = cash + held
    if equity - costs.of_closing(held) <= 0.0:
        return 0.0
    if exposure == 0.0:
        return -position
    missing = exposure * equity - held
    drag = exposure * costs.of_buying if missing > 0.0 else -exposure * costs.of_selling
    return missing / (price * (1.0 + drag))


_TERMS = (
    *("setcommission", "addcommissioninfo", "set_cash", "setcash", "set_slippage_perc", "set_slippage_fixed"),
    *("set_coo", "set_filler", "set_checksubmit", "set_eosbar", "seteosbar", "set_shortcash", "set_int2pnl"),
    *("set_fund_history", "add_order_history"),
)
"""Methods of Backtrader's broker that change what trading costs, what it may borrow, or when it fills."""


class AccountError(UserCodeError):
    """A strategy reaches into its account."""


def _refuse(name: str, *_: object, **__: object) -> None:
    raise AccountError(
        f"The strategy changes the terms of its account ({name}).",
        advice=f"Remove {name}: cash, commission, slippage and fills are those of the recipe's [broker].",
    )


class Broker(bt.brokers.BackBroker):  # type: ignore[misc]
    """Market orders fill at the bar's open, worse by the slippage; fractional sizes; no same-bar fills.

    Slippage is not capped by the bar's range. Borrowing is limited to ``max_exposure - 1`` times the
    equity at the fill price, so that 1 means none. The cash that strategies read is the account's own
    and negative when borrowed. Made by `open_account`.
    """

    params = (("costs", None), ("max_exposure", 1.0), ("whole_shares", False))

    def size_for(self, exposure: float, *, data: Any) -> float:
        """Shares to buy (or, negative, to sell) at this bar's open; see `order_size`.

        With whole shares the position wanted is truncated toward zero.
        """
        position: float = self.positions[data].size
        size = order_size(exposure, cash=self.cash, position=position, price=data.open[0], costs=self.p.costs)
        if self.p.whole_shares and size != 0.0:
            size = math.trunc((position + size) * _WHOLE) - position
        return size

    def set_coc(self, coc: bool) -> None:  # noqa: FBT001 - Backtrader's signature
        """Refuse fills at the close that decided: no one could have traded there."""
        if coc:
            raise AccountError(
                "The strategy asks for fills at the close that decided (cheat on close).",
                advice='Remove set_coc; for fills at the next close set [broker] fill = "next_close".',
            )

    def seal(self) -> None:
        """End the setting up: from now on what changes the account's terms is refused."""
        self._terms = dict(self.p._getkwargs())
        for name in _TERMS:
            setattr(self, name, functools.partial(_refuse, name))

    @property
    def as_sealed(self) -> bool:
        """Whether its terms are still those of the recipe."""
        return dict(self.p._getkwargs()) == self._terms

    def add_cash(self, cash: float) -> None:
        """Refuse money from outside: it would count as a gain of the strategy."""
        raise AccountError(
            f"The strategy pays {cash:g} into its account.",
            advice="Remove add_cash; the recipe's [broker] cash is all there is.",
        )

    def _credit(self, data: Any) -> float:
        """Money that may be borrowed at this bar's open."""
        held: float = self.positions[data].size * data.open[0]
        lent: float = max(0.0, (self.p.max_exposure - 1.0) * (self.cash + held))
        return lent + _DUST * (abs(self.cash) + abs(held))

    def check_submitted(self) -> None:
        """Accept the orders that cash and credit pay for; Backtrader's check knows only cash."""
        if not self.submitted:
            return
        own = self.getcash()
        self.cash: float = own + self._credit(self.submitted[0].data)
        super().check_submitted()
        self.cash = own

    def notify(self, order: Any) -> None:
        """Complete an order of which only rounding is left, then tell the strategy.

        Backtrader books a reversal as -held plus what is opened. With fractional sizes that sum can
        miss the order's size in its last bit, and the order would live on to the next bar for the rest.
        """
        rest = abs(order.executed.remsize)
        if order.status == bt.Order.Partial and rest <= _DUST * abs(order.created.size):
            order.executed.remsize = 0
            order.completed()
        super().notify(order)

    def _execute(
        self,
        order: Any,
        *,
        ago: int | None = None,
        price: float | None = None,
        cash: float | None = None,
        position: Any = None,
        dtcoc: float | None = None,
    ) -> Any:
        if ago is None:  # the pretended execution inside check_submitted, which has the credit
            return super()._execute(order, cash=cash, position=position)
        credit = self._credit(order.data)
        self.cash += credit
        super()._execute(order, ago=ago, price=price, dtcoc=dtcoc)
        self.cash -= credit
        return None


def costs_of(section: BrokerSection, *, max_exposure: float) -> Costs:
    """Give the costs of a trade as shares of its value.

    Parameters
    ----------
    section : the recipe's ``[broker]``
    max_exposure : the largest position that is traded, as a share of equity

    Raises
    ------
    RecipeError : costs so high that at this exposure one trade could take the whole equity
    """
    costs = Costs(commission=section.commission_bp / 1e4, slippage=section.slippage_bp / 1e4)
    largest = max(costs.of_buying, costs.of_selling)
    if max_exposure * largest >= 1.0:
        raise RecipeError(
            f"Costs of {largest * 1e4:.0f} bp a trade at [strategy] max_exposure = {max_exposure:g} "
            "would take the whole equity in one trade.",
            advice="Lower max_exposure, or [broker] commission_bp and slippage_bp.",
        )
    return costs


def open_account(
    section: BrokerSection, *, costs: Costs, max_exposure: float, fills_same_bar: bool = False
) -> Broker:
    """Make the broker that a recipe describes.

    Parameters
    ----------
    section : the recipe's ``[broker]``
    costs : its costs, from `costs_of`
    max_exposure : above 1, the broker lends
    fills_same_bar : an order given at an open fills there, which only `ForecastStrategy` does

    Returns
    -------
    Broker, for one run; its terms cannot be changed any more
    """
    broker = Broker(
        cash=section.cash,
        costs=costs,
        max_exposure=max_exposure,
        whole_shares=not section.fractional,
        coo=fills_same_bar,
    )
    broker.set_slippage_perc(costs.slippage, slip_open=True, slip_match=True, slip_out=True)
    broker.setcommission(commission=costs.commission)
    broker.seal()
    return broker
