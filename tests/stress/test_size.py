import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

from backtester.judgement import Answer
from backtester.recipe import BrokerSection
from backtester.stress.axes.size import AXIS, Room, limited
from tests.markets import ar1, random_walk
from tests.stress.planted import FREE, by_label, in_backtrader, next_returns, planted, returns_of, true_effect


def test_a_capital_that_is_never_limited_trades_as_backtrader_does():
    prices = random_walk(900, seed=3)
    values = next_returns(prices) + np.random.default_rng(0).normal(0.0, 0.02, len(prices))
    for strategy in ({"kind": "long_short"}, {"kind": "volatility_scaled", "short": True}):
        context = planted(prices, values, strategy=strategy, broker={"cash": 1000.0})
        found = by_label(AXIS.conclude(context, []))["1,000"]
        expected = context.figures(in_backtrader(context), holding=context.holding)
        assert found.figures["orders_too_large"] == 0.0
        assert found.figures["return_kept"] == pytest.approx(1.0)
        for name, value in expected.items():
            assert found.figures[name] == pytest.approx(value, abs=1e-9), name


def test_an_order_is_cut_and_the_rest_ordered_again():
    """Whole equity wanted at 10 a share, room for 30 shares a bar, 100 shares to be had."""
    dates = pd.bdate_range("2020-01-01", periods=5)
    bars = pd.DataFrame({"equity": 1000.0, "exposure": 1.0, "turnover": [1.0, 0, 0, 0, 0]}, index=dates)
    room = Room(close=np.full(5, 10.0), price=np.full(5, 10.0), shares=np.full(5, 30.0))
    free = BrokerSection(cash=1000.0, **FREE)
    found = limited(bars, room, capital=1000.0, broker=free)
    np.testing.assert_allclose(found["exposure"], [0.3, 0.6, 0.9, 1.0, 1.0])
    np.testing.assert_allclose(found["turnover"], [0.3, 0.3, 0.3, 0.1, 0.0], atol=1e-12)
    dear = limited(bars, room, capital=1000.0, broker=BrokerSection(cash=1000.0, commission_bp=100.0))
    assert dear["return"].iloc[0] == pytest.approx(-0.3 * (0.0001 + 0.01 * 1.0001))


def test_bars_without_volume_take_no_order():
    dates = pd.bdate_range("2020-01-01", periods=3)
    bars = pd.DataFrame({"equity": 1000.0, "exposure": 1.0, "turnover": [1.0, 0, 0]}, index=dates)
    room = Room(close=np.full(3, 10.0), price=np.full(3, 10.0), shares=np.array([0.0, 1e9, 0.0]))
    found = limited(bars, room, capital=1000.0, broker=BrokerSection(cash=1000.0, **FREE))
    np.testing.assert_allclose(found["exposure"], [0.0, 1.0, 1.0])


def test_the_more_capital_the_less_is_left_of_the_return():
    result = AXIS.conclude(true_effect(1500), [])
    kept = [case.figures["return_kept"] for case in result.cases]
    cut = [case.figures["orders_too_large"] for case in result.cases]
    assert kept[0] > 0.95 > 0.1 > kept[-1]
    assert cut == sorted(cut)
    assert cut[-1] == 1.0
    assert result.sentence.startswith("From a capital of ")


def test_the_capital_at_which_orders_are_too_large_is_that_of_the_volume():
    context = true_effect(900)
    facts = AXIS.conclude(context, []).facts
    bars, prices = context.bars, context.question.prices
    at = prices.dates.get_indexer(bars.index)
    turnover = bars["turnover"].to_numpy()
    ordered = turnover > 0.0
    capacity = 0.01 * 1e6 * prices.column("open")[at][ordered] / turnover[ordered]
    assert facts["smallest_too_large"] == pytest.approx(np.min(capacity))
    assert np.mean(capacity < facts["often_too_large"]) == pytest.approx(0.05, abs=0.01)


def test_a_capital_that_the_market_does_not_take_is_caught():
    result = AXIS.conclude(true_effect(900, broker=FREE | {"cash": 1e9}), [])
    assert result.answer is Answer.NO
    assert "the result no longer holds at 1,000,000,000" in result.sentence


def test_a_small_capital_passes():
    assert AXIS.conclude(true_effect(900, broker=FREE | {"cash": 1000.0}), []).answer is Answer.YES


def test_without_volume_it_says_so():
    prices = random_walk(700, seed=1)
    prices = dataclasses.replace(prices, frame=prices.frame.drop(columns="volume"))
    result = AXIS.conclude(planted(prices, next_returns(prices)), [])
    assert result.answer is Answer.INCONCLUSIVE
    assert result.sentence.startswith("The prices have no volume")
    assert math.isnan(result.cases[0].figures["sharpe"])


def without_volume(context_prices, share, value):
    rng = np.random.default_rng(5)
    gone = rng.random(len(context_prices)) < share
    frame = context_prices.frame.assign(
        volume=np.where(gone, value, context_prices.frame["volume"].to_numpy())
    )
    return dataclasses.replace(context_prices, frame=frame)


@pytest.mark.parametrize("value", [0.0, math.nan])
def test_a_volume_that_is_not_known_is_no_market_that_takes_nothing(value):
    prices = ar1(900, seed=1, phi=0.3)
    sections = {"strategy": {"kind": "long_short"}, "broker": FREE | {"cash": 1000.0}}
    few = planted(without_volume(prices, 0.02, value), 0.3 * returns_of(prices), **sections)
    result = AXIS.conclude(few, [])
    assert result.answer is Answer.YES
    assert result.cases[0].figures["return_kept"] == pytest.approx(1.0)
    assert any("is 0 or missing" in note for note in result.notes)
    many = planted(without_volume(prices, 0.3, value), 0.3 * returns_of(prices), **sections)
    result = AXIS.conclude(many, [])
    assert result.answer is Answer.INCONCLUSIVE
    assert "whose volume is not known" in result.sentence
    none = planted(without_volume(prices, 1.1, value), 0.3 * returns_of(prices), **sections)
    assert AXIS.conclude(none, []).sentence.startswith("The prices have no volume")
