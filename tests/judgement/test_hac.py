import doctest
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.regression.linear_model import OLS

from backtester.judgement import hac as hac_module
from backtester.judgement.hac import autocovariances, automatic_lags, long_run_variance, mean_test

SERIES = [1.0, 2.0, 4.0, 3.0, 5.0, 8.0, 6.0, 7.0]


def ar1(phi, *, n, seed):
    noise = np.random.default_rng(seed).normal(size=n)
    for t in range(1, n):
        noise[t] += phi * noise[t - 1]
    return noise


def of_statsmodels(values, *, lags, kernel):
    options = {"maxlags": lags, "kernel": kernel}
    fitted = OLS(values, np.ones(len(values))).fit(cov_type="HAC", cov_kwds=options)
    return float(fitted.params[0]), float(fitted.bse[0]), float(fitted.tvalues[0])


def test_examples_hold():
    assert doctest.testmod(hac_module).failed == 0


def test_autocovariances_follow_their_definition():
    mean, n = sum(SERIES) / len(SERIES), len(SERIES)
    expected = [
        sum((SERIES[t] - mean) * (SERIES[t - k] - mean) for t in range(k, n)) / n for k in range(n + 3)
    ]
    assert autocovariances(SERIES, n + 2).tolist() == pytest.approx(expected, abs=1e-12)
    assert autocovariances(SERIES, n + 2)[n:].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("lags", [0, 1, 4, 12])
@pytest.mark.parametrize(("kernel", "their_kernel"), [("bartlett", "bartlett"), ("rectangular", "uniform")])
def test_the_mean_agrees_with_statsmodels(seed, lags, kernel, their_kernel):
    values = ar1(0.4, n=300, seed=seed) + 0.1
    found = mean_test(values, lags=lags, kernel=kernel)
    expected = of_statsmodels(values, lags=lags, kernel=their_kernel)
    assert (found.mean, found.se, found.statistic) == pytest.approx(expected, rel=1e-9)


def test_the_long_run_variance_of_an_ar1_is_found():
    values = ar1(0.5, n=100_000, seed=3)  # σ² / (1 - φ)² = 4
    assert long_run_variance(values, lags=100) == pytest.approx(4.0, rel=0.1)


def test_sums_of_five_need_the_rectangular_kernel():
    # overlapping sums of 5: γ_k = 5 - k, in all 25; Bartlett's weights at 4 lags leave 17 of them
    values = np.convolve(np.random.default_rng(4).normal(size=100_000), np.ones(5), mode="valid")
    assert long_run_variance(values, lags=4, kernel="rectangular") == pytest.approx(25.0, rel=0.05)
    assert long_run_variance(values, lags=4) == pytest.approx(17.0, rel=0.05)


@given(st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=40), st.integers(0, 60))
def test_bartlett_weights_never_give_a_negative_variance(values, lags):
    assert long_run_variance(values, lags=lags) >= 0.0


def test_bartlett_weights_step_in_where_equal_ones_give_no_variance():
    values = [1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 2.0]
    assert long_run_variance(values, lags=1, kernel="rectangular") < 0.0
    found = mean_test(values, lags=1, kernel="rectangular")
    assert found == mean_test(values, lags=1)
    assert math.isfinite(found.statistic)


def test_a_variance_that_cancels_is_none_and_not_a_crumb():
    # over all lags, equal weights add up to the square of a sum that is 0
    values = ar1(0.3, n=50, seed=5)
    assert long_run_variance(values, lags=49, kernel="rectangular") == 0.0


@pytest.mark.parametrize("value", [0.0, 0.1, -0.003, 1e9])
def test_a_constant_has_no_standard_error_and_no_statistic(value):
    values = np.full(1000, value)
    assert autocovariances(values, 2).tolist() == [0.0, 0.0, 0.0]
    found = mean_test(values, lags=2)
    assert (found.mean, found.se) == (pytest.approx(value), 0.0)
    assert math.isnan(found.statistic)


@pytest.mark.parametrize(("values", "lags"), [([], 0), ([0.5], 0), ([0.5, 0.7], 1), (SERIES, 7)])
def test_too_few_numbers_have_no_statistic(values, lags):
    found = mean_test(values, lags=lags)
    assert math.isnan(found.se)
    assert math.isnan(found.statistic)
    assert math.isnan(found.mean) == (len(values) == 0)


def test_nothing_has_no_variance():
    assert math.isnan(long_run_variance([], lags=3))


@given(st.floats(0.01, 100.0), st.booleans())
def test_the_unit_does_not_matter(factor, rectangular):
    kernel = "rectangular" if rectangular else "bartlett"
    scaled = mean_test(np.array(SERIES) * factor, lags=2, kernel=kernel)
    assert scaled.statistic == pytest.approx(mean_test(SERIES, lags=2, kernel=kernel).statistic)


@pytest.mark.parametrize(("n", "lags"), [(0, 0), (1, 0), (2, 1), (100, 4), (252, 4), (1250, 7), (5000, 9)])
def test_automatic_lags_grow_slowly_and_stay_below_the_sample(n, lags):
    assert automatic_lags(n) == lags
