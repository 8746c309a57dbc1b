"""Long while the forecast is above a threshold, else in cash."""

from backtester.backtest import ForecastStrategy


class LongOrCash(ForecastStrategy):
    """All in while the forecast is above the threshold, else out.

    Parameters
    ----------
    threshold_bp : basis points of forecast return
    """

    params = (("threshold_bp", 0.0),)

    def target_exposure(self, forecast: float) -> float:
        """Give ``max_exposure`` or 0."""
        long: bool = forecast > self.p.threshold_bp / 1e4
        return self.max_exposure if long else 0.0
