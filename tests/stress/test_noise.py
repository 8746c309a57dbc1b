import numpy as np
import pytest

from backtester.judgement import Answer
from backtester.metrics import forecast_accuracy
from backtester.stress.axes.noise import AXIS, noisy_prices
from tests.markets import ar1, random_walk
from tests.stressed import coins, context_of, effect, outcomes_of, prophet


def test_noisy_bars_stay_valid_and_move_together():
    prices = random_walk(2000, seed=1)
    noisy = noisy_prices(prices, noise_bp=50.0, seed=3)
    ratios = {name: noisy.column(name) / prices.column(name) for name in ("open", "high", "low", "close")}
    assert np.log(ratios["close"]).std() == pytest.approx(50e-4, rel=0.05)
    for name, ratio in ratios.items():
        assert ratio == pytest.approx(ratios["close"]), name
    assert (noisy.column("high") >= np.maximum(noisy.column("open"), noisy.column("close"))).all()
    assert (noisy.column("low") <= np.minimum(noisy.column("open"), noisy.column("close"))).all()
    assert (noisy.column("volume") == prices.column("volume")).all()
    assert noisy.symbol == prices.symbol


def test_the_same_draw_in_another_size_is_the_same_noise():
    prices = random_walk(200, seed=1)
    one, five = (
        np.log(noisy_prices(prices, noise_bp=size, seed=3).column("close") / prices.column("close"))
        for size in (1.0, 5.0)
    )
    assert five == pytest.approx(5.0 * one, rel=1e-6, abs=1e-12)


def test_a_true_effect_outlives_small_noise():
    context = context_of(ar1(900, seed=5, phi=0.3), effect)
    result = AXIS.conclude(context, outcomes_of(context, AXIS, effect))
    assert result.answer is Answer.YES
    assert len(result.cases) == 7
    assert result.cases[0].figures["forecast_correlation"] == pytest.approx(1.0)
    assert "at 1 bp" in result.sentence


def test_a_result_that_hangs_on_the_last_basis_points_is_caught():
    def fragile(variant, asked):
        return coins(variant.label, n=len(asked.prices)) if variant.prices else prophet(asked)

    context = context_of(random_walk(700, seed=5), fragile)
    result = AXIS.conclude(context, outcomes_of(context, AXIS, fragile))
    assert result.answer is Answer.NO
    assert result.sentence.startswith("The gain hangs on the last basis points")


def test_nobody_earns_the_bounce_of_noisy_prices():
    """A forecast of what the noise gives back is right on noisy prices; scored it is at the real ones."""

    def bounce(variant, asked):
        if variant.prices is None:
            return np.full(len(asked.prices), 1e-6)
        real, noisy = context.question.prices.column("close"), asked.prices.column("close")
        return np.log(real / noisy)

    loud = {"noise_bp": [100.0]}
    context = context_of(random_walk(900, seed=6), bounce, stress=loud)
    outcomes = outcomes_of(context, AXIS, bounce)
    assert all(forecast_accuracy(outcome.forecasts).r2_oos > 0.2 for outcome in outcomes[1:])
    cases = AXIS.conclude(context, outcomes).cases
    assert all(case.figures["r2_oos"] < 0.0 for case in cases[1:])
    assert len({case.figures["sharpe_holding"] for case in cases}) == 1


def test_no_noise_is_the_run_itself():
    context = context_of(random_walk(300, seed=1), effect, stress={"noise_bp": [0.0, 2.0], "noise_draws": 1})
    assert [variant.coordinates["noise_bp"] for variant in AXIS.variants(context)] == [0.0, 2.0]
