"""Every run ever made: the trials of the registry beside the run directories of a folder."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from backtester.errors import StorageError, UsageError
from backtester.run_directory import FINISHED, MANIFEST, SUMMARY, leaks_of, read_json
from backtester.trials import (
    SNAPSHOT_TABLE,
    Trial,
    TrialRegistry,
    flat_settings,
    same_market,
    varying_settings,
)

__all__ = ["list_runs"]

_FIGURES = ("answer", "verdict", "rmse_ratio", "sharpe", "sharpe_buy_and_hold")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """A run directory, a trial, or both.

    Parameters
    ----------
    name, recipe, symbol : as in `Trial`
    state : of the manifest; ``deleted`` for a trial without a directory here, or ``damaged``
    reason : why it failed, or what is damaged
    started : from the manifest
    leaks : what of it sees the future
    settings : flat
    figures : those of `_FIGURES` that are known
    trial_sha256 : as its directory tells it; empty where it does not
    trial : None where the registry does not hold it
    """

    name: str
    state: str
    reason: str = ""
    started: str = ""
    leaks: tuple[str, ...] = ()
    recipe: str = ""
    symbol: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    trial_sha256: str = ""
    trial: Trial | None = None

    @property
    def age(self) -> tuple[str, str]:
        """What sorts a list so that the newest comes last."""
        return (self.trial.registered if self.trial else self.started), self.name


def list_runs(directory: Path, *, registry: TrialRegistry, must_exist: bool = True) -> list[dict[str, Any]]:
    """List every trial of the registry and every run directory of a folder.

    Parameters
    ----------
    directory : folder that holds run directories
    registry : the trials
    must_exist : False: a folder that is absent holds no run

    Returns
    -------
    list of dict, market by market, that of the newest trial last, and in each the newest last; then the
    runs that the registry does not hold, by symbol; then what is damaged. See docs/trials.md for the keys

    Raises
    ------
    UsageError : no such folder
    """
    if must_exist and not directory.is_dir():
        raise UsageError(f"{directory}: no such folder.", advice="Name the folder given to `run --out`.")
    trials, damaged = registry.read()
    found = [_read_run(path.parent) for path in sorted(directory.glob(f"*/{MANIFEST}"))]
    tried, others = _joined(trials, runs=found)
    markets = [[run for trial in market for run in tried[trial.sha256]] for market in _markets(trials)]
    entries: list[dict[str, Any]] = []
    for number, market in enumerate(sorted(markets, key=lambda runs: max(run.age for run in runs)), start=1):
        entries += _entries(market, market=number)
    lost = [run for run in others if run.state == "damaged"]
    unknown = [run for run in others if run.state != "damaged"]
    for symbol in sorted({run.symbol for run in unknown}):
        entries += _entries([run for run in unknown if run.symbol == symbol])
    files = [
        _Run(name=file.file, state="damaged", reason=f"in the registry: {file.reason}") for file in damaged
    ]
    return entries + _entries(lost) + _entries(files)


def _read_run(path: Path) -> _Run:
    run = _Run(name=path.name, state="damaged", trial_sha256=_own_trial(path))
    try:
        manifest = read_json(path / MANIFEST)
        run = replace(
            run,
            state=str(manifest["state"]),
            reason=str(manifest["reason"]),
            started=str(manifest["started"]),
            leaks=tuple(leaks_of(manifest)),
            recipe=str(manifest["recipe_name"]),
            symbol=str(manifest["data"]["symbol"]),
            settings=flat_settings(manifest["recipe"]),
        )
        return replace(run, figures=_figures(path)) if run.state in FINISHED else run
    except StorageError as error:
        return replace(run, state="damaged", reason=error.message)
    except (KeyError, TypeError, AttributeError):
        return replace(run, state="damaged", reason="keys are missing")


def _figures(path: Path) -> dict[str, Any]:
    summary = read_json(path / SUMMARY)
    strategies = summary["strategies"]
    return {
        "answer": summary["answer"],
        "verdict": summary.get("verdict", {}).get("answer"),  # absent in runs of older versions
        "rmse_ratio": summary["forecast"]["rmse_ratio"],
        "sharpe": strategies["strategy"]["sharpe"],
        "sharpe_buy_and_hold": strategies["buy_and_hold"]["sharpe"],
    }


def _own_trial(path: Path) -> str:
    try:
        with open(path / SNAPSHOT_TABLE, encoding="utf-8", newline="") as file:
            return next((row["trial"] for row in csv.DictReader(file) if row["own"] == "True"), "")
    except (OSError, ValueError, KeyError, csv.Error):
        return ""


def _joined(trials: Sequence[Trial], *, runs: Sequence[_Run]) -> tuple[dict[str, list[_Run]], list[_Run]]:
    """Give the runs of each trial, at least one, and the runs of none."""
    by_name = {trial.name: trial.sha256 for trial in trials}
    by_id = {trial.sha256: trial for trial in trials}
    tried: dict[str, list[_Run]] = {sha256: [] for sha256 in by_id}
    others = []
    for run in runs:
        trial = by_id.get(run.trial_sha256 or by_name.get(run.name, ""))
        if trial is None:
            others.append(run)
            continue
        told = _of_trial(trial)
        figures = {**told.figures, **run.figures}
        # A damaged directory tells nothing of itself.
        run = (
            replace(run, trial=trial, figures=figures)
            if run.settings
            else replace(told, name=run.name, state=run.state, reason=run.reason)
        )
        tried[trial.sha256].append(run)
    return {sha256: found or [_of_trial(by_id[sha256])] for sha256, found in tried.items()}, others


def _of_trial(trial: Trial) -> _Run:
    return _Run(
        name=trial.name,
        state="deleted",
        recipe=trial.recipe,
        symbol=trial.symbol,
        settings=trial.settings,
        figures=trial.headline,
        trial=trial,
    )


def _markets(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Group trials by market; two that are on the market of a third are in one group."""
    same: dict[bytes, list[Trial]] = {}
    for trial in trials:
        same.setdefault(trial.dates.to_numpy().tobytes() + trial.market.tobytes(), []).append(trial)
    groups: list[list[list[Trial]]] = []
    for series in same.values():
        joined = [group for group in groups if any(_on_one_market(series[0], other[0]) for other in group)]
        groups = [group for group in groups if group not in joined]
        groups.append([series, *(other for group in joined for other in group)])
    return [[trial for series in group for trial in series] for group in groups]


def _on_one_market(one: Trial, other: Trial) -> bool:
    return same_market(one.dates, one.market, other=(other.dates, other.market))


def _entries(runs: Sequence[_Run], *, market: int | None = None) -> list[dict[str, Any]]:
    ordered = sorted(runs, key=lambda run: run.age)
    n_trials = len({run.trial.sha256 for run in ordered if run.trial})
    varying = varying_settings([run.settings for run in ordered])
    return [
        {
            "name": run.name,
            "state": run.state,
            "reason": run.reason,
            "recipe": run.recipe,
            "symbol": run.symbol,
            "scheme": run.settings.get("folds.scheme"),
            "started": run.started or None,
            "leaks": list(run.leaks),
            "market": market,
            "trials_on_market": n_trials if run.trial else None,
            **_identity(run.trial),
            "differs": {key: run.settings[key] for key in varying if key in run.settings},
            **{name: run.figures.get(name) for name in _FIGURES},
        }
        for run in ordered
    ]


def _identity(trial: Trial | None) -> dict[str, Any]:
    if trial is None:
        return dict.fromkeys(("trial", "registered", "start", "end", "bars"))
    return {
        "trial": trial.sha256,
        "registered": trial.registered,
        "start": f"{trial.dates[0]:%Y-%m-%d}",
        "end": f"{trial.dates[-1]:%Y-%m-%d}",
        "bars": len(trial.dates),
    }
