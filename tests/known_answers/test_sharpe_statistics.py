"""Sharpe ratios, power and seeds: figures printed in papers or worked by hand from their formulas."""

import math

import numpy as np
import pytest

from backtester.judgement.power import detectable_sharpe, years_needed
from backtester.judgement.sharpe import (
    ReturnMoments,
    autocorrelation_factor,
    deflated_sharpe,
    expected_maximum,
    minimum_track_record,
    minimum_track_record_2025,
    per_period_sharpe,
    probabilistic_sharpe,
    probabilistic_sharpe_2025,
    standard_error_iid,
)
from backtester.judgement.variance import seed_spread, spread, three_way


def test_sharpe_of_five_returns():
    found = per_period_sharpe([0.01, -0.02, 0.03, -0.01, 0.02])
    assert found == pytest.approx(0.289346, abs=1e-5)
    assert found * math.sqrt(252) == pytest.approx(4.59322, abs=1e-5)


def test_standard_error_of_independent_normal_returns():
    # Lo (2002), eq. 9
    assert standard_error_iid(0.5, n=12) == pytest.approx(0.306186, abs=1e-6)
    annual = standard_error_iid(1.0 / math.sqrt(252), n=1260) * math.sqrt(252)
    assert annual == pytest.approx(0.447657, abs=1e-6)


@pytest.mark.parametrize(
    ("rho", "periods", "factor"),
    [
        (0.0, 12, 3.46410),
        (0.2, 12, 2.87885),
        (0.4, 12, 2.36351),
        (-0.2, 12, 4.17085),
        (0.2, 252, 12.9722),
    ],
)
def test_annualising_an_ar1(rho, periods, factor):
    # Lo (2002), eq. 20, with ρ_k = ρ^k
    found = autocorrelation_factor(rho ** np.arange(1, periods), periods=periods)
    assert found == pytest.approx(factor, abs=1e-4)


def test_probabilistic_sharpe_of_a_fund_of_two_years():
    # Bailey and López de Prado (2012) print .982 and .913
    normal = ReturnMoments(n=24, sharpe=0.458)
    skewed = ReturnMoments(n=24, sharpe=0.458, skewness=-2.448, kurtosis=10.164)
    assert probabilistic_sharpe(normal) == pytest.approx(0.9817, abs=1e-4)
    assert probabilistic_sharpe(skewed) == pytest.approx(0.9134, abs=1e-4)


@pytest.mark.parametrize(("periods", "years"), [(252, 2.7310), (52, 2.8288), (12, 3.2398)])
def test_track_record_that_tells_an_annual_2_from_1(periods, years):
    # Bailey and López de Prado (2012): 2.73 years of daily, 2.83 of weekly, 3.24 of monthly returns
    root = math.sqrt(periods)
    found = minimum_track_record(ReturnMoments(n=1, sharpe=2.0 / root), benchmark=1.0 / root, level=0.05)
    assert found / periods == pytest.approx(years, abs=1e-4)


def test_deflated_sharpe_of_the_best_of_a_hundred():
    # Bailey and López de Prado (2014), the numerical example: .1132 and .9004
    moments = ReturnMoments(n=1250, sharpe=2.5 / math.sqrt(250), skewness=-3.0, kurtosis=10.0)
    assert expected_maximum(100, variance=0.5 / 250) == pytest.approx(0.113172, abs=1e-5)
    assert deflated_sharpe(moments, n_trials=100, variance=0.5 / 250) == pytest.approx(0.900397, abs=1e-5)
    assert expected_maximum(100, variance=1.0) == pytest.approx(2.5306, abs=1e-4)


def test_the_revision_of_2025():
    # López de Prado, Lipton and Zoonekynd (2025)
    moments = ReturnMoments(n=24, sharpe=0.036 / 0.079, skewness=-2.448, kurtosis=10.164)
    assert probabilistic_sharpe_2025(moments) == pytest.approx(0.98721, abs=1e-4)
    assert probabilistic_sharpe_2025(moments, benchmark=0.1) == pytest.approx(0.93915, abs=1e-4)
    assert minimum_track_record_2025(moments) == pytest.approx(13.029, abs=5e-4)  # three decimals are known


@pytest.mark.parametrize(
    ("sharpe", "years"),
    [(0.25, 98.9), (0.5, 24.7), (0.75, 11.0), (1.0, 6.2), (1.25, 4.0), (1.5, 2.7), (2.0, 1.5)],
)
def test_years_that_a_sharpe_takes_to_show(sharpe, years):
    assert years_needed(sharpe) == pytest.approx(years, abs=0.05)


def test_years_and_sharpe_of_a_usual_sample():
    # (z.95 + z.80)², one-sided 5 %, power 80 %
    assert years_needed(1.0) == pytest.approx(6.18256, abs=1e-5)
    assert detectable_sharpe(5.0) == pytest.approx(1.11, abs=0.005)


def test_five_seeds():
    found = spread([0.8, 1.1, 0.5, 1.4, 0.7])
    assert found.mean == pytest.approx(0.9, abs=1e-5)
    assert found.sd == pytest.approx(0.353553, abs=1e-5)


def test_three_way_analysis_of_variance():
    # seed, window, period; the sums of squares worked by hand
    results = [[[4, 6, 5], [7, 9, 6]], [[5, 6, 7], [6, 10, 8]], [[3, 7, 6], [8, 9, 10]]]
    found = three_way(results)
    squares, components = found.mean_squares, found.components
    assert (squares.seed, squares.window, squares.period) == pytest.approx(
        (1.722222, 32.0, 8.388889), abs=1e-6
    )
    assert (squares.seed_window, squares.seed_period) == pytest.approx((1.166667, 0.972222), abs=1e-6)
    assert (squares.window_period, squares.residual) == pytest.approx((0.5, 1.416667), abs=1e-6)
    assert (components.seed, components.window) == pytest.approx((0.166667, 3.527778), abs=1e-6)
    assert (components.period, components.seed_window) == pytest.approx((1.388889, -0.083333), abs=1e-6)


def test_one_way_analysis_of_variance():
    found = seed_spread([[1, 2, 3, 2], [2, 3, 7, 4], [6, 7, 8, 7]])
    assert (found.between, found.seed, found.cell) == pytest.approx((25.3333, 2.0, 5.83333), abs=1e-4)
