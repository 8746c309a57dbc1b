import dataclasses
import doctest

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from backtester.forecasts import Forecasts
from backtester.judgement import Answer
from backtester.prices import prices_from_frame, read_prices
from backtester.recipe.sections import DataSection
from backtester.stress.axes import synthetic as synthetic_module
from backtester.stress.axes.synthetic import AXIS, placebo_p_value, placebo_prices
from backtester.stress.context import Outcome
from tests.markets import ar1, random_walk
from tests.stressed import coins, context_of, outcomes_of, planted, returns_of


def learnt(prices, *, train=120):
    """Forecast by a regression on the last return, fitted anew at each bar to all that is known there."""
    returns = returns_of(prices)
    before, after = returns[:-1], returns[1:]
    slope = np.zeros(len(returns))
    squares, products = np.cumsum(before**2), np.cumsum(before * after)
    slope[train:] = products[train - 1 :] / squares[train - 1 :]
    mean = np.cumsum(returns) / np.arange(1, len(returns) + 1)
    return mean + slope * (returns - mean)


def cheap(variant, asked):
    return learnt(asked.prices)


def test_examples_hold():
    assert doctest.testmod(synthetic_module).failed == 0


def test_a_placebo_has_the_same_moves_on_the_same_days_and_the_same_drift():
    prices = random_walk(2000, seed=1)
    placebo = placebo_prices(prices, seed=2)
    real, drawn = (returns_of(one)[1:] for one in (prices, placebo))
    assert drawn.mean() == pytest.approx(real.mean(), abs=1e-12)
    assert placebo.column("close")[-1] == pytest.approx(prices.column("close")[-1])
    # each is m ± (c - m), less one number for all, which the largest move tells
    size, moved = real - real.mean(), drawn - real.mean()
    largest = np.argmax(np.abs(size))
    left = min(size[largest] - moved[largest], -size[largest] - moved[largest], key=abs)
    assert np.abs(moved + left) == pytest.approx(np.abs(size), abs=1e-12)
    assert 0.45 < np.mean(np.sign(moved + left) == np.sign(size)) < 0.55
    assert placebo.symbol == prices.symbol
    assert (placebo.column("volume") == prices.column("volume")).all()


@pytest.mark.parametrize("seed", range(5))
def test_placebo_bars_are_valid(seed):
    prices = random_walk(1500, seed=seed)
    placebo = placebo_prices(prices, seed=seed + 10)
    opens, high, low, close = (placebo.column(name) for name in ("open", "high", "low", "close"))
    assert (high >= np.maximum(opens, close)).all()
    assert (low <= np.minimum(opens, close)).all()
    assert (low > 0.0).all()
    # they pass every check that prices from a file pass
    assert len(prices_from_frame(placebo.frame, symbol="X")) == len(prices)


def test_real_bars_give_valid_placebos_and_keep_their_clusters_of_volatility():
    prices = read_prices(DataSection(symbol="SPY"), folder=None)
    placebo = placebo_prices(prices, seed=1)
    opens, high, low, close = (placebo.column(name) for name in ("open", "high", "low", "close"))
    assert (high >= np.maximum(opens, close)).all()
    assert (low <= np.minimum(opens, close)).all()
    real, drawn = (np.abs(returns_of(one)) for one in (prices, placebo))
    assert stats.pearsonr(real[1:], drawn[1:]).statistic > 0.98
    gap = np.log(opens[1:] / close[:-1]).mean()
    real_gap = np.log(prices.column("open")[1:] / prices.column("close")[:-1]).mean()
    assert gap == pytest.approx(real_gap, abs=3e-4)


def test_prices_with_closes_alone_have_placebos_too():
    prices = random_walk(300, seed=1)
    closes = dataclasses.replace(prices, frame=prices.frame[["close"]])
    placebo = placebo_prices(closes, seed=1)
    assert list(placebo.frame.columns) == ["close"]
    assert placebo.column("close")[-1] == pytest.approx(prices.column("close")[-1])


def test_a_signal_is_gone_from_its_placebos():
    prices = ar1(6000, seed=1, phi=0.3)
    alike = []
    for seed in range(20):
        drawn = returns_of(placebo_prices(prices, seed=seed))
        alike.append(np.corrcoef(drawn[:-1], drawn[1:])[0, 1])
    assert np.mean(alike) == pytest.approx(0.0, abs=0.01)


def test_a_true_effect_is_beyond_every_placebo():
    context = context_of(ar1(1500, seed=2, phi=0.3), cheap)
    result = AXIS.conclude(context, outcomes_of(context, AXIS, cheap))
    assert result.answer is Answer.YES
    assert result.facts["p_value_r2_oos"] == result.facts["p_value_sharpe_difference"] == 0.05
    assert result.sentence.startswith("Of 19 histories with the same volatility and no signal, 0 gave")
    assert len(result.pictures[0].draws) == 19
    assert not result.tried


def test_a_lucky_gain_that_placebos_have_too_is_caught():
    """What the recipe finds is there whatever the prices: it sees the coming return of any history."""

    def leaks(variant, asked):
        coming = np.append(returns_of(asked.prices)[1:], 0.0)
        return 0.1 * coming + coins(variant.label, n=len(coming))

    answers = []
    for seed in range(6):
        context = context_of(random_walk(700, seed=seed), leaks)
        assert context.baseline["sharpe_difference"] > 1.0
        answers.append(AXIS.conclude(context, outcomes_of(context, AXIS, leaks)).answer)
    assert Answer.NO in answers
    assert Answer.YES not in answers


def test_too_few_placebos_for_a_yes_are_named():
    context = context_of(ar1(1500, seed=2, phi=0.3), cheap, stress={"placebos": 9})
    result = AXIS.conclude(context, outcomes_of(context, AXIS, cheap))
    assert result.answer is Answer.INCONCLUSIVE
    assert any("19 can" in note for note in result.notes)


def test_the_p_value_is_never_0_and_counts_ties_against_the_run():
    assert placebo_p_value(1.0, draws=[0.0] * 19) == 0.05
    assert placebo_p_value(1.0, draws=[1.0] * 19) == 1.0


def test_a_placebo_that_failed_is_left_out_and_named():
    context = context_of(ar1(1500, seed=2, phi=0.3), cheap, stress={"placebos": 20})
    outcomes = outcomes_of(context, AXIS, cheap)
    outcomes[4] = dataclasses.replace(outcomes[4], forecasts=None, reason="diverged")
    result = AXIS.conclude(context, outcomes)
    assert result.facts["placebos"] == 19
    assert result.cases[4].note == "diverged"
    assert result.answer is Answer.YES


@pytest.mark.slow
def test_the_p_value_is_uniform_on_random_walks():
    """100 random walks, a regression as the forecaster, 39 placebos each."""
    found = {"p_value_r2_oos": [], "p_value_sharpe_difference": []}
    for seed in range(100):
        context = context_of(
            random_walk(300, seed=seed), cheap, stress={"placebos": 39}, strategy={"kind": "long_short"}
        )
        outcomes = []
        for variant in AXIS.variants(context):
            prices = variant.prices or context.question.prices
            asked = dataclasses.replace(context.question, prices=prices)
            frame = planted(asked, learnt(prices)).frame
            outcomes.append(Outcome(variant=variant, question=asked, forecasts=_scored(frame, asked)))
        facts = AXIS.conclude(context, outcomes).facts
        for name, values in found.items():
            values.append(facts[name])
    for name, values in found.items():
        assert stats.kstest(values, "uniform").pvalue > 0.01, name
        assert np.mean(np.array(values) <= 0.05) <= 0.12, name


def _scored(frame, asked):
    """A question with replaced prices still holds the closes of the real ones: what came is written anew."""
    close = pd.Series(asked.prices.column("close"), index=asked.prices.dates)
    last = close.reindex(frame["origin"]).to_numpy()
    came = close.reindex(frame["target_date"]).to_numpy()
    return Forecasts(frame=frame.assign(last_price=last, actual=np.log(came / last)))
