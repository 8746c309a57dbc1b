"""Forecasters that learn nothing: the bar that a network has to clear.

Each gives, for every bar t at once, the forecast made at the close of t, from closes up to t alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["BASELINES", "baseline_forecasts"]


def _last_price(close: NDArray[np.float64], horizon: int) -> NDArray[np.float64]:
    """Tomorrow's close is today's: the forecast return is 0."""
    return np.zeros(len(close))


def _last_return(close: NDArray[np.float64], horizon: int) -> NDArray[np.float64]:
    """The next ``horizon`` bars return what the last ``horizon`` bars did."""
    forecast = np.full(len(close), np.nan)
    forecast[horizon:] = np.log(close[horizon:] / close[:-horizon])
    return forecast


def _mean_return(close: NDArray[np.float64], horizon: int) -> NDArray[np.float64]:
    """The prevailing mean of all one-bar returns known at the origin, times the horizon."""
    forecast = np.full(len(close), np.nan)
    forecast[1:] = np.log(close[1:] / close[0]) / np.arange(1, len(close)) * horizon
    return forecast


BASELINES: Mapping[str, Callable[[NDArray[np.float64], int], NDArray[np.float64]]] = {
    "last_price": _last_price,
    "last_return": _last_return,
    "mean_return": _mean_return,
}


def baseline_forecasts(kind: str, *, close: NDArray[np.float64], horizon: int) -> NDArray[np.float64]:
    """Forecast with a baseline at every bar.

    Parameters
    ----------
    kind : a key of BASELINES
    close : (n_bars,) closes
    horizon : bars ahead

    Returns
    -------
    (n_bars,) forecast ``horizon``-bar log returns; NaN where too few closes are known

    Examples
    --------
    >>> close = np.exp(np.array([0.0, 0.1, 0.3]))
    >>> baseline_forecasts("last_return", close=close, horizon=1).round(3)
    array([ nan, 0.1, 0.2])
    >>> baseline_forecasts("mean_return", close=close, horizon=2).round(3)
    array([ nan, 0.2, 0.3])
    """
    return BASELINES[kind](close, horizon)
