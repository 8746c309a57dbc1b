"""Curves that the charts show, from the daily returns in the run directory."""

from __future__ import annotations

import numpy as np
import pandas as pd

from backtester.reporting.words import LABELS
from backtester.run_directory import RunRecord

__all__ = [
    "START",
    "drawdown_curves",
    "equity_curves",
    "fold_of_bar",
    "monthly_returns",
    "rolling_sharpe",
    "saved_error",
]

START = 100.0
"""Every equity curve starts here, on the day before the first return."""

_ROUNDING = 1e-12


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


def saved_error(record: RunRecord) -> pd.DataFrame:
    """Squared error that the forecast saved against the naive forecasts, summed up from the start.

    Returns
    -------
    frame (n_scored, 2): index the date that was forecast; columns ``last_price`` and ``mean_return``:
    squared error of that naive forecast minus the model's, so far, as a share of the naive forecast's
    total. It rises where the model was better; its last value is the R² out of sample.
    """
    rows = record.forecasts.merge(
        record.baselines[["symbol", "origin", "mean_return"]], on=["symbol", "origin"], how="left"
    )
    rows = rows[rows["forecast"].notna() & rows["actual"].notna()]
    model = (rows["actual"] - rows["forecast"]) ** 2
    naive = {"last_price": rows["actual"] ** 2, "mean_return": (rows["actual"] - rows["mean_return"]) ** 2}
    saved = {name: (squares - model).cumsum() / squares.sum() for name, squares in naive.items()}
    return pd.DataFrame(saved).set_index(pd.DatetimeIndex(rows["target_date"], name="date"))


def rolling_sharpe(record: RunRecord) -> pd.DataFrame:
    """Sharpe ratio of strategy and buy-and-hold over the year before each bar.

    Returns
    -------
    frame (n_bars - n_year + 1, 2): index date; NaN over a year without any change. No rows where the
    run is shorter than a year.

    Source
    ------
    As ``backtester.metrics.sharpe``, over the last ``periods_per_year`` bars.
    """
    recipe = record.manifest["recipe"]
    year = int(recipe["data"]["periods_per_year"])
    names = ["strategy", "buy_and_hold"]
    returns = record.returns[names].to_numpy(dtype=np.float64)
    if len(returns) < year:
        return pd.DataFrame(columns=names, index=record.returns.index[:0], dtype="float64")
    risk_free = (1.0 + float(recipe["broker"]["risk_free_rate"])) ** (1.0 / year) - 1.0
    windows = np.lib.stride_tricks.sliding_window_view(returns, year, axis=0)
    spread = windows.std(axis=-1, ddof=1)
    # the spread of equal numbers comes out as 1e-18, not as 0
    spread[spread <= _ROUNDING * np.abs(windows).max(axis=-1)] = np.nan
    values = year**0.5 * (windows.mean(axis=-1) - risk_free) / spread
    return pd.DataFrame(values, columns=names, index=record.returns.index[year - 1 :])
