"""Samples: what a forecaster is given, windows of scaled features and the scaled target.

Known when: the window of the sample at origin t ends with bar t; its target is known at t + horizon.
Scalers are fitted on the training part of a fold alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backtester.features import FeatureMatrix, Scaler, fit_scaler, target_values, to_log_return
from backtester.folds import Fold, Part
from backtester.recipe import ScalerKind, TargetSection

__all__ = ["FoldSamples", "Samples", "fold_samples"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Samples of one part of a fold.

    Parameters
    ----------
    inputs : (n, lookback, n_features) float32, scaled
    targets : (n,) float32, scaled; NaN where the target is not yet known (test only)
    origins : (n,) int64, bar positions
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]
    origins: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.origins)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldSamples:
    """The samples of one fold, and the way back from a scaled prediction to a log return.

    Parameters
    ----------
    train, validation, test : validation has length 0 where the recipe asks for none
    target_scaler : fitted on the training part's targets
    target : what the model is asked for
    last_close : (n_test,) close at each test origin
    """

    train: Samples
    validation: Samples
    test: Samples
    target_scaler: Scaler
    target: TargetSection
    last_close: NDArray[np.float64]

    def to_forecast(self, predicted: NDArray[np.floating]) -> NDArray[np.float64]:
        """Turn scaled predictions (n_test,) into ``horizon``-bar log returns (n_test,)."""
        unscaled = self.target_scaler.inverse(np.asarray(predicted, dtype=np.float64))
        return to_log_return(unscaled, kind=self.target.kind, last_close=self.last_close)


def fold_samples(
    features: FeatureMatrix,
    close: NDArray[np.float64],
    *,
    fold: Fold,
    lookback: int,
    target: TargetSection,
    feature_scaler: ScalerKind,
) -> FoldSamples:
    """Make the samples of one fold.

    Parameters
    ----------
    features : of all bars
    close : (n_bars,)
    fold : the bars that train, validate and test
    lookback : bars in a window

    Raises
    ------
    RecipeError : no training sample is left
    """
    values = features.values
    wanted = target_values(close, kind=target.kind, horizon=target.horizon)
    origins = {
        part: fold.origins(part, lookback=lookback, horizon=target.horizon, warmup=features.warmup)
        for part in Part
    }
    first = fold.train.start
    scaler = fit_scaler(values[first + features.warmup : fold.train.stop], kind=feature_scaler)
    target_scaler = fit_scaler(wanted[origins[Part.TRAIN]], kind=target.scaler)
    scaled = scaler.transform(values[first : fold.test.stop]).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(scaled, lookback, axis=0).transpose(0, 2, 1)

    def samples(part: Part) -> Samples:
        return Samples(
            inputs=np.ascontiguousarray(windows[origins[part] - first - lookback + 1]),
            targets=target_scaler.transform(wanted[origins[part]]).astype(np.float32),
            origins=origins[part],
        )

    return FoldSamples(
        train=samples(Part.TRAIN),
        validation=samples(Part.VALIDATION),
        test=samples(Part.TEST),
        target_scaler=target_scaler,
        target=target,
        last_close=close[origins[Part.TEST]],
    )
