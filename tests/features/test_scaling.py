import doctest

import numpy as np
import pytest

from backtester.errors import PricesError
from backtester.features import scaling
from backtester.features.scaling import Scaler, fit_scaler
from backtester.recipe.sections import ScalerKind

COLUMNS = np.array([[1.0, 5.0], [3.0, 5.0], [5.0, 5.0]])


@pytest.mark.parametrize(
    ("kind", "center", "scale"),
    [
        (ScalerKind.STANDARD, [3.0, 5.0], [np.sqrt(8 / 3), 1.0]),
        (ScalerKind.MINMAX, [1.0, 5.0], [4.0, 1.0]),
        (ScalerKind.NONE, [0.0, 0.0], [1.0, 1.0]),
    ],
)
def test_each_kind_centers_and_scales_by_column_and_only_shifts_a_constant_one(kind, center, scale):
    scaler = fit_scaler(COLUMNS, kind=kind)
    np.testing.assert_allclose(scaler.center, center, rtol=1e-15)
    np.testing.assert_allclose(scaler.scale, scale, rtol=1e-15)


@pytest.mark.parametrize("kind", ScalerKind)
@pytest.mark.parametrize("values", [COLUMNS, COLUMNS[:, 0]], ids=["columns", "series"])
def test_inverse_undoes_transform_on_windows_too(kind, values):
    scaler = fit_scaler(values, kind=kind)
    windows = np.stack([values, values + 7.0])
    scaled = scaler.transform(windows)
    assert scaled.shape == windows.shape
    assert scaled.dtype == np.float64
    np.testing.assert_allclose(scaler.inverse(scaled), windows, rtol=1e-14)


@pytest.mark.parametrize("kind", [ScalerKind.STANDARD, ScalerKind.MINMAX])
def test_the_level_of_the_prices_does_not_matter_after_scaling(kind):
    values = np.random.default_rng(3).uniform(10, 20, size=(40, 2))
    scaled = [fit_scaler(each, kind=kind).transform(each) for each in (values, 0.25 * values)]
    np.testing.assert_allclose(scaled[0], scaled[1], rtol=1e-12)


def test_rows_outside_the_training_part_keep_their_warm_up_nan():
    scaled = fit_scaler(COLUMNS, kind=ScalerKind.STANDARD).transform([[np.nan, 5.0]])
    np.testing.assert_array_equal(scaled, [[np.nan, 0.0]])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("kind", ScalerKind)
def test_a_scaler_refuses_what_is_not_finite(kind, bad):
    with pytest.raises(PricesError, match="1 of 3 training values are not finite"):
        fit_scaler(np.array([1.0, bad, 2.0]), kind=kind)


def test_a_scaler_refuses_no_rows():
    with pytest.raises(PricesError, match="no training rows"):
        fit_scaler(np.empty((0, 2)), kind=ScalerKind.NONE)


def test_a_scaler_is_frozen_and_keeps_its_own_numbers():
    center = np.zeros(2)
    scaler = Scaler(center=center, scale=np.ones(2))
    center[0] = 9.0
    assert scaler.center.tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="read-only"):
        scaler.scale[0] = 2.0


def test_the_examples_are_true():
    assert doctest.testmod(scaling).failed == 0
