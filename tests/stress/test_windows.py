import doctest

import pytest

from backtester.judgement import Answer
from backtester.stress.axes import windows as windows_module
from backtester.stress.axes.windows import AXIS
from tests.markets import ar1, random_walk
from tests.stressed import coins, context_of, effect, outcomes_of, prophet


def one_good_window(variant, asked):
    if not variant.changes:
        return prophet(asked)
    return coins(variant.label, n=len(asked.prices))


def test_examples_hold():
    assert doctest.testmod(windows_module).failed == 0


def test_every_window_is_tried_once_and_the_run_first():
    context = context_of(random_walk(500, seed=1), effect)
    variants = AXIS.variants(context)
    assert variants[0].changes == {}
    assert len(variants) == 18
    asked = [tuple(variant.changes.values()) for variant in variants[1:]]
    assert (60, 15, "rolling") in asked
    assert (180, 60, "expanding") in asked
    assert len(set(asked)) == 17
    assert (120, 30, "rolling") not in asked


def test_calendar_spans_are_scaled_too():
    folds = {"train": "1Y", "test": "1M"}
    context = context_of(random_walk(900, seed=1), effect, folds=folds)
    asked = {variant.changes.get("folds.train") for variant in AXIS.variants(context)[1:]}
    assert asked == {"6M", "1Y", "18M"}
    assert {variant.changes.get("folds.test") for variant in AXIS.variants(context)[1:]} == {
        "15D",
        "1M",
        "2M",
    }


def test_one_split_varies_its_training_window_only():
    context = context_of(random_walk(500, seed=1), effect, folds={"train": 120, "scheme": "single"})
    variants = AXIS.variants(context)
    assert [variant.changes.get("folds.train") for variant in variants] == [None, 60, 180]
    result = AXIS.conclude(context, outcomes_of(context, AXIS, effect))
    assert "One split has no test spans to vary." in result.notes


def test_a_true_effect_holds_with_other_windows():
    context = context_of(ar1(900, seed=3, phi=0.3), effect)
    result = AXIS.conclude(context, outcomes_of(context, AXIS, effect))
    assert result.answer is Answer.YES
    assert result.tried


def test_a_result_of_one_window_is_caught_in_words():
    context = context_of(random_walk(900, seed=3), one_good_window)
    result = AXIS.conclude(context, outcomes_of(context, AXIS, one_good_window))
    assert result.answer is Answer.NO
    assert result.sentence.startswith("The gain hangs on the windows")


def test_windows_are_compared_on_the_dates_that_all_have():
    prices = ar1(900, seed=3, phi=0.3)
    context = context_of(prices, effect)
    result = AXIS.conclude(context, outcomes_of(context, AXIS, effect))
    assert len({round(case.figures["sharpe_holding"], 12) for case in result.cases}) == 1
    # the longest training window, 180 bars, makes its first forecast at bar 180 and buys at bar 181
    assert any(f"from {prices.dates[182].date()}" in note for note in result.notes)


def test_a_window_that_the_prices_cannot_fill_says_so():
    context = context_of(random_walk(170, seed=1), effect)
    outcomes = outcomes_of(context, AXIS, effect)
    result = AXIS.conclude(context, outcomes)
    refused = [case for case in result.cases if case.coordinates["train"] == 180.0]
    assert len(refused) == 6
    assert all("too few rows" in case.note for case in refused)


@pytest.mark.parametrize("picture", [0, 1])
def test_the_heat_map_has_a_cell_for_every_case(picture):
    context = context_of(ar1(900, seed=3, phi=0.3), effect)
    result = AXIS.conclude(context, outcomes_of(context, AXIS, effect))
    drawn = result.pictures[picture]
    cells = {(case.coordinates[drawn.x], case.coordinates[drawn.y]) for case in result.cases}
    assert len(cells) == len(result.cases) == 18
    assert drawn.baseline == result.cases[0].figures[drawn.figure]
