import doctest
import logging
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtester.metrics import (
    annual_turnover,
    cagr,
    drawdowns,
    max_drawdown,
    sharpe,
    total_return,
    volatility,
)
from backtester.metrics import returns as returns_module

series = st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=50)


@pytest.fixture(scope="module")
def quantstats():
    patch = pytest.MonkeyPatch()
    patch.setenv("MPLBACKEND", "Agg")
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import quantstats
    yield quantstats
    patch.undo()


def safe_series(seed, *, mean=0.0003, spread=0.012, n_bars=900):
    """Sorted, naive, with gains and losses: what QuantStats cannot take for prices."""
    rng = np.random.default_rng(seed)
    index = pd.bdate_range("2015-01-01", periods=n_bars)
    return pd.Series(rng.normal(mean, spread, n_bars), index=index, name="strategy")


def test_examples_hold():
    assert doctest.testmod(returns_module).failed == 0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("periods", [252, 365])
@pytest.mark.parametrize("rate", [0.0, 0.03])
def test_figures_agree_with_quantstats(quantstats, seed, periods, rate):
    returns = safe_series(seed, mean=0.0003 * (seed - 1))
    theirs = quantstats.stats
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = {
            "sharpe": theirs.sharpe(returns, rf=rate, periods=periods),
            "cagr": theirs.cagr(returns, periods=periods),
            "volatility": theirs.volatility(returns, periods=periods),
            "max_drawdown": theirs.max_drawdown(returns),
            "total_return": theirs.comp(returns),
        }
        their_drawdowns = theirs.to_drawdown_series(returns)
    assert {
        "sharpe": sharpe(returns, periods_per_year=periods, risk_free_rate=rate),
        "cagr": cagr(returns, periods_per_year=periods),
        "volatility": volatility(returns, periods_per_year=periods),
        "max_drawdown": max_drawdown(returns),
        "total_return": total_return(returns),
    } == pytest.approx(expected, rel=1e-9, abs=1e-9)
    np.testing.assert_allclose(drawdowns(returns), their_drawdowns, atol=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.01, 0.1, -0.003, 1e-9])
def test_constant_returns_have_no_volatility_and_no_sharpe(value):
    returns = np.full(1000, value)
    assert volatility(returns, periods_per_year=252) == 0.0
    assert math.isnan(sharpe(returns, periods_per_year=252, risk_free_rate=0.01))


def test_a_total_loss_is_minus_one_a_year():
    returns = [0.1, -1.0, 0.0, 0.0]
    assert total_return(returns) == -1.0
    assert cagr(returns, periods_per_year=252) == -1.0
    assert max_drawdown(returns) == -1.0


def test_drawdown_starts_from_the_equity_before_the_first_return():
    assert max_drawdown([-0.2, 0.1]) == pytest.approx(-0.2)
    assert max_drawdown([0.2, 0.1]) == 0.0


def test_figures_of_no_bars_and_of_one():
    assert total_return([]) == 0.0
    assert max_drawdown([]) == 0.0
    for figure in (cagr, volatility, sharpe, annual_turnover):
        assert math.isnan(figure([], periods_per_year=252))
    assert math.isnan(volatility([0.1], periods_per_year=252))
    assert math.isnan(sharpe([0.1], periods_per_year=252))
    assert cagr([0.1], periods_per_year=1) == pytest.approx(0.1)


def test_a_growth_beyond_all_numbers_is_infinite():
    assert cagr([1e3], periods_per_year=252) == math.inf


@given(series)
def test_drawdowns_lie_between_a_total_loss_and_none(returns):
    found = drawdowns(returns)
    assert np.all((found >= -1.0) & (found <= 0.0))
    assert total_return(returns) >= max_drawdown(returns) - 1e-12


@given(series, st.floats(0.1, 5.0))
def test_sharpe_does_not_change_with_the_stake(returns, stake):
    plain = sharpe(returns, periods_per_year=252)
    staked = sharpe(np.array(returns) * stake, periods_per_year=252)
    # a spread of rounding only may count as none on one side of the scaling
    if np.ptp(returns) > 1e-9:
        assert staked == pytest.approx(plain, rel=1e-6, abs=1e-9)


def test_turnover_a_year():
    assert annual_turnover([1.0, 2.0, 0.0, 0.0], periods_per_year=252) == pytest.approx(189.0)
