import numpy as np
import pytest

from backtester.features import FeatureMatrix
from backtester.folds import Fold
from backtester.recipe import ScalerKind, TargetKind, TargetSection
from backtester.samples import FoldSamples, fold_samples

FOLD = Fold(index=0, train=slice(2, 12), validation=slice(12, 16), test=slice(16, 20))


def matrix(n_bars: int = 20) -> FeatureMatrix:
    values = np.arange(2.0 * n_bars).reshape(n_bars, 2)
    return FeatureMatrix(names=("a", "b"), values=values, warmup=0)


def samples(close: np.ndarray, features: FeatureMatrix, **settings: object) -> FoldSamples:
    target = TargetSection(scaler=ScalerKind.NONE, **settings)
    return fold_samples(features, close, fold=FOLD, lookback=3, target=target, feature_scaler=ScalerKind.NONE)


def prices(n_bars: int = 20) -> np.ndarray:
    return np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, n_bars)))


def test_window_ends_with_the_bar_of_its_origin():
    features = matrix()
    made = samples(prices(), features)
    for part in (made.train, made.validation, made.test):
        for window, origin in zip(part.inputs, part.origins, strict=True):
            np.testing.assert_array_equal(window, features.values[origin - 2 : origin + 1])


def test_target_is_the_log_return_over_the_horizon():
    close = prices()
    made = samples(close, matrix(), horizon=2)
    for part in (made.train, made.validation):
        wanted = np.log(close[part.origins + 2] / close[part.origins])
        np.testing.assert_array_equal(part.targets, wanted.astype(np.float32))


def test_no_training_target_lies_beyond_its_part():
    made = samples(prices(), matrix(), horizon=2)
    assert made.train.origins.tolist() == list(range(4, 10))
    assert made.validation.origins.tolist() == [12, 13]
    assert made.test.origins.tolist() == [16, 17, 18, 19]


def test_scalers_see_the_training_part_alone():
    close, features = prices(), matrix()
    wild = features.values.copy()
    wild[12:] += 1e6
    wild_close = close.copy()
    wild_close[12:] *= 50
    target = TargetSection()
    calm_made, wild_made = (
        fold_samples(
            FeatureMatrix(names=("a", "b"), values=values, warmup=0),
            closes,
            fold=FOLD,
            lookback=3,
            target=target,
            feature_scaler=ScalerKind.STANDARD,
        )
        for values, closes in ((features.values, close), (wild, wild_close))
    )
    assert calm_made.train.inputs.tobytes() == wild_made.train.inputs.tobytes()
    assert calm_made.train.targets.tobytes() == wild_made.train.targets.tobytes()
    assert calm_made.target_scaler.inverse(np.ones(1)) == wild_made.target_scaler.inverse(np.ones(1))


@pytest.mark.parametrize("kind", [TargetKind.LOG_RETURN, TargetKind.CLOSE])
@pytest.mark.parametrize("scaler", list(ScalerKind))
def test_a_perfect_prediction_becomes_the_log_return(kind: TargetKind, scaler: ScalerKind):
    close = prices(24)
    target = TargetSection(kind=kind, scaler=scaler, horizon=2)
    made = fold_samples(
        matrix(24), close, fold=FOLD, lookback=3, target=target, feature_scaler=ScalerKind.NONE
    )
    came = np.log(close[18:22] / close[16:20])
    np.testing.assert_allclose(made.to_forecast(made.test.targets), came, atol=1e-6)
