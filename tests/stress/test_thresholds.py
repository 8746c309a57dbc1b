import math

import numpy as np
import pytest

from backtester.judgement import Answer
from backtester.recipe import Threshold
from backtester.stress.axes.thresholds import AXIS
from backtester.stress.axis import PictureKind
from tests.backtest.markets import write_strategy
from tests.markets import random_walk
from tests.stress.planted import FREE, by_label, in_backtrader, next_returns, planted, true_effect

MINE = """
from backtester.backtest import ForecastStrategy

class Mine(ForecastStrategy):
    params = (("above_bp", 0.0), ("length", 5), ("name", ""), ("loud", False))

    def target_exposure(self, forecast):
        return 1.0 if forecast > self.p.above_bp / 1e4 else -1.0
"""


def needle(**strategy):
    """Forecasts of 3 bp before rises, of less or more before falls: 2 bp alone tells them apart."""
    prices = random_walk(2000, seed=2)
    ahead = next_returns(prices)
    rng = np.random.default_rng(2)
    values = np.where(ahead > 0.0, 3e-4, np.where(rng.random(len(prices)) < 0.9, 1e-4, 6e-4))
    return planted(prices, values, strategy={"kind": "long_or_cash", "threshold_bp": 2.0} | strategy)


def test_a_needle_is_caught_in_words():
    context = needle()
    result = AXIS.conclude(context, [])
    assert result.answer is Answer.NO
    assert result.sentence.startswith("A needle: with threshold_bp 2 the Sharpe ratio is ")
    assert "below buy-and-hold's" in result.sentence
    assert result.facts["rank_of_own"] == 1
    # at buy-and-hold's risk a setting is one trial at every exposure
    full = [case for case in result.cases if case.coordinates["max_exposure"] == 1.0]
    assert len(result.choices) == len(full) - 1 == 6  # all but the run's own could have been chosen


def test_a_true_effect_stands_on_a_plateau():
    result = AXIS.conclude(true_effect(2500), [])
    assert result.answer is Answer.YES
    assert result.sentence.startswith("A plateau: ")


@pytest.mark.parametrize(
    ("strategy", "axes"),
    [
        ({"kind": "long_or_cash"}, ("threshold_bp", "max_exposure")),
        ({"kind": "long_short"}, ("threshold_bp", "max_exposure")),
        ({"kind": "threshold"}, ("enter_bp", "exit_bp")),
        ({"kind": "volatility_scaled"}, ("target_volatility", "window")),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_every_strategy_that_comes_along_has_a_heat_map(strategy, axes):
    context = true_effect(900, strategy=strategy)
    result = AXIS.conclude(context, [])
    heat = result.pictures[0]
    assert heat.kind is PictureKind.HEATMAP
    assert (heat.x, heat.y) == axes
    drawn = [case for case in result.cases if set(axes) <= set(case.coordinates)]
    assert len(drawn) >= 9
    assert len({tuple(case.coordinates[axis] for axis in axes) for case in drawn}) == len(drawn)
    own = [case for case in result.cases if case.label.endswith("(the run's)")]
    assert [case.figures["sharpe"] for case in own] == [context.baseline["sharpe"]]


def test_settings_that_contradict_themselves_are_left_out():
    result = AXIS.conclude(true_effect(900, strategy={"kind": "threshold", "short": True}), [])
    for case in result.cases:
        assert case.coordinates["exit_bp"] <= case.coordinates["enter_bp"]
        assert case.coordinates["enter_bp"] >= 0.0
    short = AXIS.conclude(true_effect(900), [])
    assert min(case.coordinates["threshold_bp"] for case in short.cases) == 0.0


def test_a_setting_agrees_with_backtrader():
    context = true_effect(900, strategy={"kind": "threshold"})
    found = by_label(AXIS.conclude(context, []))
    for enter, leave in ((10.0, 2.0), (20.0, -5.0)):
        section = Threshold(kind="threshold", enter_bp=enter, exit_bp=leave)
        bars = in_backtrader(context, strategy=section)
        expected = context.figures(bars, holding=context.holding)
        case = found[f"enter_bp {enter:g}, exit_bp {leave:g}"]
        for name, value in expected.items():
            assert case.figures[name] == pytest.approx(value, abs=1e-9), name


def test_a_setting_that_never_trades_is_no_evidence():
    prices = random_walk(900, seed=2)
    values = np.where(next_returns(prices) > 0.0, 1e-5, -1e-5)
    result = AXIS.conclude(planted(prices, values, strategy={"kind": "long_or_cash"}), [])
    flat = by_label(result)["threshold_bp 2, max_exposure 1"]
    assert flat.note == "never trades"
    assert math.isnan(flat.figures["sharpe_difference"])
    assert flat.stands is None


def test_numbers_of_a_users_own_strategy_are_changed_one_at_a_time(tmp_path):
    kind = write_strategy(tmp_path, MINE)
    parameters = {"above_bp": 4.0, "length": 5, "name": "x", "loud": True}
    context = true_effect(700, folder=tmp_path, strategy={"kind": kind, "parameters": parameters})
    result = AXIS.conclude(context, [])
    above = sorted(case.coordinates["above_bp"] for case in result.cases if "above_bp" in case.coordinates)
    length = sorted(case.coordinates["length"] for case in result.cases if "length" in case.coordinates)
    assert above == [2.0, 3.0, 4.0, 6.0, 8.0]
    assert length == [2.0, 4.0, 5.0, 8.0, 10.0]
    assert {picture.x for picture in result.pictures} == {"above_bp", "length"}
    assert "name, loud" in result.notes[0]
    # what the class does not read changes nothing
    assert result.facts["kept_length"] == pytest.approx(1.0)


def test_a_users_own_strategy_without_numbers_is_left_undecided(tmp_path):
    context = true_effect(700, folder=tmp_path, strategy={"kind": write_strategy(tmp_path, MINE)})
    result = AXIS.conclude(context, [])
    assert result.answer is Answer.INCONCLUSIVE
    assert result.sentence == "The strategy has no number that could be changed a little."
    assert len(result.cases) == len(result.pictures) == 1


def test_a_setting_that_the_users_code_refuses_is_a_case_with_its_reason(tmp_path):
    refusing = MINE.replace("return 1.0 if", "return float('nan') if self.p.above_bp > 5.0 else 1.0 if")
    kind = write_strategy(tmp_path, refusing)
    context = true_effect(
        700, folder=tmp_path, strategy={"kind": kind, "parameters": {"above_bp": 4.0}}, broker=FREE
    )
    refused = by_label(AXIS.conclude(context, []))["above_bp 8"]
    assert "asked for an exposure of nan" in refused.note


@pytest.mark.parametrize(
    ("kind", "n"), [("long_or_cash", 6), ("long_short", 4), ("threshold", 27), ("volatility_scaled", 28)]
)
def test_no_more_settings_can_be_chosen_than_the_docs_say(kind, n):
    result = AXIS.conclude(true_effect(500, strategy={"kind": kind}), [])
    assert len(result.choices) == n
