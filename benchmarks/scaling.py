"""How the time of the training phase grows: folds, workers, networks, lookback, units; and the memory.

python -m benchmarks.scaling
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.figures import Disturbance, machine, print_answer, ratio, say, spread
from benchmarks.memory import MemoryLog, mb_per_fold, worker_ids
from benchmarks.ours import Trainer, open_trainer
from benchmarks.rivals import run_rival
from benchmarks.work import Work

__all__ = ["NETWORKS", "main", "measure"]

_WORKERS = 2


def _lstm(**settings: Any) -> dict[str, Any]:
    return {"kind": "lstm", "lookback": 20, "units": [50], **settings}


# Named, not imported: the driver of a training loads no TensorFlow.
_INPUT_DROPOUT = f"{Path(__file__).with_name('networks.py')}:lstm_with_input_dropout"

# What differs from the plain work; each is compared with it.
NETWORKS: Mapping[str, Work] = {
    "dropout_layer_0.2": Work(model=_lstm(dropout=0.2)),
    "lstm_dropout_0.2": Work(model={"kind": _INPUT_DROPOUT, "lookback": 20, "parameters": {"dropout": 0.2}}),
    "two_layers": Work(model=_lstm(units=[50, 50])),
    "units_25": Work(model=_lstm(units=[25])),
    "units_100": Work(model=_lstm(units=[100])),
    "lookback_60": Work(model=_lstm(lookback=60)),
    "lookback_240": Work(model=_lstm(lookback=240)),
    "early_stopping": Work(validation=0.1, patience=5),
}


def measure(*, folds: int, network_folds: int, repetitions: int) -> dict[str, Any]:
    """Measure one thing after the other, each beside the plain work.

    Parameters
    ----------
    folds : 64; its double is compared with it, and the memory taken over three times as many and 8
    network_folds : folds of each training phase that compares networks
    """
    disturbance, work = Disturbance(), Work(n_folds=3 * folds + 8)
    disturbance.look()
    answer: dict[str, Any] = {"benchmark": "scaling", "machine": machine(), "work": work.described()}
    with open_trainer(work, workers=_WORKERS) as two:
        with open_trainer(work, workers=1) as one:
            answer["workers"] = _compare_workers(one, two=two, folds=folds // 2, repetitions=repetitions)
        answer["folds"] = _compare_folds(two, folds=folds, repetitions=repetitions)
        answer["memory"] = _memory(two, n_folds=work.n_folds)
        answer["networks"] = {}
        for name in NETWORKS:
            disturbance.look()
            answer["networks"][name] = _compare_network(
                name, plain=two, folds=network_folds, repetitions=repetitions
            )
    answer["machine"] |= disturbance.described()
    return answer


def _compare_workers(one: Trainer, *, two: Trainer, folds: int, repetitions: int) -> dict[str, Any]:
    single, double = [], []
    for _ in range(repetitions):
        single.append(one.train(n_folds=folds) / folds)
        double.append(two.train(n_folds=folds) / folds)
    say(f"One worker {single[-1]:.3f} s a fold, two {double[-1]:.3f}.")
    return {
        "folds": folds,
        "seconds_per_fold_1": spread(single),
        "seconds_per_fold_2": spread(double),
        "one_to_two": ratio(single, double),
    }


def _compare_folds(trainer: Trainer, *, folds: int, repetitions: int) -> dict[str, Any]:
    some, twice = [], []
    for _ in range(repetitions):
        some.append(trainer.train(n_folds=folds))
        twice.append(trainer.train(n_folds=2 * folds))
    say(f"{folds} folds {some[-1]:.1f} s, {2 * folds} folds {twice[-1]:.1f} s.")
    return {
        f"seconds_{folds}": spread(some),
        f"seconds_{2 * folds}": spread(twice),
        "twice_to_once": ratio(twice, some),
    }


def _compare_network(name: str, *, plain: Trainer, folds: int, repetitions: int) -> dict[str, Any]:
    """One network beside the plain one, and at lookback 240 beside the naive loop as well."""
    work, naive = NETWORKS[name], name == "lookback_240"
    without, with_it, loop = [], [], []
    with open_trainer(work, workers=_WORKERS) as trainer:
        for _ in range(repetitions):
            without.append(plain.train(n_folds=folds) / folds)
            with_it.append(trainer.train(n_folds=folds) / folds)
            if naive:
                run = run_rival("keras_loop", work=work, n_folds=min(2, folds))
                loop.append(run.seconds_per_fold)
    say(f"{name}: {with_it[-1]:.3f} s a fold, plain {without[-1]:.3f}.")
    figures = {"seconds_per_fold": spread(with_it), "times_plain": ratio(with_it, without)}
    if naive:
        figures |= {"naive_seconds_per_fold": spread(loop), "naive_to_ours": ratio(loop, with_it)}
    return figures


def _memory(trainer: Trainer, *, n_folds: int) -> dict[str, Any]:
    """Growth of each worker over the folds that it did, and of this process, which holds the results."""
    if not Path("/proc/self/statm").is_file():
        return {"not_measured": "there is no /proc on this system"}
    workers = worker_ids()
    log = MemoryLog(processes=(*workers, os.getpid()))
    trainer.train(n_folds=n_folds, on_progress=lambda progress: log.read(done=progress.done))
    share = [done / len(workers) for done in log.folds]
    growth = [mb_per_fold(share, log.readings[worker]) for worker in workers]
    say(f"Memory over {n_folds} folds: {', '.join(f'{mb:.3f}' for mb in growth)} MB a fold.")
    return {
        "folds": n_folds,
        "workers_mb_first": [round(log.readings[worker][0], 1) for worker in workers],
        "workers_mb_last": [round(log.readings[worker][-1], 1) for worker in workers],
        "workers_mb_per_fold_of_theirs": [round(mb, 4) for mb in growth],
        "driver_mb_per_fold": round(mb_per_fold(log.folds, log.readings[os.getpid()]), 4),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=int, default=64, help="compared with twice as many")
    parser.add_argument("--network-folds", type=int, default=10, help="folds where networks are compared")
    parser.add_argument("--repetitions", type=int, default=3)
    arguments = parser.parse_args()
    answer = measure(
        folds=arguments.folds, network_folds=arguments.network_folds, repetitions=arguments.repetitions
    )
    print_answer(answer)


if __name__ == "__main__":
    main()
