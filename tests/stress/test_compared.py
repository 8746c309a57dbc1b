import doctest
import math

import pytest

from backtester.judgement import Answer
from backtester.stress import compared as compared_module
from backtester.stress.axes.phase import AXIS
from backtester.stress.compared import compare, holds
from backtester.stress.context import Outcome
from tests.markets import ar1
from tests.stressed import context_of, effect, outcomes_of


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
