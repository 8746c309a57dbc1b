"""Crises: how it went in each, and whether the gain was made in one of them.

Dates of market falls are those of the highest and the lowest daily close of the S&P 500 index; those of
recessions are the months of peak and trough of the business cycle by the National Bureau of Economic
Research (NBER, "US Business Cycle Expansions and Contractions").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.judgement import Answer
from backtester.metrics import total_return
from backtester.reporting.words import minus, percent, signed_percent
from backtester.stress.axis import AxisResult, Case, Picture, PictureKind
from backtester.stress.context import Context, Outcome, Variant
from backtester.stress.paired import GAIN, GONE, SHORTEST, above, gain_left, no_gain, part_case

__all__ = ["AXIS", "CRISES", "INDEX", "NBER", "Crises", "Crisis"]

INDEX = "highest and lowest close of the S&P 500 index"
NBER = "peak and trough of the business cycle, NBER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crisis:
    """A bad time with a name.

    Parameters
    ----------
    name : as people say it
    start, end : sessions, ISO; its returns are those after the start, up to the end
    source : of the dates
    """

    name: str
    start: str
    end: str
    source: str = INDEX


CRISES = (
    Crisis(name="Oil crisis 1973–74", start="1973-01-11", end="1974-10-03"),
    Crisis(name="Disinflation 1980–82", start="1980-11-28", end="1982-08-12"),
    Crisis(name="Black Monday 1987", start="1987-08-25", end="1987-12-04"),
    Crisis(name="Gulf war 1990", start="1990-07-16", end="1990-10-11"),
    Crisis(name="Russia and LTCM 1998", start="1998-07-17", end="1998-08-31"),
    Crisis(name="Dot-com 2000–02", start="2000-03-24", end="2002-10-09"),
    Crisis(name="Recession 2001", start="2001-03-31", end="2001-11-30", source=NBER),
    Crisis(name="Financial crisis 2007–09", start="2007-10-09", end="2009-03-09"),
    Crisis(name="Recession 2007–09", start="2007-12-31", end="2009-06-30", source=NBER),
    Crisis(name="Greece and flash crash 2010", start="2010-04-23", end="2010-07-02"),
    Crisis(name="Euro crisis 2011", start="2011-04-29", end="2011-10-03"),
    Crisis(name="Taper tantrum 2013", start="2013-05-21", end="2013-06-24"),
    Crisis(name="China and oil 2015–16", start="2015-05-21", end="2016-02-11"),
    Crisis(name="Volatility shock 2018", start="2018-01-26", end="2018-02-08"),
    Crisis(name="Fourth quarter 2018", start="2018-09-20", end="2018-12-24"),
    Crisis(name="Covid 2020", start="2020-02-19", end="2020-03-23"),
    Crisis(name="Recession 2020", start="2020-02-29", end="2020-04-30", source=NBER),
    Crisis(name="Inflation 2022", start="2022-01-03", end="2022-10-12"),
    Crisis(name="Yen carry trade 2024", start="2024-07-16", end="2024-08-05"),
    Crisis(name="Tariffs 2025", start="2025-02-19", end="2025-04-08"),
)
"""By their start. What fell is the US market; for another market these are only dates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crises:
    """The run in each named crisis that it saw, without each, and without all.

    Notes
    -----
    No: without one crisis less than a quarter of the gain is left. Yes: without each, and without all of
    them together, there is still a gain. Inconclusive: anything else, no crisis seen, and a run without a
    gain. In a crisis the returns are compared, as Sharpe ratios of losses put the smaller loss behind where
    it comes with less risk.
    """

    key: str = "crises"
    title: str = "Crises"
    question: str = "How did it go in the crises, and does the gain come from one of them?"

    def variants(self, context: Context) -> Sequence[Variant]:
        """Train nothing."""
        return ()

    def conclude(self, context: Context, outcomes: Sequence[Outcome]) -> AxisResult:
        """Cut out each crisis, and leave it out."""
        inside, unseen = _seen(context)
        cases = [_in_crisis(context, crisis, kept=kept) for crisis, kept in inside.items()]
        without = [
            part_case(
                context,
                label=f"without {crisis.name}",
                kept=~kept,
                coordinates={"left_out": crisis.name},
            )
            for crisis, kept in inside.items()
        ]
        if inside:
            union = np.any(list(inside.values()), axis=0)
            label = "without any of these"
            without.append(part_case(context, label=label, kept=~union, coordinates={"left_out": "all"}))
        answer, sentence = _answer(context, cases=cases, without=without)
        return AxisResult(
            answer=answer,
            sentence=sentence,
            figure="return_difference",
            cases=(*cases, *without),
            pictures=_pictures(context),
            facts={"crises": len(cases), "ahead": sum(_ahead(case) > 0.0 for case in cases)},
            notes=_notes(unseen),
        )


def _seen(context: Context) -> tuple[dict[Crisis, NDArray[np.bool_]], list[Crisis]]:
    """Give the bars of each crisis that the run saw, and those that it did not see."""
    dates = pd.DatetimeIndex(context.bars.index)
    inside, unseen = {}, []
    for crisis in CRISES:
        kept = np.asarray((dates > pd.Timestamp(crisis.start)) & (dates <= pd.Timestamp(crisis.end)))
        if kept.any():
            inside[crisis] = kept
        else:
            unseen.append(crisis)
    return inside, unseen


def _in_crisis(context: Context, crisis: Crisis, *, kept: NDArray[np.bool_]) -> Case:
    dates = pd.DatetimeIndex(context.bars.index)
    notes = [f"{crisis.start} to {crisis.end}: {crisis.source}"]
    if dates[0] > pd.Timestamp(crisis.start) + pd.Timedelta(days=7):
        notes.append(f"seen from {dates[0].date()} on")
    if dates[-1] < pd.Timestamp(crisis.end):
        notes.append(f"seen until {dates[-1].date()}")
    case = part_case(
        context,
        label=crisis.name,
        kept=kept,
        coordinates={"crisis": crisis.name, "start": crisis.start, "end": crisis.end},
        note="; ".join(notes),
    )
    mine, held = (total_return(frame["return"][kept]) for frame in (context.bars, context.holding))
    gain = context.baseline["sharpe_difference"]
    return Case(
        label=case.label,
        coordinates=case.coordinates,
        figures={**case.figures, "return": mine, "return_holding": held, "return_difference": mine - held},
        stands=None if math.isnan(gain) else (mine > held) == (gain > 0.0),
        note=case.note,
    )


def _answer(context: Context, *, cases: Sequence[Case], without: Sequence[Case]) -> tuple[Answer, str]:
    if not cases:
        return Answer.INCONCLUSIVE, "The run saw none of the named crises."
    worst = min(cases, key=_ahead)
    passed = (
        f"It did better than buy-and-hold in {sum(_ahead(case) > 0.0 for case in cases)} of "
        f"{len(cases)} {'crisis' if len(cases) == 1 else 'crises'}; "
        f"worst beside it in {worst.label}: {minus(signed_percent(worst.figures['return']))} "
        f"against {minus(signed_percent(worst.figures['return_holding']))}."
    )
    reason = no_gain(context)
    if reason:
        return Answer.INCONCLUSIVE, f"{reason} {passed}"
    *single, all_out = without
    single = [case for case in single if case.figures["bars"] >= SHORTEST]
    if not single:
        return Answer.INCONCLUSIVE, f"The run has hardly a bar outside of a crisis. {passed}"
    hardest = min(single, key=lambda case: _or_least(gain_left(context, case.figures)))
    left, name = gain_left(context, hardest.figures), hardest.coordinates["left_out"]
    # undefined where it does not trade otherwise
    if not left >= GONE:
        share = percent(1.0 - left, digits=0) if left > 0.0 else "All"
        return Answer.NO, (
            f"{share} of the gain was made in one crisis, {name}: without it the Sharpe ratio is "
            f"{above(hardest.figures['sharpe_difference'])}."
        )
    calm = all_out.figures["sharpe_difference"]
    if not calm > 0.0:
        return Answer.INCONCLUSIVE, f"Outside the crises the Sharpe ratio is {above(calm)}. {passed}"
    return Answer.YES, f"Outside the crises the Sharpe ratio is {above(calm)} as well. {passed}"


def _pictures(context: Context) -> tuple[Picture, ...]:
    return (
        Picture(
            kind=PictureKind.BARS,
            title="Return above buy-and-hold's in each crisis",
            figure="return_difference",
            figure_label="Return above buy-and-hold's",
            x="crisis",
            x_label="Crisis",
            percent=True,
        ),
        Picture(
            kind=PictureKind.BARS,
            title="Gain over buy-and-hold without one crisis",
            figure="sharpe_difference",
            figure_label=GAIN,
            x="left_out",
            x_label="Crisis left out",
            baseline=context.baseline["sharpe_difference"],
        ),
    )


def _notes(unseen: Sequence[Crisis]) -> tuple[str, ...]:
    market = "The dates are those of the US market; they overlap, so that a bar can be in two crises."
    if not unseen:
        return (market,)
    return market, f"Not seen by this run: {', '.join(crisis.name for crisis in unseen)}."


def _ahead(case: Case) -> float:
    return case.figures["return_difference"]


def _or_least(value: float) -> float:
    return -math.inf if math.isnan(value) else value


AXIS = Crises()
