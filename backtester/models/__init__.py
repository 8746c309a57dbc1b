"""What learns: named Keras networks, the user's own, scikit-learn regressors, and the baselines."""

from backtester.models.baselines import BASELINES, baseline_forecasts
from backtester.models.forecaster import FitReport, Fitted, Forecaster

__all__ = ["BASELINES", "FitReport", "Fitted", "Forecaster", "baseline_forecasts"]
