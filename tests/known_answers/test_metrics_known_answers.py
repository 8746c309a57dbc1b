"""Figures with an answer known from theory or worked by hand, with their source.

Simulated ones hold to four standard errors of a seeded draw.
"""

import math

import numpy as np
import pandas as pd
import pytest

from backtester.forecasts import Forecasts
from backtester.metrics import cagr, forecast_accuracy, sharpe

N_DRAWS = 400_000


def accuracy(actual, forecast):
    frame = pd.DataFrame({"actual": actual, "forecast": forecast, "last_price": 100.0})
    return forecast_accuracy(Forecasts(frame=frame))


def sharpe_tolerance(per_period, *, periods=252):
    """Four standard errors, Lo (2002), eq. 9, generous for the fat tail of |r|."""
    return 4.0 * math.sqrt((1.0 + per_period**2) / N_DRAWS) * math.sqrt(periods)


def test_sharpe_and_cagr_of_five_returns():
    returns = [0.01, -0.02, 0.03, -0.01, 0.02]  # worked by hand from Lo (2002), ddof 1
    assert sharpe(returns, periods_per_year=1) == pytest.approx(0.289346, abs=1e-5)
    assert sharpe(returns, periods_per_year=252) == pytest.approx(4.59322, abs=1e-5)
    assert cagr(returns, periods_per_year=252) == pytest.approx(3.32564, abs=1e-5)


def test_u2_and_r2_oos_of_ten_forecasts():
    y = np.array([1, -2, 3, -1, 2, 1, -3, 2, -1, 2], dtype=float)
    f = np.array([0.5, -1, 1, 0.5, 1, -0.5, -1, 1, -0.5, 0.5])
    found = accuracy(y, f)  # Campbell and Thompson (2008), against a forecast of 0
    assert found.u2 == pytest.approx(0.693010, abs=1e-6)
    assert found.r2_oos == pytest.approx(0.519737, abs=1e-6)
    assert (found.hit_rate, found.hit_rate_n) == (0.8, 10)


@pytest.mark.parametrize(
    ("phi", "annual_sharpe", "hit_rate"),
    [(0.1, 1.27065, 0.531884), (0.2, 2.56609, 0.564094), (0.3, 3.91358, 0.596987)],
)
def test_the_best_forecast_of_an_ar1_market(phi, annual_sharpe, hit_rate):
    # SR = |φ|√(2/π) / √(1 - 2φ²/π), hit rate ½ + asin|φ|/π, R² = φ²
    rng = np.random.default_rng(7)
    noise = rng.normal(0.0, math.sqrt(1.0 - phi**2), N_DRAWS)
    r = np.empty(N_DRAWS)
    r[0] = rng.normal()
    for t in range(1, N_DRAWS):
        r[t] = phi * r[t - 1] + noise[t]
    y, f = r[1:] / 100.0, phi * r[:-1] / 100.0
    found = accuracy(y, f)
    assert found.hit_rate == pytest.approx(hit_rate, abs=4.0 * math.sqrt(0.25 / N_DRAWS))
    assert found.r2_oos == pytest.approx(phi**2, abs=8.0 * phi / math.sqrt(N_DRAWS))
    earned = np.sign(f) * y
    per_period = annual_sharpe / math.sqrt(252)
    assert sharpe(earned, periods_per_year=252) == pytest.approx(
        annual_sharpe, abs=sharpe_tolerance(per_period)
    )


def test_a_forecast_that_knows_the_future():
    # sign(y)·y = |y|: SR √(2/π) / √(1 - 2/π) per period
    y = np.random.default_rng(8).normal(0.0, 0.01, N_DRAWS)
    found = accuracy(y, y)
    assert (found.hit_rate, found.u2, found.r2_oos, found.rmse) == (1.0, 0.0, 1.0, 0.0)
    per_period = sharpe(np.abs(y), periods_per_year=1)
    assert per_period == pytest.approx(1.3236, abs=2.0 * sharpe_tolerance(1.3236, periods=1))


def test_random_positions_on_a_random_walk_lose_their_costs():
    # ±1 at random pays c per unit traded, 2 units every other bar: net SR -c/√(σ² + c²)
    rng = np.random.default_rng(9)
    position = rng.choice([-1.0, 1.0], N_DRAWS)
    traded = np.abs(np.diff(position, prepend=position[0]))
    net = position * rng.normal(0.0, 0.01, N_DRAWS) - 0.001 * traded
    assert sharpe(net, periods_per_year=1) == pytest.approx(-0.0995037, abs=4.0 / math.sqrt(N_DRAWS))
