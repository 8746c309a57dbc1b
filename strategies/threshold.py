"""In from one threshold on, out below a second one."""

from backtester.backtest import ForecastStrategy


class Threshold(ForecastStrategy):
    """Enter on a strong forecast, stay until it has faded: fewer trades than one threshold makes.

    Parameters
    ----------
    enter_bp : go long when the forecast is above; basis points
    exit_bp : leave when the forecast is below; basis points, not above ``enter_bp``
    short : whether to go short by the mirrored thresholds
    """

    params = (("enter_bp", 5.0), ("exit_bp", 0.0), ("short", False))

    def target_exposure(self, forecast: float) -> float:
        """Give ``max_exposure``, its negative, or 0; `wanted` is what was wanted a bar ago."""
        enter, leave = self.p.enter_bp / 1e4, self.p.exit_bp / 1e4
        if forecast > enter or (self.wanted > 0.0 and forecast >= leave):
            return self.max_exposure
        if self.p.short and (forecast < -enter or (self.wanted < 0.0 and forecast <= -leave)):
            return -self.max_exposure
        return 0.0
