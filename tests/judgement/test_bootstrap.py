import doctest
import math
import tracemalloc

import numpy as np
import pytest
from arch.bootstrap import StationaryBootstrap, optimal_block_length
from threadpoolctl import threadpool_limits

from backtester.judgement import blocks as blocks_module
from backtester.judgement import bootstrap as bootstrap_module
from backtester.judgement.blocks import optimal_block_length as our_optimal_block_length
from backtester.judgement.blocks import varies
from backtester.judgement.bootstrap import (
    block_length,
    interval,
    one_sided_p_value,
    resampled_counts,
    resampled_drawdowns,
    resampled_indices,
    resampled_means,
    resampled_sharpes,
    variance_of_mean,
)
from backtester.metrics import max_drawdown, sharpe


def ar1(seed, *, phi, n):
    noise = np.random.default_rng(seed).standard_t(5, n)
    series = np.empty(n)
    series[0] = noise[0]
    for t in range(1, n):
        series[t] = phi * series[t - 1] + noise[t]
    return series


def returns_of(seed, *, n=300, k=2):
    return np.random.default_rng(seed).normal(0.0005, 0.01, (n, k))


@pytest.mark.parametrize("module", [blocks_module, bootstrap_module])
def test_examples_hold(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("phi", [-0.4, 0.0, 0.2, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("n", [40, 250, 1750])
@pytest.mark.parametrize("circular", [False, True])
def test_the_block_length_agrees_with_arch(phi, n, circular):
    for seed in range(5):
        x = ar1(seed, phi=phi, n=n)
        theirs = optimal_block_length(x)["circular" if circular else "stationary"].iloc[0]
        assert our_optimal_block_length(x, circular=circular) == pytest.approx(theirs, abs=1e-6)
        assert block_length(x, circular=circular) == max(1, math.ceil(theirs))


@pytest.mark.parametrize("n", range(11))
def test_a_short_series_is_drawn_bar_by_bar(n):
    assert math.isnan(our_optimal_block_length(np.arange(n)))
    assert block_length(np.arange(n)) == 1


@pytest.mark.parametrize("value", [0.0, 0.01, 1e-9])
def test_a_constant_series_is_drawn_bar_by_bar_and_its_mean_is_sure(value):
    x = np.full(500, value)
    assert block_length(x) == 1
    assert variance_of_mean(x, block=5) == 0.0
    assert np.ptp(resampled_means(x, block=5, draws=20, seed=1)) <= 1e-15


def test_a_strategy_that_traded_once_has_a_block_length():
    x = np.zeros(1000)
    x[300:310] = 0.01
    assert 1 <= block_length(x) <= 3 * math.sqrt(1000) + 1
    last_only = np.zeros(1000)
    last_only[-1] = 0.01
    assert block_length(last_only) == 1


@pytest.mark.parametrize("block", [1, 3, 20, 1000])
def test_resamples_are_blocks_in_a_circle_of_the_length_asked_for(block):
    n, draws = 500, 2000
    bars = np.concatenate(list(resampled_indices(n, block=block, draws=draws, seed=3)))
    assert bars.shape == (draws, n)
    assert (bars.min(), bars.max()) == (0, n - 1)
    goes_on = np.mean((np.diff(bars, axis=1) - 1) % n == 0)
    # a new block begins with chance 1/b, and by chance where the last one ended with 1/n of that
    expected = 1.0 - (1.0 / block) * (1.0 - 1.0 / n)
    error = math.sqrt(expected * (1.0 - expected) / (draws * (n - 1)))
    assert goes_on == pytest.approx(expected, abs=4.0 * error)
    seen = np.bincount(bars.ravel(), minlength=n) / draws
    assert np.mean(seen) == pytest.approx(1.0)
    # a bar is met as often as any other, in blocks of 2b or so at a time
    assert np.max(np.abs(seen - 1.0)) < 5.0 * math.sqrt(2.0 * min(block, n) / draws)


@pytest.mark.parametrize("block", [1, 2, 7, 90, 1000])
@pytest.mark.parametrize("n", [1, 2, 7, 60])
def test_counts_are_those_of_the_same_resamples(block, n):
    bars = np.concatenate(list(resampled_indices(n, block=block, draws=150, seed=4)))
    counts = np.concatenate(list(resampled_counts(n, block=block, draws=150, seed=4)))
    expected = np.stack([np.bincount(row, minlength=n) for row in bars])
    np.testing.assert_array_equal(counts, expected)


def test_figures_of_a_resample_are_those_of_its_bars():
    returns = returns_of(5)
    arguments = {"block": 4, "draws": 60, "seed": 5}
    bars = np.concatenate(list(resampled_indices(len(returns), **arguments)))
    means, sharpes, drawdowns = (
        figure(returns, **arguments) for figure in (resampled_means, resampled_sharpes, resampled_drawdowns)
    )
    for draw, row in enumerate(bars):
        for column in range(2):
            drawn = returns[row, column]
            assert means[draw, column] == pytest.approx(np.mean(drawn), abs=1e-15)
            assert sharpes[draw, column] == pytest.approx(sharpe(drawn, periods_per_year=1), rel=1e-10)
            assert drawdowns[draw, column] == pytest.approx(max_drawdown(drawn), rel=1e-12)


def test_draws_follow_from_the_seed_and_not_from_the_columns():
    returns = returns_of(6, k=4)
    arguments = {"block": 3, "draws": 3000, "seed": 6}
    together = resampled_means(returns, **arguments)
    np.testing.assert_array_equal(together, resampled_means(returns, **arguments))
    alone = resampled_means(returns[:, 2], **arguments)
    np.testing.assert_allclose(alone[:, 0], together[:, 2], rtol=0, atol=1e-16)
    assert not np.any(resampled_means(returns, block=3, draws=3000, seed=7) == together)


def test_draws_do_not_depend_on_the_threads_of_the_blas():
    returns = returns_of(8, n=2000, k=8)
    found = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            found.append(resampled_means(returns, block=5, draws=1000, seed=8))
    np.testing.assert_array_equal(*found)


def test_memory_does_not_grow_with_the_draws():
    returns = returns_of(9, n=5000, k=8)
    tracemalloc.start()
    resampled_means(returns, block=1, draws=1000, seed=9)
    resampled_drawdowns(returns[:, :2], block=1, draws=300, seed=9)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 2**20


@pytest.mark.parametrize("phi", [0.0, 0.5])
@pytest.mark.parametrize("block", [1, 8])
def test_the_interval_agrees_with_arch(phi, block):
    x = ar1(10, phi=phi, n=400)
    draws = 20_000
    ours = resampled_means(x, block=block, draws=draws, seed=10)[:, 0]
    theirs = StationaryBootstrap(block, x, seed=np.random.default_rng(10)).apply(np.mean, 5000)[:, 0]
    sd = np.std(theirs)
    # four standard errors of the difference of two 5 % quantiles, density .103 / sd there
    tolerance = 4.0 * math.sqrt(0.05 * 0.95 * (1 / draws + 1 / 5000)) / 0.103 * sd
    assert interval(ours) == pytest.approx(tuple(np.quantile(theirs, [0.05, 0.95])), abs=tolerance)
    assert np.std(ours) == pytest.approx(sd, rel=4.0 * math.sqrt(0.5 * (1 / draws + 1 / 5000)))


@pytest.mark.parametrize("phi", [-0.3, 0.0, 0.6])
@pytest.mark.parametrize("block", [1, 4, 25])
def test_the_variance_of_the_draws_has_its_closed_form(phi, block):
    x = ar1(11, phi=phi, n=200)
    draws = 40_000
    found = np.var(resampled_means(x, block=block, draws=draws, seed=11))
    assert found == pytest.approx(
        float(variance_of_mean(x, block=block)[0]), rel=5.0 * math.sqrt(2.0 / draws)
    )


@pytest.mark.parametrize("block", [1, 5, 300])
def test_the_closed_form_is_the_sum_over_lags(block):
    # Politis and Romano (1994), term by term
    x = ar1(12, phi=0.4, n=150)
    n, centred = len(x), x - np.mean(x)
    gamma = [float(centred[i:] @ centred[: n - i]) / n for i in range(n)]
    i = np.arange(1, n)
    kappa = (1 - i / n) * (1 - 1 / block) ** i + (i / n) * (1 - 1 / block) ** (n - i)
    expected = (gamma[0] + 2.0 * float(kappa @ gamma[1:])) / n
    assert variance_of_mean(x, block=block) == pytest.approx(expected, rel=1e-10)
    both = variance_of_mean(np.column_stack([x, 2.0 * x]), block=block)
    assert both == pytest.approx([expected, 4.0 * expected], rel=1e-10)


def test_a_resample_of_flat_bars_has_no_sharpe():
    returns = np.zeros(200)
    returns[7] = 0.02
    drawn = resampled_sharpes(returns, block=1, draws=500, seed=13)[:, 0]
    without = [7 not in row for rows in resampled_indices(200, block=1, draws=500, seed=13) for row in rows]
    np.testing.assert_array_equal(np.isnan(drawn), without)
    assert 0.3 < np.mean(without) < 0.44  # (1 - 1/200)^200
    for value in (0.0, 0.01, -0.003):
        assert np.all(np.isnan(resampled_sharpes(np.full(100, value), block=2, draws=50, seed=1)))


def test_ruin_is_a_drawdown_of_everything():
    assert np.min(resampled_drawdowns([0.1, -1.0, 0.2], block=1, draws=50, seed=1)) == -1.0
    assert np.all(resampled_drawdowns([0.1, 0.0, 0.2], block=1, draws=50, seed=1) == 0.0)


def test_the_p_value_counts_draws_as_far_above_the_figure_as_the_figure_above_zero():
    assert one_sided_p_value([0.0, 1.0, 2.0, 3.0], 1.0) == pytest.approx(3 / 5)
    assert one_sided_p_value(np.zeros(99), 0.0) == 1.0
    assert one_sided_p_value(np.ones(99), 1.0) == pytest.approx(0.01)
    assert one_sided_p_value([math.nan, 1.0, 1.0], 1.0) == pytest.approx(0.5)
    assert math.isnan(one_sided_p_value([1.0], math.nan))


def test_figures_of_no_bars_and_of_one():
    empty = np.empty((0, 2))
    assert np.all(np.isnan(resampled_means(empty, block=1, draws=3, seed=1)))
    assert np.all(np.isnan(resampled_sharpes(empty, block=1, draws=3, seed=1)))
    assert np.all(resampled_drawdowns(empty, block=1, draws=3, seed=1) == 0.0)
    assert np.all(np.isnan(variance_of_mean(empty, block=1)))
    assert resampled_means([0.1], block=1, draws=3, seed=1).tolist() == [[0.1]] * 3
    assert np.all(np.isnan(resampled_sharpes([0.1], block=1, draws=3, seed=1)))
    assert np.all(np.isnan(interval([])))
    assert np.all(np.isnan(interval([math.nan, math.inf])))
    assert interval([math.nan, 2.0]) == (2.0, 2.0)


def test_a_column_varies_if_more_than_rounding_does():
    assert varies(np.column_stack([[0.1 + 0.2, 0.3], [0.0, 0.0], [0.0, 1e-9]])).tolist() == [
        False,
        False,
        True,
    ]
    assert varies(np.empty((0, 2))).tolist() == [False, False]
