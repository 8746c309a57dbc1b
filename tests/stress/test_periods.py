import numpy as np
import pytest

from backtester.judgement import Answer
from backtester.stress.axes.periods import AXIS
from backtester.stress.paired import gain_contributions
from tests.markets import random_walk
from tests.stress.planted import by_label, in_backtrader, next_returns, planted, true_effect


def one_good_year(year=2005, *, seed=5):
    """Long or short at random, but for one year in which the next move is known."""
    prices = random_walk(2600, seed=seed)
    signs = np.random.default_rng(seed).choice([-1e-3, 1e-3], len(prices))
    values = np.where(prices.dates.year == year, 1e-3 * np.sign(next_returns(prices)), signs)
    return planted(prices, values, strategy={"kind": "long_short"})


@pytest.mark.parametrize("seed", [1, 4, 5, 6])
def test_a_strategy_that_earns_all_in_one_year_is_caught_in_words(seed):
    context = one_good_year(seed=seed)
    assert context.baseline["sharpe_difference"] > 0.5
    result = AXIS.conclude(context, [])
    assert result.answer is Answer.NO
    assert result.sentence.startswith("All of the gain was made in 2005: without it the Sharpe ratio is ")
    assert result.sentence.endswith(" below buy-and-hold's.")
    assert result.facts["year_that_matters_most"] == "2005"


def test_a_strategy_that_earns_all_on_five_days_is_caught_in_words():
    prices = random_walk(1600, seed=5)
    ahead = next_returns(prices)
    values = np.full(len(prices), -1e-3)
    values[np.argsort(ahead)[-5:]] = 1e-3
    values[:5] = -1e-3
    jumpy = planted(prices, values)
    assert jumpy.baseline["sharpe_difference"] > 0.0
    result = AXIS.conclude(jumpy, [])
    assert result.answer is Answer.NO
    assert "of the gain was made" in result.sentence


def test_a_true_effect_passes():
    result = AXIS.conclude(true_effect(2500), [])
    assert result.answer is Answer.YES
    assert "and in both halves" in result.sentence


def test_without_a_gain_nothing_is_answered():
    prices = random_walk(1200, seed=6)
    result = AXIS.conclude(planted(prices, -next_returns(prices), strategy={"kind": "long_short"}), [])
    assert result.answer is Answer.INCONCLUSIVE
    assert "there is no gain to be lost" in result.sentence


def test_a_run_of_one_year_is_too_short():
    result = AXIS.conclude(true_effect(400), [])
    assert result.answer is Answer.INCONCLUSIVE
    assert result.sentence == "The run is too short to leave a year out."


def test_what_the_bars_add_sums_to_the_gain():
    context = one_good_year()
    assert np.sum(gain_contributions(context)) == pytest.approx(context.baseline["sharpe_difference"])
    cases = AXIS.conclude(context, []).cases
    for share in ("gain_share", "profit_share"):
        total = sum(case.figures[share] for case in cases if "year" in case.coordinates)
        assert total == pytest.approx(1.0)


def test_a_year_and_the_rest_agree_with_backtrader():
    context = one_good_year()
    cases = by_label(AXIS.conclude(context, []))
    bars, holding = in_backtrader(context), context.holding
    inside = bars.index.year == 2006
    for label, kept in (("2006", inside), ("without 2006", ~inside)):
        expected = context.figures(bars[kept], holding=holding[kept])
        for name, value in expected.items():
            assert cases[label].figures[name] == pytest.approx(value, abs=1e-9), name


def test_a_few_days_of_a_year_have_no_sharpe_ratio():
    context = one_good_year()
    first = context.bars.index[0]
    last = context.bars.index[-1]
    short = [case for case in AXIS.conclude(context, []).cases if case.figures["bars"] < 21]
    for case in short:
        assert np.isnan(case.figures["sharpe_difference"])
        assert case.stands is None
        assert case.label in {str(first.year), str(last.year)}
