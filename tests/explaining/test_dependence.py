"""Which bars move a forecast, and how much of it is a straight line."""

import numpy as np
import pytest

from backtester.explaining.dependence import fit_line, lags_of, sensitivity, share_explained
from backtester.features import Scaler, to_log_return
from backtester.recipe import TargetKind


def values(n: int = 400, width: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, width))


def test_a_linear_network_is_explained_in_full():
    slopes = np.array([0.5, -1.0, 0.0, 2.0, 0.25])
    said = values() @ slopes + 3.0
    line = fit_line(values(), said)
    np.testing.assert_allclose(line.slopes, slopes, atol=1e-10)
    assert line.constant == pytest.approx(3.0)
    fresh = values(seed=1)
    assert share_explained(fresh @ slopes + 3.0, line.predict(fresh)) == pytest.approx(1.0)


def test_an_even_function_is_not_explained_at_all():
    said = (values() ** 2).sum(axis=1)
    fresh = values(seed=1)
    share = share_explained((fresh**2).sum(axis=1), fit_line(values(), said).predict(fresh))
    assert share is not None
    assert share < 0.05


def test_the_share_is_known_where_signal_and_rest_are():
    """Said = line + independent rest of variance 3 beside 1: a quarter is explained."""
    rest = np.random.default_rng(5).normal(size=20_000)
    straight = np.random.default_rng(6).normal(size=20_000)
    assert share_explained(straight + np.sqrt(3) * rest, straight) == pytest.approx(0.25, abs=0.02)


def test_an_offset_does_not_count():
    said = values()[:, 0]
    assert share_explained(said, said + 7.0) == pytest.approx(1.0)


def test_a_forecast_that_never_varies_has_no_share():
    assert share_explained(np.full(50, 0.3), np.zeros(50)) is None


def test_each_lag_has_its_own_effect_newest_first():
    gradient = np.zeros((4, 3, 2))
    gradient[:, 2, 0] = [1.0, -1.0, 1.0, -1.0]  # newest bar, first feature
    gradient[:, 0, 1] = 0.5  # oldest bar, second feature
    lags = lags_of(gradient, bp=np.full(4, 10.0), spread=np.array([1.0, 2.0]))
    np.testing.assert_allclose(lags.size, [[10.0, 0.0], [0.0, 0.0], [0.0, 10.0]])
    np.testing.assert_allclose(lags.signed, [[0.0, 0.0], [0.0, 0.0], [0.0, 10.0]])
    assert lags.within == 3


def test_eighty_per_cent_within_counts_from_the_newest_bar():
    gradient = np.zeros((1, 10, 1))
    gradient[0, :, 0] = [0, 0, 0, 0, 0, 1, 1, 2, 3, 4]
    assert lags_of(gradient, bp=np.ones(1), spread=np.ones(1)).within == 3  # 4 + 3 = 7 of 11; 9 of 11
    assert lags_of(np.zeros((1, 10, 1)), bp=np.ones(1), spread=np.ones(1)).within == 0


@pytest.mark.parametrize("kind", list(TargetKind))
def test_sensitivity_is_the_derivative_of_the_forecast(kind):
    price = kind is TargetKind.CLOSE
    scaler = Scaler(center=np.array(100.0 if price else 0.0005), scale=np.array(20.0 if price else 0.011))
    predicted, step = np.array([0.3, -0.2, 1.1]), 1e-6
    last = np.array([101.0, 99.0, 120.0])

    def forecast(scaled: np.ndarray) -> np.ndarray:
        return to_log_return(scaler.inverse(scaled), kind=kind, last_close=last)

    expected = 1e4 * (forecast(predicted + step) - forecast(predicted - step)) / (2 * step)
    np.testing.assert_allclose(sensitivity(predicted, scaler=scaler, kind=kind), expected, rtol=1e-6)
