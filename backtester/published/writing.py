"""The two files that the published mode leaves in the run directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pandas as pd

from backtester.files import write_json
from backtester.published.examination import examine
from backtester.published.flaws import find_flaws
from backtester.published.problem import JointProblem
from backtester.published.record import (
    PUBLISHED_CSV,
    PUBLISHED_JSON,
    PublishedRecord,
    SpreadRecord,
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
from backtester.recipe import Recipe, ScalerKind, ScalerRows, shareable_text
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
    record = published_record(problem, beside=replace(beside, failures=named), forecast=forecast)
    write_table(directory / PUBLISHED_CSV, forecast_frame(problem.published.rows, results=beside.results))
    write_json(directory / PUBLISHED_JSON, dict(record))
    return record


def read_published(directory: Path) -> PublishedRecord | None:
    """Read ``published.json`` of a run; None where its recipe has no published mode.

    Raises
    ------
    StorageError : it cannot be read
    """
    path = directory / PUBLISHED_JSON
    return cast(PublishedRecord, read_json(path)) if path.is_file() else None


def published_record(
    problem: JointProblem, *, beside: Beside, forecast: Mapping[str, Any]
) -> PublishedRecord:
    """Score the published mode, name its flaws, and examine a score that is too good."""
    published = problem.published
    section, rows = published.section, published.rows
    seeds = [seed_record(result, rows=rows) for result in beside.results]
    last_price = error_record(rows.actual - rows.last_price)
    walk_forward: WalkForwardRecord = {
        "rmse": forecast["rmse"],
        "rmse_last_price": forecast["rmse_last_price"],
        "ratio": forecast["rmse_ratio"],
    }
    spread = spread_record(seeds)
    whole, train = _span(rows.dates), _span(rows.dates[: rows.n_train])
    test = _span(rows.days(rows.test_targets))
    return {
        "source": section.source,
        "symbol": problem.symbol,
        "column": section.column,
        "order": section.order.value,
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
        "test": {"rows": len(rows.test_targets), "start": test[0], "end": test[1]},
        "last_price": last_price,
        "seeds": seeds,
        "failures": [
            {"seed": failure.task.seed(problem), "reason": failure.reason} for failure in beside.failures
        ],
        "rmse": spread,
        "ratio": None if spread is None else ratio(spread["mean"], last_price["rmse"]),
        "published_rmse": published.score(problem.symbol),
        "parts": part_records(rows, results=beside.results),
        "flaws": find_flaws(published, symbol=problem.symbol),
        "examined": examine(rows, results=beside.results),
        "walk_forward": walk_forward,
        "sentence": _sentence(problem, spread=spread, last_price=last_price["rmse"], other=walk_forward),
    }


def _span(days: pd.DatetimeIndex) -> tuple[str, str]:
    return f"{days.min():%Y-%m-%d}", f"{days.max():%Y-%m-%d}"


def _sentence(
    problem: JointProblem, *, spread: SpreadRecord | None, last_price: float, other: WalkForwardRecord
) -> str:
    section = problem.published.section
    scaled = problem.published.scaler_kind is not ScalerKind.NONE
    fitted = "all" if section.scaler_rows is ScalerRows.ALL else "the training"
    how = f"one split{f', scaler fitted on {fitted} rows' if scaled else ''}"
    if spread is None:
        scored = "no network was trained"
    else:
        over = f" (mean of {section.seeds} networks)" if spread["sd"] is not None else ""
        scored = f"RMSE {spread['mean']:.2f}{over}"
    walked = (
        "without a forecast"
        if other["rmse"] is None or other["rmse_last_price"] is None
        else f"RMSE {other['rmse']:.2f}, last price {other['rmse_last_price']:.2f}"
    )
    return f"As published ({how}): {scored}, last price {last_price:.2f}; walk-forward: {walked}."
