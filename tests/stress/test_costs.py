import math

import numpy as np
import pytest

from backtester.backtest import buy_and_hold
from backtester.judgement import Answer
from backtester.metrics import total_return
from backtester.recipe import BrokerSection
from backtester.stress.axes.costs import AXIS, at_cost
from tests.markets import random_walk
from tests.stress.planted import by_label, in_backtrader, next_returns, planted, true_effect


def weak(cost_bp, *, strength=0.04):
    """A little knowledge of the next move, traded at every bar."""
    prices = random_walk(2000, seed=2)
    noise = np.random.default_rng(2).normal(0.0, 0.01, len(prices))
    broker = {"commission_bp": cost_bp / 2, "slippage_bp": cost_bp / 2}
    return planted(
        prices, strength * next_returns(prices) + 0.1 * noise, strategy={"kind": "long_short"}, broker=broker
    )


def test_a_true_effect_passes_double_cost():
    result = AXIS.conclude(true_effect(2500), [])
    assert result.answer is Answer.YES
    assert result.sentence.startswith("At double the usual cost, 4 bp a side, the Sharpe ratio is still ")
    assert result.facts["sharpe_break_even_bp"] > 20.0


def test_a_gain_that_double_cost_takes_is_caught():
    context = weak(28.0, strength=0.03)
    assert context.baseline["sharpe_difference"] > 0.0
    result = AXIS.conclude(context, [])
    assert result.answer is Answer.NO
    assert "At double the run's cost, 56 bp a side, the Sharpe ratio is" in result.sentence


def test_a_cost_level_agrees_with_backtrader():
    context = weak(2.0)
    found = by_label(AXIS.conclude(context, []))
    for level in (0.0, 20.0):
        broker = at_cost(context.recipe.broker, cost_bp=level)
        holding = buy_and_hold(context.question.prices, context.forecasts, broker=broker).bars
        bars = in_backtrader(context, broker=broker)
        expected = context.figures(bars, holding=holding)
        for name, value in expected.items():
            assert found[f"{level:g} bp a side"].figures[name] == pytest.approx(value, abs=1e-9), name


def test_at_the_break_even_cost_the_wealth_is_that_of_holding():
    context = weak(2.0)
    broker = at_cost(context.recipe.broker, cost_bp=AXIS.conclude(context, []).facts["break_even_bp"])
    mine, held = context.trade(broker=broker), context.hold(broker=broker)
    # fills are sized after costs, and costs compound with the slippage: near, not equal
    assert math.log1p(total_return(mine["return"])) == pytest.approx(
        math.log1p(total_return(held["return"])), abs=0.06
    )


def test_dearer_is_never_better():
    gains = [case.figures["sharpe"] for case in AXIS.conclude(weak(2.0), []).cases]
    assert gains == sorted(gains, reverse=True)


def test_costs_that_could_take_everything_are_a_case_with_its_reason():
    prices = random_walk(900, seed=1)
    context = planted(
        prices,
        next_returns(prices),
        strategy={"kind": "long_short", "max_exposure": 10.0},
        broker={"commission_bp": 300.0, "slippage_bp": 300.0},
    )
    result = AXIS.conclude(context, [])
    dear = by_label(result)["1200 bp a side"]
    assert "would take the whole equity in one trade" in dear.note
    assert math.isnan(dear.figures["sharpe_difference"])


def test_costs_keep_their_proportion():
    assert at_cost(BrokerSection(commission_bp=0.0, slippage_bp=5.0), cost_bp=8.0).commission_bp == 0.0
    free = at_cost(BrokerSection(commission_bp=0.0, slippage_bp=0.0), cost_bp=8.0)
    assert (free.commission_bp, free.slippage_bp) == (4.0, 4.0)
