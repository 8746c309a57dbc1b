import math

import numpy as np
import pytest
from scipy.stats import kstest

from backtester.forecasts import Forecasts
from backtester.judgement import Answer
from backtester.stress.axes.placebo import AXIS
from backtester.stress.axis import PictureKind
from tests.markets import ar1, ar1_best_sharpe, random_walk
from tests.stress.nulls import N_WALKS, walk
from tests.stress.planted import FREE, by_label, in_backtrader, next_returns, planted, returns_of, true_effect


def concluded(context):
    assert not AXIS.variants(context)
    return AXIS.conclude(context, ())


@pytest.fixture(scope="module")
def effect():
    context = true_effect(3000)
    return context, concluded(context)


def test_a_true_effect_turns_into_a_loss_with_the_sign(effect):
    context, result = effect
    assert result.answer is Answer.YES
    assert "the right bar and the right sign" in result.sentence
    # without costs the opposite of long or short is its mirror
    flipped = by_label(result)["Sign flipped"]
    assert flipped.figures["sharpe"] == pytest.approx(-context.baseline["sharpe"], abs=0.1)
    assert flipped.figures["sharpe"] == pytest.approx(-ar1_best_sharpe(0.3), abs=0.8)
    assert flipped.stands


def test_no_shift_of_a_true_effect_does_as_well(effect):
    _, result = effect
    assert result.facts["placebos"] == 250
    assert result.facts["p_value"] == pytest.approx(1 / 251)


def test_a_true_effect_fades_with_the_age_of_its_forecast(effect):
    context, result = effect
    cases = by_label(result)
    assert cases["As in the run"].figures["sharpe"] == pytest.approx(context.baseline["sharpe"], abs=1e-9)
    # correlation of a forecast with the return k bars on: phi to the power of 1 + k
    assert cases["1 bar later"].figures["sharpe"] / context.baseline["sharpe"] == pytest.approx(
        0.31, abs=0.12
    )
    assert abs(cases["63 bars later"].figures["sharpe"]) < 0.7
    assert cases["1 bar later"].stands


def test_what_looks_ahead_is_marked_and_decides_nothing(effect):
    _, result = effect
    ahead = by_label(result)["1 bar earlier"]
    # it knows the very return that it trades: 21 a year
    assert ahead.figures["looking_ahead"] > 15.0
    assert "sharpe_difference" not in ahead.figures
    assert ahead.stands is None
    assert "looks ahead" in ahead.note
    assert any("look ahead" in note for note in result.notes)


def test_a_forecast_shifted_is_the_forecast_of_that_many_bars_ago():
    context = walk(1, n_bars=700, strategy={"kind": "threshold"}, broker={})
    table = context.forecasts.frame
    # round the circle of the origins that are traded on: all but the last
    values = table["forecast"].to_numpy()
    moved = np.append(np.roll(values[:-1], 5), math.nan)
    bars = in_backtrader(context, forecasts=Forecasts(frame=table.assign(forecast=moved)))
    expected = context.figures(bars, holding=context.holding)
    found = by_label(concluded(context))["5 bars later"].figures
    assert found == pytest.approx(expected, abs=1e-9)


def test_forecasts_whose_sign_does_not_matter_are_caught(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from backtester.backtest import ForecastStrategy\n"
        "class Mine(ForecastStrategy):\n"
        "    def target_exposure(self, forecast):\n"
        "        return 1.0 if abs(forecast) > 0.005 else 0.0\n"
    )
    prices = random_walk(700, seed=4)
    values = np.where(next_returns(prices) > 0.0, 0.01, 0.001)
    context = planted(prices, values, strategy={"kind": "mine.py:Mine"}, folder=tmp_path)
    result = concluded(context)
    assert result.facts["observed"] > 1.0
    assert result.facts["flipped"] == pytest.approx(result.facts["observed"])
    assert result.answer is Answer.NO


def test_pictures_show_the_placebos_the_fading_and_the_looking_ahead(effect):
    _, result = effect
    histogram, later, earlier = result.pictures
    assert histogram.kind is PictureKind.HISTOGRAM
    assert len(histogram.draws) == 250
    assert sum(later.x in case.coordinates for case in result.cases) == 12
    assert sum(earlier.x in case.coordinates for case in result.cases) == 6
    for case in result.cases:
        for picture in (later, earlier):
            assert (picture.x in case.coordinates) <= (picture.figure in case.figures)


@pytest.mark.parametrize(("value", "words"), [(0.01, "never changed"), (-0.01, "never traded")])
def test_a_strategy_that_never_moves_has_no_placebo(value, words):
    result = concluded(planted(random_walk(700, seed=8), np.full(700, value)))
    assert result.answer is Answer.INCONCLUSIVE
    assert words in result.sentence


def test_orders_of_a_users_own_strategy_are_shifted_and_its_flipped_forecasts_traded(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from backtester.backtest import ForecastStrategy\n"
        "class Mine(ForecastStrategy):\n"
        "    def target_exposure(self, forecast):\n"
        "        return 1.0 if forecast > 0 else -1.0\n"
    )
    mine = concluded(true_effect(700, strategy={"kind": "mine.py:Mine"}, folder=tmp_path))
    ours = concluded(true_effect(700))
    assert mine.facts == pytest.approx(ours.facts, abs=1e-9)
    assert any("its orders were shifted" in note for note in mine.notes)


@pytest.mark.slow
def test_the_p_value_of_placebos_is_uniform_where_there_is_nothing_to_find():
    results = [concluded(walk(seed)) for seed in range(N_WALKS)]
    assert kstest([result.facts["p_value"] for result in results], "uniform").pvalue > 0.01
    # 14 of 100 at 5 % would be beyond luck
    assert sum(result.answer is Answer.YES for result in results) < 14


def test_a_run_without_a_gain_has_none_that_could_hang_on_the_right_bar():
    # the wrong way round: its opposite gains, and so do its placebos
    prices = ar1(1500, seed=1, phi=0.3)
    context = planted(prices, -0.3 * returns_of(prices), strategy={"kind": "long_short"}, broker=FREE)
    assert context.baseline["sharpe_difference"] < 0.0
    result = concluded(context)
    assert result.answer is Answer.INCONCLUSIVE
    assert "there is no gain to be lost" in result.sentence


@pytest.mark.parametrize("n_traded", [1, 2, 3, 20])
def test_a_few_traded_bars_have_no_placebo(n_traded):
    prices = random_walk(301 + n_traded, seed=8)
    values = np.where(np.arange(len(prices)) % 2 == 0, 0.01, -0.01)
    result = concluded(planted(prices, values, folds={"train": 250, "test": 30}))
    assert result.answer is Answer.INCONCLUSIVE
    assert result.sentence.startswith("There are too few bars")


def test_shifts_that_meet_what_was_learned_from_are_told():
    def notes(**sections):
        return " ".join(concluded(true_effect(1200, **sections)).notes)

    assert "meet bars that they were learned from" in notes(folds={"train": 700, "test": 100})
    assert "learned from" not in notes(folds={"train": 200, "test": 100})
