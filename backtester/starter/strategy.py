"""A strategy to start from: change `target_exposure` and run the recipe again; nothing is retrained."""

import itertools
import math

from backtester.backtest import ForecastStrategy


class CalmLong(ForecastStrategy):
    """Long while the forecast is high enough, with half the money when the market is wild."""

    params = (("threshold_bp", 1.0), ("window", 20), ("wild", 0.015))

    def target_exposure(self, forecast: float) -> float:
        """Share of the equity to hold; `forecast` is the log return expected over the horizon.

        This is called after the close of a bar; `self.data.close` holds the closes up to that bar, and
        the order fills at the next bar's open.
        """
        if forecast * 1e4 <= self.p.threshold_bp:
            return 0.0
        closes = self.data.close.get(size=self.p.window + 1)
        if len(closes) <= self.p.window:
            return 0.0
        returns = [math.log(later / earlier) for earlier, later in itertools.pairwise(closes)]
        wild = math.sqrt(sum(r * r for r in returns) / len(returns)) > self.p.wild
        return 0.5 if wild else 1.0
