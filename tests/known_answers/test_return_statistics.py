"""Statistics of returns and their differences: formulas of papers, worked apart from the code."""

import math

import numpy as np
import pytest

from backtester.judgement.blocks import expected_block_length
from backtester.judgement.bootstrap import variance_of_mean
from backtester.judgement.exposure import break_even_bp, exposure_matched
from backtester.judgement.sharpe_difference import jobson_korkie_memmel_se, sharpe_difference

A = [2, -1, 3, 0, -2, 4, 1, -1, 2, 3, -3, 1]
B = [1, 0, 2, -1, -1, 2, 2, -2, 1, 1, -2, 3]
X = [1, 2, 4, 3, 5, 8, 6, 7, 9, 5, 3, 4, 2, 1, 2, 3, 6, 8, 7, 5]

# five bars of an asset, and a strategy that is in, in, out, in, out
WEIGHTS = np.array([1.0, 1.0, 0.0, 1.0, 0.0])
RETURNS = np.array([0.01, -0.005, -0.02, 0.015, 0.004])


def test_the_variance_of_the_mean_of_a_resample():
    # Politis and Romano (1994)
    assert float(variance_of_mean(X, block=5)[0]) == pytest.approx(0.333730, abs=1e-6)
    assert float(variance_of_mean(X, block=1)[0]) == pytest.approx(0.282375, abs=1e-6)


@pytest.mark.parametrize(("phi", "length"), [(0.5, 12.1141), (0.2, 5.57861)])
def test_the_block_length_for_an_ar1(phi, length):
    # (2φ/(1 - φ²))^(2/3) n^(1/3); 1.5^(1/3) of that for circular blocks (Patton, Politis and White 2009)
    gamma = phi ** np.arange(400)
    assert expected_block_length(gamma, n=1000) == pytest.approx(length, abs=1e-4)
    circular = expected_block_length(gamma, n=1000, circular=True)
    assert circular == pytest.approx(1.5 ** (1 / 3) * length, abs=2e-4)


def test_the_standard_error_of_jobson_korkie_and_memmel():
    assert jobson_korkie_memmel_se(0.1, 0.05, correlation=0.5, n=1000) == pytest.approx(0.0317017, abs=1e-7)


def test_the_sharpe_difference_of_ledoit_and_wolf():
    found = sharpe_difference(A, B, draws=99, seed=1, lags=3)
    assert found.difference == pytest.approx(0.0483399, abs=1e-6)
    assert found.se == pytest.approx(0.187672, abs=1e-6)
    assert found.p_value_normal == pytest.approx(0.796734, abs=1e-6)
    assert sharpe_difference(A, B, draws=99, seed=1, lags=0).se == pytest.approx(0.215623, abs=1e-6)


def test_the_cost_at_which_a_gain_is_gone():
    # turnover from target weights, no final sale; holding buys once
    turnover, its_turnover = np.abs(np.diff(WEIGHTS, prepend=0.0)), [1.0, 0.0, 0.0, 0.0, 0.0]
    found = break_even_bp(
        WEIGHTS * RETURNS, turnover, benchmark_gross=RETURNS, benchmark_turnover=its_turnover
    )
    assert found.arithmetic == pytest.approx(53.3333, abs=1e-3)
    assert found.value == pytest.approx(53.8899, abs=1e-3)
    assert found.reason is None


def test_what_timing_earns_is_the_covariance_of_weight_and_return():
    matched = exposure_matched(RETURNS, exposure=WEIGHTS)
    assert matched == pytest.approx(0.6 * RETURNS, abs=1e-15)
    excess = float(np.mean(WEIGHTS * RETURNS - matched))
    assert excess == pytest.approx(0.00352, abs=1e-8)
    assert excess == pytest.approx(float(np.cov(WEIGHTS, RETURNS, ddof=0)[0, 1]), abs=1e-15)


def test_two_strategies_of_known_ratios_differ_by_what_they_should():
    # an AR(1) market: sign(forecast) earns φ√(2/π)/√(1 - 2φ²/π) a bar, holding earns nothing
    phi, n = 0.2, 200_000
    rng = np.random.default_rng(7)
    noise = rng.normal(0.0, math.sqrt(1.0 - phi**2), n)
    r = np.empty(n)
    r[0] = noise[0]
    for t in range(1, n):
        r[t] = phi * r[t - 1] + noise[t]
    found = sharpe_difference(np.sign(r[:-1]) * r[1:], r[1:], draws=9, seed=7)
    expected = phi * math.sqrt(2 / math.pi) / math.sqrt(1 - 2 * phi**2 / math.pi)
    assert found.difference == pytest.approx(expected, abs=4.0 * found.se)
    assert found.se < 0.01
