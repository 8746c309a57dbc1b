"""Curves that the charts show, from the daily returns in the run directory."""

from __future__ import annotations

import numpy as np
import pandas as pd

from backtester.reporting.words import LABELS
from backtester.run_directory import RunRecord

__all__ = ["START", "drawdown_curves", "equity_curves", "fold_of_bar", "monthly_returns"]

START = 100.0
"""Every equity curve starts here, on the day before the first return."""


def _returns(record: RunRecord) -> pd.DataFrame:
    return record.returns[[name for name in LABELS if name in record.returns]]


def equity_curves(record: RunRecord) -> pd.DataFrame:
    """Equity of each curve, 100 at the first origin.

    Returns
    -------
    frame (n_bars + 1, n_curves): index date; the first row is the first origin, before any return
    """
    growth = START * (1.0 + _returns(record)).cumprod()
    start = pd.DatetimeIndex([record.forecasts["origin"].min()], name="date")
    first = pd.DataFrame(START, index=start, columns=growth.columns)
    return pd.concat([first, growth])


def drawdown_curves(record: RunRecord) -> pd.DataFrame:
    """Fall of each curve below its highest value so far, as a share (0 to -1).

    The equity before the first return counts as a high, so that a loss on the first day is a
    drawdown.
    """
    equity = equity_curves(record)
    return equity / equity.cummax() - 1.0


def monthly_returns(returns: pd.Series) -> pd.DataFrame:
    """Compound daily returns over months and years.

    Parameters
    ----------
    returns : simple daily returns, indexed by date

    Returns
    -------
    frame: one row for each year; columns 1 to 12 and ``year``; NaN for months without a bar
    """
    dates = pd.DatetimeIndex(returns.index)
    growth = (1.0 + returns).to_numpy()
    frame = pd.DataFrame({"year": dates.year, "month": dates.month, "growth": growth})
    months = frame.groupby(["year", "month"])["growth"].prod().unstack() - 1.0
    table = months.reindex(columns=range(1, 13))
    table["year"] = frame.groupby("year")["growth"].prod() - 1.0
    return table


def fold_of_bar(record: RunRecord, dates: pd.DatetimeIndex) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Position in ``manifest["folds"]`` of the test span that each bar belongs to.

    Returns
    -------
    int array (n_dates,); -1 before the first test span
    """
    starts = pd.DatetimeIndex([fold["test_start"] for fold in record.manifest["folds"]])
    return np.asarray(starts.searchsorted(dates, side="right") - 1, dtype=np.int64)
