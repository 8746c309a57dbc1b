import numpy as np
import pytest

from backtester.judgement import Answer
from backtester.stress.axes.members import AXIS
from backtester.stress.context import Outcome
from tests.markets import ar1, random_walk
from tests.stressed import coins, context_of, outcomes_of, planted, prophet, returns_of


def averaged(variant, asked):
    """The best forecast and what every network adds to it, which averages out."""
    count = int(variant.coordinates.get("members", 1))
    prices = asked.prices
    noise = [coins("member", k, n=len(prices), sd=0.01) for k in range(count)]
    return 0.3 * returns_of(prices) + np.mean(noise, axis=0)


def lucky_alone(variant, asked):
    if variant.changes:
        return coins(variant.label, n=len(asked.prices)) - 0.3 * prophet(asked)
    return prophet(asked)


def conclusion(prices, signal, **sections):
    context = context_of(prices, signal, **sections)
    return AXIS.conclude(context, outcomes_of(context, AXIS, signal))


def test_averaging_helps_where_networks_differ_by_noise():
    result = conclusion(ar1(1500, seed=1, phi=0.3), averaged)
    assert result.answer is Answer.YES
    assert result.sentence.startswith("Averaging helps the forecast")
    assert result.facts["r2_oos"]["1"] < result.facts["r2_oos"]["3"] < result.facts["r2_oos"]["5"]


def test_a_gain_that_averaging_takes_away_is_caught():
    result = conclusion(random_walk(700, seed=1), lucky_alone)
    assert result.answer is Answer.NO


def test_one_other_number_of_members_answers_nothing():
    result = conclusion(ar1(1500, seed=1, phi=0.3), averaged, stress={"members": [1, 5]})
    assert result.answer is Answer.INCONCLUSIVE


def test_infinitely_many_members_are_foretold_from_their_spread():
    prices = ar1(6900, seed=3, phi=0.3)
    context = context_of(prices, averaged, folds={"train": 120, "test": 500})
    outcomes = []
    for outcome in outcomes_of(context, AXIS, averaged):
        count = int(outcome.variant.coordinates["members"])
        draws = np.stack([coins("member", k, n=len(prices), sd=0.01) for k in range(count)])
        sd = np.std(draws, axis=0, ddof=1) if count > 1 else np.full(len(prices), np.nan)
        table = planted(outcome.question, averaged(outcome.variant, outcome.question))
        here = sd[prices.dates.get_indexer(table.frame["origin"])]
        table = type(table)(frame=table.frame.assign(forecast_sd=here))
        outcomes.append(Outcome(variant=outcome.variant, question=outcome.question, forecasts=table))
    result = AXIS.conclude(context, outcomes)
    # R² of the best forecast of an AR(1) is φ²
    assert result.facts["r2_oos_of_infinitely_many"] == pytest.approx(0.09, abs=0.02)
    assert result.facts["r2_oos"]["5"] < 0.0


def test_the_run_is_among_the_variants_once():
    context = context_of(random_walk(300, seed=1), averaged, training={"members": 3})
    variants = AXIS.variants(context)
    assert variants[0].changes == {}
    assert [variant.changes["training.members"] for variant in variants[1:]] == [1, 5]
    assert AXIS.conclude(context, outcomes_of(context, AXIS, averaged)).tried


def test_a_model_whose_networks_are_all_alike_up_to_rounding_is_told_so():
    def alike(variant, asked):
        return prophet(asked) * (1.0 + 1e-15 * len(variant.changes))

    result = conclusion(random_walk(700, seed=1), alike)
    assert result.sentence.startswith("Averaging changes nothing")
