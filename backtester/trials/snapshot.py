"""What a run keeps of the registry, so that its figures can be computed again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from backtester.errors import StorageError
from backtester.trials.trial import Trial

__all__ = ["SNAPSHOT_RETURNS", "SNAPSHOT_TABLE", "read_snapshot", "snapshot"]

SNAPSHOT_TABLE = "trials.csv"
SNAPSHOT_RETURNS = "trial_returns.csv"

_COLUMNS = ("trial", "recipe", "symbol", "start", "end", "bars", "own")
_SHORT = 12


def snapshot(
    trials: Sequence[Trial], *, dates: pd.DatetimeIndex, own: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give what a run keeps of the registry, so that its figures can be computed again.

    Parameters
    ----------
    trials : on this run's market, from `TrialRegistry.on_market`
    dates : the bars of this run's returns
    own : the id of this run's trial

    Returns
    -------
    table : one row for each trial, by id: ``trial``, ``recipe``, ``symbol``, ``start``, ``end``, ``bars``
        (of the trial's own span) and ``own``
    returns : ``date``, then one column for each trial in the same order, named by the first 12 digits of
        its id: its returns on these dates, NaN where it has none
    """
    ordered = sorted(trials, key=lambda trial: trial.sha256)
    rows = [
        (
            trial.sha256,
            trial.recipe,
            trial.symbol,
            trial.dates[0],
            trial.dates[-1],
            len(trial.dates),
            trial.sha256 == own,
        )
        for trial in ordered
    ]
    index = _as_seconds(dates)
    columns = {
        trial.sha256[:_SHORT]: pd.Series(trial.returns, index=_as_seconds(trial.dates)).reindex(index)
        for trial in ordered
    }
    returns = pd.DataFrame(columns, index=index).reset_index(names="date")
    return pd.DataFrame(rows, columns=list(_COLUMNS)), returns


def read_snapshot(directory: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read what `snapshot` gave, from the files of a run directory.

    Raises
    ------
    StorageError : a file is missing, unreadable, or not of these columns
    """
    table = _read_csv(directory / SNAPSHOT_TABLE, dates=["start", "end"])
    returns = _read_csv(directory / SNAPSHOT_RETURNS, dates=["date"])
    if tuple(table.columns) != _COLUMNS:
        raise StorageError(f"{directory / SNAPSHOT_TABLE}: its columns are not {', '.join(_COLUMNS)}.")
    if list(returns.columns) != ["date", *(str(trial)[:_SHORT] for trial in table["trial"])]:
        raise StorageError(f"{directory / SNAPSHOT_RETURNS}: its columns are not the trials of the table.")
    try:
        return (
            table.fillna({"recipe": "", "symbol": ""}).astype({"own": bool, "bars": np.int64}),
            returns.astype(dict.fromkeys(returns.columns[1:], np.float64)),
        )
    except (TypeError, ValueError) as error:
        raise StorageError(f"{directory}: its trials cannot be read ({error}).") from error


def _read_csv(path: Path, *, dates: list[str]) -> pd.DataFrame:
    try:
        frame: pd.DataFrame = pd.read_csv(
            path,
            parse_dates=dates,
            dtype={"trial": str, "recipe": str, "symbol": str},
            keep_default_na=False,
            na_values=[""],
        )
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read ({error}).") from error
    return frame


def _as_seconds(dates: pd.DatetimeIndex) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(dates.to_numpy().astype("datetime64[s]"))
