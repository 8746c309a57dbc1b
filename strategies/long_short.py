"""Long above a threshold, short below its negative, else in cash."""

from backtester.backtest import ForecastStrategy


class LongShort(ForecastStrategy):
    """Long or short in the direction of a forecast that is large enough.

    Parameters
    ----------
    threshold_bp : basis points of forecast return, not negative
    """

    params = (("threshold_bp", 0.0),)

    def target_exposure(self, forecast: float) -> float:
        """Give ``max_exposure``, its negative, or 0."""
        if abs(forecast) <= self.p.threshold_bp / 1e4:
            return 0.0
        return self.max_exposure if forecast > 0.0 else -self.max_exposure
