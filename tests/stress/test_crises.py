import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backtester.judgement import Answer
from backtester.prices import read_prices
from backtester.recipe import DataSection
from backtester.stress.axes.crises import AXIS, CRISES, INDEX
from tests.markets import random_walk
from tests.stress.planted import FREE, by_label, in_backtrader, next_returns, planted, true_effect


def known_move(inside, *, seed=1, n_bars=3000):
    """Long or short at random, but for the bars in which the next move is known."""
    prices = random_walk(n_bars, seed=seed)
    signs = np.random.default_rng(seed).choice([-1e-3, 1e-3], len(prices))
    values = np.where(inside(prices.dates), 1e-3 * np.sign(next_returns(prices)), signs)
    return planted(prices, values, strategy={"kind": "long_short"})


def test_a_gain_made_in_one_crisis_is_caught_in_words():
    context = known_move(lambda dates: (dates >= "2007-10-08") & (dates <= "2009-03-06"))
    result = AXIS.conclude(context, [])
    assert context.baseline["sharpe_difference"] > 0.0
    assert result.answer is Answer.NO
    assert "of the gain was made in one crisis, Financial crisis 2007–09: without it" in result.sentence


def test_a_true_effect_passes():
    assert AXIS.conclude(true_effect(5000), []).answer is Answer.YES


def test_only_crises_that_the_run_saw_are_cases_and_the_others_are_named():
    context = known_move(lambda dates: dates < "1900")
    result = AXIS.conclude(context, [])
    seen = {case.coordinates["crisis"] for case in result.cases if "crisis" in case.coordinates}
    assert "Dot-com 2000–02" in seen
    assert "Covid 2020" not in seen
    named = next(note for note in result.notes if note.startswith("Not seen"))
    assert all((crisis.name in named) != (crisis.name in seen) for crisis in CRISES)
    # the run begins within it
    assert "seen from 2001-02-27 on" in by_label(result)["Dot-com 2000–02"].note


def test_a_run_that_saw_no_crisis_says_so():
    context = true_effect(500)
    frame = context.question.prices.frame.set_axis(pd.bdate_range("1991-01-02", periods=500, name="date"))
    prices = dataclasses.replace(context.question.prices, frame=frame)
    result = AXIS.conclude(planted(prices, np.full(500, 1e-3), broker=FREE), [])
    assert result.answer is Answer.INCONCLUSIVE
    assert result.sentence == "The run saw none of the named crises."
    assert result.cases == ()


def test_returns_in_a_crisis_and_figures_without_it_agree_with_backtrader():
    context = known_move(lambda dates: dates < "1900")
    found = by_label(AXIS.conclude(context, []))
    bars = in_backtrader(context)
    inside = (bars.index > "2007-10-09") & (bars.index <= "2009-03-09")
    figures = found["Financial crisis 2007–09"].figures
    assert figures["return"] == pytest.approx(np.prod(1.0 + bars["return"][inside]) - 1.0, abs=1e-9)
    assert figures["return_holding"] == pytest.approx(
        np.prod(1.0 + context.holding["return"][inside]) - 1.0, abs=1e-9
    )
    expected = context.figures(bars[~inside], holding=context.holding[~inside])
    assert found["without Financial crisis 2007–09"].figures["sharpe_difference"] == pytest.approx(
        expected["sharpe_difference"], abs=1e-9
    )


def test_dates_of_falls_are_the_highest_and_lowest_closes_of_the_index():
    """Of those that the bundled S&P 500 covers."""
    close = read_prices(DataSection(symbol="SP500"), folder=Path()).frame["close"]
    checked = 0
    for crisis in CRISES:
        start, end = pd.Timestamp(crisis.start), pd.Timestamp(crisis.end)
        if crisis.source != INDEX or start < close.index[0] or end > close.index[-1]:
            continue
        near = pd.Timedelta(days=20)
        assert close[start - near : end].idxmax() == start, crisis.name
        assert close[start : end + near].idxmin() == end, crisis.name
        checked += 1
    assert checked >= 8


def test_crises_are_sorted_and_have_distinct_names():
    assert [crisis.start for crisis in CRISES] == sorted(crisis.start for crisis in CRISES)
    assert len({crisis.name for crisis in CRISES}) == len(CRISES)
    assert all(crisis.start < crisis.end for crisis in CRISES)
