"""A trial: one configuration on one market, with the returns it made."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["Trial", "flat_settings", "same_returns"]

_ROUNDING = 1e-9
"""Returns nearer than this are the same: a replayed equity and Backtrader's differ by some 1e-15 of it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """One configuration on one market, and what it made.

    Parameters
    ----------
    sha256 : the trial's id, 64 hexadecimal digits: the hash of all that determines the returns
    name : of the run directory
    recipe : the recipe's name
    symbol : as the run called the asset
    settings : the published recipe, from `flat_settings`
    headline : ``rmse_ratio``, ``sharpe``, ``sharpe_buy_and_hold`` and ``verdict``; None where undefined
    dates : (n,), the bars of the returns, increasing
    returns : (n,) the strategy's simple returns from close to close, after costs, as shares
    market : (n,) the asset's simple returns from close to close on the same dates
    registered : when it was registered, UTC; empty before
    """

    sha256: str
    name: str
    recipe: str
    symbol: str
    settings: Mapping[str, Any]
    headline: Mapping[str, Any]
    dates: pd.DatetimeIndex
    returns: npt.NDArray[np.float64]
    market: npt.NDArray[np.float64]
    registered: str = ""

    def known_by_its_returns(self) -> Trial:
        """Give the trial an id that its returns determine as well.

        For returns that are not those which the id stands for: of a run with failed folds, or of code that
        reads what its file's hash does not cover.
        """
        digest = hashlib.sha256(self.sha256.encode() + np.ascontiguousarray(self.returns).tobytes())
        return replace(self, sha256=digest.hexdigest())

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise ValueError(f"sha256 = {self.sha256!r}: must be 64 hexadecimal digits")
        if not (len(self.dates),) == self.returns.shape == self.market.shape:
            raise ValueError(
                f"dates, returns and market have the shapes {self.dates.shape}, {self.returns.shape} and "
                f"{self.market.shape}: must be one length"
            )
        if not len(self.dates) or not self.dates.is_monotonic_increasing or not self.dates.is_unique:
            raise ValueError("dates must be increasing, at least one")


def same_returns(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> bool:
    """Whether two series of returns are the same up to rounding; NaN is NaN.

    Examples
    --------
    >>> same_returns(np.array([0.01, np.nan]), np.array([0.01 + 1e-15, np.nan]))
    True
    """
    return one.shape == other.shape and bool(
        np.allclose(one, other, rtol=0.0, atol=_ROUNDING, equal_nan=True)
    )


def flat_settings(published: Mapping[str, Any], *, prefix: str = "") -> dict[str, Any]:
    """Flatten a published recipe.

    Examples
    --------
    >>> flat_settings({"seed": 7, "model": {"units": [50], "parameters": {}}})
    {'seed': 7, 'model.units': [50]}
    """
    flat: dict[str, Any] = {}
    for key, value in published.items():
        flat |= (
            flat_settings(value, prefix=f"{prefix}{key}.")
            if isinstance(value, Mapping)
            else {f"{prefix}{key}": value}
        )
    return flat
