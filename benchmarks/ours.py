"""Our program on the work: as the command a user types, or its training phase alone."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from backtester.execution import Executor, open_executor
from backtester.recipe import ExecutionSection
from backtester.store import FoldStore
from backtester.tasks import Problem
from backtester.walkforward import Progress, open_work, walk_forward
from benchmarks.work import Work, price_frame

__all__ = ["CommandTimes", "Trainer", "open_trainer", "time_command"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandTimes:
    """Where the time of one ``backtester run`` went, in seconds.

    Parameters
    ----------
    whole : from the start of the process to its end
    startup, training : as ``run.json`` says
    before : interpreter, imports and prices, before the clock of ``run.json`` starts; and the exit
    after : trading, figures and report
    """

    whole: float
    startup: float
    training: float
    before: float
    after: float


def time_command(work: Work, *, workers: int) -> CommandTimes:
    """Run the command with an empty store and take its times.

    Raises
    ------
    RuntimeError : it failed, or did not train every fold
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        price_frame(work.n_bars).to_csv(folder / "BENCHMARK.csv")
        recipe = folder / "benchmark.toml"
        store = {
            "store": str(folder / "store"),
            "registry": str(folder / "trials"),
            "workers": workers,
        }
        recipe.write_text(work.recipe_text(execution=store))
        command = [sys.executable, "-m", "backtester.cli", "run", str(recipe)]
        command += ["--csv", str(folder / "BENCHMARK.csv"), "--out", str(folder / "runs"), "--json"]
        started = time.perf_counter()
        ended = subprocess.run(command, capture_output=True, text=True, env=_environment())
        whole = time.perf_counter() - started
        if ended.returncode:
            raise RuntimeError(f"the command ended with {ended.returncode}: {ended.stderr[-2000:]}")
        run = json.loads(ended.stdout)
        timing = json.loads((Path(run["directory"]) / "run.json").read_text())["timing"]
    if timing["folds_trained"] != work.n_folds or timing["folds_reused"] or timing["workers"] != workers:
        raise RuntimeError(f"the command did other work than it was asked: {timing}")
    startup, training = timing["startup_seconds"], timing["training_seconds"]
    return CommandTimes(
        whole=whole,
        startup=startup,
        training=training,
        before=whole - timing["wall_seconds"],
        after=timing["wall_seconds"] - startup - training,
    )


def _environment() -> dict[str, str]:
    """The command finds this checkout wherever the benchmark is started."""
    places = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(places)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainer:
    """Started workers that have compiled, so that contestants can take turns without new starts.

    Parameters
    ----------
    problem : what they train
    executor : the workers
    """

    problem: Problem
    executor: Executor

    def train(self, *, n_folds: int, on_progress: Callable[[Progress], None] = lambda _: None) -> float:
        """Seconds of one training phase over the first folds, with an empty store.

        Raises
        ------
        RuntimeError : a fold failed, or its network did not compile
        """
        with tempfile.TemporaryDirectory() as temporary:
            store = FoldStore(folder=Path(temporary))
            work = open_work(self.problem, store=store)
            work = dataclasses.replace(work, missing=work.missing[:n_folds])
            result = walk_forward(
                self.problem,
                work=work,
                store=store,
                executor=self.executor,
                on_progress=on_progress,
                started=time.monotonic(),
            )
        reasons = [outcome.reason for outcome in result.outcomes if outcome.reason]
        reasons += [note.text for note in result.notes]
        if reasons or result.timing.folds_trained != n_folds:
            raise RuntimeError(f"not the work that was asked: {reasons or result.timing}")
        return result.timing.training_seconds


@contextlib.contextmanager
def open_trainer(work: Work, *, workers: int) -> Iterator[Trainer]:
    """Start workers, and wait until every one of them has trained."""
    problem = work.question().problem
    section = ExecutionSection(workers=workers)
    tasks = open_work(problem, store=FoldStore(folder=Path(os.devnull) / "none")).missing
    with open_executor(section, problem=problem, tasks=tasks) as executor:
        trainer = Trainer(problem=problem, executor=executor)
        seen: set[int] = set()

        def note_busy(_: Progress) -> None:
            seen.update(i for i, task in enumerate(executor.busy_with) if task is not None)

        while True:
            trainer.train(n_folds=min(work.n_folds, 2 * workers), on_progress=note_busy)
            if workers == 1 or len(seen) == workers:
                break
        yield trainer
