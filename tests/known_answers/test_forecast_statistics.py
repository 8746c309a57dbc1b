"""Tests of forecasts, worked by hand from the formulas of their papers."""

import numpy as np
import pytest

from backtester.judgement.forecast_tests import (
    clark_west,
    diebold_mariano,
    forecast_losses,
    pesaran_timmermann,
)

E1 = np.array([3, -2, 4, 1, -3, 2, 5, -4, 2, 1], dtype=float)
E2 = np.array([2, -1, 3, 2, -2, 3, 2, -3, 1, -1], dtype=float)
Y = np.array([1, -2, 3, -1, 2, 1, -3, 2, -1, 2], dtype=float)
F = np.array([0.5, -1, 1, 0.5, 1, -0.5, -1, 1, -0.5, 0.5])


@pytest.mark.parametrize(
    ("horizon", "statistic", "p_value"), [(1, 1.910116, 0.088445), (2, 2.812334, 0.020300)]
)
def test_diebold_mariano_of_ten_errors(horizon, statistic, p_value):
    found = diebold_mariano(E1, E2, horizon=horizon)  # Harvey, Leybourne and Newbold (1997), eq. 9
    assert found.statistic == pytest.approx(statistic, abs=1e-6)
    assert found.p_value == pytest.approx(p_value, abs=1e-6)


@pytest.mark.parametrize(
    ("benchmark", "statistic", "p_value"), [(0.0, 3.34545, 0.000411), (0.4, 2.49119, 0.006366)]
)
def test_clark_west_of_ten_forecasts(benchmark, statistic, p_value):
    found = clark_west(Y, F, benchmark=benchmark, horizon=1)  # Clark and West (2007)
    assert found.statistic == pytest.approx(statistic, abs=1e-5)
    assert found.p_value == pytest.approx(p_value, abs=1e-5 / 10)


def test_u2_and_r2_oos_of_ten_forecasts():
    found = forecast_losses(Y, F, benchmark=0.0)  # Campbell and Thompson (2008), eq. 1
    assert found.u2 == pytest.approx(0.693010, abs=1e-6)
    assert found.r2_oos == pytest.approx(0.519737, abs=1e-6)


def test_pesaran_timmermann_of_a_table_of_directions():
    # move and forecast: up and up 30, up and down 20, down and up 15, down and down 35
    actual = np.repeat([1.0, 1.0, -1.0, -1.0], [30, 20, 15, 35])
    forecast = np.repeat([1.0, -1.0, 1.0, -1.0], [30, 20, 15, 35])
    found = pesaran_timmermann(actual, forecast)  # Pesaran and Timmermann (1992), eq. 6
    assert found.statistic == pytest.approx(3.03030, abs=1e-5)
    assert found.p_value == pytest.approx(0.001222, abs=1e-6)
    assert (found.hit_rate, found.n) == (0.65, 100)
