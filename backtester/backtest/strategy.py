"""The base class of strategies that turn a forecast into an exposure."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import backtrader as bt

from backtester.errors import UserCodeError

__all__ = ["ForecastStrategy"]


class ForecastStrategy(bt.Strategy):  # type: ignore[misc]
    """Holds the exposure that its one method, `target_exposure`, asks for.

    At the close of bar t the method is asked, with the forecast known then. If its answer differs from
    the last ordered exposure by more than ``rebalance_band``, an order goes out, and at the fill price
    of bar t+1 it is sized from that price and the account alone: after costs, the exposure is exactly
    the target. Where there is no forecast the exposure is 0 and the method is not asked.

    Lines of ``self.data``: ``open high low close volume forecast``; ``[0]`` is the bar just closed,
    ``[-1]`` the one before. A column that the prices lack is NaN.

    Backtrader ``params`` of every strategy, beside those that it declares itself:
    ``max_exposure`` (share of equity), ``rebalance_band`` (share of equity), ``periods_per_year``.
    """

    params: tuple[tuple[str, Any], ...] = (
        ("max_exposure", 1.0),
        ("rebalance_band", 0.05),
        ("periods_per_year", 252),
    )

    # class attributes, as a user's __init__ need not call ours
    wanted: float = 0.0
    """Inside `target_exposure`: the exposure wanted at the previous bar; 0 at first and after a gap."""
    ordered: float = 0.0
    """The exposure of the last order."""
    n_cut: int = 0
    """How often an answer beyond ``max_exposure`` was cut to it."""
    _undone: float | None = None

    @property
    def max_exposure(self) -> float:
        """The largest exposure allowed, a share of equity; above 1 is leverage."""
        return float(self.p.max_exposure)

    def target_exposure(self, forecast: float) -> float:
        """Say which exposure to hold after the next fill.

        Parameters
        ----------
        forecast : log return over the horizon, known at this bar's close; never NaN

        Returns
        -------
        float, position value over equity: 1 is all equity, 0 cash, negative short
        """
        raise NotImplementedError

    def next(self) -> None:
        """Decide at the close; Backtrader calls it at every bar."""
        forecast = self.data.forecast[0]
        self.wanted = 0.0 if math.isnan(forecast) else self._checked(self.target_exposure(forecast))
        if abs(self.wanted - self.ordered) > self.p.rebalance_band:
            self.ordered = self._undone = self.wanted

    def next_open(self) -> None:
        """Order what the last close decided; the day's close is not known here and not used."""
        if self._undone is None:
            return
        exposure, self._undone = self._undone, None
        size = self.broker.size_for(exposure, data=self.data)
        decided = len(self.data) - 2
        if size > 0.0:
            self.buy(size=size, decided=decided)
        elif size < 0.0:
            self.sell(size=-size, decided=decided)

    def _checked(self, answer: object) -> float:
        session: date = self.data.datetime.date(0)
        try:
            exposure = float(answer)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            exposure = math.nan
        if not math.isfinite(exposure):
            raise UserCodeError(
                f"Strategy {type(self).__name__} asked for an exposure of {answer!r} "
                f"at the close of {session.isoformat()}.",
                advice="target_exposure must return a finite number: 1 is all equity, 0 is cash.",
            )
        if abs(exposure) > self.max_exposure:
            self.n_cut += 1
            return math.copysign(self.max_exposure, exposure)
        return exposure
