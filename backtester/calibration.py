"""How long a run will take and how much memory: a few of its own networks, timed and thrown away."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from backtester.execution import n_workers, open_executor
from backtester.question import Question
from backtester.store import FoldStore, default_store_folder
from backtester.tasks import BESIDE
from backtester.walkforward import open_work

__all__ = ["Estimate", "calibrate"]

_ENOUGH_SECONDS = 3.0
# Trading in Backtrader grows with the bars; the pages cost the same for all (QuantStats, mostly).
_REPORT_SECONDS = 7.0
_TRADING_SECONDS_PER_BAR = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a run will take.

    Parameters
    ----------
    networks, stored : to train, and already in the store
    workers : at work at a time
    startup_seconds : until the workers have imported and compiled
    seconds_per_network : of the whole pool, so that networks × this is the training
    training_seconds, report_seconds, total_seconds : training; trading and report; all with the start
    worker_bytes : peak memory of one worker; 0 where it cannot be measured
    """

    networks: int
    stored: int
    workers: int
    startup_seconds: float
    seconds_per_network: float
    training_seconds: float
    report_seconds: float
    total_seconds: float
    worker_bytes: int


def calibrate(question: Question) -> Estimate:
    """Time a few networks of a question; nothing is kept.

    Raises
    ------
    BacktesterError : what makes the question untrainable
    """
    execution = question.loaded.recipe.execution
    store = FoldStore(folder=Path(execution.store or default_store_folder()))
    problem = question.joint or question.problem
    work = open_work(problem, store=store)
    folds = [task for task in work.missing if task.fold != BESIDE]
    # a network of the published mode learns from more samples: one of a fold tells its time in less
    timed = folds or list(work.missing)
    longer = _published_length(question) if folds else 1.0
    n_timed = len(folds) + longer * (len(work.missing) - len(folds))
    report = _REPORT_SECONDS + _TRADING_SECONDS_PER_BAR * len(question.prices)
    count = n_workers(execution, n_tasks=len(work.missing)) if work.missing else 0
    startup, each, memory = 0.0, 0.0, 0
    if work.missing:
        begun = time.monotonic()
        # a warm start needs the fold before: the first fold's tasks are as long as any other's
        with open_executor(execution, problem=problem, tasks=timed, n_tasks=len(work.missing)) as executor:
            startup, count = time.monotonic() - begun, executor.n_workers
            begun, done = time.monotonic(), 0
            while time.monotonic() - begun < _ENOUGH_SECONDS and done < len(timed):
                batch = timed[done : done + count]
                done += sum(1 for _ in executor.run(batch, initial={}))
            each, memory = (time.monotonic() - begun) / done, executor.worker_bytes
    training = each * n_timed
    return Estimate(
        networks=len(work.missing),
        stored=len(work.stored),
        workers=count,
        startup_seconds=startup,
        seconds_per_network=training / len(work.missing) if work.missing else 0.0,
        training_seconds=training,
        report_seconds=report,
        total_seconds=startup + training + report,
        worker_bytes=memory,
    )


def _published_length(question: Question) -> float:
    """How many times the samples of the last fold a network of the published mode learns from."""
    if question.published is None:
        return 1.0
    train = question.problem.folds[-1].train
    return float(len(question.published.rows.train_targets) / max(1, train.stop - train.start))
