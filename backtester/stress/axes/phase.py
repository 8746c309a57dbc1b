"""Phase: the same schedule of folds, begun a little later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backtester.judgement import Answer
from backtester.recipe import Scheme
from backtester.stress.axis import AxisResult, Picture, PictureKind
from backtester.stress.compared import GAIN, GAIN_LABEL, compare, hangs_words
from backtester.stress.context import Context, Outcome, Variant

__all__ = ["AXIS", "Phase"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Shift the schedule of the folds by parts of a test span; answered by the rule of `holds`.

    Nothing about the market depends on the day on which a network was retrained: a result that does is
    luck. So a phase is no trial either.
    """

    key: str = "phase"
    title: str = "Phase of the folds"
    question: str = "Does the gain hang on the dates on which the networks were retrained?"

    def variants(self, context: Context) -> Sequence[Variant]:
        """Give the run and the same with the folds shifted."""
        own = context.recipe.folds.phase
        return [
            Variant(label=f"{_named(0)}, the run's own", coordinates={"shift": 0.0}),
            *(
                Variant(
                    label=_named(shift), changes={"folds.phase": own + shift}, coordinates={"shift": shift}
                )
                for shift in _shifts(context)
            ),
        ]

    def conclude(self, context: Context, outcomes: Sequence[Outcome]) -> AxisResult:
        """Compare the phases."""
        compared = compare(context, outcomes)
        if len(outcomes) == 1:
            sentence, notes = "There is no schedule of folds that could be shifted.", ["No other phase."]
        else:
            sentence = hangs_words(
                compared, what="the phase of the folds", others="other phases of the same schedule"
            )
            notes = []
        if compared.answer is Answer.NO:
            sentence += " A result that hangs on the day of retraining is luck."
        return AxisResult(
            answer=compared.answer,
            sentence=sentence,
            figure=GAIN,
            cases=compared.cases,
            pictures=[
                Picture(
                    kind=PictureKind.BARS,
                    title="The gain by phase of the folds",
                    figure=GAIN,
                    figure_label=GAIN_LABEL,
                    x="shift",
                    x_label="Folds begin later by (bars)",
                    baseline=compared.own,
                )
            ],
            facts={"phases": len(compared.others) + 1},
            traded=compared.whole,
            notes=(*compared.notes, *notes),
        )


def _named(shift: int) -> str:
    return "folds as they are" if shift == 0 else f"folds {shift} {'bar' if shift == 1 else 'bars'} later"


def _shifts(context: Context) -> list[int]:
    """Parts of the first test span, in bars."""
    if context.recipe.folds.scheme is Scheme.SINGLE:
        return []
    test, n = context.question.problem.folds[0].test, context.settings.phases
    shifts = (round(part * (test.stop - test.start) / n) for part in range(1, n))
    return [shift for shift in dict.fromkeys(shifts) if shift > 0]


AXIS = Phase()
