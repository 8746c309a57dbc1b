import doctest
import math

import numpy as np
import pytest
from arch.bootstrap import SPA
from threadpoolctl import threadpool_limits

from backtester.judgement import superior as module
from backtester.judgement.bootstrap import resampled_means, variance_of_mean
from backtester.judgement.superior import superior


def differences(seed, *, n=300, k=6, best=0.0, worst=0.0, common=0.5):
    """Trials that have a common part, the first with a gain, the last few with a loss, in sd a bar."""
    rng = np.random.default_rng(seed)
    shared = rng.standard_t(6, (n, 1))
    drawn = math.sqrt(common) * shared + math.sqrt(1 - common) * rng.standard_t(6, (n, k))
    drawn[:, 0] += best
    drawn[:, k // 2 :] += worst
    return 0.01 * drawn


def test_examples_hold():
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("best", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("worst", [0.0, -0.05, -0.4])
@pytest.mark.parametrize("block", [1, 5])
def test_p_values_agree_with_arch_on_studentised_differences(best, worst, block):
    for seed in (1, 2):
        d = differences(seed)
        # gains and losses to the digit: below 0 arch and Hansen's max(., 0) part ways
        d += 0.01 * np.array([best, 0.0, 0.0, worst, worst, worst]) - d.mean(axis=0)
        ours = superior(d, block=block, draws=20_000, seed=seed)
        omega = np.sqrt(len(d) * variance_of_mean(d, block=block))
        theirs = SPA(np.zeros(len(d)), -d / omega, block_size=block, reps=1000, seed=seed)
        theirs.compute()
        for name, p in (
            ("lower", ours.p_value_lower),
            ("consistent", ours.p_value),
            ("upper", ours.p_value_upper),
        ):
            error = math.sqrt(max(p * (1 - p), 1e-3) * (1 / 20_000 + 1 / 1000))
            assert theirs.pvalues[name] == pytest.approx(p, abs=4.0 * error + 1e-3)


def test_arch_does_not_studentise_and_we_do():
    # a rival ten times as volatile hides a gain of .2 a bar
    rng = np.random.default_rng(3)
    d = rng.normal(size=(1000, 2)) * [1.0, 10.0] + [0.2, 0.0]
    theirs = [SPA(np.zeros(1000), -d, block_size=1, reps=500, studentize=s, seed=3) for s in (True, False)]
    for test in theirs:
        test.compute()
    assert theirs[0].pvalues["consistent"] == theirs[1].pvalues["consistent"] > 0.05
    assert superior(d, block=1, draws=999, seed=3).p_value == pytest.approx(1 / 1000)


def test_p_values_are_shares_of_the_largest_of_all():
    d = differences(4)
    error = np.sqrt(variance_of_mean(d, block=3))
    # √(2 ln ln 300) = 1.87: the last two are left out
    d += error * [1.5, 0.5, -1.0, -1.7, -2.0, -9.0] - d.mean(axis=0)
    found = superior(d, block=3, draws=500, seed=4)
    z = d.mean(axis=0) / error
    assert found.statistics == pytest.approx(z)
    centre = np.where(z < -math.sqrt(2 * math.log(math.log(len(d)))), 0.0, z)
    assert np.sum(centre == 0.0) == 2
    drawn = resampled_means(d, block=3, draws=500, seed=4) / error - centre
    largest = np.maximum(drawn.max(axis=1), 0.0)
    expected = [(1 + np.sum(largest >= max(own, 0.0))) / 501 for own in z]
    assert found.p_values == pytest.approx(expected)
    assert found.p_value == np.min(found.p_values) == found.p_values[np.argmax(z)]


def test_the_bounds_enclose_the_p_value():
    for seed in range(20):
        found = superior(differences(seed, best=0.1, worst=-0.1), block=2, draws=300, seed=seed)
        assert found.p_value_lower <= found.p_value <= found.p_value_upper


def test_one_trial_alone_is_held_against_its_own_resamples():
    d = differences(5, k=1, best=0.2)
    found = superior(d, block=2, draws=999, seed=5)
    draws = resampled_means(d, block=2, draws=999, seed=5)[:, 0]
    mean = float(d.mean())
    assert 0.001 < found.p_value < 0.5
    assert found.p_value == pytest.approx((1 + np.sum(draws - mean >= mean)) / 1000)
    np.testing.assert_array_equal(found.p_values, [found.p_value])
    assert superior(d[:, 0], block=2, draws=999, seed=5).p_value == found.p_value


def test_another_try_never_makes_a_trial_look_better():
    d = differences(6, k=40, best=0.16, common=0.0)
    alone, among = (superior(d[:, :k], block=1, draws=2000, seed=6).p_values[0] for k in (1, 40))
    assert alone < 0.05 < among


def test_copies_of_a_trial_cost_nothing():
    d = differences(7, k=1, best=0.1)
    alone, copied = (superior(np.repeat(d, k, axis=1), block=2, draws=999, seed=7) for k in (1, 30))
    assert copied.p_value == alone.p_value
    assert np.all(copied.p_values == alone.p_value)


def test_hopeless_trials_cost_nothing_but_in_the_upper_bound():
    d = np.hstack([differences(8, k=2, best=0.15), differences(9, k=60, common=0.0) - 0.02])
    alone, among = (superior(d[:, :k], block=1, draws=2000, seed=8) for k in (2, 62))
    assert among.p_value == pytest.approx(alone.p_value, abs=0.005)
    assert among.p_value_upper > among.p_value + 0.02


def test_the_stake_does_not_matter():
    d = differences(10, best=0.1)
    plain = superior(d, block=2, draws=500, seed=10)
    staked = superior(d * [1.0, 100.0, 1e-4, 3.0, 7.0, 1.0], block=2, draws=500, seed=10)
    np.testing.assert_allclose(staked.statistics, plain.statistics, rtol=1e-9)
    np.testing.assert_array_equal(staked.p_values, plain.p_values)


def test_trials_without_a_gain_have_the_p_value_one():
    found = superior(-np.abs(differences(11)), block=1, draws=99, seed=11)
    assert found.p_value == found.p_value_lower == found.p_value_upper == 1.0
    assert np.all(found.p_values == 1.0)


def test_a_trial_that_never_differs_gains_nothing_and_is_no_rival():
    d = differences(12, k=2, best=0.15)
    with_flat = np.column_stack([d, np.zeros(len(d)), np.full(len(d), -0.001), np.full(len(d), 0.001)])
    plain, found = (superior(x, block=2, draws=500, seed=12) for x in (d, with_flat))
    assert found.p_value == plain.p_value
    np.testing.assert_array_equal(found.p_values, [*plain.p_values, 1.0, 1.0, math.nan])
    assert np.all(np.isnan(found.statistics[2:]))
    nothing = superior(np.zeros((100, 2)), block=1, draws=9, seed=1)
    assert (nothing.p_value, nothing.p_values.tolist()) == (1.0, [1.0, 1.0])
    assert math.isnan(superior(np.full(100, 0.01), block=1, draws=9, seed=1).p_value)


@pytest.mark.parametrize("shape", [(0, 2), (1, 2), (2, 2), (100, 0)])
def test_too_little_is_undefined(shape):
    found = superior(np.random.default_rng(1).normal(size=shape), block=1, draws=9, seed=1)
    assert np.all(np.isnan([found.p_value, found.p_value_lower, found.p_value_upper]))
    assert found.p_values.shape == (shape[1],)
    assert np.all(np.isnan(found.p_values))


def test_a_hole_leaves_all_undefined():
    d = differences(13)
    d[5, 2] = math.nan
    found = superior(d, block=1, draws=9, seed=1)
    assert math.isnan(found.p_value)
    assert np.all(np.isnan(found.p_values))


def test_draws_follow_from_the_seed_whatever_the_threads():
    d = differences(14, n=1500, k=20, best=0.05)
    found = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            found.append(superior(d, block=2, draws=1000, seed=14))
    np.testing.assert_array_equal(found[0].p_values, found[1].p_values)
    assert np.any(superior(d, block=2, draws=1000, seed=15).p_values != found[0].p_values)
    with pytest.raises(ValueError, match="read-only"):
        found[0].p_values[0] = 0.0


def test_worthless_trials_are_rejected_no_more_often_than_the_level_says():
    # 400 searches of 10: at most the upper end of the exact binomial 99 % range of 5 %
    p_values = [superior(differences(i, k=10), block=1, draws=299, seed=i).p_value for i in range(400)]
    assert np.mean(np.array(p_values) <= 0.05) <= 0.078
    assert np.mean(np.array(p_values) <= 0.5) == pytest.approx(0.5, abs=0.15)


def test_a_gain_is_found_among_worthless_trials():
    found = [
        superior(differences(i, k=20, best=0.3), block=1, draws=299, seed=i).p_values[0] for i in range(30)
    ]
    assert np.mean(np.array(found) <= 0.05) > 0.9
