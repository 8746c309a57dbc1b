"""What a forecast hangs on: each bar of its window by the gradient, and how much of it is a straight line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backtester.features import Scaler
from backtester.recipe import TargetKind

__all__ = ["Lags", "Line", "fit_line", "lags_of", "sensitivity", "share_explained"]

Array = NDArray[np.float64]
_WITHIN = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Lags:
    """How far each bar of the window moves the forecast, for a feature one standard deviation higher there.

    Parameters
    ----------
    size : (lookback, n_features) basis points, mean over the bars of the absolute effect; lag 0, the newest
        bar, first
    signed : the same without taking absolute values
    within : the newest bars that hold 80 % of the sum of ``size``
    """

    size: Array
    signed: Array
    within: int


def sensitivity(predicted: Array, *, scaler: Scaler, kind: TargetKind) -> Array:
    """Basis points of the forecast for one unit of the scaled prediction, (bars,).

    For a log return that is the target's scale; a forecast price moves by scale / price.
    """
    scale = float(scaler.scale)
    if kind is TargetKind.LOG_RETURN:
        return np.full(len(predicted), 1e4 * scale)
    return 1e4 * scale / scaler.inverse(predicted)


def lags_of(gradient: Array, *, bp: Array, spread: Array) -> Lags:
    """Average the gradient over the bars.

    Parameters
    ----------
    gradient : (bars, lookback, n_features), of the scaled prediction by the scaled window, oldest bar first
    bp : (bars,) from `sensitivity`
    spread : (n_features,) standard deviation of each scaled feature in training
    """
    effect = (gradient * bp[:, None, None] * spread)[:, ::-1]
    size = np.abs(effect).mean(axis=0)
    together = np.cumsum(size.sum(axis=1))
    within = int(np.searchsorted(together, _WITHIN * together[-1])) + 1 if together[-1] > 0.0 else 0
    return Lags(size=size, signed=effect.mean(axis=0), within=min(within, len(size)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The linear function of the window that comes nearest to what a network says in training.

    Parameters
    ----------
    constant : where it begins
    slopes : (n_values,), of the values of a window side by side
    """

    constant: float
    slopes: Array

    def predict(self, values: Array) -> Array:
        """Scaled predictions (n,) of values (n, n_values)."""
        predicted: Array = values @ self.slopes + self.constant
        return predicted


def fit_line(values: Array, said: Array) -> Line:
    """Fit by least squares; the smallest slopes where several fit as well.

    Parameters
    ----------
    values : (n, n_values)
    said : (n,), the network's own scaled predictions of these windows
    """
    center, middle = values.mean(axis=0), float(said.mean())
    slopes = np.linalg.lstsq(values - center, said - middle, rcond=None)[0]
    return Line(constant=middle - float(center @ slopes), slopes=slopes)


def share_explained(said: Array, approximated: Array) -> float | None:
    """Share of the variance of what a network says that an approximation gives; an offset does not count.

    None where the network says the same on every bar; below 0 where the approximation, which was fitted to
    other windows, varies otherwise.
    """
    spread, rest = float(np.var(said)), float(np.var(said - approximated))
    if spread <= 1e-20 * max(1.0, float(np.mean(said**2))):
        return None
    return 1.0 - rest / spread
