"""Regimes: whether the gain is there in bull and bear, in calm and turbulent markets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.judgement import Answer
from backtester.reporting.words import percent
from backtester.stress.axis import AxisResult, Case, Picture, PictureKind
from backtester.stress.context import Context, Outcome, Variant
from backtester.stress.paired import GAIN, above, no_gain, part_case

__all__ = ["AXIS", "BEAR", "MONTH", "WEIGHTY", "Regimes", "is_bear", "is_turbulent"]

Floats = NDArray[np.float64]

BEAR = -0.20
"""Drawdown from the highest close of a year from which on a market is called a bear market."""
MONTH = 21
"""Bars of returns that the past volatility is taken from."""
WEIGHTY = 0.25
"""Share of the bars from which on a regime without a gain is a no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Regimes:
    """The run's bars by the market that was known at the close before.

    Notes
    -----
    No: there is no gain in a regime with at least a quarter of the bars. Yes: there is one in all four.
    Inconclusive: none in a rarer regime, a regime that hardly occurred, and a run without a gain.
    """

    key: str = "regimes"
    title: str = "Regimes"
    question: str = "Is the gain there in bull and bear markets, in calm and turbulent ones?"

    def variants(self, context: Context) -> Sequence[Variant]:
        """Train nothing."""
        return ()

    def conclude(self, context: Context, outcomes: Sequence[Outcome]) -> AxisResult:
        """Sort the bars by what was known at the close before each."""
        cases = _cases(context)
        answer, sentence = _answer(context, cases)
        return AxisResult(
            answer=answer,
            sentence=sentence,
            figure="sharpe_difference",
            cases=cases,
            pictures=(
                Picture(
                    kind=PictureKind.BARS,
                    title="Gain over buy-and-hold in each regime",
                    figure="sharpe_difference",
                    figure_label=GAIN,
                    x="regime",
                    x_label="Regime, known at the close before",
                    baseline=context.baseline["sharpe_difference"],
                ),
            ),
            facts={f"share_{case.label}": case.figures["share"] for case in cases},
            notes=(
                f"Bear: the close is {-BEAR:.0%} or more below its highest of the past year. Turbulent: the "
                f"volatility of the past {MONTH} bars is above the median of all that were known by then. "
                "Each return goes by what was known at the close before it.",
            ),
        )


def is_bear(close: Floats, *, year: int) -> Floats:
    """Whether each close lies deep below the highest of the past year.

    Parameters
    ----------
    close : array (n_bars,)
    year : bars in a year

    Returns
    -------
    array (n_bars,), 1 for a bear market and 0 for a bull market, known at that bar's close; NaN for the
    first ``year - 1`` bars
    """
    peak = pd.Series(close).rolling(year, min_periods=year).max().to_numpy()
    return np.where(np.isnan(peak), math.nan, np.where(close <= (1.0 + BEAR) * peak, 1.0, 0.0))


def is_turbulent(close: Floats, *, year: int) -> Floats:
    """Whether the volatility of the past month is above what was usual until then.

    Parameters
    ----------
    close : array (n_bars,)
    year : bars in a year: as many volatilities must be known before one is called high

    Returns
    -------
    array (n_bars,), 1 for a turbulent market and 0 for a calm one, known at that bar's close; NaN for the
    first ``year + MONTH - 1`` bars
    """
    volatility = pd.Series(close).pct_change(fill_method=None).rolling(MONTH).std()
    usual = volatility.expanding(min_periods=year).median().to_numpy()
    high = np.where(volatility.to_numpy() > usual, 1.0, 0.0)
    return np.where(np.isnan(usual), math.nan, high)


def _cases(context: Context) -> tuple[Case, ...]:
    year = context.recipe.data.periods_per_year
    close = context.question.prices.column("close")
    # a bar's return is decided at the close before it
    decided = context.question.prices.dates.get_indexer(pd.DatetimeIndex(context.bars.index)) - 1
    known = {
        ("bull", "bear"): is_bear(close, year=year)[decided],
        ("calm", "turbulent"): is_turbulent(close, year=year)[decided],
    }
    cases = []
    for names, labels in known.items():
        n_unknown = int(np.sum(np.isnan(labels)))
        note = f"{n_unknown} early bars are in neither regime" if n_unknown else ""
        for value, name in enumerate(names):
            inside = labels == value
            case = part_case(context, label=name, kept=inside, coordinates={"regime": name}, note=note)
            share = float(np.mean(inside[~np.isnan(labels)])) if n_unknown < len(labels) else math.nan
            cases.append(
                Case(
                    label=name,
                    coordinates=case.coordinates,
                    figures={**case.figures, "share": share},
                    stands=case.stands,
                    note=case.note,
                )
            )
    return tuple(cases)


def _answer(context: Context, cases: Sequence[Case]) -> tuple[Answer, str]:
    found = sorted(
        (case for case in cases if not math.isnan(case.figures["sharpe_difference"])),
        key=lambda case: case.figures["sharpe_difference"],
    )
    if not found:
        return Answer.INCONCLUSIVE, "The run is too short to tell regimes apart."
    worst = found[0]
    where = f"in {worst.label} markets, {percent(worst.figures['share'], digits=0)} of the bars,"
    there = above(worst.figures["sharpe_difference"])
    reason = no_gain(context)
    if reason:
        return Answer.INCONCLUSIVE, f"{reason} It does worst {where} at {there}."
    without = [case for case in found if not case.figures["sharpe_difference"] > 0.0]
    weighty = [case for case in without if case.figures["share"] >= WEIGHTY]
    if weighty:
        where = f"in {weighty[0].label} markets, {percent(weighty[0].figures['share'], digits=0)} of the bars"
        return Answer.NO, (
            f"There is no gain {where}: the Sharpe ratio there is "
            f"{above(weighty[0].figures['sharpe_difference'])}."
        )
    if without:
        return Answer.INCONCLUSIVE, f"The gain is there but {where} where the Sharpe ratio is {there}."
    if len(found) < len(cases):
        rare = " and ".join(case.label for case in cases if case not in found)
        return Answer.INCONCLUSIVE, (
            f"There were too few bars of {rare} markets; where least is gained, {where} the Sharpe ratio is "
            f"{there}."
        )
    return Answer.YES, (
        f"There is a gain in bull and bear, in calm and turbulent markets; least {where} where the Sharpe "
        f"ratio is {there}."
    )


AXIS = Regimes()
