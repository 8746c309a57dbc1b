"""Judge a run from the files in its directory, beside the trials on the same market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backtester.errors import StorageError
from backtester.files import write_json
from backtester.judgement import Evidence, judge, verdict
from backtester.prices import Note, NoteKind
from backtester.recipe import Recipe, VerdictSection
from backtester.run_directory import (
    MANIFEST,
    STRESS,
    SUMMARY,
    leaks_of,
    read_json,
    read_tables,
    write_checksums,
    write_table,
)
from backtester.trials import (
    SNAPSHOT_RETURNS,
    SNAPSHOT_TABLE,
    Trial,
    TrialRegistry,
    default_registry_folder,
    flat_settings,
    read_snapshot,
    snapshot,
    temporary_registry_folder,
)

__all__ = ["evidence_of", "judge_run", "notes_on", "registry_of", "trial_of"]


def registry_of(recipe: Recipe) -> TrialRegistry:
    """Open the trial registry that a recipe names."""
    return TrialRegistry(folder=Path(recipe.execution.registry or default_registry_folder()))


def trial_of(
    *,
    sha256: str,
    name: str,
    recipe_name: str,
    recipe: Mapping[str, Any],
    summary: Mapping[str, Any],
    returns: pd.Series,
    close: pd.Series,
) -> Trial:
    """Make the trial of a run.

    Parameters
    ----------
    sha256 : its id, the question's `trial_sha256`
    name : of the run directory
    recipe_name : of the recipe
    recipe : as published in ``run.json``
    summary : the run's figures
    returns : the strategy's simple returns, by date
    close : of the whole history, by date; it begins before the returns do
    """
    dates = pd.DatetimeIndex(returns.index)
    return Trial(
        sha256=sha256,
        name=name,
        recipe=recipe_name,
        symbol=summary["symbols"][0],
        # how a system was scored elsewhere says nothing of these returns
        settings=flat_settings({key: value for key, value in recipe.items() if key != "published"}),
        headline=_headline(summary),
        dates=dates,
        returns=np.asarray(returns, dtype=np.float64),
        market=np.asarray(close.pct_change().loc[dates], dtype=np.float64),
    )


def judge_run(
    directory: Path,
    *,
    summary: dict[str, Any],
    recipe: Mapping[str, Any],
    trials: Sequence[Trial],
    own: Trial,
) -> None:
    """Write the snapshot of the trials, the figures with the judgement, and the checksums.

    The judgement is made from the files as they lie there, so that anyone can repeat it from them.

    Parameters
    ----------
    directory : of a run whose tables are written
    summary : the figures; a judgement and verdict in it are replaced
    recipe : as ``run.json`` has it
    trials : on this market; those of an earlier judgement of this run count as well
    own : this run's; it stands in for one of its id, which may be of other returns after a repaired fold

    Raises
    ------
    StorageError : the disk is full or read-only, or a table is missing or damaged
    """
    together = {trial.sha256: trial for trial in (*_judged_beside(directory), *trials, own)}
    everyone = list(together.values())
    table, returns = snapshot(everyone, dates=own.dates, own=own.sha256)
    write_table(directory / SNAPSHOT_TABLE, table)
    write_table(directory / SNAPSHOT_RETURNS, returns)
    evidence = evidence_of(
        read_tables(directory), recipe=recipe, stress=_stress(directory), leaks=_leaks(directory)
    )
    judgement = judge(evidence)
    judged = {
        "judgement": judgement,
        "verdict": verdict(
            judgement,
            settings=evidence.settings,
            failed_folds=evidence.failed_folds,
            leaks=evidence.leaks,
        ),
    }
    write_json(directory / SUMMARY, summary | judged)
    write_checksums(directory)


def evidence_of(
    tables: Mapping[str, pd.DataFrame],
    *,
    recipe: Mapping[str, Any],
    stress: Sequence[Mapping[str, str]] = (),
    leaks: Sequence[str] = (),
) -> Evidence:
    """Take what a judgement rests on from a run's tables, its recipe, the axes of stress, and its leaks."""
    forecasts = tables["forecasts"]
    if int(tables["trials"]["own"].sum()) != 1:
        raise StorageError("trials.csv: exactly one trial must be this run's own.")
    return Evidence(
        forecasts=forecasts,
        baselines=tables["baselines"],
        returns=tables["returns"],
        exposures=tables["exposures"],
        variants=tables["variants"],
        trials=tables["trials"],
        trial_returns=tables["trial_returns"],
        settings=VerdictSection.model_validate(recipe["verdict"]),
        periods_per_year=recipe["data"]["periods_per_year"],
        risk_free_rate=recipe["broker"]["risk_free_rate"],
        seed=recipe["seed"],
        failed_folds=int(forecasts["forecast"].isna().groupby(forecasts["fold"]).all().sum()),
        stress=stress,
        leaks=leaks,
    )


def notes_on(registry: TrialRegistry, *, recipe: Recipe) -> tuple[Note, ...]:
    """What the reader must know about the trials that were counted."""
    notes = []
    damaged = registry.damaged()
    if damaged:
        notes.append(
            f"{len(damaged)} files of the trial registry are damaged, and those trials are not counted; "
            f"first: {damaged[0].file} ({damaged[0].reason})."
        )
    if not recipe.execution.registry and registry.folder == temporary_registry_folder():
        notes.append(
            "There is no home folder to keep trials in: they are in the system's temporary folder and lost "
            "when that is emptied."
        )
    return tuple(Note(kind=NoteKind.WARNING, text=text) for text in notes)


def _judged_beside(directory: Path) -> list[Trial]:
    """The trials of an earlier judgement of this run: another registry must not make them undone."""
    if not (directory / SNAPSHOT_TABLE).is_file():
        return []
    try:
        table, returns = read_snapshot(directory)
    except StorageError:  # it is written anew, from the registry
        return []
    by_date = returns.set_index("date")
    found = []
    for row in table.itertuples():
        known = by_date[str(row.trial)[:12]].dropna()
        if row.own or known.empty:
            continue
        values = known.to_numpy(dtype=np.float64)
        found.append(
            Trial(
                sha256=str(row.trial),
                name="",
                recipe=str(row.recipe),
                symbol=str(row.symbol),
                settings={},
                headline={},
                dates=pd.DatetimeIndex(known.index),
                returns=values,
                market=np.zeros(len(values)),
            )
        )
    return found


def _headline(summary: Mapping[str, Any]) -> dict[str, Any]:
    strategies = summary["strategies"]
    return {
        "rmse_ratio": summary["forecast"]["rmse_ratio"],
        "sharpe": strategies["strategy"]["sharpe"],
        "sharpe_buy_and_hold": strategies["buy_and_hold"]["sharpe"],
    }


def _leaks(directory: Path) -> list[str]:
    """What of a run sees the future, as its manifest tells it; none where a version before this made it."""
    manifest = read_json(directory / MANIFEST) if (directory / MANIFEST).is_file() else {}
    return leaks_of(manifest)


def _stress(directory: Path) -> list[dict[str, str]]:
    """What the axes of a stress run said; none without one."""
    if not (directory / STRESS).is_file():
        return []
    axes = read_json(directory / STRESS)["axes"]
    return [
        {"key": key, **{name: axis[name] for name in ("title", "answer", "sentence")}}
        for key, axis in axes.items()
    ]
