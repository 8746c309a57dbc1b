"""Finished runs, on the dates that all of them have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.errors import StorageError, UsageError
from backtester.judgement.on_search import risk_matched_difference
from backtester.metrics import risk_free_per_bar
from backtester.recipe import Scheme, VerdictSection
from backtester.run_directory import RunRecord, check_files, leaks_of, read_run
from backtester.trials import same_market

__all__ = ["MIN_COMMON", "AlignedRun", "Floats", "align_runs", "markets_of"]

Floats = NDArray[np.float64]

MIN_COMMON = 60
"""Dates that runs must have in common: on fewer it cannot be told whether they are on one market."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AlignedRun:
    """What is compared of one run, on the common dates.

    Parameters
    ----------
    about : what is shown of it as its files tell it
    recipe : as published in ``run.json``
    settings : the recipe's ``[verdict]``
    dates : (n,) the common dates
    periods_per_year : of these dates
    strategy, holding : (n,) simple returns of the strategy, and of buy-and-hold at the same costs
    asset : (n,) simple returns of the asset itself
    own_trial : the run's trial
    other_trials : all others that it was judged beside
    origin : the date before the first common one
    """

    about: Mapping[str, Any]
    recipe: Mapping[str, Any]
    settings: VerdictSection
    dates: pd.DatetimeIndex
    periods_per_year: float
    strategy: Floats
    holding: Floats
    asset: Floats
    own_trial: str
    other_trials: frozenset[str]
    origin: str

    @property
    def risk_free(self) -> float:
        """The risk-free rate a bar."""
        rate = self.recipe["broker"]["risk_free_rate"]
        return risk_free_per_bar(rate, periods_per_year=self.periods_per_year)

    @property
    def difference(self) -> Floats:
        """What the strategy earned above buy-and-hold at the same risk, each bar."""
        return risk_matched_difference(self.strategy - self.risk_free, self.holding - self.risk_free)


def align_runs(directories: Sequence[Path]) -> list[AlignedRun]:
    """Read finished runs, on the dates that all of them have.

    Parameters
    ----------
    directories : of the runs

    Raises
    ------
    UsageError : fewer than two runs, one twice, a single split beside a walk-forward test, or fewer than 60
        dates in common
    RunDirectoryError : there is no finished run in a folder
    StorageError : the files of a run are missing or damaged, or of another version

    Notes
    -----
    What a run made between two common dates, where its market was open and another was not, is compounded
    into the second one, so that nothing is left out. A year is as long as the first run counts it.
    """
    _check_folders(directories)
    records = [_read(directory) for directory in directories]
    _check_questions(records)
    _check_splits(records)
    dates = _common_dates(records)
    periods = _periods_per_year(records[0], dates=dates)
    names = _names(directories)
    return [
        _aligned(record, name=name, dates=dates, periods_per_year=periods)
        for record, name in zip(records, names, strict=True)
    ]


def markets_of(runs: Sequence[AlignedRun]) -> list[int]:
    """Give the market of each run, from 0 in the order in which they appear; see `same_market`."""
    found: list[AlignedRun] = []
    markets = []
    for run in runs:
        known = (
            i
            for i, other in enumerate(found)
            if same_market(run.dates, run.asset, other=(other.dates, other.asset))
        )
        markets.append(next(known, len(found)))
        if markets[-1] == len(found):
            found.append(run)
    return markets


def _check_folders(directories: Sequence[Path]) -> None:
    if len(directories) < 2:
        raise UsageError(
            "There is nothing to compare: fewer than two runs are named.",
            advice="Name two run directories or more; `backtester runs` lists them.",
        )
    places = [directory.resolve() for directory in directories]
    for i, place in enumerate(places):
        if place in places[:i]:
            raise UsageError(f"{directories[i]}: is named twice.", advice="Name each run once.")


def _read(directory: Path) -> RunRecord:
    try:
        record = read_run(directory)
    except KeyError as error:
        raise _unusable(directory, error) from error
    check_files(directory)
    return record


def _unusable(directory: Path, error: Exception) -> StorageError:
    return StorageError(
        f"{directory}: is a run of another version, or damaged ({type(error).__name__}: {error}).",
        advice="Run the same recipe again, or leave it out.",
    )


def _check_questions(records: Sequence[RunRecord]) -> None:
    seen: dict[Any, Path] = {}
    for record in records:
        question = record.manifest.get("question_sha256")
        other = seen.setdefault(question, record.directory)
        if question is not None and other is not record.directory:
            raise UsageError(
                f"{record.directory}: is the same run as {other}.", advice="Leave out one of the copies."
            )


def _check_splits(records: Sequence[RunRecord]) -> None:
    """Check that no single split stands beside a walk-forward test: the one knows a single training span."""
    single = [record for record in records if _scheme(record) == Scheme.SINGLE.value]
    walked = [record for record in records if _scheme(record) != Scheme.SINGLE.value]
    if single and walked:
        raise UsageError(
            f"{single[0].directory}: is a single split, trained once, and {walked[0].directory} is a "
            "walk-forward test: their figures are not of one kind.",
            advice="Compare single splits with one another, or run that recipe again with "
            "`--set folds.scheme=rolling`.",
        )


def _scheme(record: RunRecord) -> str:
    try:
        return str(record.manifest["recipe"]["folds"]["scheme"])
    except (KeyError, TypeError) as error:
        raise _unusable(record.directory, error) from error


def _common_dates(records: Sequence[RunRecord]) -> pd.DatetimeIndex:
    common = records[0].returns.index
    for record in records[1:]:
        common = common.intersection(record.returns.index)
    if len(common) >= MIN_COMMON:
        return pd.DatetimeIndex(common.sort_values(), name="date")
    spans = "; ".join(f"{record.directory}: {_span_words(record.returns.index)}" for record in records)
    raise UsageError(
        f"These runs have {len(common)} dates in common; {MIN_COMMON} are needed ({spans}).",
        advice="Leave out the run that lies apart, or run it over the same years.",
    )


def _span_words(dates: pd.Index) -> str:
    return f"{dates[0]:%Y-%m-%d} to {dates[-1]:%Y-%m-%d}" if len(dates) else "no dates"


def _periods_per_year(record: RunRecord, *, dates: pd.DatetimeIndex) -> float:
    try:
        bars = len(record.returns.loc[dates[0] : dates[-1]])
        return float(record.manifest["recipe"]["data"]["periods_per_year"] * len(dates) / bars)
    except (KeyError, TypeError) as error:
        raise _unusable(record.directory, error) from error


def _names(directories: Sequence[Path]) -> list[str]:
    """Name runs by their folders, or by the way there where two are called alike."""
    names = [_plain(directory.resolve().name) for directory in directories]
    ways = [_plain(str(directory)) for directory in directories]
    names = [way if names.count(name) > 1 else name for name, way in zip(names, ways, strict=True)]
    return [
        f"{name} ({number})" if names.count(name) > 1 else name for number, name in enumerate(names, start=1)
    ]


def _plain(text: str) -> str:
    """Keep what a folder or symbol is called from moving a cursor or turning a line around."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _aligned(record: RunRecord, *, name: str, dates: pd.DatetimeIndex, periods_per_year: float) -> AlignedRun:
    try:
        recipe, returns = record.manifest["recipe"], record.returns
        own = record.trials["own"].astype(bool)
        history = record.prices.index
        return AlignedRun(
            about={"name": name, "directory": str(record.directory), **_about(record, dates=dates)},
            recipe=recipe,
            settings=VerdictSection.model_validate(recipe["verdict"]),
            dates=dates,
            periods_per_year=periods_per_year,
            strategy=_on(returns["strategy"], dates),
            holding=_on(returns["buy_and_hold"], dates),
            asset=_on(record.prices["close"].pct_change().reindex(returns.index), dates),
            own_trial=str(record.trials.loc[own, "trial"].iloc[0]),
            other_trials=frozenset(record.trials.loc[~own, "trial"].astype(str)),
            origin=f"{history[history < dates[0]].max():%Y-%m-%d}",
        )
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise _unusable(record.directory, error) from error


def _about(record: RunRecord, *, dates: pd.DatetimeIndex) -> dict[str, Any]:
    bars, summary = record.returns.index, record.summary
    return {
        "recipe": record.manifest["recipe_name"],
        "symbol": _plain(summary["symbols"][0]),
        "start": f"{bars[0]:%Y-%m-%d}",
        "end": f"{bars[-1]:%Y-%m-%d}",
        "bars": len(bars),
        "bars_between": len(record.returns.loc[dates[0] : dates[-1]]) - len(dates),
        "scheme": _scheme(record),
        "folds": len(record.manifest["folds"]),
        "leaks": leaks_of(record.manifest),
        "failed_folds": sum(fold["state"] == "failed" for fold in record.manifest["folds"]),
        "r2_oos": _r2_oos(record.forecasts, dates=dates),
        "verdict": summary["verdict"]["answer"],
        "verdict_sentence": summary["verdict"]["sentence"],
        "p_value_all_trials": summary["judgement"]["search"]["p_value"],
    }


def _on(returns: pd.Series, dates: pd.DatetimeIndex) -> Floats:
    """Give returns on these dates: what was made since the one before, on the first one that bar's own."""
    within = returns.loc[dates[0] : dates[-1]]
    values = within.to_numpy(dtype=np.float64)
    if len(values) == len(dates):
        return values
    begins = np.concatenate([[0], within.index.get_indexer(dates[:-1]) + 1])
    return np.asarray(np.multiply.reduceat(1.0 + values, begins) - 1.0, dtype=np.float64)


def _r2_oos(forecasts: pd.DataFrame, *, dates: pd.DatetimeIndex) -> float | None:
    """Share of the last price's squared error that the forecasts for these dates save, in log returns."""
    rows = forecasts[forecasts["target_date"].between(dates[0], dates[-1])]
    rows = rows[rows["forecast"].notna() & rows["actual"].notna()]
    squares = float(np.sum(rows["actual"] ** 2))
    return 1.0 - float(np.sum((rows["actual"] - rows["forecast"]) ** 2)) / squares if squares > 0.0 else None
