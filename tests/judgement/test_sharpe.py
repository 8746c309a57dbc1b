import doctest
import logging
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from backtester.judgement import sharpe as sharpe_module
from backtester.judgement.sharpe import (
    ReturnMoments,
    adjusted_sharpe,
    autocorrelation_factor,
    deflated_sharpe,
    expected_maximum,
    minimum_track_record,
    minimum_track_record_2025,
    per_period_sharpe,
    probabilistic_sharpe,
    probabilistic_sharpe_2025,
    return_moments,
    standard_error_iid,
)
from backtester.metrics import sharpe

DEGENERATE = [[], [0.01], [0.0] * 50, [0.1] * 1000, [-0.003] * 7]


def fat_returns(seed, *, n=400, mean=0.0005):
    """Skewed to the left, with fat tails."""
    rng = np.random.default_rng(seed)
    return mean + 0.01 * (rng.standard_t(5, n) - 0.3 * rng.exponential(1.0, n) + 0.3)


def ar1_sharpes(rho, *, n, n_series, seed):
    noise = np.random.default_rng(seed).normal(size=(n, n_series))
    for t in range(1, n):
        noise[t] += rho * noise[t - 1]
    return np.mean(noise, axis=0) / np.std(noise, axis=0, ddof=1)


def test_examples_hold():
    assert doctest.testmod(sharpe_module).failed == 0


# the moments and the standard error


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scale", [1e-6, 1.0])
def test_moments_agree_with_pandas(seed, scale):
    returns = fat_returns(seed)
    found, theirs = return_moments(returns * scale), pd.Series(returns)
    assert (found.skewness, found.kurtosis) == pytest.approx((theirs.skew(), theirs.kurt() + 3.0))
    assert found.sharpe == pytest.approx(theirs.mean() / theirs.std())
    assert found.autocorrelation == pytest.approx(theirs.autocorr(), abs=0.01)
    assert found.n == len(returns)


@pytest.mark.parametrize(("returns", "undefined"), [([0.1, 0.2], 2), ([0.1, 0.2, 0.4], 1), ([1, 2, 4, 3], 0)])
def test_a_moment_takes_its_number_of_returns(returns, undefined):
    found = return_moments(returns)
    assert math.isfinite(found.sharpe)
    assert sum(math.isnan(moment) for moment in (found.skewness, found.kurtosis)) == undefined


def test_the_standard_error_is_the_spread_of_simulated_sharpe_ratios():
    drawn = np.random.default_rng(1).normal(0.2, 1.0, (250, 4000))
    spread = np.std(np.mean(drawn, axis=0) / np.std(drawn, axis=0, ddof=1), ddof=1)
    assert standard_error_iid(0.2, n=250) == pytest.approx(spread, rel=0.05)


# autocorrelation


def test_without_autocorrelation_the_factor_is_the_root_of_the_periods():
    assert autocorrelation_factor([], periods=252) == pytest.approx(math.sqrt(252))
    assert autocorrelation_factor(np.zeros(300), periods=252) == pytest.approx(math.sqrt(252))


def test_autocorrelations_beyond_the_period_are_not_read():
    assert autocorrelation_factor([0.2, 0.04, 0.9, 0.9], periods=3) == autocorrelation_factor(
        [0.2, 0.04], periods=3
    )


def test_the_factor_is_that_of_summed_returns():
    # the Sharpe ratio of sums of 5 over that of the returns themselves
    rng, n = np.random.default_rng(2), 200_000
    noise = rng.normal(size=n)
    returns = 0.1 + noise[1:] + 0.5 * noise[:-1]  # MA(1): ρ₁ = 0.4, no more
    sums = returns[: n // 5 * 5 - 5].reshape(-1, 5).sum(axis=1)
    expected = per_period_sharpe(sums) / per_period_sharpe(returns)
    assert autocorrelation_factor([0.4], periods=5) == pytest.approx(expected, rel=0.03)


def test_autocorrelations_that_leave_no_variance_have_no_factor():
    assert math.isnan(autocorrelation_factor([-0.6], periods=252))


def test_returns_that_run_on_have_a_smaller_sharpe_than_they_seem_to():
    rng = np.random.default_rng(3)
    returns = np.zeros(5000)
    for t in range(1, 5000):
        returns[t] = 0.3 * returns[t - 1] + rng.normal(0.0005, 0.01)
    plain = sharpe(returns, periods_per_year=252)
    factor = autocorrelation_factor(0.3 ** np.arange(1, 252), periods=252)
    assert adjusted_sharpe(returns, periods_per_year=252) == pytest.approx(
        plain * factor / math.sqrt(252), rel=0.06
    )


def test_independent_returns_keep_their_sharpe():
    returns = fat_returns(4, n=5000)
    plain = sharpe(returns, periods_per_year=252)
    assert adjusted_sharpe(returns, periods_per_year=252) == pytest.approx(plain, rel=0.06)


# the probabilistic Sharpe ratio


@given(st.floats(-0.5, 0.5), st.floats(-0.3, 0.3), st.floats(-1.0, 1.0), st.integers(5, 5000))
def test_probabilistic_sharpe_follows_from_the_covariance_of_mean_and_variance(ratio, benchmark, skewness, n):
    # delta method: the gradient of μ/σ at σ = 1, and the asymptotic covariance of mean and variance
    kurtosis = 3.0 + 1.5 * skewness**2
    gradient = np.array([1.0, -ratio / 2.0])
    covariance = np.array([[1.0, skewness], [skewness, kurtosis - 1.0]])
    spread = math.sqrt(gradient @ covariance @ gradient / (n - 1))
    moments = ReturnMoments(n=n, sharpe=ratio, skewness=skewness, kurtosis=kurtosis)
    found = probabilistic_sharpe(moments, benchmark=benchmark)
    assert found == pytest.approx(stats.norm.cdf(ratio, loc=benchmark, scale=spread), abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_probabilistic_sharpe_agrees_with_quantstats(seed, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    index = pd.bdate_range("2015-01-01", periods=400)
    returns = pd.Series(fat_returns(seed), index=index)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import quantstats

        theirs = quantstats.stats.probabilistic_sharpe_ratio(returns)
    assert probabilistic_sharpe(return_moments(returns)) == pytest.approx(theirs, rel=1e-9)


def test_probabilistic_sharpe_of_the_benchmark_itself_is_a_half():
    moments = ReturnMoments(n=100, sharpe=0.1, skewness=-1.0, kurtosis=6.0)
    assert probabilistic_sharpe(moments, benchmark=0.1) == 0.5
    assert probabilistic_sharpe_2025(moments, benchmark=0.1) == 0.5


@given(st.floats(0.05, 0.5), st.floats(-1.0, 1.0), st.sampled_from([0.01, 0.05, 0.1]))
def test_the_minimum_track_record_is_where_the_probability_is_reached(ratio, skewness, level):
    moments = ReturnMoments(n=0, sharpe=ratio, skewness=skewness, kurtosis=5.0, autocorrelation=0.1)
    for shortest, probability in (
        (minimum_track_record, probabilistic_sharpe),
        (minimum_track_record_2025, probabilistic_sharpe_2025),
    ):
        needed = math.ceil(shortest(moments, benchmark=0.01, level=level))
        reached = [
            probability(
                ReturnMoments(n=n, sharpe=ratio, skewness=skewness, kurtosis=5.0, autocorrelation=0.1),
                benchmark=0.01,
            )
            for n in (needed - 1, needed)
        ]
        assert not reached[0] > 1.0 - level
        assert reached[1] >= 1.0 - level - 1e-12


@pytest.mark.parametrize("ratio", [0.1, 0.05, -0.2, math.nan])
def test_a_sharpe_of_no_more_than_the_benchmark_has_no_track_record(ratio):
    moments = ReturnMoments(n=500, sharpe=ratio)
    assert math.isnan(minimum_track_record(moments, benchmark=0.1))
    assert math.isnan(minimum_track_record_2025(moments, benchmark=0.1))


def test_the_revision_widens_with_autocorrelation_as_simulated_series_do():
    # at a true Sharpe ratio of 0 its variance is (1 + ρ) / (1 - ρ) / n
    spread = np.std(ar1_sharpes(0.3, n=400, n_series=4000, seed=5), ddof=1)
    moments = ReturnMoments(n=400, sharpe=0.1, autocorrelation=0.3)
    assert probabilistic_sharpe_2025(moments) == pytest.approx(stats.norm.cdf(0.1 / spread), abs=0.01)


def test_the_revision_allows_for_skewed_autocorrelated_returns_as_simulated_series_do():
    # AR(1) with exponential noise: skewness 2 (1-ρ²)^1.5 / (1-ρ³), excess kurtosis 6 (1-ρ²)² / (1-ρ⁴)
    rho, true, n = 0.5, 1.0, 1000
    series = np.random.default_rng(8).exponential(size=(n + 50, 3000)) - 1.0
    for t in range(1, n + 50):
        series[t] += rho * series[t - 1]
    series = series[50:] + true / math.sqrt(1.0 - rho**2)
    spread = np.std(np.mean(series, axis=0) / np.std(series, axis=0, ddof=1), ddof=1)
    moments = ReturnMoments(
        n=n,
        sharpe=true + spread,
        skewness=2.0 * (1.0 - rho**2) ** 1.5 / (1.0 - rho**3),
        kurtosis=3.0 + 6.0 * (1.0 - rho**2) ** 2 / (1.0 - rho**4),
        autocorrelation=rho,
    )
    found = stats.norm.ppf(probabilistic_sharpe_2025(moments, benchmark=true))
    assert found == pytest.approx(1.0, abs=0.06)  # four standard errors of a simulated spread


def test_returns_that_repeat_each_other_fully_have_no_revised_figure():
    moments = ReturnMoments(n=400, sharpe=0.1, autocorrelation=1.0)
    assert math.isnan(probabilistic_sharpe_2025(moments))
    assert math.isnan(minimum_track_record_2025(moments))


def test_moments_that_contradict_each_other_give_no_figure():
    moments = ReturnMoments(n=50, sharpe=2.0, skewness=3.0, kurtosis=3.0)
    assert math.isnan(probabilistic_sharpe(moments))
    assert math.isnan(minimum_track_record(moments))


# the luck of search


@pytest.mark.parametrize("n_trials", [5, 20, 100, 1000])
def test_the_expected_maximum_is_near_that_of_normal_draws(n_trials):
    def density(x):
        return x * n_trials * stats.norm.pdf(x) * stats.norm.cdf(x) ** (n_trials - 1)

    exact = integrate.quad(density, -8.0, 12.0)[0]
    assert expected_maximum(n_trials, variance=1.0) == pytest.approx(exact, rel=0.03)
    assert expected_maximum(n_trials, variance=0.25) == pytest.approx(exact / 2.0, rel=0.03)


def test_one_trial_is_no_search():
    moments = return_moments(fat_returns(6))
    assert expected_maximum(1, variance=math.nan) == 0.0
    assert deflated_sharpe(moments, n_trials=1, variance=math.nan) == probabilistic_sharpe(moments)


@given(st.floats(1.0, 1000.0), st.floats(0.0, 100.0))
def test_more_trials_never_expect_less(n_trials, more):
    fewer = expected_maximum(n_trials, variance=1.0)
    assert 0.0 <= fewer <= expected_maximum(n_trials + more, variance=1.0) + 1e-12


def test_the_best_of_twenty_worthless_trials_looks_skilled_until_it_is_deflated():
    rng = np.random.default_rng(7)
    plain, deflated = [], []
    for _ in range(100):
        returns = rng.normal(size=(1250, 20))
        ratios = np.mean(returns, axis=0) / np.std(returns, axis=0, ddof=1)
        best = return_moments(returns[:, np.argmax(ratios)])
        plain.append(probabilistic_sharpe(best) > 0.95)
        variance = float(np.var(ratios, ddof=1))
        deflated.append(deflated_sharpe(best, n_trials=20, variance=variance) > 0.95)
    assert np.mean(plain) == pytest.approx(0.64, abs=0.15)  # 1 - .95^20
    assert np.mean(deflated) <= 0.02


# what is not defined


@pytest.mark.parametrize("returns", DEGENERATE, ids=len)
def test_returns_without_a_sharpe_have_none_of_its_figures(returns):
    moments = return_moments(returns)
    assert moments.n == len(returns)
    figures = (
        per_period_sharpe(returns),
        adjusted_sharpe(returns, periods_per_year=252),
        moments.sharpe,
        moments.skewness,
        moments.kurtosis,
        moments.autocorrelation,
        probabilistic_sharpe(moments),
        probabilistic_sharpe_2025(moments),
        minimum_track_record(moments),
        minimum_track_record_2025(moments),
        deflated_sharpe(moments, n_trials=10, variance=0.01),
        standard_error_iid(moments.sharpe, n=moments.n),
    )
    assert all(math.isnan(figure) for figure in figures)


@pytest.mark.parametrize("returns", [[0.1, 0.2], [0.1, 0.2, 0.4]])
def test_two_or_three_returns_have_no_kurtosis_and_no_probability(returns):
    assert math.isnan(probabilistic_sharpe(return_moments(returns)))
    assert math.isfinite(adjusted_sharpe(returns, periods_per_year=252))
