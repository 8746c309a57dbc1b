"""Real worker processes, with a forecaster that needs no TensorFlow."""

import dataclasses
import multiprocessing
import os
import signal
import struct
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

from backtester.errors import RecipeError, UserCodeError
from backtester.execution import WorkerPool, n_workers
from backtester.execution.pool import _receive
from backtester.execution.worker import ENVIRONMENT
from backtester.recipe import ExecutionSection
from backtester.tasks import Problem, Task, TaskFailure, TaskResult
from tests.markets import random_walk
from tests.questions import InProcess, question

REGRESSOR = """
import os, signal, time
from pathlib import Path
import numpy as np

class Mean:
    def __init__(self, *, behave="well", log=""):
        self.behave, self.log = behave, log

    def fit(self, X, y):
        self.mean = y.mean()
        n = 0
        if self.log:
            with open(self.log, "a") as file:
                file.write(f"{os.getpid()}\\n")
            n = len(Path(self.log).read_text().splitlines())
        if self.behave == "die" and n == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.behave == "raise" and n == 3:
            raise ValueError("three is too many")
        if self.behave == "sleep":
            time.sleep(60)
        if self.behave == "fork":
            if os.fork() == 0:
                with open(self.log, "a") as file:
                    file.write(f"{os.getpid()}\\n")
                time.sleep(60)
            os.kill(os.getpid(), signal.SIGKILL)

    def predict(self, X):
        return np.full(len(X), self.mean)
"""

TASKS = [Task(fold=fold, member=0) for fold in range(6)]


@pytest.fixture
def problem(tmp_path: Path, request: pytest.FixtureRequest) -> Problem:
    (tmp_path / "mine.py").write_text(REGRESSOR)
    parameters = {"log": str(tmp_path / "log"), **getattr(request, "param", {})}
    model = {"kind": "mine.py:Mean", "lookback": 3, "parameters": parameters}
    return question(random_walk(300, seed=1), model=model, folder=tmp_path).problem


def test_workers_give_the_bits_of_this_process_in_whatever_order(problem: Problem):
    here = {outcome.task: outcome for outcome in InProcess(problem).run(TASKS, initial={})}
    for count in (1, 3):
        with WorkerPool(count, problem=problem, first=TASKS[0]) as pool:
            there = list(pool.run(TASKS, initial={}))
        assert sorted(outcome.task for outcome in there) == TASKS
        for outcome in there:
            mine = here[outcome.task]
            assert isinstance(outcome, TaskResult)
            assert isinstance(mine, TaskResult)
            assert outcome.forecast.tobytes() == mine.forecast.tobytes()


def test_workers_that_turn_to_another_problem_give_its_bits(problem: Problem, tmp_path: Path):
    model = {"kind": "mine.py:Mean", "lookback": 9}
    other = question(random_walk(300, seed=2), model=model, folder=tmp_path).problem
    untrainable = dataclasses.replace(other, code_sha256="0" * 64)
    with WorkerPool(2, problem=problem, first=TASKS[0]) as pool:
        list(pool.run(TASKS, initial={}))
        with pytest.raises(UserCodeError, match="was edited"):
            pool.turn_to(untrainable, first=TASKS[0])
        pool.turn_to(other, first=TASKS[0])
        there = {outcome.task: outcome for outcome in pool.run(TASKS, initial={})}
    for outcome in InProcess(other).run(TASKS, initial={}):
        assert there[outcome.task].forecast.tobytes() == outcome.forecast.tobytes()


def test_training_never_happens_in_the_callers_process(problem: Problem, tmp_path: Path):
    with WorkerPool(2, problem=problem, first=TASKS[0]) as pool:
        list(pool.run(TASKS, initial={}))
    pids = {int(line) for line in (tmp_path / "log").read_text().split()}
    assert os.getpid() not in pids


@pytest.mark.catalogue("F18")
@pytest.mark.parametrize("problem", [{"behave": "raise"}], indirect=True)
def test_an_exception_costs_its_task_alone_and_names_the_users_line(problem: Problem):
    with WorkerPool(1, problem=problem, first=TASKS[0]) as pool:
        outcomes = list(pool.run(TASKS, initial={}))
    failed = [outcome for outcome in outcomes if isinstance(outcome, TaskFailure)]
    assert [failure.task for failure in failed] == [TASKS[2]]
    assert "mine.py, line 20: ValueError: three is too many" in failed[0].reason
    assert len(outcomes) == 6


@pytest.mark.catalogue("F15")
@pytest.mark.parametrize("problem", [{"behave": "die"}], indirect=True)
@pytest.mark.parametrize("count", [1, 2])
def test_a_killed_worker_costs_its_task_alone(problem: Problem, count: int):
    with WorkerPool(count, problem=problem, first=TASKS[0]) as pool:
        outcomes = list(pool.run(TASKS, initial={}))
    failed = [outcome for outcome in outcomes if isinstance(outcome, TaskFailure)]
    assert len(failed) == 1
    assert "killed by SIGKILL" in failed[0].reason
    assert len(outcomes) == 6


@pytest.mark.parametrize("problem", [{"behave": "sleep"}], indirect=True)
def test_no_worker_outlives_the_pool(problem: Problem, tmp_path: Path):
    with WorkerPool(1, problem=problem, first=TASKS[0]) as pool:
        outcomes = pool.run(TASKS, initial={})
        signal.signal(signal.SIGALRM, _raise)
        signal.alarm(2)
        with pytest.raises(TimeoutError):
            next(outcomes)
    pid = int((tmp_path / "log").read_text().split()[0])
    time.sleep(0.1)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def _raise(*_: object) -> None:
    raise TimeoutError


@pytest.mark.parametrize("problem", [{"behave": "well"}], indirect=True)
def test_a_class_that_is_gone_is_refused_before_the_first_task(problem: Problem, tmp_path: Path):
    (tmp_path / "mine.py").write_text("import nothing_of_this_name\n")
    with pytest.raises(UserCodeError, match=r"mine\.py, line 1: ModuleNotFoundError"):
        WorkerPool(1, problem=problem, first=TASKS[0]).__enter__()
    (tmp_path / "mine.py").write_text("class Median: pass\n")
    with pytest.raises(RecipeError, match="Mean"):
        WorkerPool(2, problem=problem, first=TASKS[0]).__enter__()


@pytest.mark.parametrize("problem", [{"behave": "fork"}], indirect=True)
def test_what_a_dead_worker_forked_neither_delays_the_driver_nor_outlives_it(
    problem: Problem, tmp_path: Path
):
    begun = time.monotonic()
    with WorkerPool(1, problem=problem, first=TASKS[0]) as pool:
        (outcome,) = pool.run(TASKS[:1], initial={})
    assert isinstance(outcome, TaskFailure)
    assert time.monotonic() - begun < 40
    time.sleep(0.2)
    for pid in (tmp_path / "log").read_text().split():
        assert not is_running(int(pid))


def is_running(pid: int) -> bool:
    """A process that has ended may wait for a parent that never asks."""
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def test_a_worker_finds_the_modules_of_its_driver_and_none_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "random.py").write_text("raise RuntimeError('not the standard one')\n")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "found_by_the_driver.py").write_text(REGRESSOR)
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.syspath_prepend(tmp_path / "lib")
    model = {"kind": "found_by_the_driver:Mean", "lookback": 3}
    asked = question(random_walk(300, seed=1), model=model, folder=tmp_path)
    with WorkerPool(1, problem=asked.problem, first=TASKS[0]) as pool:
        (outcome,) = pool.run(TASKS[:1], initial={})
    assert isinstance(outcome, TaskResult)


def test_a_worker_that_dies_in_the_middle_of_a_message_is_gone():
    ours, theirs = multiprocessing.Pipe()
    os.write(theirs.fileno(), struct.pack("!i", 1000) + b"the first bytes of a thousand")
    theirs.close()
    assert _receive(types.SimpleNamespace(connection=ours)) is None


def test_no_more_workers_than_tasks():
    assert n_workers(ExecutionSection(workers=8), n_tasks=3) == 3
    assert n_workers(ExecutionSection(workers=2), n_tasks=3) == 2
    assert n_workers(ExecutionSection(executor="serial", workers=8), n_tasks=3) == 1
    assert n_workers(ExecutionSection(), n_tasks=1000) >= 1


@pytest.mark.slow
def test_workers_do_not_read_the_users_settings_of_keras(tmp_path: Path):
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text('{"floatx": "float64"}')
    code = "import keras; print(keras.config.floatx())"
    environment = os.environ | {"HOME": str(tmp_path)} | ENVIRONMENT
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "float32"


def test_workers_see_no_accelerator_and_one_thread():
    assert ENVIRONMENT["CUDA_VISIBLE_DEVICES"] == ""
    assert ENVIRONMENT["TF_NUM_INTRAOP_THREADS"] == "1"
