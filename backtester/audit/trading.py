"""Orders, sizes and fills: what was decided at t, sized at the next open, and filled there.

The strategy is run on histories cut after a bar, with another future, and with another rest of the bar that
fills. What it had ordered, and at which size and price, may not differ.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from backtester.audit.finding import Check, Leak
from backtester.audit.history import cut_after, ending_otherwise, with_another_future
from backtester.backtest import AccountError
from backtester.errors import RecipeError, UserCodeError
from backtester.forecasts import Forecasts
from backtester.prices import Prices

__all__ = ["Trader", "check_fills", "check_strategy", "random_forecasts"]

Trader = Callable[[Prices, Forecasts], pd.DataFrame]

_FIRST_FILLS = 4
"""Fills that are looked at from the first on: early ones take the least time."""
_FUTURE = 10
"""Bars of another future that are traded on."""
_FACTORS = (0.8, 1.25)
"""Of the rest of a bar: down and up, so that no comparison of it with the open can miss both."""
_FILL = ["decided", "filled", "side", "size", "price"]
_ASKED = ["decided", "side", "kind", "asked"]


def random_forecasts(forecasts: Forecasts, *, seed: int) -> Forecasts:
    """Give forecasts that are drawn rather than made, as large as daily returns are."""
    generator = np.random.Generator(np.random.PCG64(seed))
    frame = forecasts.frame.assign(forecast=0.01 * generator.standard_normal(len(forecasts.frame)))
    return Forecasts(frame=frame)


def check_strategy(
    traded: Trader,
    *,
    prices: Prices,
    forecasts: Forecasts,
    cuts: Sequence[int],
    subject: str,
    fills_at: str = "open",
) -> list[Check]:
    """Check what a strategy had done by some bars.

    Parameters
    ----------
    traded : trades forecasts on prices, and gives the orders as `Trading` has them, with the columns of
        ``asked`` beside; without these, all are market orders
    prices, forecasts : the whole history
    cuts : bars after the first origin, at whose close the strategy decides; as many bars of its own fills are
        looked at beside them
    subject : for messages
    fills_at : the price at which an order fills, ``open`` or ``close``

    Returns
    -------
    A check of its orders by cut and by another future, and one of its fills by another rest of the bar that
    fills

    Raises
    ------
    AccountError : it reaches into its account
    """
    try:
        whole = traded(prices, forecasts)
    except AccountError:
        raise
    except RecipeError as error:  # of forecasts that were drawn: what fails on them may do on those of a run
        text = f"it cannot be traded on these forecasts ({error.message})"
        return [Check(subject=f"orders of {subject}", method="traded", skipped=text)]
    filled = whole[whole["filled"].notna()]
    own = sorted(set(prices.dates.get_indexer(pd.DatetimeIndex(filled["filled"])).tolist()))
    bars = sorted({*cuts, *_spread(own, at_most=len(cuts))} - {len(prices) - 1})
    ending = [*own[:_FIRST_FILLS], *_spread(own[_FIRST_FILLS:], at_most=len(cuts))]
    orders = Check(
        subject=f"orders of {subject}",
        method=f"history cut, and another future, after {len(bars)} bars",
        n=2 * len(bars),
    )
    fills = Check(
        subject=f"fills of {subject}",
        method=f"another rest of the bar that fills, {2 * len(ending)} times",
        n=2 * len(ending),
    )
    if not own:
        return [dataclasses.replace(orders, skipped="it never trades here")]
    past: list[Leak] = []
    sizes: list[Leak] = []
    for bar in bars:
        other = cut_after(with_another_future(prices, bar=bar, seed=bar), bar=bar + _FUTURE)
        for changed in (cut_after(prices, bar=bar), other):
            past += _seen(traded, whole, prices=changed, forecasts=forecasts, bar=bar)
    for bar in ending:
        for factor in _FACTORS:
            other = ending_otherwise(prices, bar=bar, factor=factor, known=fills_at)
            sizes += _seen_at_fill(traded, whole, prices=other, forecasts=forecasts, bar=bar)
    if (past or sizes) and not traded(prices, forecasts).equals(whole):
        random = "traded twice on the same bars and forecasts, it ordered otherwise"
        return [dataclasses.replace(orders, random=random)]
    return [
        dataclasses.replace(check, leak=min(found, key=lambda leak: leak.first) if found else None)
        for check, found in ((orders, past), (fills, sizes))
    ]


def _spread(bars: Sequence[int], *, at_most: int) -> list[int]:
    if not bars:
        return []
    return [bars[at] for at in np.unique(np.linspace(0, len(bars) - 1, at_most).round().astype(int))]


def _known(forecasts: Forecasts, *, prices: Prices, at: pd.Timestamp) -> Forecasts:
    """Cut the forecasts to the bars that there are; those made after ``at`` are turned round."""
    frame = forecasts.frame[forecasts.frame["origin"] <= prices.dates[-1]]
    later = frame["origin"] > at
    frame = frame.assign(forecast=np.where(later, -frame["forecast"], frame["forecast"]))
    return Forecasts(frame=frame.reset_index(drop=True))


def _seen(
    traded: Trader, whole: pd.DataFrame, *, prices: Prices, forecasts: Forecasts, bar: int
) -> list[Leak]:
    """What was filled by a bar, and is otherwise where the bars after it are gone or others."""
    at, cut = prices.dates[bar], len(prices) == bar + 1
    how = "with the bars after it cut off" if cut else "with another future"
    try:
        mine = traded(prices, _known(forecasts, prices=prices, at=at))
    except UserCodeError as error:
        if not cut:  # it may fail on prices as wild as these are
            return []
        return [Leak(first=at.date(), n_bars=1, reach=1, text=f"{how} it fails ({error.message})")]
    except RecipeError:  # these few bars cannot be traded, whoever trades them
        return []
    own, other = (_fills(orders, by=at) for orders in (whole, mine))
    place, n_bars = _difference(own, other)
    if place is None:
        return []
    decided = (own if len(own) > place else other)["decided"].iloc[place]
    reach = max(1, bar - int(prices.dates.get_indexer(pd.DatetimeIndex([decided]))[0]))
    return [Leak(first=decided.date(), n_bars=n_bars, reach=reach, text=f"{how} it ordered otherwise")]


def _seen_at_fill(
    traded: Trader, whole: pd.DataFrame, *, prices: Prices, forecasts: Forecasts, bar: int
) -> list[Leak]:
    """What was ordered, or fills at the open, otherwise where the bar is another but for its price there.

    An order with a price of its own, or at the close, rightly fills by that bar; what it asked for may not
    hang on it.
    """
    at, by = prices.dates[bar - 1], prices.dates[bar]
    try:
        mine = traded(prices, _known(forecasts, prices=prices, at=at))
    except AccountError:
        raise
    except RecipeError:  # these bars cannot be traded, or it fails on one as wild as this
        return []
    own, other = (_ordered(orders, by=at) for orders in (whole, mine))
    place, n_bars = _difference(own, other)
    if place is None:
        own, other = (_fills(orders, by=by) for orders in (whole, mine))
        own, other = (fills[fills["filled"] == by].reset_index(drop=True) for fills in (own, other))
        # what fills within the bar moves the cash that is left for an order at its open
        if not all(_at_open(orders, by=by) for orders in (whole, mine)):
            return []
        place, n_bars = _difference(own, other)
    if place is None:
        return []
    first = (own if len(own) > place else other)["decided"].iloc[place].date()
    text = "where the rest of the bar that fills is another, it ordered otherwise"
    return [Leak(first=first, n_bars=n_bars, reach=0, text=text)]


def _ordered(orders: pd.DataFrame, *, by: pd.Timestamp) -> pd.DataFrame:
    """What was asked for by the close of a bar; empty where the trader does not tell."""
    if "asked" not in orders:
        return orders.iloc[:0]
    return orders.loc[orders["decided"] <= by, _ASKED].reset_index(drop=True)


def _at_open(orders: pd.DataFrame, *, by: pd.Timestamp) -> bool:
    """Whether all that fills at a bar are market orders."""
    return "kind" not in orders or bool((orders.loc[orders["filled"] == by, "kind"] == "Market").all())


def _difference(own: pd.DataFrame, other: pd.DataFrame) -> tuple[int | None, int]:
    """The first row that differs, None without one, and how many do."""
    n = min(len(own), len(other))
    differs = (own.iloc[:n] != other.iloc[:n]).any(axis=1).to_numpy()
    count = int(differs.sum()) + abs(len(own) - len(other))
    if count == 0:
        return None, 0
    return (int(differs.argmax()) if differs.any() else n), count


def _fills(orders: pd.DataFrame, *, by: pd.Timestamp) -> pd.DataFrame:
    filled = orders[orders["filled"].notna() & (orders["filled"] <= by)]
    return filled[_FILL].reset_index(drop=True)


def check_fills(orders: pd.DataFrame, *, dates: pd.DatetimeIndex, subject: str) -> Check:
    """Check the ledger of orders: each fills at a later session than the one at which it was decided.

    Parameters
    ----------
    orders : ``decided``, ``filled`` (NaT: never)
    dates : of the bars
    """
    filled = orders[orders["filled"].notna()]
    decided = dates.get_indexer(pd.DatetimeIndex(filled["decided"]))
    at = dates.get_indexer(pd.DatetimeIndex(filled["filled"]))
    check = Check(
        subject=f"order ledger of {subject}", method="every order: filled after it was decided", n=len(filled)
    )
    unknown = (decided < 0) | (at < 0)
    early = ~unknown & (at <= decided)
    wrong = unknown | early
    if not wrong.any():
        return check
    first = int(np.argmax(wrong))
    leak = Leak(
        first=pd.Timestamp(filled["decided"].iloc[first]).date(),
        n_bars=int(wrong.sum()),
        reach=None if unknown[first] else 0,
        text="an order of a session that the prices do not have"
        if unknown[first]
        else "it fills in the bar that decided it, or before",
    )
    return dataclasses.replace(check, leak=leak)
