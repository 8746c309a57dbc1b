"""Members: what averaging several networks in each fold helps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backtester.judgement import Answer
from backtester.stress.axis import AxisResult, Picture, PictureKind
from backtester.stress.compared import (
    FEWEST,
    GAIN,
    GAIN_LABEL,
    LITTLE_LEFT,
    MOST_LEFT,
    Compared,
    compare,
    gain_words,
)
from backtester.stress.context import Context, Outcome, Variant

__all__ = ["AXIS", "Members"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """Average more or fewer networks.

    An average hangs less on the random start than each of its members, so that a gain which goes away with
    more members was luck of the start. Answered *no* where the largest ensemble that is larger than the
    run's keeps less than a quarter of its gain; *yes* where it keeps half of it or more, or where no larger
    one was asked for and every smaller one gains; else *inconclusive*, as for a run without a gain and for
    fewer than two other numbers.
    """

    key: str = "members"
    title: str = "Members"
    question: str = "What does it help to average several networks in each fold?"

    def variants(self, context: Context) -> Sequence[Variant]:
        """Give the run and the same with other numbers of members."""
        own = context.recipe.training.members
        counts = sorted(set(context.settings.members) - {own})
        return [
            Variant(label=f"{_named(own)}, the run's own", coordinates={"members": float(own)}),
            *(
                Variant(
                    label=_named(count),
                    changes={"training.members": count},
                    coordinates={"members": float(count)},
                )
                for count in counts
            ),
        ]

    def conclude(self, context: Context, outcomes: Sequence[Outcome]) -> AxisResult:
        """Compare the numbers of members."""
        compared = compare(context, outcomes)
        counts = [int(outcome.variant.coordinates["members"]) for outcome in outcomes]
        gains = {
            count: 0.0 if math.isnan(case.figures[GAIN]) else case.figures[GAIN]
            for count, case, traded in zip(counts, compared.cases, compared.traded, strict=True)
            if traded is not None
        }
        answer = (
            _answer(compared.own, own_count=counts[0], gains=gains)
            if compared.is_long_enough
            else Answer.INCONCLUSIVE
        )
        limit = _r2_of_infinitely_many(compared, counts=counts)
        return AxisResult(
            answer=answer,
            sentence=_sentence(compared, own_count=counts[0], gains=gains),
            figure=GAIN,
            cases=compared.cases,
            pictures=_pictures(compared),
            facts=_facts(compared, counts=counts, limit=limit),
            tried=True,
            traded=compared.whole,
            notes=compared.notes,
        )


def _named(count: int) -> str:
    return "1 network" if count == 1 else f"{count} networks"


def _answer(own: float, *, own_count: int, gains: Mapping[int, float]) -> Answer:
    if not own > 0.0 or len(gains) < 1 + FEWEST:
        return Answer.INCONCLUSIVE
    largest = max(gains)
    if largest == own_count:
        return Answer.YES if all(gain > 0.0 for gain in gains.values()) else Answer.INCONCLUSIVE
    if gains[largest] < LITTLE_LEFT * own:
        return Answer.NO
    return Answer.YES if gains[largest] >= MOST_LEFT * own else Answer.INCONCLUSIVE


def _r2_of_infinitely_many(compared: Compared, *, counts: Sequence[int]) -> float:
    """R² out of sample of infinitely many members, from the largest ensemble.

    Source
    ------
    The squared error of the mean of k members is expected to be one that all of them share plus s²/k, s² the
    variance between members (Krogh and Vedelsby 1995): with infinitely many the last part is gone.
    """
    found = [
        (count, traded)
        for count, traded in zip(counts, compared.traded, strict=True)
        if traded is not None and count > 1
    ]
    if not found:
        return math.nan
    count, traded = max(found, key=lambda pair: pair[0])
    scored = traded.forecasts.scored
    actual, forecast, sd = (scored[name].to_numpy() for name in ("actual", "forecast", "forecast_sd"))
    squares = float(np.sum(actual**2))
    if not squares > 0.0:
        return math.nan
    return 1.0 - float(np.sum((actual - forecast) ** 2) - np.sum(sd**2) / count) / squares


def _sentence(compared: Compared, *, own_count: int, gains: Mapping[int, float]) -> str:
    if len(gains) < 2:
        return "There is no other number of networks to compare with."
    if compared.changes_nothing:
        return "Averaging changes nothing: every network of a fold makes the same forecasts."
    smallest, largest = min(gains), max(gains)
    r2 = {int(case.coordinates["members"]): case.figures["r2_oos"] for case in compared.cases if case.figures}
    forecast = "helps" if r2[largest] > r2[smallest] else "does not help"
    return (
        f"Averaging {forecast} the forecast: R² out of sample {_percent(r2[smallest])} with "
        f"{_named(smallest)} and {_percent(r2[largest])} with {_named(largest)}. The Sharpe ratio is "
        f"{gain_words(gains[smallest])} buy-and-hold's with {_named(smallest)}, {gain_words(gains[largest])} "
        f"with {_named(largest)}; the run itself has {own_count}."
    )


def _percent(share: float) -> str:
    return "undefined" if math.isnan(share) else f"{100 * share:+.2f}%".replace("-", "−")


def _pictures(compared: Compared) -> list[Picture]:
    own = compared.cases[0].figures
    return [
        Picture(
            kind=PictureKind.LINE,
            title="The forecast by number of networks",
            figure="r2_oos",
            figure_label="R² out of sample",
            x="members",
            x_label="Networks averaged in each fold",
            percent=True,
            baseline=own["r2_oos"],
        ),
        Picture(
            kind=PictureKind.LINE,
            title="The gain by number of networks",
            figure=GAIN,
            figure_label=GAIN_LABEL,
            x="members",
            x_label="Networks averaged in each fold",
            baseline=own[GAIN],
        ),
    ]


def _facts(compared: Compared, *, counts: Sequence[int], limit: float) -> Mapping[str, Any]:
    return {
        "own_members": counts[0],
        "r2_oos": {
            str(count): case.figures.get("r2_oos", math.nan)
            for count, case in sorted(zip(counts, compared.cases, strict=True), key=lambda pair: pair[0])
        },
        "r2_oos_of_infinitely_many": limit,
    }


AXIS = Members()
