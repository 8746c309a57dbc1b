"""A score below the last price is examined as a leak before it is believed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from backtester.judgement.forecast_tests import diebold_mariano
from backtester.published.record import ExaminedRecord, ExaminedSeedRecord
from backtester.published.rows import Rows
from backtester.published.scoring import rmse
from backtester.tasks import TaskResult

__all__ = ["examine"]

LEVEL = 0.05


def examine(rows: Rows, *, results: Sequence[TaskResult]) -> ExaminedRecord | None:
    """Examine the networks that scored below the last price; None where none did.

    The p-value is two-sided, of the test of Diebold and Mariano on squared errors in units of price.
    """
    by_last = rows.actual - rows.last_price
    seeds: list[ExaminedSeedRecord] = []
    for result in results:
        errors = rows.actual - result.forecast
        if rmse(errors) < rmse(by_last):
            p_value = diebold_mariano(by_last, errors, horizon=1).p_value
            seeds.append(
                {
                    "seed": result.seed,
                    "rmse": rmse(errors),
                    "ratio": rmse(errors) / rmse(by_last),
                    "p_value": None if math.isnan(p_value) else p_value,
                }
            )
    if not seeds:
        return None
    counts = (int(rows.in_training.sum()), int(rows.in_inputs.sum()), int(rows.in_own_window.sum()))
    later = int(rows.later.sum())
    return {
        "seeds": seeds,
        "in_training": counts[0],
        "in_inputs": counts[1],
        "in_own_window": counts[2],
        "text": _text(seeds, counts=counts, later=later, n_networks=len(results), n=len(rows.test_targets)),
    }


def _text(
    seeds: Sequence[ExaminedSeedRecord], *, counts: tuple[int, int, int], later: int, n_networks: int, n: int
) -> str:
    in_training, in_inputs, in_own_window = counts
    who = f"{len(seeds)} of {n_networks} networks" if n_networks > 1 else "The network"
    below = f"{who} scored below the last price."
    if in_training or in_inputs or in_own_window or later:
        return (
            f"{below} That is no forecast: of the {n} rows {in_training} were targets of the training, "
            f"{in_inputs} stood in its windows, {in_own_window} in their own, and {later} are told from "
            "later sessions."
        )
    looked = (
        f"{below} Examined as a leak: of the {n} rows none is a target of the training, none stands in its "
        "windows or in its own, and none is told from later sessions."
    )
    values = [seed["p_value"] for seed in seeds if seed["p_value"] is not None]
    if not values:
        return f"{looked} The paired test is not defined."
    # the best of several is judged as the best of several
    smallest = min(1.0, min(values) * n_networks)
    times = f", times {n_networks} networks," if n_networks > 1 else ""
    verdict = (
        "chance explains it" if smallest >= LEVEL else "chance hardly explains it: look for what else does"
    )
    return f"{looked} The smallest p-value of the paired test{times} is {smallest:.2g}: {verdict}."
