"""Size: how much capital the strategy carries before its orders are too large for the market."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.judgement import Answer
from backtester.recipe import BrokerSection, Fill
from backtester.reporting.words import money, percent, plural
from backtester.stress.axis import AxisResult, Case, Picture, PictureKind
from backtester.stress.context import Context, Outcome, Variant
from backtester.stress.paired import KEPT, above, no_gain, traded_case

__all__ = ["AXIS", "OFTEN", "Room", "Size", "limited"]

Floats = NDArray[np.float64]

FACTORS = (1.0, 10.0, 100.0, 1e3, 1e4, 1e5)
"""Capital, times the recipe's."""
OFTEN = 0.05
"""Share of orders that may be too large before a capital is called too large; so of more of them the volume
must be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What the market takes at each bar of a run.

    Parameters
    ----------
    close : array (n_bars,)
    price : array (n_bars,), at which orders fill, before slippage
    shares : array (n_bars,), the most that one order may be; infinite where the volume is not known
    """

    close: Floats
    price: Floats
    shares: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The run with more capital, each order cut to a share of the volume of the bar it fills in.

    A Sharpe ratio alone would not show the limit: of a capital that is hardly invested it may be as good as
    ever. So the result holds at a capital where there is a gain and at least half of the mean return is kept.
    A volume of 0, and one that is missing, is none that is known: many sources give none for old bars. Such a
    bar cuts no order.

    Notes
    -----
    Yes: it holds with ten times the recipe's capital. No: not even with the recipe's own. Inconclusive:
    anything between, prices without volume or without that of more than 5 % of the orders, and a run without
    a gain.
    """

    key: str = "size"
    title: str = "Size"
    question: str = "How much capital can it carry?"

    def variants(self, context: Context) -> Sequence[Variant]:
        """Train nothing."""
        return ()

    def conclude(self, context: Context, outcomes: Sequence[Outcome]) -> AxisResult:
        """Trade with more and more capital."""
        room = _room(context)
        capitals = [factor * context.recipe.broker.cash for factor in FACTORS]
        if room is None:
            nan = dict.fromkeys(context.baseline, math.nan)
            cases = [
                Case(label=money(capital), coordinates={"capital": capital}, figures=nan, note="no volume")
                for capital in capitals
            ]
            answer, sentence = (
                Answer.INCONCLUSIVE,
                "The prices have no volume, so nothing is known of what the market takes.",
            )
            largest = dict.fromkeys(("smallest_too_large", "often_too_large"), math.nan)
        else:
            cases = [_case(context, room, capital=capital) for capital in capitals]
            orders = room.shares[_ordered(context)]
            unknown = float(np.mean(~np.isfinite(orders))) if len(orders) else math.nan
            largest = {**_limits(context, room), "share_of_orders_without_volume": unknown}
            answer, sentence = _answer(context, cases, often=largest["often_too_large"], unknown=unknown)
        return AxisResult(
            answer=answer,
            sentence=sentence,
            figure="cagr",
            cases=cases,
            pictures=_pictures(context),
            facts={"volume_share": context.settings.volume_share, **largest},
            notes=_notes(context, room),
        )


def limited(bars: pd.DataFrame, room: Room, *, capital: float, broker: BrokerSection) -> pd.DataFrame:
    """Trade what a run traded with another capital, each order cut to what the market takes.

    Parameters
    ----------
    bars : of the run, whose exposure is aimed at: what one order could not do the next bars go on with
    room : of the same bars
    capital : that the account is kept at: gains are paid out, losses paid in, so that the limit does not
        tighten as they compound
    broker : for the costs

    Returns
    -------
    frame by date: ``equity`` (compounded, as if it were not paid out), ``return exposure turnover``; with a
    capital that is never limited, the run's own but for the scale of the equity

    Notes
    -----
    Approximated: the target is the run's shares over its equity at the close before, times this account's;
    once an order was cut, the small orders that keep to it are the limit's, not the strategy's. Fractional
    shares. An account that would be worth nothing is closed.
    """
    equity = bars["equity"].to_numpy(dtype=np.float64)
    before = np.concatenate(([broker.cash], equity[:-1]))
    wanted = np.divide(
        bars["exposure"].to_numpy(dtype=np.float64) * equity,
        room.close * before,
        out=np.zeros_like(equity),
        where=before > 0.0,
    )
    commission, slippage = broker.commission_bp / 1e4, broker.slippage_bp / 1e4
    cash, held, worth = capital, 0.0, capital
    rows = np.zeros((len(bars), 4))
    steps = zip(wanted.tolist(), room.price.tolist(), room.shares.tolist(), room.close.tolist(), strict=True)
    for bar, (share, price, most, close) in enumerate(steps):
        missing = share * worth - held
        # the last bits of a product are no order
        limit = most * worth / capital
        order = max(-limit, min(limit, missing)) if abs(missing) * price > 1e-9 * worth else 0.0
        paid = price * (1.0 + math.copysign(slippage, order))
        cash -= order * paid + abs(order) * paid * commission
        held += order
        now = cash + held * close
        if now <= 0.0:
            rows[bar] = 0.0, -1.0, 0.0, 0.0
            break
        traded = abs(order) * price / worth
        rows[bar] = now, now / worth - 1.0, held * close / now, traded
        worth = now
    return pd.DataFrame(rows, index=bars.index, columns=["equity", "return", "exposure", "turnover"])


def _room(context: Context) -> Room | None:
    prices = context.question.prices
    if not prices.has("volume"):
        return None
    at = prices.dates.get_indexer(pd.DatetimeIndex(context.bars.index))
    volume = prices.column("volume")[at]
    known = volume > 0.0  # NaN is not
    if not known.any():
        return None
    filled = "close" if context.recipe.broker.fill is Fill.NEXT_CLOSE else "open"
    return Room(
        close=prices.column("close")[at],
        price=prices.column(filled)[at],
        shares=np.where(known, volume * context.settings.volume_share, math.inf),
    )


def _case(context: Context, room: Room, *, capital: float) -> Case:
    bars = limited(context.bars, room, capital=capital, broker=context.recipe.broker)
    case = traded_case(
        context,
        label=money(capital),
        bars=bars,
        holding=context.holding,
        coordinates={"capital": capital},
    )
    unlimited = float(np.mean(context.bars["return"]))
    kept = float(np.mean(bars["return"])) / unlimited if unlimited > 0.0 else math.nan
    room_left = _capacities(context, room)
    cut = float(np.mean(room_left < capital)) if len(room_left) else math.nan
    return Case(
        label=case.label,
        coordinates=case.coordinates,
        figures={**case.figures, "return_kept": kept, "orders_too_large": cut},
        stands=None if case.stands is None else case.stands and not kept < KEPT,
        note=case.note,
    )


def _ordered(context: Context) -> NDArray[np.bool_]:
    """Which bars have an order of the run."""
    return np.asarray(context.bars["turnover"].to_numpy(dtype=np.float64) > 0.0)


def _capacities(context: Context, room: Room) -> Floats:
    """Give for each order of the run with a known volume the capital from which on it is too large."""
    turnover = context.bars["turnover"].to_numpy(dtype=np.float64)
    ordered = _ordered(context) & np.isfinite(room.shares)
    return np.asarray(room.shares[ordered] * room.price[ordered] / turnover[ordered], dtype=np.float64)


def _limits(context: Context, room: Room) -> dict[str, float]:
    found = _capacities(context, room)
    if len(found) == 0:
        return {"smallest_too_large": math.nan, "often_too_large": math.nan}
    return {
        "smallest_too_large": float(np.min(found)),
        "often_too_large": float(np.quantile(found, OFTEN)),
    }


def _answer(context: Context, cases: Sequence[Case], *, often: float, unknown: float) -> tuple[Answer, str]:
    if math.isnan(unknown):
        return Answer.INCONCLUSIVE, "The strategy never traded."
    if unknown > OFTEN:
        return Answer.INCONCLUSIVE, (
            f"{percent(unknown, digits=0)} of the orders fall on bars whose volume is not known, so that "
            "little is known of what the market takes."
        )
    share = percent(context.settings.volume_share, digits=2)
    carried = (
        f"From a capital of {money(often)} on, {percent(OFTEN, digits=0)} of the orders are above {share} of "
        "their bar's volume."
    )
    reason = no_gain(context)
    if reason:
        return Answer.INCONCLUSIVE, f"{carried} {reason}"
    failed = next((case for case in cases if not case.stands), None)
    if failed is None:
        most = cases[-1].label
        return Answer.YES, f"{carried} Cut to that, the result holds up to {most}, the most that was tried."
    kept = failed.figures["return_kept"]
    left = "" if math.isnan(kept) else f" and {percent(kept, digits=0)} of the mean return is left"
    sentence = (
        f"{carried} Cut to that, the result no longer holds at {failed.label}: the Sharpe ratio is "
        f"{above(failed.figures['sharpe_difference'])}{left}."
    )
    if failed is cases[0]:
        return Answer.NO, sentence
    return (Answer.INCONCLUSIVE if failed is cases[1] else Answer.YES), sentence


def _pictures(context: Context) -> tuple[Picture, ...]:
    return (
        Picture(
            kind=PictureKind.LINE,
            title="Growth by capital",
            figure="cagr",
            figure_label="Growth a year of the strategy",
            x="capital",
            x_label="Capital, in the currency of the prices",
            percent=True,
            baseline=context.baseline["cagr"],
        ),
        Picture(
            kind=PictureKind.LINE,
            title="Orders above the share of the volume, by capital",
            figure="orders_too_large",
            figure_label="Share of orders that are too large",
            x="capital",
            x_label="Capital, in the currency of the prices",
            percent=True,
        ),
    )


def _notes(context: Context, room: Room | None) -> tuple[str, ...]:
    n_unknown = 0 if room is None else int(np.sum(~np.isfinite(room.shares)))
    unknown = f"The volume of {plural(n_unknown, 'bar')} is 0 or missing; no order was cut there."
    return (
        *([unknown] if n_unknown else []),
        f"An order is at most {percent(context.settings.volume_share, digits=2)} of the volume of the bar in "
        "which it fills; the rest is ordered again. The account is kept at the capital: gains are paid out, "
        "losses paid in. Buy-and-hold, which buys once, is not cut. Market impact is not in it, and prices "
        "adjusted for dividends lie below those paid, which understates the capital.",
    )


AXIS = Size()
