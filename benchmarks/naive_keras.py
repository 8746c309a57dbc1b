"""A fresh Keras model per fold with ``fit`` and ``predict``, against this program.

python -m benchmarks.naive_keras
"""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from benchmarks.figures import Disturbance, machine, print_answer, ratio, say, spread
from benchmarks.ours import CommandTimes, time_command
from benchmarks.rivals import RivalRun, run_rival
from benchmarks.work import Work

__all__ = ["main", "measure"]

_WORKERS = (1, 2)


def measure(work: Work, *, naive_folds: int, repetitions: int) -> dict[str, Any]:
    """Take turns: the naive loop, ours with one worker, ours with two.

    Parameters
    ----------
    naive_folds : folds that the naive loop is timed on, after one to warm up
    """
    naive: list[RivalRun] = []
    ours: dict[int, list[CommandTimes]] = {workers: [] for workers in _WORKERS}
    disturbance = Disturbance()
    for repetition in range(repetitions):
        disturbance.look()
        naive.append(run_rival("keras_loop", work=work, n_folds=naive_folds))
        for workers in _WORKERS:
            ours[workers].append(time_command(work, workers=workers))
        say(
            f"{repetition + 1} of {repetitions}: naive {naive[-1].seconds_per_fold:.2f} s a fold, "
            + ", ".join(f"{w} workers {ours[w][-1].training / work.n_folds:.3f}" for w in _WORKERS)
        )
    return {
        "benchmark": "naive_keras",
        "machine": machine() | disturbance.described(),
        "work": work.described(),
        **_figures(naive, ours=ours, n_folds=work.n_folds),
    }


def _figures(naive: list[RivalRun], *, ours: dict[int, list[CommandTimes]], n_folds: int) -> dict[str, Any]:
    loop = [run.seconds_per_fold for run in naive]
    training = {w: [times.training / n_folds for times in ours[w]] for w in _WORKERS}
    measured = naive[0].folds
    how = "measured" if measured >= n_folds else f"extrapolated from {measured} folds a repetition"
    return {
        "seconds_per_fold": {"naive": spread(loop)} | {f"workers_{w}": spread(training[w]) for w in _WORKERS},
        "naive_training": {
            "how": how,
            "seconds": spread([seconds * n_folds for seconds in loop]),
            "steps_per_fold": naive[0].steps,
            "parameters": naive[0].parameters,
        },
        "command_seconds": {
            f"workers_{w}": {
                field.name: spread([getattr(times, field.name) for times in ours[w]])
                for field in dataclasses.fields(CommandTimes)
            }
            for w in _WORKERS
        },
        "ratios": {
            **{f"training_workers_{w}": ratio(loop, training[w]) for w in _WORKERS},
            "training_workers_1_to_2": ratio(training[1], training[2]),
            **{
                f"naive_training_to_whole_command_workers_{w}": ratio(
                    [seconds * n_folds for seconds in loop], [times.whole for times in ours[w]]
                )
                for w in _WORKERS
            },
        },
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=int, default=28, help="folds of a run")
    parser.add_argument("--naive-folds", type=int, help="folds timed in the naive loop; default: as many")
    parser.add_argument("--repetitions", type=int, default=3)
    arguments = parser.parse_args()
    answer = measure(
        Work(n_folds=arguments.folds),
        naive_folds=arguments.naive_folds or arguments.folds,
        repetitions=arguments.repetitions,
    )
    print_answer(answer)


if __name__ == "__main__":
    main()
