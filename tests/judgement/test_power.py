import doctest
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtester.judgement import power as power_module
from backtester.judgement.power import detectable_sharpe, years_needed


def test_examples_hold():
    assert doctest.testmod(power_module).failed == 0


@given(st.floats(0.05, 5.0), st.sampled_from([0.01, 0.05, 0.1]), st.sampled_from([0.5, 0.8, 0.95]))
def test_the_two_questions_are_inverse(sharpe, level, power):
    years = years_needed(sharpe, level=level, power=power)
    assert detectable_sharpe(years, level=level, power=power) == pytest.approx(sharpe)


def test_the_power_is_reached_in_the_years_named():
    # means of simulated years of daily returns, annual Sharpe ratio 1, held against 1.645 standard errors
    n_bars = round(252 * years_needed(1.0))
    rng = np.random.default_rng(1)
    returns = rng.normal(1.0 / math.sqrt(252), 1.0, (2000, n_bars))
    statistics = np.mean(returns, axis=1) / np.std(returns, axis=1, ddof=1) * math.sqrt(n_bars)
    assert np.mean(statistics > 1.644854) == pytest.approx(0.8, abs=0.036)  # four standard errors


def test_half_the_effect_takes_four_times_the_years():
    assert years_needed(0.5) == pytest.approx(4.0 * years_needed(1.0))


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan])
def test_what_is_not_there_never_shows(value):
    assert math.isnan(years_needed(value))
    assert math.isnan(detectable_sharpe(value))
