"""The feature matrix: all features of a recipe over all bars, computed and checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.errors import RecipeError, UserCodeError
from backtester.features.registry import NamedFeature, feature_names, read_feature
from backtester.prices.table import PRICE_COLUMNS, Prices
from backtester.references import load_reference, reference_file, user_code_error

__all__ = ["FeatureMatrix", "feature_matrix"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureMatrix:
    """What the model may see, before scaling: row t was known at the close of bar t.

    Parameters
    ----------
    names : of the columns, in the recipe's order
    values : (n_bars, n_features) float64, read-only; NaN only in rows before ``warmup``
    warmup : leading bars on which at least one feature has no value
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    warmup: int

    def __post_init__(self) -> None:
        values = np.array(self.values, dtype=np.float64)
        values.setflags(write=False)
        object.__setattr__(self, "values", values)


def feature_matrix(prices: Prices, columns: Sequence[str], *, folder: Path) -> FeatureMatrix:
    """Compute the features that a recipe names.

    Parameters
    ----------
    prices : daily bars
    columns : names such as ``"volatility(20)"``; a user's own as ``"file.py:function"``, a function of the
        price frame (columns open, high, low, close, volume as far as there are any; index the dates) that
        gives a series on the same index, NaN in its warm-up only. It is handed a copy
    folder : the recipe's folder, for files

    Returns
    -------
    FeatureMatrix; on fewer bars than the warm-up, all rows are warm-up

    Raises
    ------
    RecipeError : an unknown feature or wrong parameters; a price column that it needs is absent or zero
    UserCodeError : a user's function raises, or gives something else than such a series
    """
    names = feature_names(columns)
    series = [
        _user_column(name, prices=prices, folder=folder)
        if ":" in name
        else _named_column(name, prices=prices)
        for name in names
    ]
    values = np.column_stack(series)
    warmup = max(_n_leading(np.isnan(column)) for column in series)
    return FeatureMatrix(names=names, values=values, warmup=warmup)


def _named_column(name: str, *, prices: Prices) -> NDArray[np.float64]:
    named = read_feature(name)
    _check_needs(named, prices=prices)
    values = named.compute(prices.frame).to_numpy(dtype=np.float64)
    _check_values(values, name=name, dates=prices.dates, error=RecipeError)
    return values


def _check_needs(named: NamedFeature, *, prices: Prices) -> None:
    kind, what = named.feature, f"feature '{named.name}' needs the column"
    advice = "Choose features that the prices have the columns for, or other prices."
    for column in kind.needs:
        if not prices.has(column):
            found = ", ".join(name for name in PRICE_COLUMNS if prices.has(name))
            raise RecipeError(f"{what} '{column}', which the prices lack (they have {found}).", advice=advice)
        values = prices.column(column)
        zero = values <= 0.0
        if len(values) and zero.all():
            raise RecipeError(f"{what} '{column}', which is 0 on every bar.", advice=advice)
        if column in kind.positive and zero.any():
            raise RecipeError(
                f"{what} '{column}' above 0, and it is 0 on {zero.sum()} bars, "
                f"first on {_first_date(zero, prices.dates)}.",
                advice=advice,
            )


def _user_column(reference: str, *, prices: Prices, folder: Path) -> NDArray[np.float64]:
    what = f"feature '{reference}'"
    # anew for each history: what a longer one left behind would be the future of a shorter
    function = load_reference(reference, folder=folder, fresh=True)
    if not callable(function):
        raise UserCodeError(
            f"{what} is of type {type(function).__name__}, not a function.",
            advice="Name a function of the price frame that gives a series on its index.",
        )
    given = prices.frame[[name for name in PRICE_COLUMNS if prices.has(name)]].copy()
    file = reference_file(reference, folder=folder)
    values = _series_values(_called(function, given, what=what, file=file), what=what, index=prices.dates)
    _check_values(values, name=reference, dates=prices.dates, error=UserCodeError)
    return values


def _called(function: Callable[..., object], frame: pd.DataFrame, *, what: str, file: Path | None) -> object:
    try:
        return function(frame)
    except (Exception, SystemExit) as error:
        raise user_code_error(error, file=file, what=what) from error


def _series_values(result: object, *, what: str, index: pd.DatetimeIndex) -> NDArray[np.float64]:
    if not isinstance(result, pd.Series):
        raise UserCodeError(
            f"{what} gave {type(result).__name__}, not a pandas Series.",
            advice="Give one series on the price frame's index.",
        )
    if not result.index.equals(index):
        differs = "" if len(result) != len(index) else _first_difference(result.index, index)
        raise UserCodeError(
            f"{what} gave a series on another index: {len(result)} rows, "
            f"the prices have {len(index)}{differs}.",
            advice="Give a value, or NaN in the warm-up, for each bar in order; drop none.",
        )
    # Checked by type: dates, too, would turn into floats.
    if not pd.api.types.is_numeric_dtype(result) or pd.api.types.is_complex_dtype(result):
        raise UserCodeError(
            f"{what} gave values of type {result.dtype}, not real numbers.", advice="Give a series of floats."
        )
    return result.to_numpy(dtype=np.float64, na_value=np.nan)


def _first_difference(found: pd.Index, wanted: pd.DatetimeIndex) -> str:
    place = next(i for i, (one, other) in enumerate(zip(found, wanted, strict=True)) if one != other)
    return f"; first difference at {wanted[place].date()}, where it has {found[place]}"


def _check_values(
    values: NDArray[np.float64], *, name: str, dates: pd.DatetimeIndex, error: type[RecipeError]
) -> None:
    infinite = np.isinf(values)
    if infinite.any():
        raise error(
            f"feature '{name}' is infinite on {infinite.sum()} bars, "
            f"first on {_first_date(infinite, dates)}.",
            advice="A division by zero or the logarithm of 0? Every value must be finite.",
        )
    missing = np.isnan(values)
    missing[: _n_leading(missing)] = False
    if missing.any():
        raise error(
            f"feature '{name}' is NaN after its warm-up on {missing.sum()} bars, "
            f"first on {_first_date(missing, dates)}.",
            advice="NaN is allowed only on the first bars, where there is not enough history.",
        )


def _first_date(mask: NDArray[np.bool_], dates: pd.DatetimeIndex) -> date:
    return dates[int(np.argmax(mask))].date()


def _n_leading(mask: NDArray[np.bool_]) -> int:
    return len(mask) if mask.all() else int(np.argmin(mask))
