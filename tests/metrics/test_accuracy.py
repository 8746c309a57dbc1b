import math

import numpy as np
import pytest

from backtester.forecasts import Forecasts
from backtester.metrics import forecast_accuracy
from tests.backtest.markets import make_forecasts, make_prices


def test_figures_of_three_forecasts_by_hand():
    prices = make_prices(close=[100.0, 110.0, 99.0, 99.0])
    values = [math.log(1.05), math.log(1.1), math.log(0.99), 0.5]
    found = forecast_accuracy(make_forecasts(prices, values))
    # forecast prices 105, 121, 98.01 for 110, 99, 99; last prices 100, 110, 99
    errors, by_last = np.array([5.0, -22.0, 0.99]), np.array([10.0, -11.0, 0.0])
    y, f = np.log([1.1, 0.9, 1.0]), np.array(values[:3])
    u2 = math.sqrt(np.sum((y - f) ** 2) / np.sum(y**2))
    assert found.as_dict() == pytest.approx(
        {
            "rmse": math.sqrt(np.mean(errors**2)),
            "rmse_last_price": math.sqrt(np.mean(by_last**2)),
            "rmse_ratio": math.sqrt(np.sum(errors**2) / np.sum(by_last**2)),
            "mae": np.mean(np.abs(errors)),
            "mae_last_price": 7.0,
            "u2": u2,
            "r2_oos": 1.0 - u2**2,
            "hit_rate": 0.5,
            "hit_rate_n": 2,
            "n": 3,
        }
    )


def test_the_last_price_is_its_own_measure_and_has_no_direction():
    prices = make_prices(close=[100.0, 110.0, 99.0, 105.0])
    found = forecast_accuracy(make_forecasts(prices, np.zeros(4))).as_dict()
    assert (found["rmse_ratio"], found["u2"], found["r2_oos"]) == (1.0, 1.0, 0.0)
    assert (found["hit_rate"], found["hit_rate_n"], found["n"]) == (None, 0, 3)


def test_missing_forecasts_are_not_scored():
    prices = make_prices(close=[100.0, 110.0, 99.0, 105.0, 104.0])
    found = forecast_accuracy(make_forecasts(prices, [0.1, np.nan, 0.1, -0.1, 0.1]))
    assert (found.n, found.hit_rate_n, found.hit_rate) == (3, 3, 1.0)


def test_without_a_scored_forecast_nothing_is_defined():
    prices = make_prices(close=[100.0, 110.0])
    found = forecast_accuracy(make_forecasts(prices, [np.nan, 0.1])).as_dict()
    assert found.pop("n") == 0
    assert found.pop("hit_rate_n") == 0
    assert set(found.values()) == {None}


def test_a_price_that_never_moved_gives_no_ratio():
    prices = make_prices(close=[100.0, 100.0, 100.0])
    found = forecast_accuracy(make_forecasts(prices, [0.1, 0.1, 0.1])).as_dict()
    assert (found["rmse_ratio"], found["u2"], found["r2_oos"]) == (None, None, None)
    assert found["rmse_last_price"] == 0.0


def test_forecasts_of_several_symbols_are_pooled():
    prices = make_prices(close=[100.0, 110.0, 99.0])
    one = make_forecasts(prices, [0.1, 0.1, 0.1]).frame
    both = type(one)({name: [*one[name], *one[name]] for name in one.columns})
    assert forecast_accuracy(Forecasts(frame=both)).n == 4
