"""The two files that the published mode leaves in the run directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pandas as pd

from backtester.errors import StorageError
from backtester.files import write_json
from backtester.published.examination import examine
from backtester.published.flaws import Flaw, find_flaws
from backtester.published.problem import JointProblem
from backtester.published.record import (
    PUBLISHED_CSV,
    PUBLISHED_JSON,
    ForecastRecord,
    PublishedRecord,
    TrainRecord,
    WalkForwardRecord,
)
from backtester.published.scoring import (
    error_record,
    forecast_frame,
    part_records,
    ratio,
    seed_record,
    spread_record,
)
from backtester.published.wording import LAST_PRICE, baseline_name, price_text
from backtester.recipe import Recipe, Scheme, shareable_text
from backtester.run_directory import read_json, write_table
from backtester.walkforward import Beside

__all__ = ["published_record", "read_published", "write_published"]


def write_published(
    problem: JointProblem,
    *,
    beside: Beside,
    forecast: Mapping[str, Any],
    recipe: Recipe,
    directory: Path,
) -> PublishedRecord:
    """Score the published mode and write ``published.csv`` and ``published.json``.

    Parameters
    ----------
    problem : both modes
    beside : what came of the published networks
    forecast : of the summary: the walk-forward's accuracy, named in the sentence
    recipe : as used, whose files are named without their folders
    directory : of the run

    Raises
    ------
    StorageError : the disk is full or read-only
    """
    named = tuple(
        replace(failure, reason=shareable_text(failure.reason, recipe=recipe)) for failure in beside.failures
    )
    record = published_record(
        problem, beside=replace(beside, failures=named), forecast=forecast, recipe=recipe
    )
    write_table(directory / PUBLISHED_CSV, forecast_frame(problem.published.rows, results=beside.results))
    write_json(directory / PUBLISHED_JSON, dict(record))
    return record


def read_published(directory: Path) -> PublishedRecord | None:
    """Read ``published.json`` of a run; None where its recipe has no published mode.

    Raises
    ------
    StorageError : it cannot be read, or lacks keys
    """
    path = directory / PUBLISHED_JSON
    if not path.is_file():
        return None
    found = read_json(path)
    for where, kind, values in (
        ("", PublishedRecord, found),
        ("train.", TrainRecord, found.get("train")),
        ("test.", ForecastRecord, found.get("test")),
        ("walk_forward.", WalkForwardRecord, found.get("walk_forward")),
    ):
        wanted = kind.__required_keys__
        missing = wanted - values.keys() if isinstance(values, Mapping) else wanted
        if missing:
            named = ", ".join(f"{where}{key}" for key in sorted(missing))
            raise StorageError(
                f"{path}: cannot be read (without {named}).",
                advice="It is damaged or of another version: move the folder away and run the recipe again.",
            )
    return cast(PublishedRecord, found)


def published_record(
    problem: JointProblem, *, beside: Beside, forecast: Mapping[str, Any], recipe: Recipe
) -> PublishedRecord:
    """Score the published mode, name its flaws, and examine a score that is too good."""
    published = problem.published
    section, rows = published.section, published.rows
    seeds = [seed_record(result, rows=rows) for result in beside.results]
    last_price = error_record((rows.actual - rows.last_price)[rows.scored])
    walk_forward = _walk_forward(forecast, recipe=recipe)
    flaws = find_flaws(published, symbol=problem.symbol, rmses=[seed["rmse"] for seed in seeds])
    spread = spread_record(seeds)
    whole, train = _span(rows.dates), _span(rows.dates[: rows.n_train])
    test = _span(rows.days(rows.test_targets))
    record: PublishedRecord = {
        "source": section.source,
        "symbol": problem.symbol,
        "column": section.column,
        "order": section.order.value,
        "baseline": baseline_name(backwards=rows.reversed),
        "rows": len(rows.values),
        "start": whole[0],
        "end": whole[1],
        "lookback": rows.lookback,
        "epochs": problem.training.epochs,
        "train": {
            "rows": rows.n_train,
            "start": train[0],
            "end": train[1],
            "samples": len(rows.train_targets),
            "validation": len(rows.validation_targets),
        },
        "test": {
            "rows": len(rows.test_targets),
            "scored": int(rows.scored.sum()),
            "start": test[0],
            "end": test[1],
        },
        "last_price": last_price,
        "seeds": seeds,
        "failures": [
            {"seed": failure.task.seed(problem), "reason": failure.reason} for failure in beside.failures
        ],
        "rmse": spread,
        "ratio": None if spread is None else ratio(spread["mean"], last_price["rmse"]),
        "published_rmse": published.score(problem.symbol),
        "parts": part_records(rows, results=beside.results),
        "flaws": [flaw.record for flaw in flaws],
        "examined": examine(published, results=beside.results, symbol=problem.symbol),
        "walk_forward": walk_forward,
        "sentence": "",
    }
    return {**record, "sentence": _sentence(record, flaws=flaws)}


def _walk_forward(forecast: Mapping[str, Any], *, recipe: Recipe) -> WalkForwardRecord:
    single = recipe.folds.scheme is Scheme.SINGLE
    return {
        "name": "single split" if single else "walk-forward",
        "column": "close",
        "horizon": recipe.target.horizon,
        "reads": list(recipe.features.columns),
        "train": recipe.folds.train,
        "test": None if single else recipe.folds.test,
        "rmse": forecast["rmse"],
        "rmse_last_price": forecast["rmse_last_price"],
        "ratio": forecast["rmse_ratio"],
    }


def _span(days: pd.DatetimeIndex) -> tuple[str, str]:
    return f"{days.min():%Y-%m-%d}", f"{days.max():%Y-%m-%d}"


def _sentence(record: PublishedRecord, *, flaws: Sequence[Flaw]) -> str:
    """Put both modes side by side, each with its own baseline; what differs between them is named."""
    how = ", ".join(flaw.short for flaw in flaws if flaw.short)
    other = record["walk_forward"]
    backwards = record["baseline"] != LAST_PRICE
    asked, answered = "", ""
    if backwards or other["horizon"] != 1 or [other["column"], *other["reads"]] != [record["column"]] * 2:
        asked = f", the {record['column']} {'one session back' if backwards else 'one row ahead'}"
        ahead = f"{other['horizon']} session{'s' if other['horizon'] > 1 else ''} ahead"
        answered = f", the {other['column']} {ahead}"
        if other["reads"] != [other["column"]]:
            answered += f" from {', '.join(other['reads'])}"
    walked = (
        "without a forecast"
        if other["rmse"] is None or other["rmse_last_price"] is None
        else f"RMSE {price_text(other['rmse'])}, last price {price_text(other['rmse_last_price'])}"
    )
    return (
        f"As published ({how}){asked}: {_scored(record)}, {record['baseline']} "
        f"{price_text(record['last_price']['rmse'])}; {other['name']}{answered}: {walked}."
    )


def _scored(record: PublishedRecord) -> str:
    """Give the mean of the networks that were trained to their end, and how many were not."""
    n, n_failed, spread = len(record["seeds"]), len(record["failures"]), record["rmse"]
    if spread is None:
        return f"no network was trained ({n_failed} failed)" if n_failed else "no network was trained"
    counted = [f"mean of {n} networks" if n > 1 else "1 network"] if n > 1 or n_failed else []
    counted += [f"{n_failed} failed"] if n_failed else []
    noted = f" ({', '.join(counted)})" if counted else ""
    return f"RMSE {price_text(spread['mean'])}{noted}"
