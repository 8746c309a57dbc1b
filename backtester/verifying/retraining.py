"""Folds of a run trained again, without the store, and compared bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from backtester.execution import open_executor
from backtester.question import Question
from backtester.run_directory import RunRecord
from backtester.store import FoldStore
from backtester.verifying.finding import Finding
from backtester.walkforward import forecast_table, open_work, walk_forward

__all__ = ["choose_folds", "retrain"]


def choose_folds(record: RunRecord, *, n: int, seed: int | None) -> list[int]:
    """Choose folds at random among those that have forecasts; ``seed`` None: others each time."""
    done = [fold["index"] for fold in record.manifest["folds"] if fold["state"] == "done"]
    generator = np.random.default_rng(seed)
    return sorted(int(fold) for fold in generator.choice(done, size=min(n, len(done)), replace=False))


def retrain(record: RunRecord, *, question: Question, folds: Sequence[int], store: Path) -> list[Finding]:
    """Train folds again and compare their forecasts with the run's, bit for bit.

    With a warm start a fold begins from the one before, so that all folds up to the last chosen are trained.

    Parameters
    ----------
    record : of the run
    question : asked again
    folds : which
    store : an empty folder for what is trained

    Raises
    ------
    FoldsFailedError : no worker can be started
    """
    problem, dates = question.problem, question.prices.dates
    kept = FoldStore(folder=store)
    work = open_work(problem, store=kept)
    last = max(folds)
    wanted = set(range(last + 1)) if problem.training.warm_start else set(folds)
    work = replace(work, missing=tuple(task for task in work.missing if task.fold in wanted))
    with open_executor(question.loaded.recipe.execution, problem=problem, tasks=work.missing) as executor:
        result = walk_forward(
            problem, work=work, store=kept, executor=executor, on_progress=lambda _: None, started=0.0
        )
    anew = forecast_table(problem, outcomes=result.outcomes, dates=dates).frame
    found = []
    for fold in folds:
        reason = result.outcomes[fold].reason
        if reason:
            found.append(
                Finding(file="forecasts.csv", where=f"fold {fold}", text=f"trained again it failed: {reason}")
            )
            continue
        found += _compare(record.forecasts, anew, fold=fold)
    return found


def _compare(mine: pd.DataFrame, anew: pd.DataFrame, *, fold: int) -> list[Finding]:
    here, there = (frame[frame["fold"] == fold].reset_index(drop=True) for frame in (mine, anew))
    differs = (here["forecast"] != there["forecast"]).to_numpy()
    if not differs.any():
        return []
    place = int(np.argmax(differs))
    return [
        Finding(
            file="forecasts.csv",
            where=f"fold {fold}, origin {here['origin'][place]:%Y-%m-%d}",
            text=f"has {here['forecast'][place]!r}, trained again {there['forecast'][place]!r} "
            f"({int(differs.sum())} of {len(here)} forecasts differ)",
        )
    ]
