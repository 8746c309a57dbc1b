"""One fit: compiled, seeded, with early stopping. Importing this imports TensorFlow."""

from backtester.training.compiled import CompiledFit, FitSettings
from backtester.training.network import FittedNetwork, NetworkForecaster
from backtester.training.plain import PlainFit

__all__ = ["CompiledFit", "FitSettings", "FittedNetwork", "NetworkForecaster", "PlainFit"]
