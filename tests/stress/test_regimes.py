import numpy as np
import pytest

from backtester.judgement import Answer
from backtester.stress.axes.regimes import AXIS, is_bear, is_turbulent
from tests.markets import market, random_walk
from tests.stress.planted import FREE, by_label, in_backtrader, next_returns, planted, true_effect

LABELS = {"bear": is_bear, "turbulent": is_turbulent}


@pytest.mark.parametrize("label", LABELS.values(), ids=LABELS)
def test_labels_do_not_change_when_the_prices_after_them_are_cut(label):
    close = random_walk(500, seed=2, sd=0.02).column("close")
    whole = label(close, year=60)
    assert set(whole[~np.isnan(whole)]) == {0.0, 1.0}
    for cut in range(1, len(close)):
        np.testing.assert_array_equal(label(close[:cut], year=60), whole[:cut])


@pytest.mark.parametrize("label", LABELS.values(), ids=LABELS)
def test_labels_do_not_change_when_the_prices_after_them_do(label):
    close = random_walk(500, seed=2, sd=0.02).column("close")
    whole = label(close, year=60)
    for cut in range(60, len(close), 20):
        changed = close.copy()
        changed[cut:] *= np.linspace(0.2, 3.0, len(close) - cut)
        np.testing.assert_array_equal(label(changed, year=60)[:cut], whole[:cut])


def test_a_bear_market_begins_a_fifth_below_the_highest_close_of_a_year():
    close = np.array([100.0, 100.0, 90.0, 80.0, 81.0, 100.0])
    np.testing.assert_array_equal(is_bear(close, year=3), [np.nan, np.nan, 0.0, 1.0, 0.0, 0.0])


def test_a_market_is_turbulent_above_the_volatility_that_was_usual():
    moves = np.concatenate([np.tile([0.01, -0.01], 100), np.tile([0.03, -0.03], 20)])
    found = is_turbulent(100 * np.exp(np.cumsum(moves)), year=60)
    assert np.all(found[-30:] == 1.0)
    assert np.isnan(found[: 60 + 20 - 1]).all()


def test_a_return_goes_by_what_was_known_at_the_close_before_it():
    context = true_effect(1500)
    close, dates = context.question.prices.column("close"), context.question.prices.dates
    bear = is_bear(close, year=252)
    at = dates.get_indexer(context.bars.index)
    kept = bear[at - 1] == 1.0
    assert (kept != (bear[at] == 1.0)).any()
    found = by_label(AXIS.conclude(context, []))["bear"].figures
    # the same bars, traded by Backtrader
    bars = in_backtrader(context)[kept]
    expected = context.figures(bars, holding=context.holding[kept])
    assert found["bars"] == kept.sum()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-9), name


def test_a_gain_that_is_there_in_turbulent_markets_only_is_caught():
    rng = np.random.default_rng(1)
    sd = np.repeat(np.tile([0.006, 0.02], 5), 300)
    prices = market(rng.normal(0.0, sd), symbol="TWO")
    sees = is_turbulent(prices.column("close"), year=252) == 1.0
    values = np.where(sees, 0.5, -0.02) * next_returns(prices) + rng.normal(0.0, 1e-3, len(prices))
    result = AXIS.conclude(planted(prices, values, strategy={"kind": "long_short"}, broker=FREE), [])
    found = by_label(result)
    assert found["turbulent"].figures["sharpe_difference"] > 1.0
    assert result.answer is Answer.NO
    assert "There is no gain in calm markets" in result.sentence


def test_a_true_effect_passes():
    result = AXIS.conclude(true_effect(3000), [])
    assert result.answer is Answer.YES


def test_a_market_that_never_fell_is_said_to_have_had_no_bear():
    rng = np.random.default_rng(4)
    prices = market(0.001 + rng.normal(0.0, 0.004, 1500), symbol="UP")
    context = planted(prices, next_returns(prices), strategy={"kind": "long_short"}, broker=FREE)
    result = AXIS.conclude(context, [])
    assert result.answer is Answer.INCONCLUSIVE
    assert "too few bars of bear markets" in result.sentence
