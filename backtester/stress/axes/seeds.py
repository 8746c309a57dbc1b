"""The seed: the same networks begun from other random weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backtester.judgement.variance import spread
from backtester.stress.axis import AxisResult, Case, Picture, PictureKind
from backtester.stress.compared import GAIN, GAIN_LABEL, Compared, compare, hangs_words
from backtester.stress.context import Context, Outcome, Variant

__all__ = ["AXIS", "Seeds", "other_seeds"]

FEWEST = 4
"""Other seeds that an answer takes: of fewer, one by luck is too many."""
_LOWER_IS_BETTER = {"rmse_ratio", "u2"}


def other_seeds(context: Context, n: int) -> list[int]:
    """Give seeds that follow from the run's, which is not among them."""
    found = (context.seed("seed", k) for k in range(2 * n + 1))
    return [seed for seed in dict.fromkeys(found) if seed != context.recipe.seed][:n]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeds:
    """Train again with other seeds; answered by the rule of `holds`, from four other seeds on.

    One seed is an anecdote, and a seed chosen for its result is worse: the run's own does not count. Seeds
    are no trials: nobody is to choose one.
    """

    key: str = "seeds"
    title: str = "Seeds"
    question: str = "Does the gain hang on the random start of the networks?"

    def variants(self, context: Context) -> Sequence[Variant]:
        """Give the run and the same with other seeds."""
        own = context.recipe.seed
        seeds = other_seeds(context, context.settings.seeds - 1)
        return [
            Variant(label=f"seed {own}, the run's own", coordinates={"seed": str(own)}),
            *(
                Variant(label=f"seed {seed}", changes={"seed": seed}, coordinates={"seed": str(seed)})
                for seed in seeds
            ),
        ]

    def conclude(self, context: Context, outcomes: Sequence[Outcome]) -> AxisResult:
        """Compare the seeds."""
        compared = compare(context, outcomes, fewest=FEWEST)
        gains = spread([compared.own, *compared.others])
        sentence = hangs_words(compared, what="the seed", others="other seeds")
        if gains.n > 2 and not compared.changes_nothing and math.isfinite(gains.sd):
            sentence += f" Over all {gains.n} seeds the mean is {gains.mean:+.2f}, the sd {gains.sd:.2f}."
        return AxisResult(
            answer=compared.answer,
            sentence=sentence.replace(" -", " −"),
            figure=GAIN,
            cases=compared.cases,
            pictures=_pictures(compared),
            facts=_facts(compared),
            traded=compared.whole,
            notes=(*compared.notes, *_notes(compared)),
        )


def _pictures(compared: Compared) -> list[Picture]:
    own = compared.cases[0].figures
    return [
        Picture(
            kind=PictureKind.STRIP,
            title="The gain with every seed",
            figure=GAIN,
            figure_label=GAIN_LABEL,
            baseline=own[GAIN],
        ),
        Picture(
            kind=PictureKind.STRIP,
            title="The forecast with every seed",
            figure="rmse_ratio",
            figure_label="RMSE over that of the last price",
            baseline=own["rmse_ratio"],
        ),
    ]


def _facts(compared: Compared) -> Mapping[str, Any]:
    """Of every figure: what the seeds give, and the run's own place among them, 1 the best."""
    facts: dict[str, Any] = {"seeds": len(compared.others) + 1}
    for name, own in compared.cases[0].figures.items():
        if name == "sharpe_holding":  # the same for every seed
            continue
        values = _known(compared.cases, name)
        found = spread(values)
        sign = 1.0 if name in _LOWER_IS_BETTER else -1.0
        place = 1 + sum(sign * value < sign * own for value in values) if math.isfinite(own) else math.nan
        facts[name] = {
            "mean": found.mean,
            "sd": found.sd,
            "smallest": found.smallest,
            "largest": found.largest,
            "own": own,
            "place": place,
        }
    return facts


def _known(cases: Sequence[Case], figure: str) -> list[float]:
    values = [case.figures.get(figure, math.nan) for case in cases]
    return [value for value in values if math.isfinite(value)]


def _notes(compared: Compared) -> list[str]:
    if compared.changes_nothing:
        return ["This model does not use the seed, so that seeds say nothing about it."]
    if len(compared.others) < FEWEST:
        return [f"Fewer than {FEWEST} other seeds are too few for an answer; set stress.seeds."]
    return []


AXIS = Seeds()
