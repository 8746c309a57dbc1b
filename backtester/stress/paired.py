"""What axes that trade stored forecasts again have in common: strategy beside buy-and-hold, part by part."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.forecasts import Forecasts
from backtester.stress.axis import Case
from backtester.stress.context import Context

__all__ = [
    "GAIN",
    "GONE",
    "KEPT",
    "SHORTEST",
    "above",
    "gain_contributions",
    "gain_left",
    "no_gain",
    "part_case",
    "traded_case",
]

SHORTEST = 21
"""Bars, a month of sessions, below which a part of the history is given no Sharpe ratio."""
GONE = 0.25
"""Share of the gain: less than that left, and the gain is gone."""
KEPT = 0.5
"""Share of the gain: at least that left, and the gain is kept."""
GAIN = "Sharpe ratio above buy-and-hold's, a year"
"""What ``sharpe_difference`` is called in pictures."""


def traded_case(
    context: Context,
    *,
    label: str,
    bars: pd.DataFrame,
    holding: pd.DataFrame,
    coordinates: Mapping[str, float | str],
    note: str = "",
    forecasts: Forecasts | None = None,
    own: bool = False,
) -> Case:
    """Give the case of these bars beside these of buy-and-hold.

    Parameters
    ----------
    context : the run
    label, coordinates, note : of the case
    bars, holding : of the same dates, as `Context.trade` and `Context.hold` give them
    forecasts : for the figures of accuracy, which are left out without them
    own : whether this is the run itself

    Returns
    -------
    Case with the figures of `Context.figures` and ``bars``; fewer than `SHORTEST` have no figures
    """
    figures = context.figures(bars, holding=holding, forecasts=forecasts)
    if len(bars) < SHORTEST:
        figures = dict.fromkeys(figures, math.nan)
        note = "; ".join(text for text in (note, f"too few bars ({len(bars)}) for figures") if text)
    return Case(
        label=label,
        coordinates=coordinates,
        figures=figures | {"bars": float(len(bars))},
        stands=context.stands(figures),
        note=note,
        own=own,
    )


def part_case(
    context: Context,
    *,
    label: str,
    kept: NDArray[np.bool_],
    coordinates: Mapping[str, float | str],
    note: str = "",
) -> Case:
    """Give the case of a part of the run's bars.

    Parameters
    ----------
    context : the run
    label, coordinates, note : of the case
    kept : array (n_bars,) over `Context.bars`; need not be of one piece: figures are of the bars put
        together, which is how a drawdown may span a hole
    """
    return traded_case(
        context,
        label=label,
        bars=context.bars[kept],
        holding=context.holding[kept],
        coordinates=coordinates,
        note=note,
    )


def gain_contributions(context: Context) -> NDArray[np.float64]:
    """Take the gain over buy-and-hold apart, bar by bar.

    Parameters
    ----------
    context : the run

    Returns
    -------
    array (n_bars,), what each bar adds to ``sharpe_difference``, which is their sum; NaN where that is

    Source
    ------
    Each return over its own standard deviation is the return at the same risk: the mean of
    (r_s - rf)/sd_s - (r_b - rf)/sd_b is the difference of the Sharpe ratios per bar.
    """
    periods = context.recipe.data.periods_per_year
    added = np.zeros(len(context.bars))
    if math.isnan(context.baseline["sharpe_difference"]):
        return np.full(len(added), math.nan)
    for frame, sign in ((context.bars, 1.0), (context.holding, -1.0)):
        excess = frame["return"].to_numpy(dtype=np.float64)
        added += sign * excess / np.std(excess, ddof=1)
    return np.asarray(added * math.sqrt(periods) / len(added), dtype=np.float64)


def gain_left(context: Context, figures: Mapping[str, float]) -> float:
    """Give the share of the run's gain that is left in these figures; NaN without a gain."""
    gain = context.baseline["sharpe_difference"]
    return figures["sharpe_difference"] / gain if gain > 0.0 else math.nan


def no_gain(context: Context) -> str:
    """Say why there is no gain that could be lost, which leaves an axis undecided; empty where there is."""
    gain = context.baseline["sharpe_difference"]
    if gain > 0.0:
        return ""
    if math.isnan(gain):
        return "The run's Sharpe ratio or buy-and-hold's is undefined, so there is no gain to be lost."
    return f"The run's Sharpe ratio is {above(gain)}, so there is no gain to be lost."


def above(difference: float) -> str:
    """Say where a Sharpe ratio lies beside buy-and-hold's.

    Examples
    --------
    >>> above(0.314), above(-0.02), above(float("nan"))
    ("0.31 above buy-and-hold's", "0.02 below buy-and-hold's", 'undefined')
    """
    if math.isnan(difference):
        return "undefined"
    return f"{abs(difference):.2f} {'above' if difference > 0.0 else 'below'} buy-and-hold's"
