"""The one feed that strategies see: prices with the forecast known at each close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.errors import RecipeError
from backtester.forecasts import Forecasts
from backtester.prices.table import PRICE_COLUMNS, Prices
from backtester.recipe.choices import Fill

__all__ = ["Market", "PriceFeed", "market_of"]

_LINES = (*PRICE_COLUMNS, "forecast")


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """The bars as Backtrader gets them.

    Parameters
    ----------
    dates : session dates (n_bars,)
    lines : float64 (n_bars, 6), read-only: open, high, low, close, volume, forecast. A column that
        the prices lack is NaN. ``open`` is the price at which orders fill, so for ``next_close`` it
        is the close. ``forecast`` is NaN where none was known at that bar's close
    first_origin : position of the first forecast's origin; the first fill is one bar later
    """

    dates: pd.DatetimeIndex
    lines: NDArray[np.float64]
    first_origin: int

    def line(self, name: str) -> NDArray[np.float64]:
        """One line (n_bars,), read-only."""
        return self.lines[:, _LINES.index(name)]

    def from_first_origin(self) -> Market:
        """The same bars without those before the first origin."""
        start = self.first_origin
        return Market(dates=self.dates[start:], lines=self.lines[start:], first_origin=0)


def market_of(prices: Prices, forecasts: Forecasts, *, fill: Fill) -> Market:
    """Put the forecasts beside the bars at whose close they were known.

    Parameters
    ----------
    prices : the whole history
    forecasts : of which the rows of this symbol are used
    fill : at which price of the next bar an order fills

    Returns
    -------
    Market

    Raises
    ------
    RecipeError : no forecast for this symbol, an origin that is no bar, or no bar after the first origin
    """
    rows = forecasts.frame[forecasts.frame["symbol"] == prices.symbol]
    positions = prices.dates.get_indexer(pd.DatetimeIndex(rows["origin"]))
    if len(rows) == 0 or positions.min() < 0:
        raise RecipeError(
            f"There are no forecasts for the bars of {prices.symbol!r}.",
            advice="Forecasts and prices must have the same symbol and sessions.",
        )
    if positions[0] + 1 >= len(prices):
        raise RecipeError(
            f"The first forecast for {prices.symbol!r} is made at its last bar, so nothing can be traded.",
            advice="Use a longer history or shorter training spans.",
        )
    lines = np.full((len(prices), len(_LINES)), np.nan)
    for column, name in enumerate(PRICE_COLUMNS):
        if prices.has(name):
            lines[:, column] = prices.column(name)
    if fill is Fill.NEXT_CLOSE:
        lines[:, 0] = prices.column("close")
    lines[positions, -1] = rows["forecast"].to_numpy(dtype=np.float64)
    lines.setflags(write=False)
    return Market(dates=prices.dates, lines=lines, first_origin=int(positions[0]))


class PriceFeed(bt.feed.DataBase):  # type: ignore[misc]
    """Hand a market's bars to Backtrader, one by one; adds the line ``forecast``."""

    lines: Any = ("forecast",)
    params = (("market", None),)

    def start(self) -> None:
        """Begin at the first bar."""
        super().start()
        market: Market = self.p.market
        self.p.market = None  # a strategy could read tomorrow's bar there
        self._bars = zip(
            (bt.date2num(date) for date in market.dates.to_pydatetime()),
            market.lines.tolist(),
            strict=True,
        )

    def _load(self) -> bool:
        bar = next(self._bars, None)
        if bar is None:
            return False
        self.lines.datetime[0], values = bar
        for name, value in zip(_LINES, values, strict=True):
            getattr(self.lines, name)[0] = value
        self.lines.openinterest[0] = 0.0
        return True
