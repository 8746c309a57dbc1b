import doctest
import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from backtester.judgement import exposure as module
from backtester.judgement.exposure import NoBreakEven, alpha_beta, break_even_bp, exposure_matched


def pair(seed, *, n=500, alpha=0.0002, beta=0.6):
    rng = np.random.default_rng(seed)
    market = 0.0004 + 0.01 * rng.standard_t(5, n)
    noise = 0.005 * rng.standard_t(5, n) * (1.0 + 50.0 * np.abs(market))
    noise[1:] += 0.4 * noise[:-1]
    return alpha + beta * market + noise, market


def wealth(gross, turnover, *, cost):
    return float(np.prod((1.0 + np.asarray(gross)) * (1.0 - cost * np.asarray(turnover))))


def test_examples_hold():
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("lags", [None, 0, 1, 8])
@pytest.mark.parametrize("n", [10, 100, 1500])
def test_the_regression_agrees_with_statsmodels(lags, n):
    strategy, market = pair(1, n=n)
    found = alpha_beta(strategy, market, lags=lags)
    maxlags = math.floor(4 * (n / 100) ** (2 / 9)) if lags is None else lags
    theirs = sm.OLS(strategy, sm.add_constant(market)).fit(cov_type="HAC", cov_kwds={"maxlags": maxlags})
    assert (found.alpha, found.beta) == pytest.approx(tuple(theirs.params), rel=1e-9)
    assert (found.alpha_se, found.beta_se) == pytest.approx(tuple(theirs.bse), rel=1e-9)
    assert (found.alpha_p_value, found.beta_p_value) == pytest.approx(tuple(theirs.pvalues), rel=1e-7)
    bounds = theirs.conf_int(alpha=0.1)
    assert found.alpha_interval() == pytest.approx(tuple(bounds[0]), rel=1e-9)
    assert found.beta_interval(0.9) == pytest.approx(tuple(bounds[1]), rel=1e-9)


def test_the_one_sided_p_value_is_small_for_a_gain_only():
    strategy, market = pair(2, alpha=0.003)
    gain, loss = alpha_beta(strategy, market), alpha_beta(strategy - 0.006, market)
    assert gain.alpha_p_value_one_sided == pytest.approx(gain.alpha_p_value / 2)
    assert gain.alpha_p_value_one_sided < 0.01
    assert loss.alpha_p_value_one_sided > 0.99


def test_what_is_the_benchmark_at_a_stake_has_no_alpha_and_no_error():
    _, market = pair(3)
    for stake in (0.0, 0.5, -1.0, 3.0):
        found = alpha_beta(stake * market, market)
        assert found.alpha == pytest.approx(0.0, abs=1e-18)
        assert found.beta == pytest.approx(stake)
        assert (found.alpha_se, found.beta_se) == (0.0, 0.0)
        assert math.isnan(found.alpha_p_value)
        assert math.isnan(found.alpha_p_value_one_sided)


@pytest.mark.parametrize("n", range(4))
def test_a_short_series_is_undefined(n):
    strategy, market = pair(4)
    found = alpha_beta(strategy[:n], market[:n])
    assert math.isnan(found.alpha) == (n < 3)
    assert math.isnan(found.alpha_interval()[0]) == (n < 3)


@pytest.mark.parametrize("value", [0.0, 0.01, -0.003])
def test_a_benchmark_that_never_varies_has_no_beta(value):
    strategy, _ = pair(5)
    found = alpha_beta(strategy, np.full(len(strategy), value))
    assert np.all(np.isnan([found.alpha, found.beta, found.alpha_se, found.beta_se, found.alpha_p_value]))
    flat = alpha_beta(np.zeros(len(strategy)), strategy)
    assert (flat.alpha, flat.beta) == (0.0, 0.0)


def test_the_excess_over_the_same_exposure_is_timing():
    rng = np.random.default_rng(6)
    held, returns = rng.uniform(-1, 1, 300), rng.normal(0.001, 0.01, 300)
    excess = held * returns - exposure_matched(returns, exposure=held)
    assert np.mean(excess) == pytest.approx(np.cov(held, returns, ddof=0)[0, 1], abs=1e-15)
    always = exposure_matched(returns, exposure=np.ones(300))
    np.testing.assert_array_equal(always, returns)
    assert exposure_matched([], exposure=[]).tolist() == []


gross_returns = arrays(np.float64, 30, elements=st.floats(-0.05, 0.05))
turnovers = arrays(np.float64, 30, elements=st.floats(0.0, 2.0))


@given(gross_returns, turnovers, gross_returns)
def test_wealth_is_the_same_at_the_cost_found(gross, turnover, its_gross):
    its_turnover = np.eye(1, 30)[0]
    found = break_even_bp(gross, turnover, benchmark_gross=its_gross, benchmark_turnover=its_turnover)
    if found.reason is None:
        cost = found.value / 1e4
        ours, theirs = wealth(gross, turnover, cost=cost), wealth(its_gross, its_turnover, cost=cost)
        assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-12)
        # below it the strategy is ahead
        less = 0.999 * cost
        ours, theirs = wealth(gross, turnover, cost=less), wealth(its_gross, its_turnover, cost=less)
        assert ours >= theirs * (1.0 - 1e-9)
    else:
        assert math.isnan(found.value)
        extra = np.sum(turnover) - 1.0
        ahead = wealth(gross, turnover, cost=0.0) - wealth(its_gross, its_turnover, cost=0.0)
        assert extra <= 1e-9 or ahead <= 1e-9 or found.reason is NoBreakEven.NO_SUCH_COST


def test_the_compounded_cost_nears_the_arithmetic_one_for_small_returns():
    rng = np.random.default_rng(7)
    gross, turnover = rng.normal(2e-6, 1e-5, 500), rng.uniform(0, 0.1, 500)
    zero = np.zeros(500)
    found = break_even_bp(gross, turnover, benchmark_gross=zero, benchmark_turnover=zero)
    assert found.value == pytest.approx(found.arithmetic, rel=1e-3)


def test_there_is_no_such_cost_without_extra_turnover():
    for turnover in ([1.0, 0.0], [0.5, 0.0], [0.0, 0.0]):
        found = break_even_bp([0.1, 0.1], turnover, benchmark_gross=[0.0, 0.0], benchmark_turnover=[1.0, 0.0])
        assert found.reason is NoBreakEven.NO_EXTRA_TURNOVER
        assert math.isnan(found.value)
        assert math.isnan(found.arithmetic)
    assert found.reason == "no extra turnover"


@pytest.mark.parametrize("gross", [[0.0, 0.0], [0.01, -0.02], [-1.0, 0.5], [-1.5, 0.0]])
def test_there_is_no_such_cost_without_a_gross_excess(gross):
    found = break_even_bp(gross, [1.0, 1.0], benchmark_gross=[0.0, 0.0], benchmark_turnover=[1.0, 0.0])
    assert (found.reason, str(found.reason)) == (NoBreakEven.NO_GROSS_EXCESS, "no gross excess")
    assert math.isnan(found.value)
    assert math.isnan(found.arithmetic)


def test_sums_and_compounding_may_disagree_on_whether_there_is_a_gain():
    # +50 % and -40 %: ahead in sums, behind in wealth
    found = break_even_bp([0.5, -0.4], [1.0, 1.0], benchmark_gross=[0.0, 0.0], benchmark_turnover=[1.0, 0.0])
    assert found.reason is NoBreakEven.NO_GROSS_EXCESS
    assert found.arithmetic == pytest.approx(1000.0)


def test_a_cost_that_ruins_the_benchmark_first_is_none():
    found = break_even_bp([1.0] * 3, [0.5] * 3, benchmark_gross=[0.0] * 3, benchmark_turnover=[1.0, 0, 0])
    assert found.reason is NoBreakEven.NO_SUCH_COST
    ruined = break_even_bp([0.1, 0.1], [1.0, 1.0], benchmark_gross=[-1.0, 0.0], benchmark_turnover=[1.0, 0])
    assert ruined.reason is NoBreakEven.NO_SUCH_COST


def test_no_bars_have_no_such_cost():
    found = break_even_bp([], [], benchmark_gross=[], benchmark_turnover=[])
    assert found.reason is NoBreakEven.NO_EXTRA_TURNOVER
