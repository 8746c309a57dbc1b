import doctest

import numpy as np
import pytest

from backtester.judgement import Answer
from backtester.stress import components as components_module
from backtester.stress.axes.variance import AXIS
from backtester.stress.components import components
from tests.markets import ar1, random_walk
from tests.stressed import coins, context_of, effect, outcomes_of, prophet

KNOWN = {"period": 4.0, "window": 1.0, "window_period": 0.5, "seed": 2.0}


def drawn(rng, *, n_seeds, n_windows, n_periods, known=KNOWN):
    return (
        0.3
        + rng.normal(0.0, known["period"] ** 0.5, (1, 1, n_periods))
        + rng.normal(0.0, known["window"] ** 0.5, (1, n_windows, 1))
        + rng.normal(0.0, known["window_period"] ** 0.5, (1, n_windows, n_periods))
        + rng.normal(0.0, known["seed"] ** 0.5, (n_seeds, n_windows, n_periods))
    )


def test_examples_hold():
    assert doctest.testmod(components_module).failed == 0


def test_known_components_are_recovered_to_10_percent_from_one_large_table():
    """5 seeds, 600 windows, 600 periods: a component's relative sd is √(2/599), 6 %."""
    table = drawn(np.random.default_rng(2), n_seeds=5, n_windows=600, n_periods=600)
    found = components(table, seed=1).by_source
    for name, value in KNOWN.items():
        assert found[name].variance == pytest.approx(value, rel=0.1), name
        low, high = found[name].interval
        assert low < found[name].variance < high


def test_known_components_are_recovered_to_10_percent_on_average_at_the_size_of_a_run():
    """5 seeds, 3 windows, 20 years: the mean over 1500 tables has a relative sd of 3 % at most."""
    rng = np.random.default_rng(3)
    found = [components(drawn(rng, n_seeds=5, n_windows=3, n_periods=20), seed=1) for _ in range(1500)]
    for name, value in KNOWN.items():
        mean = np.mean([one.by_source[name].variance for one in found])
        assert mean == pytest.approx(value, rel=0.1), name


def test_intervals_cover_as_often_as_they_say():
    rng = np.random.default_rng(4)
    tables = [drawn(rng, n_seeds=5, n_windows=3, n_periods=20) for _ in range(600)]
    found = [components(table, seed=n) for n, table in enumerate(tables)]
    for name, value in KNOWN.items():
        inside = [
            one.by_source[name].interval[0] <= value <= one.by_source[name].interval[1] for one in found
        ]
        assert 0.86 <= np.mean(inside) <= 0.97, name
    inside = [one.mean_interval[0] <= 0.3 <= one.mean_interval[1] for one in found]
    assert 0.88 <= np.mean(inside) <= 0.97


@pytest.mark.parametrize(
    ("shape", "known"),
    [
        ((3, 2, 10), {"period": 1.0, "window": 2.0, "window_period": 0.5, "seed": 1.0}),
        pytest.param(
            (5, 3, 20),
            {"period": 1.0, "window": 2.0, "window_period": 0.5, "seed": 1.0},
            marks=pytest.mark.slow,
        ),
        pytest.param(
            (5, 3, 20),
            {"period": 4.0, "window": 0.0, "window_period": 0.0, "seed": 1.0},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_interval_of_the_mean_lies_above_the_truth_no_more_often_than_it_says(shape, known):
    """5 % of 400 tables; 8 % or more would be beyond luck. With the freedom of the periods: 10 to 13 %."""
    rng = np.random.default_rng(8)
    n_seeds, n_windows, n_periods = shape
    above = [
        components(
            drawn(rng, n_seeds=n_seeds, n_windows=n_windows, n_periods=n_periods, known=known), seed=n
        ).mean_interval[0]
        > 0.3
        for n in range(400)
    ]
    assert np.mean(above) < 0.08


def of_networks_used_for_long(rng, *, n_seeds, n_windows, n_periods, network=2.0):
    """The luck of a network goes through all periods of its window."""
    table = drawn(rng, n_seeds=n_seeds, n_windows=n_windows, n_periods=n_periods, known=KNOWN | {"seed": 1.0})
    return table + rng.normal(0.0, network**0.5, (n_seeds, n_windows, 1))


def test_a_network_that_serves_several_periods_has_a_component_of_its_own():
    """5 seeds, 1500 windows, 100 periods: its relative sd is √(2/6000), 2 %, that of the window 7 %."""
    rng = np.random.default_rng(9)
    table = of_networks_used_for_long(rng, n_seeds=5, n_windows=1500, n_periods=100)
    found = components(table, seed=1, shared=True).by_source
    assert found["seed"].variance == pytest.approx(2.0, rel=0.1)
    assert found["seed_period"].variance == pytest.approx(1.0, rel=0.05)
    assert found["window"].variance == pytest.approx(1.0, rel=0.2)
    assert found["window_period"].variance == pytest.approx(0.5, rel=0.1)
    assert sum(component.share for component in found.values()) == pytest.approx(1.0)


def test_one_window_whose_networks_serve_all_periods_does_not_pass_for_sure():
    """With seeds as repetitions within a period the interval of the mean would miss the truth often."""
    rng = np.random.default_rng(10)
    above = {True: 0, False: 0}
    for n in range(150):
        noise = rng.normal(0.0, 0.3, (5, 1, 20)) + rng.normal(0.0, 0.5, (1, 1, 20))
        table = 0.3 + noise + rng.normal(0.0, 2.0, (5, 1, 1))
        for shared in above:
            above[shared] += components(table, seed=n, shared=shared).mean_interval[0] > 0.3
    assert above[True] / 150 < 0.11
    assert above[False] / 150 > 0.2


def test_shares_sum_to_one_and_a_negative_component_counts_as_none():
    rng = np.random.default_rng(5)
    known = KNOWN | {"window": 0.0, "window_period": 0.0}
    tables = [drawn(rng, n_seeds=5, n_windows=3, n_periods=20, known=known) for _ in range(20)]
    found = [components(table, seed=1).by_source for table in tables]
    assert any(one["window"].variance < 0.0 for one in found)
    for one in found:
        assert sum(component.share for component in one.values()) == pytest.approx(1.0)
        assert all(component.share >= 0.0 for component in one.values())
        assert all(component.interval[0] >= 0.0 for component in one.values())


def test_one_window_leaves_period_and_seed():
    rng = np.random.default_rng(6)
    known = {"period": 4.0, "window": 0.0, "window_period": 0.0, "seed": 2.0}
    found = components(drawn(rng, n_seeds=5, n_windows=1, n_periods=2000, known=known), seed=1).by_source
    assert found["period"].variance == pytest.approx(4.0, rel=0.1)
    assert found["seed"].variance == pytest.approx(2.0, rel=0.1)
    assert np.isnan(found["window"].variance)
    assert np.isnan(found["window"].interval).all()


def test_a_seed_that_changes_nothing_has_no_share():
    table = np.broadcast_to(np.random.default_rng(7).normal(size=(1, 3, 8)), (4, 3, 8))
    assert components(table, seed=1).by_source["seed"].variance == 0.0


def test_variants_are_seeds_times_windows_and_share_those_of_the_other_axes():
    from backtester.stress.axes.seeds import AXIS as SEEDS
    from backtester.stress.axes.windows import AXIS as WINDOWS

    context = context_of(random_walk(500, seed=1), effect)
    changes = [variant.changes for variant in AXIS.variants(context)]
    assert len(changes) == 15
    assert changes[0] == {}
    seeds = [variant.changes for variant in SEEDS.variants(context)]
    assert [change for change in changes if set(change) == {"seed"}] == seeds[1:5]
    assert {change["folds.train"] for change in changes if "folds.train" in change} == {60, 180}
    rolling = [variant.changes for variant in WINDOWS.variants(context)[1:]]
    alone = [change for change in changes if set(change) == {"folds.train"}]
    assert all(
        any(one["folds.train"] == change["folds.train"] and one["folds.test"] == 30 for one in rolling)
        for change in alone
    )


def test_a_true_effect_is_surely_above_0_over_seeds_windows_and_years():
    context = context_of(ar1(1500, seed=1, phi=0.3), effect)
    result = AXIS.conclude(context, outcomes_of(context, AXIS, effect))
    assert result.answer is Answer.YES
    assert result.facts["years"] == 5
    assert result.facts["seeds"] == 5
    assert result.facts["windows"] == 3
    assert "% by the period" in result.sentence
    shown = [case for case in result.cases if "share" in case.figures]
    assert [case.coordinates["source"] for case in shown] == [
        "the period",
        "the training window",
        "the window in its period",
        "the seed",
    ]


def test_a_gain_of_one_seed_alone_is_not_passed():
    def lucky(variant, asked):
        return coins(variant.label, n=len(asked.prices)) if variant.changes else prophet(asked)

    context = context_of(random_walk(1500, seed=3), lucky)
    result = AXIS.conclude(context, outcomes_of(context, AXIS, lucky))
    assert result.answer is not Answer.YES
    assert result.facts["variance_seed"]["estimate"] > 0.0


def test_a_short_history_is_cut_into_quarters():
    context = context_of(ar1(600, seed=1, phi=0.3), effect)
    result = AXIS.conclude(context, outcomes_of(context, AXIS, effect))
    assert result.facts["quarters"] >= 5


def test_a_history_too_short_for_quarters_says_so():
    context = context_of(ar1(230, seed=1, phi=0.3), effect)
    result = AXIS.conclude(context, outcomes_of(context, AXIS, effect))
    assert result.answer is Answer.INCONCLUSIVE
    assert "too short" in result.sentence


def test_a_seed_that_fails_in_every_window_is_not_told_as_a_short_history():
    context = context_of(ar1(1500, seed=1, phi=0.3), effect)
    outcomes = outcomes_of(context, AXIS, effect)
    failed = [
        type(one)(variant=one.variant, question=None, forecasts=None, reason="diverged")
        if n % 5 == 2
        else one
        for n, one in enumerate(outcomes)
    ]
    result = AXIS.conclude(context, failed)
    assert result.answer is Answer.INCONCLUSIVE
    assert result.sentence == "In every training window there is a seed that could not be compared."


@pytest.mark.parametrize(("test", "shared"), [(30, False), (600, True)])
def test_networks_used_for_years_share_their_luck_between_them(test, shared):
    context = context_of(ar1(1500, seed=1, phi=0.3), effect, folds={"train": 120, "test": test})
    result = AXIS.conclude(context, outcomes_of(context, AXIS, effect))
    assert ("variance_seed_period" in result.facts) is shared


def test_a_window_with_a_failed_seed_is_left_out():
    context = context_of(ar1(1500, seed=1, phi=0.3), effect)
    outcomes = outcomes_of(context, AXIS, effect)
    failed = type(outcomes[7])(variant=outcomes[7].variant, question=None, forecasts=None, reason="diverged")
    result = AXIS.conclude(context, [*outcomes[:7], failed, *outcomes[8:]])
    assert result.facts["windows"] == 2
    assert any(note.startswith("Left out") for note in result.notes)
