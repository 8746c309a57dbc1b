"""A run's strategy among paths that know nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backtester.backtest.broker import Costs
from backtester.judgement.sharpe import per_period_sharpe
from backtester.recipe import ReferenceStrategy
from backtester.stress.context import Context
from backtester.stress.deciding import wanted_exposures
from backtester.stress.paths import (
    Venue,
    net_returns,
    orders_of_bars,
    orders_of_wanted,
    path_sharpes,
    shifted_orders,
    venue_of,
)

__all__ = [
    "FEWEST_LAGS",
    "HALF",
    "Contest",
    "as_good",
    "blind_lags",
    "contest_of",
    "decide_by_forecast",
    "seeing_lags_note",
    "share_as_good",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

HALF = 0.5
"""p-value from which on a strategy is no better than a typical one that knows nothing."""
FEWEST_LAGS = 19
"""Ways to move a path, below which none can be told from luck: 19 is the least that can give p = 0.05."""
_SAME = 1e-9
"""Sharpe ratios nearer than this are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Paths traded on the bars of a run, each by its Sharpe ratio above buy-and-hold's.

    Parameters
    ----------
    context : the run
    venue : prices and costs
    orders : (n,), the strategy's own, NaN where none goes out
    held_sharpe : of buy-and-hold at these costs, a year; NaN where undefined
    """

    context: Context
    venue: Venue
    orders: Floats
    held_sharpe: float

    @property
    def changes(self) -> bool:
        """Whether the strategy ever changes what it holds after its first bar."""
        given = self.orders[1:][~np.isnan(self.orders[1:])]
        start = 0.0 if math.isnan(self.orders[0]) else self.orders[0]
        return bool(np.any(np.abs(given - start) > _SAME))

    def returns(self, orders: Floats) -> Floats:
        """Trade orders (k, n); gives net returns (k, n)."""
        return net_returns(orders, venue=self.venue)

    def differences(self, chunks: Iterable[Floats]) -> Floats:
        """Give each path's Sharpe ratio above buy-and-hold's, a year.

        Parameters
        ----------
        chunks : of orders, each (some paths, n)

        Returns
        -------
        (paths,); NaN where a path never trades
        """
        periods = self.context.recipe.data.periods_per_year
        found = [path_sharpes(self.returns(chunk)) for chunk in chunks]
        sharpes = np.concatenate(found) if found else np.empty(0)
        result: Floats = sharpes * math.sqrt(periods) - self.held_sharpe
        return result

    def shifted(self, lags: Integers) -> Iterable[Floats]:
        """Move the strategy's own orders round the circle of its bars; see `shifted_orders`."""
        at_once = self.venue.paths_at_once
        for start in range(0, len(lags), at_once):
            yield shifted_orders(self.orders, lags=lags[start : start + at_once])

    def without_costs(self) -> Contest:
        """The same orders at no costs."""
        venue = replace(self.venue, costs=Costs(commission=0.0, slippage=0.0))
        broker = self.context.recipe.broker.model_copy(update={"commission_bp": 0.0, "slippage_bp": 0.0})
        held = self.context.hold(broker=broker)["return"].to_numpy(dtype=np.float64)
        return replace(self, venue=venue, held_sharpe=_sharpe_a_year(held, context=self.context))


def contest_of(context: Context) -> Contest:
    """Open the run's bars for paths, with the strategy's own orders as its bars tell them."""
    recipe = context.recipe
    venue = venue_of(
        context.question.prices,
        context.forecasts,
        broker=recipe.broker,
        max_exposure=recipe.strategy.max_exposure,
    )
    held = context.holding["return"].to_numpy(dtype=np.float64)
    return Contest(
        context=context,
        venue=venue,
        orders=orders_of_bars(context.bars, venue=venue),
        held_sharpe=_sharpe_a_year(held, context=context),
    )


def decide_by_forecast(contest: Contest, *, forecasts: Floats) -> Floats:
    """Let the strategy decide anew on other forecasts.

    Parameters
    ----------
    contest : of a strategy that comes along
    forecasts : (k, n), known at the close before each bar

    Returns
    -------
    (k, n), orders

    Raises
    ------
    TypeError : for a user's own strategy, which only Backtrader can run
    """
    recipe = contest.context.recipe
    if isinstance(recipe.strategy, ReferenceStrategy):
        raise TypeError("A user's own strategy decides in Backtrader alone.")
    wanted = wanted_exposures(
        forecasts,
        strategy=recipe.strategy,
        venue=contest.venue,
        periods_per_year=recipe.data.periods_per_year,
    )
    return orders_of_wanted(wanted, band=recipe.strategy.rebalance_band)


def blind_lags(context: Context, *, n_bars: int) -> Integers:
    """Give the lags round the circle of the bars at which a path knows nothing of the bars it meets.

    A path moved later is old news, except at the first bars, to which the circle brings what was decided
    at the end. That was learned from the bars of its training window: where it comes back to them it
    would have seen them. On random walks a strategy that follows a trailing mean of 250 bars is otherwise
    beaten by so many of its own shifts that a test at 5 % finds 0 %.

    Parameters
    ----------
    context : the run, whose folds say how far back a forecast has seen
    n_bars : of the circle

    Returns
    -------
    (m,), ascending from 1: those after which at least the longest training window with its test span lies
    between a decision and an earlier bar that it meets. Where that would leave fewer than half of all lags it
    is that half, of which some are not blind: see `seeing_lags_note`. None of two bars or fewer
    """
    return np.arange(1, max(n_bars - _memory(context), (n_bars + 1) // 2))


def seeing_lags_note(context: Context, *, n_bars: int) -> str:
    """Say how many of `blind_lags` bring forecasts to bars that they were learned from; empty for none."""
    lags = blind_lags(context, n_bars=n_bars)
    seeing = int(np.sum(lags >= max(n_bars - _memory(context), 1)))
    if not seeing:
        return ""
    return (
        f"The training windows are long beside the history: at {seeing:,} of {len(lags):,} shifts some "
        "forecasts meet bars that they were learned from, which makes chance look better than it is."
    )


def _memory(context: Context) -> int:
    """Bars from the first that a forecast was learned from to the last that its network was used on."""
    return max(int(fold.test.stop - fold.train.start) for fold in context.question.problem.folds)


def share_as_good(draws: ArrayLike, observed: float) -> float:
    """Give the p-value of a figure among draws of chance.

    Parameters
    ----------
    draws : (k,); one that is NaN counts as as good
    observed : the figure

    Returns
    -------
    float in (0, 1], (1 + number of draws ≥ observed) / (k + 1); NaN without a figure or a draw

    Examples
    --------
    >>> share_as_good([0.1, 0.2, 0.3], 0.25)
    0.5
    """
    values = np.asarray(draws, dtype=np.float64)
    if not math.isfinite(observed) or len(values) == 0:
        return math.nan
    return (1.0 + int(np.sum(~(values < observed - _SAME)))) / (len(values) + 1.0)


def as_good(draws: ArrayLike, p_value: float) -> str:
    """Say how many of the draws do as well, from their `share_as_good`.

    Examples
    --------
    >>> as_good([0.1, 0.2, 0.3], 0.5), as_good([0.1, 0.2, 0.3], 0.25)
    ('1', 'none')
    """
    if math.isnan(p_value):
        return "none"
    count = round(p_value * (np.size(np.asarray(draws)) + 1)) - 1
    return f"{count:,}" if count else "none"


def _sharpe_a_year(returns: Floats, *, context: Context) -> float:
    periods = context.recipe.data.periods_per_year
    return per_period_sharpe(returns) * math.sqrt(periods)
