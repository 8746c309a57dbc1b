"""Darts, neuralforecast and a hand-written PyTorch loop, against this program's training phase.

python -m benchmarks.others
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.figures import Disturbance, machine, print_answer, ratio, say, spread
from benchmarks.ours import open_trainer
from benchmarks.rivals import NotInstalledError, RivalRun, environment_of, run_rival
from benchmarks.work import Work

__all__ = ["RIVALS", "main", "measure"]

# Contestant by the requirements of its environment.
RIVALS = {
    "pytorch": "pytorch_loop",
    "darts": "darts_block_rnn",
    "neuralforecast": "neuralforecast_lstm",
}
_WORKERS = 2


def measure(work: Work, *, rival_folds: int, repetitions: int) -> dict[str, Any]:
    """Take turns: each contestant that can be installed, then ours with two workers.

    Parameters
    ----------
    rival_folds : folds that each contestant is timed on, after one to warm up
    """
    pythons, missing = _install()
    disturbance = Disturbance()
    ours: list[float] = []
    rivals: dict[str, list[RivalRun]] = {name: [] for name in pythons}
    with open_trainer(work, workers=_WORKERS) as trainer:
        for repetition in range(repetitions):
            disturbance.look()
            for name, python in pythons.items():
                run = run_rival(RIVALS[name], work=work, n_folds=rival_folds, python=python)
                rivals[name].append(run)
            ours.append(trainer.train(n_folds=work.n_folds) / work.n_folds)
            told = ", ".join(f"{name} {runs[-1].usual_seconds:.3f}" for name, runs in rivals.items())
            say(f"{repetition + 1} of {repetitions}: ours {ours[-1]:.3f} s a fold, {told}")
    return {
        "benchmark": "others",
        "machine": machine() | disturbance.described(),
        "work": work.described(),
        "ours": {"workers": _WORKERS, "seconds_per_fold": spread(ours)},
        **{name: _figures(runs, ours=ours) for name, runs in rivals.items()},
        **{name: {"not_installed": reason} for name, reason in missing.items()},
    }


def _install() -> tuple[dict[str, Path], dict[str, str]]:
    pythons, missing = dict[str, Path](), dict[str, str]()
    for name in RIVALS:
        try:
            pythons[name] = environment_of(name)
        except NotInstalledError as error:
            missing[name] = str(error)
            say(f"{name} is left out, not installed: {error}")
    return pythons, missing


def _figures(runs: list[RivalRun], *, ours: list[float]) -> dict[str, Any]:
    seconds = [run.usual_seconds for run in runs]
    return {
        "seconds_per_fold": spread(seconds),
        "times_ours": ratio(seconds, ours),
        "steps_per_fold": runs[0].steps,
        "parameters": runs[0].parameters,
        "mean_squared_error": round(runs[0].mean_squared_error, 4),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=int, default=28, help="folds of each of our training phases")
    parser.add_argument("--rival-folds", type=int, default=8, help="folds timed of each contestant")
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    rival_folds = min(arguments.rival_folds, arguments.folds)
    print_answer(
        measure(Work(n_folds=arguments.folds), rival_folds=rival_folds, repetitions=arguments.repetitions)
    )


if __name__ == "__main__":
    main()
