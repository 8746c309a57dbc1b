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
from backtester.audit.history import cut_after, with_another_bar, with_another_future
from backtester.forecasts import Forecasts
from backtester.prices import Prices

__all__ = ["check_fills", "check_strategy", "random_forecasts"]

Trader = Callable[[Prices, Forecasts], pd.DataFrame]

_FILL = ["decided", "filled", "side", "size", "price"]


def random_forecasts(forecasts: Forecasts, *, seed: int) -> Forecasts:
    """Give forecasts that are drawn rather than made, as large as daily returns are."""
    generator = np.random.Generator(np.random.PCG64(seed))
    frame = forecasts.frame.assign(forecast=0.01 * generator.standard_normal(len(forecasts.frame)))
    return Forecasts(frame=frame)


def check_strategy(
    traded: Trader, *, prices: Prices, forecasts: Forecasts, cuts: Sequence[int], subject: str
) -> list[Check]:
    """Check what a strategy had done by some bars.

    Parameters
    ----------
    traded : trades forecasts on prices, and gives the orders as `Trading` has them
    prices, forecasts : the whole history
    cuts : bars after the first origin, at whose close the strategy decides
    subject : for messages

    Returns
    -------
    A check of its orders by cut, by another future, and by another rest of the bar that fills
    """
    whole = traded(prices, forecasts)
    dates = prices.dates
    past: dict[str, Leak] = {}
    sizes: dict[str, Leak] = {}
    for bar in cuts:
        at = dates[bar]
        for name, other in (
            ("the bars after it cut off", cut_after(prices, bar=bar)),
            ("another future", with_another_future(prices, bar=bar, seed=bar)),
        ):
            mine = traded(other, _known(forecasts, prices=other, at=at))
            _compare(past, own=whole, other=mine, by=at, what=f"with {name}", decided_at=None)
        if bar + 1 < len(prices) - 1:
            other = with_another_bar(prices, bar=bar + 1, seed=bar)
            mine = traded(other, _known(forecasts, prices=other, at=at))
            text = "with another high, low, close and volume on the day of the fill"
            _compare(sizes, own=whole, other=mine, by=dates[bar + 1], what=text, decided_at=at)
    return [
        Check(
            subject=f"orders of {subject}",
            method=f"history cut, and another future, after {len(cuts)} bars",
            n=2 * len(cuts),
            leak=_earliest(past),
        ),
        Check(
            subject=f"fills of {subject}",
            method=f"another rest of the bar that fills, {len(cuts)} times",
            n=len(cuts),
            leak=_earliest(sizes),
        ),
    ]


def _known(forecasts: Forecasts, *, prices: Prices, at: pd.Timestamp) -> Forecasts:
    """Cut the forecasts to the bars that there are; those made after ``at`` are turned round."""
    frame = forecasts.frame[forecasts.frame["origin"] <= prices.dates[-1]]
    later = frame["origin"] > at
    frame = frame.assign(forecast=np.where(later, -frame["forecast"], frame["forecast"]))
    return Forecasts(frame=frame.reset_index(drop=True))


def _compare(
    found: dict[str, Leak],
    *,
    own: pd.DataFrame,
    other: pd.DataFrame,
    by: pd.Timestamp,
    what: str,
    decided_at: pd.Timestamp | None,
) -> None:
    """Compare the fills up to a session; with ``decided_at``, only those of orders decided there."""
    mine, others = (_fills(orders, by=by, decided_at=decided_at) for orders in (own, other))
    if len(mine) == len(others) and mine.equals(others):
        return
    n = min(len(mine), len(others))
    differs = (mine.iloc[:n].reset_index(drop=True) != others.iloc[:n].reset_index(drop=True)).any(axis=1)
    place = int(differs.to_numpy().argmax()) if differs.any() else n
    longer = mine if len(mine) > place else others
    first = longer.iloc[place]["decided"].date()
    found.setdefault(
        what,
        Leak(
            first=first,
            n_bars=int(differs.sum()) + abs(len(mine) - len(others)),
            reach=0 if decided_at is not None else max(1, (by - longer.iloc[place]["decided"]).days),
            text=f"{what} it ordered otherwise",
        ),
    )


def _fills(orders: pd.DataFrame, *, by: pd.Timestamp, decided_at: pd.Timestamp | None) -> pd.DataFrame:
    filled = orders[orders["filled"].notna() & (orders["filled"] <= by)]
    if decided_at is not None:
        filled = filled[filled["decided"] == decided_at]
    return filled[_FILL].reset_index(drop=True)


def _earliest(found: dict[str, Leak]) -> Leak | None:
    return min(found.values(), key=lambda leak: leak.first) if found else None


def check_fills(orders: pd.DataFrame, *, dates: pd.DatetimeIndex, subject: str) -> Check:
    """Check the ledger of orders: each fills at a later session than it was decided, and at the next one.

    Parameters
    ----------
    orders : ``decided``, ``filled`` (NaT: never)
    dates : of the bars
    """
    filled = orders[orders["filled"].notna()]
    decided = dates.get_indexer(pd.DatetimeIndex(filled["decided"]))
    at = dates.get_indexer(pd.DatetimeIndex(filled["filled"]))
    early = at <= decided
    check = Check(
        subject=f"order ledger of {subject}", method="every order: filled after it was decided", n=len(filled)
    )
    if not early.any():
        return check
    first = int(np.argmax(early))
    leak = Leak(
        first=pd.Timestamp(filled["decided"].iloc[first]).date(),
        n_bars=int(early.sum()),
        reach=0,
        text="it fills in the bar that decided it",
    )
    return dataclasses.replace(check, leak=leak)
