"""An account for thousands of paths of exposure at once, on the bars of one run.

Time is a loop and the paths are columns, so that a thousand paths take some ten times as long as one. The
sizes, costs and the end of a ruined account are those of `order_size` and the ledger, written for arrays:
for orders at the open (all of a `ForecastStrategy`) the returns are those of `replay` up to rounding, which
tests hold to 1e-9. What is approximated is only `orders_of_bars` for a Backtrader strategy of the user's own:
limit and stop orders and several orders in one bar become one order at the open that leads to the same
position.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.backtest import costs_of
from backtester.backtest.broker import Costs
from backtester.backtest.feed import market_of
from backtester.forecasts import Forecasts
from backtester.prices import Prices
from backtester.recipe import BrokerSection

__all__ = [
    "PATHS_AT_ONCE",
    "Venue",
    "net_returns",
    "orders_of_bars",
    "orders_of_wanted",
    "path_sharpes",
    "shifted_orders",
    "venue_of",
]

Floats = NDArray[np.float64]

PATHS_AT_ONCE = 1 << 22
"""Bars times paths held at once: arrays of 32 MB, of which some five live at a time."""
_WHOLE = 1.0 + 1e-12
"""As the broker's: keeps 9.999999999999998 shares from being truncated to 9."""
_ROUNDING = 1e-9
"""Exposures nearer than this are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """Where paths are traded: the bars from the first possible fill on, and what a trade costs.

    Parameters
    ----------
    opens : (n,) prices at which orders fill, before slippage; the closes for ``next_close``
    closes : (n,) at which the account is valued
    forecasts : (n,) the forecast known at the close before each bar; NaN where there was none
    history : (m + n,) closes from the first bar of the prices on; the last n are ``closes``
    costs : of a trade
    cash : equity before the first bar
    whole_shares : whether positions are truncated to whole shares
    """

    opens: Floats
    closes: Floats
    forecasts: Floats
    history: Floats
    costs: Costs
    cash: float
    whole_shares: bool

    def __len__(self) -> int:
        return len(self.closes)

    @property
    def paths_at_once(self) -> int:
        """How many paths fit the memory meant for them."""
        return max(1, PATHS_AT_ONCE // max(len(self), 1))


def venue_of(prices: Prices, forecasts: Forecasts, *, broker: BrokerSection, max_exposure: float) -> Venue:
    """Take the bars that forecasts are traded on.

    Parameters
    ----------
    prices : the whole history
    forecasts : of which the rows of this symbol are used
    broker : the recipe's ``[broker]``
    max_exposure : of the strategy

    Raises
    ------
    RecipeError : as `replay`
    """
    market = market_of(prices, forecasts, fill=broker.fill)
    first = market.first_origin + 1
    return Venue(
        opens=market.line("open")[first:],
        closes=market.line("close")[first:],
        forecasts=market.line("forecast")[first - 1 : -1],
        history=market.line("close"),
        costs=costs_of(broker, max_exposure=max_exposure),
        cash=broker.cash,
        whole_shares=not broker.fractional,
    )


def orders_of_wanted(wanted: Floats, *, band: float) -> Floats:
    """Give the orders that go out for wanted exposures.

    Parameters
    ----------
    wanted : (k, n), the exposure wanted at the close before each bar
    band : the strategy's ``rebalance_band``

    Returns
    -------
    (k, n), the exposure ordered for the open of each bar, NaN where no order goes out: the wanted exposure
    where it differs by more than the band from the one ordered last, which is 0 at first
    """
    by_bar = np.ascontiguousarray(wanted.T)
    orders = np.full(by_bar.shape, math.nan)
    ordered = np.zeros(by_bar.shape[1])
    for bar, exposure in enumerate(by_bar):
        moved = np.abs(exposure - ordered) > band
        if moved.any():
            ordered = np.where(moved, exposure, ordered)
            orders[bar, moved] = exposure[moved]
    return orders.T


def orders_of_bars(bars: pd.DataFrame, *, venue: Venue) -> Floats:
    """Read a strategy's orders from what it held.

    Parameters
    ----------
    bars : as `trade` gives them, of the bars of the venue
    venue : their prices

    Returns
    -------
    (n,), the exposure after the fill at the open of each bar, NaN where nothing was traded

    Source
    ------
    With exposure e at the close C, cash is (1 - e) for each e of position; at the open O the position is
    e·O/C, so that the exposure there is (e·O/C) / (1 - e + e·O/C). This is the target of an order at the
    open up to rounding; bars after a ruin are without orders.
    """
    held = bars["exposure"].to_numpy(dtype=np.float64)
    traded = bars["turnover"].to_numpy(dtype=np.float64) > 0.0
    at_open = held * venue.opens / venue.closes
    exposure = np.where(held == 0.0, 0.0, at_open / np.where(held == 0.0, 1.0, 1.0 - held + at_open))
    return np.where(traded, exposure, math.nan)


def shifted_orders(orders: Floats, *, lags: NDArray[np.int64]) -> Floats:
    """Move a path of orders round the circle of its bars: what was done at bar t is done at bar t + lag.

    Parameters
    ----------
    orders : (n,), NaN where none goes out
    lags : (k,), bars later; negative is earlier

    Returns
    -------
    (k, n). The exposures last ordered are those of the path, each as long as there, in the same order: their
    mean, their autocorrelation round the circle and the sum of their changes round the circle are the same.
    A path that begins in the midst of a position orders it at its first bar, where none was held
    """
    n = len(orders)
    given = ~np.isnan(orders)
    last = np.maximum.accumulate(np.where(given, np.arange(n), -1))
    held = np.where(last >= 0, orders[last], 0.0)
    # at the seam, from the last bar to the first, the exposure changes without an order of its own
    given[0] |= abs(held[0] - held[-1]) > _ROUNDING
    source = (np.arange(n) - lags[:, None]) % n
    moved, ordered = held[source], given[source]
    ordered[:, 0] = moved[:, 0] != 0.0
    return np.where(ordered, moved, math.nan)


def net_returns(orders: Floats, *, venue: Venue) -> Floats:
    """Trade paths of orders.

    Parameters
    ----------
    orders : (k, n), the exposure ordered for the open of each bar, costs paid; NaN where none goes out
    venue : prices and costs

    Returns
    -------
    (k, n), simple returns after costs; -1 at the bar of a ruin, 0 after it
    """
    by_bar = np.ascontiguousarray(orders.T)
    n, k = by_bar.shape
    equity = np.empty((n + 1, k))
    equity[0] = venue.cash
    cash, position = np.full(k, venue.cash), np.zeros(k)
    # only what is borrowed can be lost beyond the account
    known = by_bar[~np.isnan(by_bar)]
    risky = bool(known.size) and (float(known.min()) < 0.0 or float(known.max()) > 1.0 + _ROUNDING)
    alive = np.ones(k, dtype=np.bool_)
    prices = zip(by_bar, venue.opens.tolist(), venue.closes.tolist(), strict=True)
    for bar, (ordered, price, close) in enumerate(prices):
        if risky:
            alive &= ~_cannot_close(cash, position * price, costs=venue.costs)
        going = ~np.isnan(ordered)
        if going.any():
            wanted = np.where(going, ordered, 0.0)
            size = _sizes(wanted, cash=cash, position=position, price=price, venue=venue)
            if risky:
                going &= ~_cannot_close(cash, position * price, costs=venue.costs)
            size *= going
            buying = size > 0.0
            fill = np.where(buying, 1.0 + venue.costs.slippage, 1.0 - venue.costs.slippage) * price
            cash -= size * fill + np.abs(size) * fill * venue.costs.commission
            position += size
        if risky:
            alive &= ~_cannot_close(cash, position * close, costs=venue.costs)
            equity[bar + 1] = np.where(alive, cash + position * close, 0.0)
        else:
            equity[bar + 1] = cash + position * close
    before = equity[:-1]
    gain = np.divide(equity[1:], before, out=np.ones_like(before), where=before > 0.0)
    return (gain - 1.0).T


def path_sharpes(returns: Floats) -> Floats:
    """Give the Sharpe ratio of each path.

    Parameters
    ----------
    returns : (k, n), simple

    Returns
    -------
    (k,), per bar, sd with ddof 1; NaN where a path's return never varies
    """
    if returns.shape[1] < 2:
        return np.full(len(returns), math.nan)
    sd = np.std(returns, axis=1, ddof=1)
    varies = np.ptp(returns, axis=1) > 1e-12 * np.max(np.abs(returns), axis=1)
    mean = np.mean(returns, axis=1)
    found: Floats = np.divide(mean, sd, out=np.full(len(returns), math.nan), where=varies)
    return found


def _sizes(exposure: Floats, *, cash: Floats, position: Floats, price: float, venue: Venue) -> Floats:
    """`order_size` for accounts that can close what they hold: shares to buy, or, negative, to sell."""
    costs = venue.costs
    held = position * price
    missing = exposure * (cash + held) - held
    drag = exposure * np.where(missing > 0.0, costs.of_buying, -costs.of_selling)
    size = np.where(exposure == 0.0, -position, missing / (price * (1.0 + drag)))
    if venue.whole_shares:
        size = np.where(size == 0.0, 0.0, np.trunc((position + size) * _WHOLE) - position)
    return size


def _cannot_close(cash: Floats, held: Floats, *, costs: Costs) -> NDArray[np.bool_]:
    rate = np.where(held > 0.0, costs.of_selling, costs.of_buying)
    result: NDArray[np.bool_] = cash + held - np.abs(held) * rate <= 0.0
    return result
