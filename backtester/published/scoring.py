"""The scores of the published mode: each network by itself, beside the last price on the same rows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.published.record import ErrorRecord, PartRecord, SeedRecord, SpreadRecord
from backtester.published.rows import Rows
from backtester.tasks import TaskResult

__all__ = ["error_record", "forecast_frame", "part_records", "ratio", "rmse", "seed_record", "spread_record"]


def rmse(errors: NDArray[np.float64]) -> float:
    """Root mean square of errors, in their unit."""
    return math.sqrt(float(np.mean(np.square(errors))))


def ratio(value: float | None, reference: float | None) -> float | None:
    """Give a value over a reference; None where either is missing, or the reference is 0."""
    return None if value is None or not reference else value / reference


def error_record(errors: NDArray[np.float64]) -> ErrorRecord:
    """Score errors in units of price."""
    return {"rmse": rmse(errors), "mae": float(np.mean(np.abs(errors)))}


def seed_record(result: TaskResult, *, rows: Rows) -> SeedRecord:
    """Score one network.

    Parameters
    ----------
    result : its forecasts (n_test,) are prices
    rows : of the split; those that are not scored count neither here nor there
    """
    kept = rows.scored
    errors = error_record((rows.actual - result.forecast)[kept])
    by_last = rmse((rows.actual - rows.last_price)[kept])
    said, moved = np.sign(result.forecast - rows.last_price), np.sign(rows.actual - rows.last_price)
    # backwards in time, up and down are no direction that anyone could have traded
    directed = (said != 0) & (moved != 0) & kept & (not rows.reversed)
    n = int(directed.sum())
    return {
        "seed": result.seed,
        "rmse": errors["rmse"],
        "mae": errors["mae"],
        "ratio": ratio(errors["rmse"], by_last),
        "direction": float(np.mean(said[directed] == moved[directed])) if n else None,
        "direction_n": n,
        "epochs": result.report.epochs,
        "loss": list(result.report.loss),
        "validation_loss": list(result.report.validation_loss),
    }


def spread_record(seeds: Sequence[SeedRecord]) -> SpreadRecord | None:
    """Mean and spread of the RMSE over the networks; None without one."""
    values = [seed["rmse"] for seed in seeds]
    if not values:
        return None
    return {
        "mean": float(np.mean(values)),
        "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        "min": min(values),
        "max": max(values),
    }


def part_records(rows: Rows, *, results: Sequence[TaskResult]) -> list[PartRecord]:
    """Score the rows of each kind by themselves, where not all are of one kind."""
    kept = rows.scored
    kinds = (
        ("first", "The first row, beyond the seam: in no score", ~kept),
        ("straddles", "Windows across the seam", rows.straddles & kept),
        ("in_training", "Rows that were trained on", rows.in_training & ~rows.straddles),
        ("watched", "Rows that were watched in training", rows.watched & ~rows.straddles),
        ("rest", "The other rows", ~(rows.in_training | rows.watched | rows.straddles)),
    )
    found = [(key, title, mask) for key, title, mask in kinds if mask.any()]
    if len(found) < 2:
        return []
    parts: list[PartRecord] = []
    for key, title, mask in found:
        errors = [rmse((rows.actual - result.forecast)[mask]) for result in results]
        parts.append(
            {
                "key": key,
                "title": title,
                "rows": int(mask.sum()),
                "rmse": float(np.mean(errors)) if errors else None,
                "last_price_rmse": None if key == "first" else rmse((rows.actual - rows.last_price)[mask]),
            }
        )
    return parts


def forecast_frame(rows: Rows, *, results: Sequence[TaskResult]) -> pd.DataFrame:
    """Lay out ``published.csv``: one row for each forecast, in the order of the source."""
    frame = pd.DataFrame(
        {
            "target_date": rows.days(rows.test_targets),
            "window_start": rows.days(rows.test_targets - rows.lookback),
            "window_end": rows.days(rows.test_targets - 1),
            "actual": rows.actual,
            "last_price": rows.last_price,
        }
    )
    for number, result in enumerate(results, start=1):
        frame[f"forecast_{number}"] = result.forecast
    return frame.assign(
        in_training=rows.in_training, watched=rows.watched, straddles=rows.straddles, scored=rows.scored
    )
