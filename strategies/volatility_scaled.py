"""In the direction of the forecast, less of it in wild markets."""

import math

import numpy as np

from backtester.backtest import ForecastStrategy


class VolatilityScaled(ForecastStrategy):
    """Size the position so that, if the recent volatility lasts, the account has the target volatility.

    Parameters
    ----------
    threshold_bp : basis points of forecast return, not negative
    target_volatility : of the account, a year
    window : bars of past returns that the volatility is taken from
    short : whether to go short on negative forecasts
    """

    params = (("threshold_bp", 0.0), ("target_volatility", 0.10), ("window", 20), ("short", False))

    def target_exposure(self, forecast: float) -> float:
        """Give the scaled exposure, at most ``max_exposure``; 0 without enough past or without movement."""
        if abs(forecast) <= self.p.threshold_bp / 1e4 or (forecast < 0.0 and not self.p.short):
            return 0.0
        if len(self.data) <= self.p.window:
            return 0.0
        # closes up to this bar's own, which is known now
        closes = np.array(self.data.close.get(size=self.p.window + 1))
        volatility = float(np.std(closes[1:] / closes[:-1] - 1.0, ddof=1)) * math.sqrt(
            self.p.periods_per_year
        )
        if volatility < 1e-9:
            return 0.0
        return math.copysign(min(self.p.target_volatility / volatility, self.max_exposure), forecast)
