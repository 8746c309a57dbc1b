import numpy as np
import pytest

from backtester.judgement import Answer
from backtester.stress.axes.seeds import AXIS
from tests.markets import ar1, random_walk
from tests.stressed import coins, context_of, effect, outcomes_of, prophet


def one_good_seed(variant, asked):
    """The run's own seed happens to be right; every other knows nothing."""
    if not variant.changes:
        return prophet(asked)
    return coins(variant.label, n=len(asked.prices))


def conclusion(prices, signal, **sections):
    context = context_of(prices, signal, **sections)
    return AXIS.conclude(context, outcomes_of(context, AXIS, signal))


def test_one_good_seed_is_caught_in_words():
    result = conclusion(random_walk(700, seed=1), one_good_seed)
    assert result.answer is Answer.NO
    assert result.sentence.startswith("The gain hangs on the seed: the run's own Sharpe ratio is ")
    assert "the median of 9 other seeds" in result.sentence
    assert result.facts["sharpe_difference"]["place"] == 1
    assert result.cases[0].stands is True


def test_a_true_effect_does_not_hang_on_the_seed():
    result = conclusion(ar1(700, seed=1, phi=0.3), effect)
    assert result.answer is Answer.YES
    assert result.sentence.startswith("The gain does not hang on the seed")
    assert all(case.stands for case in result.cases)


def test_no_gain_is_no_fluke_and_no_pass():
    def nothing(variant, asked):
        return -prophet(asked)

    result = conclusion(random_walk(700, seed=1), nothing)
    assert result.answer is Answer.INCONCLUSIVE
    assert "There is no gain over buy-and-hold" in result.sentence


def test_the_spread_of_every_headline_figure_is_told():
    result = conclusion(ar1(700, seed=2, phi=0.3), effect)
    values = [case.figures["cagr"] for case in result.cases]
    found = result.facts["cagr"]
    assert found["mean"] == pytest.approx(np.mean(values))
    assert found["sd"] == pytest.approx(np.std(values, ddof=1))
    assert (found["smallest"], found["largest"], found["own"]) == (min(values), max(values), values[0])
    assert found["place"] == 1 + sum(value > values[0] for value in values)
    assert {"sharpe", "excess", "max_drawdown", "rmse_ratio", "r2_oos"} <= set(result.facts)


def test_a_small_rmse_ratio_is_a_good_place():
    result = conclusion(random_walk(700, seed=1), one_good_seed)
    assert result.facts["rmse_ratio"]["place"] == 1


def test_the_run_is_among_the_variants_and_each_seed_once():
    context = context_of(random_walk(300, seed=1), one_good_seed, stress={"seeds": 12})
    variants = AXIS.variants(context)
    assert len(variants) == 12
    assert variants[0].changes == {}
    seeds = [variant.changes["seed"] for variant in variants[1:]]
    assert len(set(seeds)) == 11
    assert context.recipe.seed not in seeds


def test_a_model_that_ignores_the_seed_is_told_so():
    def same(variant, asked):
        return prophet(asked)

    result = conclusion(random_walk(700, seed=1), same)
    assert result.answer is Answer.YES
    assert result.sentence == "The seed changes nothing: all 10 forecasts are the same."
    assert conclusion(random_walk(700, seed=1), same, stress={"seeds": 2}).answer is Answer.YES


@pytest.mark.parametrize(("seeds", "answer"), [(4, Answer.INCONCLUSIVE), (5, Answer.YES)])
def test_an_answer_takes_four_other_seeds(seeds, answer):
    result = conclusion(ar1(700, seed=1, phi=0.3), effect, stress={"seeds": seeds})
    assert result.answer is answer
    assert any("too few for an answer" in note for note in result.notes) is (seeds < 5)


def test_a_failed_seed_is_a_case_with_its_reason():
    prices = ar1(700, seed=1, phi=0.3)
    context = context_of(prices, effect)
    outcomes = outcomes_of(context, AXIS, effect)
    broken = type(outcomes[3])(
        variant=outcomes[3].variant, question=outcomes[3].question, forecasts=None, reason="diverged"
    )
    result = AXIS.conclude(context, [*outcomes[:3], broken, *outcomes[4:]])
    assert result.cases[3].note == "diverged"
    assert result.cases[3].figures == {}
    assert broken.variant.label in " ".join(result.notes)
    assert result.answer is Answer.YES
