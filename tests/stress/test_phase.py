from backtester.judgement import Answer
from backtester.stress.axes.phase import AXIS
from tests.markets import ar1, random_walk
from tests.stressed import coins, context_of, effect, outcomes_of, prophet


def one_good_phase(variant, asked):
    if not variant.changes:
        return prophet(asked)
    return coins(variant.label, n=len(asked.prices))


def conclusion(prices, signal, **sections):
    context = context_of(prices, signal, **sections)
    return AXIS.conclude(context, outcomes_of(context, AXIS, signal))


def test_a_result_at_one_phase_only_is_caught_in_words():
    result = conclusion(random_walk(700, seed=2), one_good_phase)
    assert result.answer is Answer.NO
    assert result.sentence.startswith("The gain hangs on the phase of the folds: the run's own Sharpe ratio")
    assert result.sentence.endswith("A result that hangs on the day of retraining is luck.")


def test_a_true_effect_holds_at_every_phase():
    result = conclusion(ar1(700, seed=2, phi=0.3), effect)
    assert result.answer is Answer.YES
    assert not result.tried


def test_shifts_are_parts_of_a_test_span_beyond_the_runs_own():
    context = context_of(random_walk(300, seed=1), effect, folds={"train": 120, "test": 40, "phase": 5})
    variants = AXIS.variants(context)
    assert [variant.changes.get("folds.phase") for variant in variants] == [None, 15, 25, 35]
    assert [variant.coordinates["shift"] for variant in variants] == [0, 10, 20, 30]


def test_all_are_compared_on_the_dates_that_all_have():
    prices = ar1(700, seed=2, phi=0.3)
    context = context_of(prices, effect)
    outcomes = outcomes_of(context, AXIS, effect)
    result = AXIS.conclude(context, outcomes)
    holdings = {round(case.figures["sharpe_holding"], 12) for case in result.cases}
    assert len(holdings) == 1
    last = outcomes[-1].forecasts.frame["origin"].iloc[0]
    n_common = int((prices.dates > last).sum()) - 1  # without the bar at which it buys
    assert any(f"Compared on the {n_common:,} bars" in note for note in result.notes)


def test_one_split_has_no_phase():
    folds = {"train": 120, "scheme": "single"}
    result = conclusion(random_walk(700, seed=1), one_good_phase, folds=folds)
    assert result.answer is Answer.INCONCLUSIVE
    assert result.sentence == "There is no schedule of folds that could be shifted."
    assert result.pictures
