import doctest

import numpy as np
import pytest

from backtester.features import target
from backtester.features.target import target_values, to_log_return
from backtester.recipe.sections import TargetKind

CLOSE = np.array([1.0, 2.0, 4.0, 2.0])


@pytest.mark.parametrize(
    ("kind", "horizon", "expected"),
    [
        (TargetKind.CLOSE, 1, [2.0, 4.0, 2.0, np.nan]),
        (TargetKind.CLOSE, 3, [2.0, np.nan, np.nan, np.nan]),
        (TargetKind.LOG_RETURN, 1, [np.log(2), np.log(2), -np.log(2), np.nan]),
        (TargetKind.LOG_RETURN, 2, [np.log(4), 0.0, np.nan, np.nan]),
        (TargetKind.LOG_RETURN, 9, [np.nan] * 4),
    ],
)
def test_the_target_of_the_last_horizon_origins_is_not_known(kind, horizon, expected):
    np.testing.assert_allclose(target_values(CLOSE, kind=kind, horizon=horizon), expected, rtol=1e-15)


@pytest.mark.parametrize("kind", TargetKind)
def test_the_true_target_turned_back_is_the_log_return(kind):
    values = target_values(CLOSE, kind=kind, horizon=2)
    back = to_log_return(values, kind=kind, last_close=CLOSE)
    np.testing.assert_allclose(back, [np.log(4), 0.0, np.nan, np.nan], rtol=1e-15)


def test_a_forecast_price_of_zero_or_less_is_a_loss_of_nearly_all_and_finite():
    predicted, last = np.array([0.0, -3.0, 0.05, np.nan]), np.full(4, 100.0)
    back = to_log_return(predicted, kind=TargetKind.CLOSE, last_close=last)
    np.testing.assert_allclose(back, [np.log(1e-3), np.log(1e-3), np.log(1e-3), np.nan])


def test_a_forecast_log_return_stays_as_it_is():
    predicted = np.array([0.01, -9.0])
    back = to_log_return(predicted, kind=TargetKind.LOG_RETURN, last_close=np.array([1.0, 1.0]))
    assert back.tolist() == [0.01, -9.0]


def test_target_values_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        target_values(CLOSE, kind=TargetKind.CLOSE, horizon=1)[0] = 0.0


def test_the_examples_are_true():
    assert doctest.testmod(target).failed == 0
