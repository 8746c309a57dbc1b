"""Periods: whether the gain was made all along, or in one year, one half, five days."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.judgement import Answer
from backtester.judgement.on_robustness import BEST_DAYS
from backtester.reporting.words import percent
from backtester.stress.axis import AxisResult, Case, Picture, PictureKind
from backtester.stress.context import Context, Outcome, Variant
from backtester.stress.paired import (
    GAIN,
    GONE,
    KEPT,
    SHORTEST,
    above,
    gain_contributions,
    gain_left,
    no_gain,
    part_case,
)

__all__ = ["AXIS", "Periods", "sum_share"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """The run by calendar year and half, and without each year and its best days.

    Notes
    -----
    No: without one calendar year, or without the five best days, less than a quarter of the gain is left.
    Yes: without each of these at least half is left, and there is a gain in both halves. Inconclusive:
    anything else, a run without a gain, and one that is not two years of `SHORTEST` bars long.
    """

    key: str = "periods"
    title: str = "Periods"
    question: str = "Was the gain made all along, or in one year or on a few days?"

    def variants(self, context: Context) -> Sequence[Variant]:
        """Train nothing."""
        return ()

    def conclude(self, context: Context, outcomes: Sequence[Outcome]) -> AxisResult:
        """Cut the bars in every way and put them together again without each piece."""
        parts = _Parts.of(context)
        answer, sentence = _answer(context, parts)
        return AxisResult(
            answer=answer,
            sentence=sentence,
            figure="sharpe_difference",
            cases=(*parts.years, *parts.halves, *parts.without_year, parts.without_days),
            pictures=_pictures(context),
            facts=_facts(context, parts),
            notes=(
                "The gain is taken apart at the same risk: each return over its standard deviation in the "
                "whole run. The shares of the years add up to 1.",
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    years: tuple[Case, ...]
    halves: tuple[Case, ...]
    without_year: tuple[Case, ...]
    without_days: Case

    @classmethod
    def of(cls, context: Context) -> _Parts:
        dates = pd.DatetimeIndex(context.bars.index)
        of_year = np.asarray(dates.year)
        earned, gained = context.bars["return"].to_numpy(dtype=np.float64), gain_contributions(context)
        years, without = [], []
        for year in sorted(set(of_year.tolist())):
            inside, name = of_year == year, str(year)
            case = part_case(context, label=name, kept=inside, coordinates={"year": name})
            shares = {
                "profit_share": sum_share(earned, inside=inside),
                "gain_share": sum_share(gained, inside=inside),
            }
            years.append(_with(case, shares))
            left = part_case(context, label=f"without {name}", kept=~inside, coordinates={"left_out": name})
            without.append(_with(left, {"gain_left": gain_left(context, left.figures)}))
        middle = len(dates) // 2
        first = np.arange(len(dates)) < middle
        best = np.zeros(len(dates), dtype=bool)
        best[np.argsort(earned, kind="stable")[-BEST_DAYS:]] = True
        days = part_case(context, label=f"without the {BEST_DAYS} best days", kept=~best, coordinates={})
        return cls(
            years=tuple(years),
            halves=(
                part_case(context, label="first half", kept=first, coordinates={"half": "first"}),
                part_case(context, label="second half", kept=~first, coordinates={"half": "second"}),
            ),
            without_year=tuple(without),
            without_days=_with(
                days,
                {
                    "gain_left": gain_left(context, days.figures),
                    "profit_share": sum_share(earned, inside=best),
                },
            ),
        )

    @property
    def hardest(self) -> Case:
        """The run without the year that leaves least."""
        return min(self.without_year, key=_gain)

    @property
    def n_years(self) -> int:
        """Calendar years that are long enough for figures."""
        return sum(case.figures["bars"] >= SHORTEST for case in self.years)


def sum_share(values: Floats, *, inside: NDArray[np.bool_]) -> float:
    """Give the share of a sum that is made inside; NaN where there is no sum above 0 to share.

    Examples
    --------
    >>> sum_share(np.array([0.5, 0.25, 0.25]), inside=np.array([True, False, False]))
    0.5
    """
    total = float(np.sum(values))
    return float(np.sum(values[inside])) / total if total > 0.0 else math.nan


def _answer(context: Context, parts: _Parts) -> tuple[Answer, str]:
    ahead = [case for case in parts.years if case.figures["sharpe_difference"] > 0.0]
    counted = f"{len(ahead)} of {parts.n_years} calendar years"
    reason = no_gain(context)
    if reason:
        return Answer.INCONCLUSIVE, f"{reason} It was ahead in {counted}."
    if parts.n_years < 2:
        return Answer.INCONCLUSIVE, "The run is too short to leave a year out."
    year, days = parts.hardest, parts.without_days
    name = str(year.coordinates["left_out"])
    # undefined where it does not trade otherwise
    if not year.figures["gain_left"] >= GONE:
        return Answer.NO, (
            f"{_share(year)} of the gain was made in {name}: without it the Sharpe ratio is "
            f"{above(_gain(year))}."
        )
    if not days.figures["gain_left"] >= GONE:
        return Answer.NO, (
            f"{_share(days)} of the gain was made on the {BEST_DAYS} best days: without them the Sharpe "
            f"ratio is {above(_gain(days))}."
        )
    behind = [case for case in parts.halves if not _gain(case) > 0.0]
    if behind:
        return Answer.INCONCLUSIVE, (
            f"In the {behind[0].label} the Sharpe ratio is {above(_gain(behind[0]))}; "
            f"there was a gain in {counted}."
        )
    least = min((year, days), key=_gain)
    where = f"without {name}" if least is year else days.label
    if not least.figures["gain_left"] >= KEPT:
        return Answer.INCONCLUSIVE, (
            f"Much of the gain hangs on little: {where} the Sharpe ratio is {above(_gain(least))}, "
            f"{percent(least.figures['gain_left'], digits=0)} of the gain; it was ahead in {counted}."
        )
    return Answer.YES, (
        f"The gain was made in {counted} and in both halves; {where}, where least is left of it, the Sharpe "
        f"ratio is still {above(_gain(least))}."
    )


def _share(left: Case) -> str:
    """Say how much of the gain is gone."""
    share = left.figures["gain_left"]
    return percent(1.0 - share, digits=0) if share > 0.0 else "All"


def _facts(context: Context, parts: _Parts) -> dict[str, object]:
    earned = context.bars["return"].to_numpy(dtype=np.float64)
    best = max(parts.years, key=lambda case: _or_least(case.figures["profit_share"]))
    return {
        "years": parts.n_years,
        "years_ahead": sum(case.figures["sharpe_difference"] > 0.0 for case in parts.years),
        "best_year": best.label if np.sum(earned) > 0.0 else None,
        "profit_share_of_best_year": best.figures["profit_share"],
        "profit_share_of_best_days": parts.without_days.figures["profit_share"],
        "best_days": BEST_DAYS,
        "year_that_matters_most": parts.hardest.coordinates["left_out"],
        "gain_left_without_it": parts.hardest.figures["gain_left"],
        "gain_left_without_best_days": parts.without_days.figures["gain_left"],
    }


def _pictures(context: Context) -> tuple[Picture, ...]:
    gain = context.baseline["sharpe_difference"]
    return (
        Picture(
            kind=PictureKind.BARS,
            title="Gain over buy-and-hold in each calendar year",
            figure="sharpe_difference",
            figure_label=GAIN,
            x="year",
            x_label="Year",
            baseline=gain,
        ),
        Picture(
            kind=PictureKind.BARS,
            title="Gain over buy-and-hold without one calendar year",
            figure="sharpe_difference",
            figure_label=GAIN,
            x="left_out",
            x_label="Year left out",
            baseline=gain,
        ),
    )


def _gain(case: Case) -> float:
    return _or_least(case.figures["sharpe_difference"])


def _or_least(value: float) -> float:
    return -math.inf if math.isnan(value) else value


def _with(case: Case, figures: dict[str, float]) -> Case:
    return Case(
        label=case.label,
        coordinates=case.coordinates,
        figures={**case.figures, **figures},
        stands=case.stands,
        note=case.note,
    )


AXIS = Periods()
