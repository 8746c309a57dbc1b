"""What the model sees at t: named, causal features; the target; the scaler."""

from backtester.features import builtin as builtin  # registers the named features
from backtester.features.matrix import FeatureMatrix, feature_matrix
from backtester.features.registry import Feature, describe_features, feature_names
from backtester.features.scaling import Scaler, fit_scaler
from backtester.features.target import LEAST_PRICE_RATIO, target_values, to_log_return

__all__ = [
    "LEAST_PRICE_RATIO",
    "Feature",
    "FeatureMatrix",
    "Scaler",
    "describe_features",
    "feature_matrix",
    "feature_names",
    "fit_scaler",
    "target_values",
    "to_log_return",
]
