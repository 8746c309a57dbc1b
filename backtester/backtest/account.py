"""The account of a user's strategy, held to the recipe: its fills, costs and cash follow from its orders.

A strategy of the user's runs in one process with the broker and can reach into it. What it is told to leave
alone is refused at once; whatever else it changed shows here, as the books do not add up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backtester.backtest.broker import AccountError, Costs
from backtester.backtest.ledger import Ledger
from backtester.backtest.recorder import OrderRecord

__all__ = ["check_account"]

_ROUNDING = 1e-7
"""Of the account's gross value: what sums of many trades may miss."""


def check_account(ledger: Ledger, *, costs: Costs, sealed: bool, what: str) -> None:
    """Check that fills, commissions, cash and equity are those of the recipe's ``[broker]``.

    Parameters
    ----------
    ledger : of a run, before an account that lost everything is closed
    costs : of the recipe
    sealed : whether the broker is still the one that was opened, on its terms
    what : whose account, for the message

    Raises
    ------
    AccountError : they are not
    """
    found = "" if sealed else "the terms of its account were changed"
    found = found or next(
        (text for order in ledger.fills if (text := _wrong_fill(order, ledger=ledger, costs=costs))), ""
    )
    found = found or _wrong_books(ledger)
    if found:
        raise AccountError(
            f"{what}: {found}.",
            advice="A strategy reads its account and sends orders; cash, costs and fills are the recipe's "
            "[broker].",
        )


def _wrong_fill(order: OrderRecord, *, ledger: Ledger, costs: Costs) -> str:
    market, day = ledger.market, f"{ledger.market.dates[order.bar]:%Y-%m-%d}"
    at_open = order.created == order.bar and order.decided == order.bar - 1
    if not (order.created < order.bar or at_open):
        return f"an order of {day} fills in the bar that decided it"
    due = abs(order.size) * order.price * costs.commission
    if abs(order.commission - due) > _ROUNDING * abs(order.size) * order.price:
        return f"the fill of {day} paid a commission of {order.commission:.6g}, not of {due:.6g}"
    slip = costs.slippage if order.size > 0.0 else -costs.slippage
    if order.market:
        wanted = float(market.line("open")[order.bar]) * (1.0 + slip)
        if abs(order.price - wanted) > _ROUNDING * wanted:
            return (
                f"the order of {day} fills at {order.price:.6g}, not at {wanted:.6g}, the open with slippage"
            )
        return ""
    prices = [float(market.line(name)[order.bar]) for name in ("open", "high", "low", "close")]
    known = [price for price in prices if not np.isnan(price)]
    if (
        not min(known) * (1.0 - costs.slippage - _ROUNDING)
        <= order.price
        <= max(known) * (1.0 + costs.slippage + _ROUNDING)
    ):
        return f"the order of {day} fills at {order.price:.6g}, which the bar did not have"
    return ""


def _wrong_books(ledger: Ledger) -> str:
    record, close = ledger.record, ledger.market.line("close")
    shares, spent = np.zeros(len(close)), np.zeros(len(close))
    for order in ledger.fills:
        shares[order.bar] += order.size
        spent[order.bar] += order.size * order.price + order.commission
    position, cash = np.cumsum(shares), ledger.start_cash - np.cumsum(spent)
    gross = np.maximum.accumulate(np.abs(record.cash) + np.abs(record.position * close) + ledger.start_cash)
    for name, own, due in (
        ("shares", record.position * close, position * close),
        ("cash", record.cash, cash),
        ("equity", record.equity, cash + position * close),
    ):
        apart = _first_apart(own, due, gross=gross)
        if apart is not None:
            day = f"{ledger.market.dates[apart]:%Y-%m-%d}"
            return (
                f"at the close of {day} its account holds {name} of {own[apart]:,.2f}, and its orders give "
                f"{due[apart]:,.2f}"
            )
    return ""


def _first_apart(
    own: NDArray[np.float64], due: NDArray[np.float64], *, gross: NDArray[np.float64]
) -> int | None:
    apart = ~(np.abs(own - due) <= _ROUNDING * gross)
    return int(np.argmax(apart)) if apart.any() else None
