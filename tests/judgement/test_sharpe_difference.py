import doctest
import math

import numpy as np
import pytest
from scipy.special import ndtr
from threadpoolctl import threadpool_limits

from backtester.judgement import sharpe_difference as module
from backtester.judgement.bootstrap import block_length
from backtester.judgement.sharpe_difference import (
    SharpeDifference,
    jobson_korkie_memmel_se,
    parzen_lags,
    sharpe_difference,
)


def pair(seed, *, n=500, edge=0.0, correlation=0.5):
    """Two series with fat tails, the first with a Sharpe ratio per bar above the second's."""
    rng = np.random.default_rng(seed)
    common, own = rng.standard_t(5, (2, n)) / math.sqrt(5 / 3)
    other = correlation * common + math.sqrt(1 - correlation**2) * own
    return 0.01 * (common + edge + 0.03), 0.02 * (other + 0.03)


def influence(a, b):
    """Series whose mean moves as the difference of the Sharpe ratios does, written out."""
    u = []
    for r, sign in ((a, 1.0), (b, -1.0)):
        mean, square = np.mean(r), np.mean(r**2)
        s = (square - mean**2) ** 1.5
        u.append(sign * (square / s * (r - mean) - 0.5 * mean / s * (r**2 - square)))
    return u[0] + u[1]


def parzen(x):
    return 1 - 6 * x**2 + 6 * x**3 if x <= 0.5 else max(2 * (1 - x) ** 3, 0.0)


def matrix_error(a, b, *, lags):
    """Standard error by 4x4 matrices, as Ledoit and Wolf (2008) write it."""
    t = len(a)
    m1, m2, g1, g2 = np.mean(a), np.mean(b), np.mean(a**2), np.mean(b**2)
    s1, s2 = (g1 - m1**2) ** 1.5, (g2 - m2**2) ** 1.5
    gradient = np.array([g1 / s1, -g2 / s2, -0.5 * m1 / s1, 0.5 * m2 / s2])
    y = np.column_stack([a - m1, b - m2, a**2 - g1, b**2 - g2])
    psi = y.T @ y / t
    for j in range(1, t):
        if lags and j < lags:
            gamma = y[j:].T @ y[:-j] / t
            psi += parzen(j / lags) * (gamma + gamma.T)
    return math.sqrt(gradient @ psi @ gradient / (t - 4))


def test_examples_hold():
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("lags", [0, 1, 2.5, 7, 40])
def test_the_error_is_that_of_the_matrices_and_of_one_series(lags):
    a, b = pair(1)
    found = sharpe_difference(a, b, draws=19, seed=1, lags=lags)
    assert found.se == pytest.approx(matrix_error(a, b, lags=lags), rel=1e-9)
    u, n = influence(a, b), len(a)
    gamma = [float(u[j:] @ u[: n - j]) / n for j in range(n)]
    long_run = gamma[0] + 2 * sum(parzen(j / lags) * gamma[j] for j in range(1, n) if lags and j < lags)
    assert found.se == pytest.approx(math.sqrt(long_run / (n - 4)), rel=1e-9)
    sharpes = [np.mean(r) / np.std(r) for r in (a, b)]
    assert found.difference == pytest.approx(sharpes[0] - sharpes[1], rel=1e-12)
    assert found.statistic == found.difference / found.se
    assert found.p_value_normal == pytest.approx(2 * ndtr(-abs(found.statistic)))


def test_lags_are_chosen_from_autoregressions():
    a, b = pair(2)
    y = np.column_stack([a - a.mean(), b - b.mean(), a**2 - np.mean(a**2), b**2 - np.mean(b**2)])
    above = below = 0.0
    for column in y.T:
        rho = float(column[1:] @ column[:-1]) / float(column[:-1] @ column[:-1])
        variance = np.mean((column[1:] - rho * column[:-1]) ** 2)
        above += 4 * rho**2 * variance**2 / (1 - rho) ** 8
        below += variance**2 / (1 - rho) ** 4
    expected = 2.6614 * (above / below * len(a)) ** 0.2
    assert parzen_lags(y) == pytest.approx(expected, rel=1e-9)
    plain = sharpe_difference(a, b, draws=19, seed=2)
    assert plain.se == sharpe_difference(a, b, draws=19, seed=2, lags=parzen_lags(y)).se
    assert parzen_lags(np.zeros((100, 4))) == 0.0
    assert parzen_lags(np.arange(1000.0)[:, None]) < 1000.0


@pytest.mark.parametrize("block", [1, 3, 10])
def test_resamples_are_studentised_as_the_paper_does(block):
    a, b = pair(3, n=101)
    n, n_blocks, draws = 101, 101 // block, 40
    found = sharpe_difference(a, b, draws=draws, seed=3, block=block)
    begins = np.random.Generator(np.random.PCG64(3)).integers(n, size=(draws, n_blocks))
    expected, studentised = [], []
    for row in begins:
        bars = (row[:, None] + np.arange(block)).ravel() % n
        drawn = [a[bars], b[bars]]
        means, squares = [np.mean(r) for r in drawn], [np.mean(r**2) for r in drawn]
        s = [(g - m**2) ** 1.5 for m, g in zip(means, squares, strict=True)]
        gradient = [squares[0] / s[0], -squares[1] / s[1], -0.5 * means[0] / s[0], 0.5 * means[1] / s[1]]
        y = np.column_stack(
            [
                *(r - m for r, m in zip(drawn, means, strict=True)),
                *(r**2 - g for r, g in zip(drawn, squares, strict=True)),
            ]
        )
        zeta = y.reshape(n_blocks, block, 4).sum(axis=1) / math.sqrt(block)
        psi = zeta.T @ zeta / n_blocks
        difference = np.mean(drawn[0]) / np.std(drawn[0]) - np.mean(drawn[1]) / np.std(drawn[1])
        expected.append(difference)
        studentised.append((difference - found.difference) / math.sqrt(gradient @ psi @ gradient / n))
    np.testing.assert_allclose(found.draws, expected, rtol=1e-9)
    np.testing.assert_allclose(found.studentised, np.sort(studentised), rtol=1e-8)
    d = found.statistic
    assert found.p_value == (1 + sum(abs(x) >= abs(d) for x in studentised)) / (draws + 1)
    assert found.p_value_one_sided == (1 + sum(x >= d for x in studentised)) / (draws + 1)


def test_the_block_length_is_that_of_the_one_series():
    a, b = (np.convolve(series, np.ones(10), mode="valid") for series in pair(4, n=1500))
    found = sharpe_difference(a, b, draws=19, seed=4).block
    assert found == block_length(influence(a, b), circular=True)
    assert found > block_length(influence(a, b)) > 1


def test_a_resample_has_three_blocks_at_least():
    a, b = pair(4)
    found = sharpe_difference(a, b, draws=99, seed=4, block=499)
    assert found.block == 500 // 3
    assert found == sharpe_difference(a, b, draws=99, seed=4, block=166)
    assert np.all(np.isfinite(found.studentised))


def test_the_ends_of_the_interval_are_the_tenth_of_199_resamples():
    given = {"difference": 0.0, "se": 1.0, "statistic": 0.0}
    given |= {"p_value": 1.0, "p_value_one_sided": 1.0, "p_value_normal": 1.0}
    ordered = np.arange(199.0)
    assert SharpeDifference(studentised=ordered, **given).interval(0.9) == (-189.0, -9.0)
    # four resamples without a ratio take four of the ten places at either end
    ordered = np.concatenate([np.arange(195.0), [math.nan] * 4])
    assert SharpeDifference(studentised=ordered, **given).interval(0.9) == (-189.0, -5.0)
    ordered = np.concatenate([np.arange(189.0), [math.nan] * 10])
    assert np.all(np.isnan(SharpeDifference(studentised=ordered, **given).interval(0.9)))


@pytest.mark.parametrize("edge", [-0.1, -0.03, 0.0, 0.03, 0.06, 0.1])
@pytest.mark.parametrize("draws", [199, 500, 1000])
def test_the_interval_never_disagrees_with_the_one_sided_p_value(edge, draws):
    for seed in range(10):
        a, b = pair(seed, edge=edge, n=300)
        found = sharpe_difference(a, b, draws=draws, seed=seed)
        low, high = found.interval(0.9)
        assert low < high
        assert (low > 0.0) == (found.p_value_one_sided <= 0.05)
        mirrored = sharpe_difference(b, a, draws=draws, seed=seed)
        assert mirrored.interval(0.9) == pytest.approx((-high, -low), rel=1e-9)
        assert (high < 0.0) == (mirrored.p_value_one_sided <= 0.05)


@pytest.mark.parametrize("scale", [1.0, 0.3, 2.0, 1e-3])
def test_the_same_or_a_proportional_series_does_not_differ(scale):
    a, _ = pair(5)
    found = sharpe_difference(a, scale * a, draws=199, seed=5)
    assert (found.difference, found.se, found.statistic) == (0.0, 0.0, 0.0)
    assert (found.p_value, found.p_value_one_sided, found.p_value_normal) == (1.0, 1.0, 1.0)
    assert found.interval() == (0.0, 0.0)


def test_a_series_against_its_opposite_differs_by_twice_its_ratio():
    a, _ = pair(6)
    found = sharpe_difference(a, -a, draws=199, seed=6)
    assert found.difference == pytest.approx(2 * np.mean(a) / np.std(a))
    assert found.se > 0.0


def test_the_stake_does_not_matter():
    a, b = pair(7)
    plain, staked = (sharpe_difference(a, stake * b, draws=199, seed=7) for stake in (1.0, 0.01))
    assert staked.difference == pytest.approx(plain.difference, rel=1e-9)
    # lags are chosen by variances that depend on the stake, so that they are given here
    plain, staked = (sharpe_difference(a, stake * b, draws=199, seed=7, lags=5) for stake in (1.0, 0.01))
    assert staked.se == pytest.approx(plain.se, rel=1e-9)
    np.testing.assert_allclose(staked.studentised, plain.studentised, rtol=1e-6)


@pytest.mark.parametrize("n", range(5))
def test_a_short_series_is_undefined(n):
    a, b = pair(8)
    assert math.isnan(sharpe_difference(a[:n], b[:n], draws=19, seed=8).p_value)


@pytest.mark.parametrize("value", [0.0, 0.01, -0.003])
def test_a_constant_series_is_undefined(value):
    a, _ = pair(9)
    flat = np.full(len(a), value)
    for x, y in ((a, flat), (flat, a), (flat, flat)):
        found = sharpe_difference(x, y, draws=19, seed=9)
        assert np.all(np.isnan([found.difference, found.se, found.p_value, found.p_value_one_sided]))
        assert np.all(np.isnan(found.interval()))


@pytest.mark.parametrize("n", range(5, 14))
def test_a_few_bars_are_enough_for_a_figure(n):
    a, b = pair(10)
    found = sharpe_difference(a[:n], b[:n], draws=99, seed=10)
    assert found.se > 0.0
    assert 0.0 < found.p_value_one_sided <= 1.0


def test_resamples_without_a_ratio_count_against_a_finding():
    rng = np.random.default_rng(11)
    rare, b = np.zeros(400), rng.normal(-0.001, 0.01, 400)
    rare[:3] = [0.05, 0.04, 0.06]
    found = sharpe_difference(rare, b, draws=999, seed=11, block=1)
    undefined = np.mean(np.isnan(found.draws))
    assert undefined == pytest.approx(math.exp(-3), abs=0.03)
    assert found.p_value_one_sided >= undefined
    assert np.all(np.isnan(found.interval(0.95)))


def test_an_interval_finer_than_the_draws_is_undefined():
    a, b = pair(12)
    found = sharpe_difference(a, b, draws=50, seed=12)
    assert np.all(np.isfinite(found.interval(0.9)))
    assert np.all(np.isnan(found.interval(0.99)))


def test_draws_follow_from_the_seed_whatever_the_threads():
    a, b = pair(13, n=1500)
    found = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            found.append(sharpe_difference(a, b, draws=1000, seed=13))
    assert found[0] == found[1]
    np.testing.assert_array_equal(found[0].studentised, found[1].studentised)
    other = sharpe_difference(a, b, draws=1000, seed=14)
    assert not np.any(found[0].studentised == other.studentised)
    with pytest.raises(ValueError, match="read-only"):
        found[0].draws[0] = 0.0


def test_the_error_is_near_that_of_jobson_korkie_and_memmel_for_normal_returns():
    rng = np.random.default_rng(15)
    common, own = rng.normal(size=(2, 200_000))
    a, b = 0.1 + common, 0.05 + 0.5 * common + math.sqrt(0.75) * own
    expected = jobson_korkie_memmel_se(0.1, 0.05, correlation=0.5, n=len(a))
    assert sharpe_difference(a, b, draws=9, seed=15).se == pytest.approx(expected, rel=0.02)


def test_a_null_is_rejected_as_often_as_the_level_says():
    # 400 pairs with fat tails and equal ratios: exact binomial 99 % range 2.2 to 7.8 %
    p_values = [sharpe_difference(*pair(1000 + i), draws=499, seed=i) for i in range(400)]
    for name in ("p_value", "p_value_one_sided"):
        rejected = np.mean([getattr(found, name) <= 0.05 for found in p_values])
        assert 0.022 <= rejected <= 0.078
    inside = np.mean([found.interval(0.9)[0] <= 0.0 <= found.interval(0.9)[1] for found in p_values])
    assert 0.86 <= inside <= 0.94


def test_a_large_edge_is_found():
    found = [sharpe_difference(*pair(2000 + i, edge=0.2), draws=499, seed=i) for i in range(20)]
    assert np.mean([f.p_value_one_sided <= 0.05 for f in found]) > 0.9
