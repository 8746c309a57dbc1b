import math

import numpy as np
import pytest

from backtester.judgement import Answer
from backtester.recipe import Fill
from backtester.stress.axes.delay import AXIS, bars_later
from tests.markets import ar1_best_sharpe, random_walk
from tests.stress.planted import FREE, by_label, in_backtrader, next_returns, planted, true_effect


def test_a_true_effect_fades_with_the_delay_as_theory_says():
    """AR(1): d bars later the forecast's correlation with the return is phi to the power of d + 1."""
    seeds, n_bars = range(1, 6), 4600
    results = [AXIS.conclude(true_effect(n_bars, seed=seed), []) for seed in seeds]
    years = len(results) * (n_bars - 300) / 252
    sampling = math.sqrt(1.0 / years)
    for n_bars_late in (1, 2, 3):
        found = np.mean([result.cases[n_bars_late - 1].figures["sharpe"] for result in results])
        theory = ar1_best_sharpe(0.3 ** (n_bars_late + 1))
        assert found == pytest.approx(theory, abs=2.5 * sampling)
    kept = np.mean([[result.facts[f"sharpe_kept_{late}"] for late in (1, 2)] for result in results], axis=0)
    error = sampling / ar1_best_sharpe(0.3)
    assert kept == pytest.approx([0.29, 0.09], abs=2.5 * error)


def test_a_true_effect_is_said_to_fade():
    result = AXIS.conclude(true_effect(4000), [])
    assert result.answer is Answer.YES
    assert "Left of the strategy's own:" in result.sentence


def test_a_gain_that_needs_the_very_next_fill_is_caught():
    prices = random_walk(2000, seed=1)
    result = AXIS.conclude(planted(prices, next_returns(prices), strategy={"kind": "long_short"}), [])
    assert result.answer is Answer.NO
    assert result.sentence.startswith("The gain needs the very next fill: acted on 1 bar later")


def test_a_delay_agrees_with_backtrader():
    context = true_effect(900)
    found = by_label(AXIS.conclude(context, []))
    for late in (1, 3):
        bars = in_backtrader(context, forecasts=bars_later(context.forecasts, n_bars=late))
        label = f"{late} bar{'s' if late > 1 else ''} later"
        expected = context.figures(bars, holding=context.holding)
        for name, value in expected.items():
            assert found[label].figures[name] == pytest.approx(value, abs=1e-9), name


def test_a_forecast_of_two_bars_is_also_filled_at_the_next_close():
    prices = random_walk(900, seed=1)
    context = planted(
        prices, next_returns(prices), strategy={"kind": "long_short"}, broker=FREE, target={"horizon": 2}
    )
    found = by_label(AXIS.conclude(context, []))["at the next close"]
    broker = context.recipe.broker.model_copy(update={"fill": Fill.NEXT_CLOSE})
    bars = in_backtrader(context, broker=broker)
    expected = context.figures(bars, holding=context.hold(broker=broker))
    assert found.figures["sharpe"] == pytest.approx(expected["sharpe"], abs=1e-9)
    assert found.figures["sharpe"] < context.baseline["sharpe"]


def test_a_forecast_of_one_bar_is_not_filled_at_the_next_close_and_it_says_why():
    result = AXIS.conclude(true_effect(900), [])
    assert all("fill" not in case.coordinates for case in result.cases)
    assert "a forecast of one bar has expired by then" in result.notes[0]


def test_a_later_forecast_was_made_earlier():
    context = true_effect(600)
    late = bars_later(context.forecasts, n_bars=3).frame["forecast"].to_numpy()
    own = context.forecasts.frame["forecast"].to_numpy()
    np.testing.assert_array_equal(late[3:], own[:-3])
    assert np.isnan(late[:3]).all()
