import numpy as np
import pytest

from backtester.models import BASELINES, baseline_forecasts

CLOSE = np.exp(np.cumsum(np.random.default_rng(4).normal(0, 0.02, 50)))


def test_last_price_forecasts_no_change():
    assert baseline_forecasts("last_price", close=CLOSE, horizon=3).tolist() == [0.0] * 50


@pytest.mark.parametrize("horizon", [1, 4])
def test_last_return_repeats_the_last_bars(horizon: int):
    forecast = baseline_forecasts("last_return", close=CLOSE, horizon=horizon)
    for t in range(horizon, 50):
        assert forecast[t] == pytest.approx(np.log(CLOSE[t] / CLOSE[t - horizon]))
    assert np.isnan(forecast[:horizon]).all()


@pytest.mark.parametrize("horizon", [1, 4])
def test_mean_return_is_the_mean_of_all_returns_so_far(horizon: int):
    forecast = baseline_forecasts("mean_return", close=CLOSE, horizon=horizon)
    returns = np.diff(np.log(CLOSE))
    for t in range(1, 50):
        assert forecast[t] == pytest.approx(returns[:t].mean() * horizon)


@pytest.mark.parametrize("kind", sorted(BASELINES))
def test_no_baseline_sees_the_future(kind: str):
    whole = baseline_forecasts(kind, close=CLOSE, horizon=2)
    for t in range(2, 50):
        cut = baseline_forecasts(kind, close=CLOSE[: t + 1], horizon=2)
        np.testing.assert_array_equal(cut, whole[: t + 1])
