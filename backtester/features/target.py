"""The target: what a model is asked for at each origin, and the way back to a log return."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backtester.recipe.sections import TargetKind

__all__ = ["LEAST_PRICE_RATIO", "target_values", "to_log_return"]

LEAST_PRICE_RATIO = 1e-3
"""A forecast close below this share of the last close counts as this share."""


def target_values(close: NDArray[np.float64], *, kind: TargetKind, horizon: int) -> NDArray[np.float64]:
    """Give the target of every origin.

    Parameters
    ----------
    close : array (n_bars,), positive
    kind : the log return over the horizon, or the close at its end
    horizon : bars ahead, from 1 on

    Returns
    -------
    array (n_bars,) float64, read-only: log(close[t + horizon] / close[t]) or close[t + horizon]; NaN for the
    last ``horizon`` origins, whose target is not known

    Examples
    --------
    >>> target_values(np.array([1.0, 2.0, 4.0]), kind=TargetKind.CLOSE, horizon=1)
    array([ 2.,  4., nan])
    """
    close = np.asarray(close, dtype=np.float64)
    values = np.full(len(close), np.nan)
    future = close[horizon:]
    known = len(future)
    values[:known] = future if kind is TargetKind.CLOSE else np.log(future / close[:known])
    values.setflags(write=False)
    return values


def to_log_return(
    predicted: NDArray[np.float64], *, kind: TargetKind, last_close: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Turn predictions in the target's own unit into log returns from the last close.

    A network that forecasts prices can give zero or less, which has no logarithm: a forecast below one
    thousandth of the last close counts as one thousandth (a log return of -6.9), so that it stays a forecast
    of ruin and is neither lost nor infinite. NaN stays NaN.

    Parameters
    ----------
    predicted : array (n,), log returns or closes, not scaled
    kind : which of the two
    last_close : array (n,), the close at each origin

    Returns
    -------
    array (n,) float64

    Examples
    --------
    >>> predicted, last_close = np.array([50.0, -5.0]), np.array([50.0, 50.0])
    >>> to_log_return(predicted, kind=TargetKind.CLOSE, last_close=last_close).round(3)
    array([ 0.   , -6.908])
    """
    predicted = np.asarray(predicted, dtype=np.float64)
    if kind is TargetKind.LOG_RETURN:
        return predicted
    return np.log(np.maximum(predicted / np.asarray(last_close, dtype=np.float64), LEAST_PRICE_RATIO))
