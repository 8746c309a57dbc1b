"""A score below the last price is examined as a leak before it is believed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from backtester.judgement.forecast_tests import diebold_mariano
from backtester.published.problem import PublishedProblem
from backtester.published.record import ExaminedRecord, ExaminedSeedRecord
from backtester.published.scoring import ratio, rmse
from backtester.published.wording import baseline_name, price_text
from backtester.samples import Samples
from backtester.tasks import TaskResult

__all__ = ["examine"]

LEVEL = 0.05


def examine(
    problem: PublishedProblem, *, results: Sequence[TaskResult], symbol: str
) -> ExaminedRecord | None:
    """Examine what scored below the last price, network or source; None where nothing did.

    The p-value is two-sided, of the test of Diebold and Mariano on squared errors in units of price. That no
    row of a plain split is a training target follows from how it is cut; that no sample of the training comes
    back in the test, number for number, is looked for in the arrays that the networks were given.
    """
    rows = problem.rows
    kept = rows.scored
    by_last = (rows.actual - rows.last_price)[kept]
    naive = rmse(by_last)
    seeds: list[ExaminedSeedRecord] = []
    for result in results:
        errors = (rows.actual - result.forecast)[kept]
        if rmse(errors) < naive:
            p_value = diebold_mariano(by_last, errors, horizon=1).p_value
            seeds.append(
                {
                    "seed": result.seed,
                    "rmse": rmse(errors),
                    "ratio": rmse(errors) / naive,
                    "p_value": None if math.isnan(p_value) else p_value,
                }
            )
    given = problem.score(symbol)
    below = given if given is not None and given < naive else None
    if not seeds and below is None:
        return None
    samples = problem.samples()
    found: ExaminedRecord = {
        "seeds": seeds,
        "published_rmse": below,
        "in_training": int(rows.in_training.sum()),
        "watched": int(rows.watched.sum()),
        "in_inputs": int(rows.in_inputs.sum()),
        "repeated": _n_repeated(samples.test, of=samples.train),
        "later": int(rows.later.sum()),
        "scaler_changes": problem.scaler_changes,
        "text": "",
    }
    name = baseline_name(backwards=rows.reversed)
    told = [
        *_who(found, n_networks=len(results), name=name, naive=naive),
        *_rows_words(found, problem=problem),
    ]
    if seeds:
        told += _test_words(seeds, n_networks=len(results))
    return {**found, "text": " ".join(told)}


def _n_repeated(test: Samples, *, of: Samples) -> int:
    """Samples of the test that the training has too: the same window and the same target."""
    known = {(window.tobytes(), float(target)) for window, target in zip(of.inputs, of.targets, strict=True)}
    pairs = zip(np.ascontiguousarray(test.inputs), test.targets, strict=True)
    return sum((window.tobytes(), float(target)) in known for window, target in pairs)


def _who(found: ExaminedRecord, *, n_networks: int, name: str, naive: float) -> list[str]:
    told, n_below = [], len(found["seeds"])
    if n_below:
        who = f"{n_below} of {n_networks} networks" if n_networks > 1 else "The network"
        told.append(f"{who} scored below the {name}.")
    if found["published_rmse"] is not None:
        told.append(
            f"The score in the source, {found['published_rmse']:g}, is below the {name}'s "
            f"{_beside(found['published_rmse'], naive)}. Its forecasts are not given, so that no paired test "
            "can be made of them."
        )
    return told


def _beside(score: float, naive: float) -> str:
    """Write the baseline's error with the ratio to it."""
    over = ratio(score, naive)
    return price_text(naive) if over is None else f"{price_text(naive)} ({over:.3f}x)"


def _rows_words(found: ExaminedRecord, *, problem: PublishedProblem) -> list[str]:
    n = len(problem.rows.test_targets)
    counts = [
        (found["in_training"], "were targets of the training"),
        (found["watched"], "were watched in it"),
        (found["in_inputs"], "stood in its windows"),
        (found["repeated"], "are samples of the training, number for number"),
        (found["later"], "are told from later sessions"),
    ]
    if any(count for count, _ in counts):
        listed = ", ".join(f"{count} {words}" for count, words in counts if count)
        told = [f"That is no forecast: of the {n} rows {listed}."]
    else:
        told = [
            f"Examined as a leak: by the cut none of the {n} rows is a target of the training, stands in its "
            "windows or is told from later sessions; in the arrays themselves no sample of the training "
            "comes back, number for number."
        ]
    if found["scaler_changes"]:
        told.append(
            "But the scaler, fitted on all rows, is another without those that are forecast: it told the "
            'training how far prices will go. Set published.scaler_rows = "train" and look again.'
        )
    elif problem.scaler_saw_test:
        told.append("The scaler, fitted on all rows, is the same without those that are forecast.")
    return told


def _test_words(seeds: Sequence[ExaminedSeedRecord], *, n_networks: int) -> list[str]:
    values = [seed["p_value"] for seed in seeds if seed["p_value"] is not None]
    if not values:
        return ["The paired test is not defined."]
    # the best of several is judged as the best of several
    smallest = min(1.0, min(values) * n_networks)
    times = f", times {n_networks} networks," if n_networks > 1 else ""
    verdict = (
        "chance is enough to explain it"
        if smallest >= LEVEL
        else "chance hardly explains it: look for what else does"
    )
    return [f"The smallest p-value of the paired test{times} is {smallest:.2g}: {verdict}."]
