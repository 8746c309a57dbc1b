"""The table of out-of-sample forecasts: one row for each origin."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["FORECAST_COLUMNS", "Forecasts"]

FORECAST_COLUMNS = (
    "symbol",
    "origin",
    "target_date",
    "horizon",
    "fold",
    "seed",
    "forecast",
    "forecast_sd",
    "actual",
    "last_price",
    "forecast_price",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecasts:
    """Out-of-sample forecasts of one forecaster, sorted by symbol and origin.

    Parameters
    ----------
    frame : columns FORECAST_COLUMNS.
        ``origin`` is the bar after whose close the forecast was made; ``target_date`` the bar it is
        for (NaT for the last ``horizon`` origins, whose target lies beyond the prices);
        ``forecast`` and ``actual`` are ``horizon``-bar log returns, NaN where there is none
        (a failed fold; an actual not yet known); ``forecast_sd`` the standard deviation over the
        members (NaN for one member); ``last_price`` the close at the origin;
        ``forecast_price = last_price * exp(forecast)``
    """

    frame: pd.DataFrame

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def scored(self) -> pd.DataFrame:
        """The rows that have both a forecast and an actual."""
        return self.frame[self.frame["forecast"].notna() & self.frame["actual"].notna()]

    @property
    def by_origin(self) -> pd.Series:
        """The forecast by origin date: what was known at that bar's close."""
        return pd.Series(
            self.frame["forecast"].to_numpy(dtype=np.float64, copy=True),
            index=pd.DatetimeIndex(self.frame["origin"]),
            name="forecast",
        )

    def to_csv(self) -> str:
        """Text of ``forecasts.csv``: ISO dates, shortest exact floats, blanks for NaN."""
        return self.frame.to_csv(index=False, date_format="%Y-%m-%d", lineterminator="\n")

    @property
    def sha256(self) -> str:
        """Hash of ``forecasts.csv``."""
        return hashlib.sha256(self.to_csv().encode()).hexdigest()
