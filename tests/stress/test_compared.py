import doctest
import math

import numpy as np
import pytest

from backtester.judgement import Answer
from backtester.stress import compared as compared_module
from backtester.stress.axes.members import AXIS as MEMBERS
from backtester.stress.axes.phase import AXIS
from backtester.stress.axes.windows import AXIS as WINDOWS
from backtester.stress.compared import compare, holds
from backtester.stress.context import Outcome
from tests.markets import ar1, random_walk
from tests.stressed import coins, context_of, effect, outcomes_of, prophet


def test_examples_hold():
    assert doctest.testmod(compared_module).failed == 0


@pytest.mark.parametrize(
    ("own", "others", "answer"),
    [
        (1.0, [0.6, 0.7, 0.8, 0.9, -0.1], Answer.YES),  # four fifths gain, the median is more than half
        (1.0, [0.6, 0.7, 0.8, -0.2, -0.1], Answer.INCONCLUSIVE),  # three fifths
        (1.0, [0.4, 0.4, 0.4], Answer.INCONCLUSIVE),  # all gain, less than half as much
        (1.0, [0.2, 0.2, 0.2], Answer.NO),  # less than a quarter as much
        (1.0, [2.0, 2.0, -0.1, -0.1, -0.1], Answer.NO),  # less than half of them gain
        (0.0, [1.0, 1.0, 1.0], Answer.INCONCLUSIVE),
        (math.nan, [1.0, 1.0, 1.0], Answer.INCONCLUSIVE),
        (1.0, [1.0], Answer.INCONCLUSIVE),  # too few
    ],
)
def test_the_rule_is_as_it_says(own, others, answer):
    assert holds(own, others=others) is answer


def test_the_run_stands_for_itself_where_its_networks_are_not_in_the_store():
    context = context_of(ar1(700, seed=2, phi=0.3), effect)
    first, *others = outcomes_of(context, AXIS, effect)
    lost = Outcome(variant=first.variant, question=first.question, forecasts=None, reason="gone")
    found = compare(context, [lost, *others])
    assert found.own == found.cases[0].figures["sharpe_difference"]
    assert not math.isnan(found.own)


def test_a_strategy_that_never_trades_gains_nothing():
    def timid(variant, asked):
        return effect(variant, asked) if not variant.changes else -abs(effect(variant, asked))

    context = context_of(ar1(700, seed=2, phi=0.3), timid)
    found = compare(context, outcomes_of(context, AXIS, timid))
    assert found.others == (0.0, 0.0, 0.0)
    assert all(case.stands is None for case in found.cases[1:])
    assert found.answer is Answer.NO


def test_one_long_window_does_not_shrink_the_comparison_of_all_others():
    """300 bars, 180 to train: with 270 to train 29 bars are left of the run's 119."""
    folds = {"train": 180, "test": 30}
    stress = {"train_factors": [0.5, 1.0, 1.5], "test_factors": [1.0]}
    context = context_of(ar1(300, seed=2, phi=0.3), effect, folds=folds, stress=stress)
    found = compare(context, outcomes_of(context, WINDOWS, effect))
    long = [case for case in found.cases if "train 270" in case.label]
    assert len(long) == 2
    assert all(case.note == "too little in common with the run: 29 of its 119 bars" for case in long)
    assert all(case.figures == {} for case in long)
    assert found.n_bars >= 118
    assert len(found.others) == len(found.cases) - 1 - len(long)
    named = next(note for note in found.notes if note.startswith("Not compared"))
    assert all(case.label in named for case in long)


def test_half_of_the_bars_is_enough_and_less_is_not():
    context = context_of(ar1(500, seed=2, phi=0.3), effect)
    first, *others = outcomes_of(context, AXIS, effect)
    origins = context.forecasts.frame["origin"]

    def later(outcome, share):
        frame = outcome.forecasts.frame
        kept = frame[frame["origin"] >= origins.iloc[int(share * len(origins))]].reset_index(drop=True)
        return Outcome(
            variant=outcome.variant, question=outcome.question, forecasts=type(outcome.forecasts)(frame=kept)
        )

    found = compare(context, [first, *map(later, others, (0.1, 0.49, 0.52))])
    assert [one is None for one in found.traded] == [False, False, False, True]
    assert all(one is not None for one in found.whole)
    assert found.n_bars == pytest.approx(0.51 * len(context.bars), abs=2)


@pytest.mark.parametrize("axis", [AXIS, MEMBERS, WINDOWS])
def test_a_month_or_less_in_common_answers_nothing(axis):
    context = context_of(
        ar1(150, seed=2, phi=0.9), effect, folds={"train": 132, "test": 9}, stress={"train_factors": [1.0]}
    )
    outcomes = outcomes_of(context, axis, effect)
    found = compare(context, outcomes)
    assert 0 < found.n_bars < 21
    assert found.answer is Answer.INCONCLUSIVE
    assert axis.conclude(context, outcomes).answer is Answer.INCONCLUSIVE
    assert any("too few for an answer" in note for note in found.notes)


def test_on_cut_dates_a_case_stands_where_it_gains_as_the_run_does_there():
    """The run loses over the whole, and gains a little on the later dates that all have."""

    def turning(variant, asked):
        forecast = prophet(asked)
        weak = np.where(np.arange(len(forecast)) % 3 == 0, forecast, coins("weak", n=len(forecast)))
        return np.where(np.arange(len(forecast)) < 360, -forecast, weak)

    context = context_of(
        random_walk(700, seed=2),
        turning,
        stress={"train_factors": [1.0, 3.0], "test_factors": [1.0]},
        strategy={"kind": "long_short"},
    )
    found = compare(context, outcomes_of(context, WINDOWS, turning))
    assert context.baseline["sharpe_difference"] < 0.0 < found.own
    assert found.cases[0].own
    assert found.cases[0].stands is True
    assert all(case.stands for case in found.cases if case.figures)
    assert not any(case.own for case in found.cases[1:])


def test_a_users_strategy_that_fails_on_one_variant_is_a_case_with_its_reason(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from backtester.backtest import ForecastStrategy\n"
        "class Mine(ForecastStrategy):\n"
        "    def target_exposure(self, forecast):\n"
        "        if forecast > 0.5:\n"
        "            raise RuntimeError('too good')\n"
        "        return 1.0 if forecast > 0 else -1.0\n"
    )

    def one_too_good(variant, asked):
        return effect(variant, asked) + (1.0 if "15 bars" in variant.label else 0.0)

    context = context_of(
        ar1(300, seed=2, phi=0.3), one_too_good, folder=tmp_path, strategy={"kind": "mine.py:Mine"}
    )
    outcomes = outcomes_of(context, AXIS, one_too_good)
    found = compare(context, outcomes)
    failed = [case for case in found.cases if case.note]
    assert len(failed) == sum("15 bars" in outcome.variant.label for outcome in outcomes) == 1
    assert "too good" in failed[0].note
    assert len(found.others) == len(outcomes) - 2


def test_no_answer_comes_from_fewer_variants_than_it_takes():
    context = context_of(ar1(700, seed=2, phi=0.3), effect)
    outcomes = outcomes_of(context, AXIS, effect)
    assert compare(context, outcomes).answer is Answer.YES
    assert compare(context, outcomes, fewest=4).answer is Answer.INCONCLUSIVE
