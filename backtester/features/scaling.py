"""The scaler: fitted once, on the training part alone, and frozen from then on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backtester.errors import PricesError
from backtester.recipe.sections import ScalerKind

__all__ = ["Scaler", "fit_scaler"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaler:
    """A linear scaling, ``(value - center) / scale``, as plain numbers.

    Parameters
    ----------
    center, scale : float64, () for a series or (n_features,) for columns; scale is positive
    """

    center: NDArray[np.float64]
    scale: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ("center", "scale"):
            values = np.array(getattr(self, name), dtype=np.float64)
            values.setflags(write=False)
            object.__setattr__(self, name, values)

    def transform(self, values: ArrayLike) -> NDArray[np.float64]:
        """Scale values of any shape whose last axis is the features; NaN stays NaN."""
        scaled: NDArray[np.float64] = (np.asarray(values, dtype=np.float64) - self.center) / self.scale
        return scaled

    def inverse(self, values: ArrayLike) -> NDArray[np.float64]:
        """Undo `transform`."""
        unscaled: NDArray[np.float64] = np.asarray(values, dtype=np.float64) * self.scale + self.center
        return unscaled


def fit_scaler(values: NDArray[np.float64], *, kind: ScalerKind) -> Scaler:
    """Fit a scaler, each column by itself.

    Parameters
    ----------
    values : array (n,) or (n, n_features), rows of the training part only, no NaN
    kind : ``standard`` to mean 0 and standard deviation 1 (ddof 0), ``minmax`` to 0..1, ``none`` as they are

    Returns
    -------
    Scaler; a constant column is only shifted, its scale is 1

    Raises
    ------
    PricesError : no rows, or a value that is NaN or infinite

    Source
    ------
    scikit-learn's StandardScaler and MinMaxScaler, which would skip NaN without a word.

    Examples
    --------
    >>> scaler = fit_scaler(np.array([2.0, 4.0, 6.0]), kind=ScalerKind.MINMAX)
    >>> scaler.transform([2.0, 6.0, 8.0])
    array([0. , 1. , 1.5])
    """
    values = np.asarray(values, dtype=np.float64)
    if len(values) == 0:
        raise PricesError("a scaler cannot be fitted: there are no training rows.")
    n_bad = int(np.count_nonzero(~np.isfinite(values)))
    if n_bad:
        raise PricesError(
            f"a scaler cannot be fitted: {n_bad} of {values.size} training values are not finite."
        )
    columns = values.reshape(len(values), -1)
    center, scale = _fitted(columns, kind=kind)
    shape = values.shape[1:]
    return Scaler(center=center.reshape(shape), scale=scale.reshape(shape))


def _fitted(
    columns: NDArray[np.float64], *, kind: ScalerKind
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n_columns = columns.shape[1]
    if kind is ScalerKind.NONE:
        return np.zeros(n_columns), np.ones(n_columns)
    # Here, as its import takes a second that whoever only reads a recipe need not wait for.
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    if kind is ScalerKind.STANDARD:
        standard = StandardScaler().fit(columns)
        return standard.mean_, standard.scale_
    minmax = MinMaxScaler().fit(columns)
    return minmax.data_min_, 1.0 / minmax.scale_
