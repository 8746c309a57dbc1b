"""Worker processes on this machine: each task goes to a free one, and a dead one costs its task alone."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import IO

from backtester.errors import BacktesterError, FoldsFailedError
from backtester.execution.messages import Done, Ready, Refused, Start, Work
from backtester.execution.worker import ENVIRONMENT
from backtester.models.forecaster import Weights
from backtester.tasks import Task, TaskFailure, TaskResult, Trainable

__all__ = ["WorkerPool", "available_cores"]


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Worker:
    """One worker process and what it is busy with."""

    def __init__(self) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        self.task: Task | None = None
        self.ready = False
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "backtester.execution.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=os.environ | ENVIRONMENT | {"PYTHONPATH": _import_path()},
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                start_new_session=True,
            )

    def last_words(self) -> str:
        """How the process ended, with the last line it printed."""
        code = self._process.wait()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        if code < 0:
            how = f"was killed by {signal.Signals(-code).name}"
            how += " (out of memory?)" if -code == signal.SIGKILL else ""
        else:
            how = f"ended with exit code {code}"
        return f"{how}: {lines[-1]}" if lines and code > 0 else how

    def peak_bytes(self) -> int:
        """Largest memory that the process has had; 0 where the system does not tell."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text()
        except OSError:
            return 0
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return 1024 * int(found.group(1)) if found else 0

    def stop(self) -> None:
        """End the process and those it started at once; there is nothing in them to lose."""
        self.connection.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._log.close()


class WorkerPool:
    """Does the tasks of one problem at a time in spawned worker processes; a context manager.

    Parameters
    ----------
    n_workers : processes
    problem : what to train
    first : the task whose shapes the workers compile while they start

    Raises
    ------
    BacktesterError : on entering, what makes the problem untrainable, as a worker found
    """

    def __init__(self, n_workers: int, *, problem: Trainable, first: Task) -> None:
        self._n_workers = n_workers
        self._start = Start(problem=problem, first=first)
        self._workers: list[_Worker] = []

    def __enter__(self) -> WorkerPool:
        try:
            for _ in range(self._n_workers):
                self._add_worker()
            self._await_start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.stop()
        self._workers.clear()

    @property
    def n_workers(self) -> int:
        """Number of processes."""
        return self._n_workers

    @property
    def busy_with(self) -> tuple[Task | None, ...]:
        """What each worker does now; None where it waits or starts."""
        return tuple(worker.task for worker in self._workers)

    @property
    def worker_bytes(self) -> int:
        """Largest memory that a worker has had."""
        return max((worker.peak_bytes() for worker in self._workers), default=0)

    def turn_to(self, problem: Trainable, *, first: Task) -> None:
        """Leave the problem for another one; between two `run`.

        Raises
        ------
        BacktesterError : what makes it untrainable; the workers can turn to yet another one
        """
        self._start = Start(problem=problem, first=first)
        for worker in self._workers:
            worker.ready = False
            _send(worker, self._start)
        self._await_start()

    def _await_start(self) -> None:
        """Wait until every worker has answered, so that none speaks of this start at the next one."""
        refused: BacktesterError | None = None
        while not all(worker.ready for worker in self._workers):
            for worker, message in self._messages():
                try:
                    self._note_start(worker, message)
                except FoldsFailedError:
                    raise
                except BacktesterError as error:
                    worker.ready, refused = True, error
        if refused is not None:
            raise refused

    def run(
        self, tasks: Sequence[Task], *, initial: Mapping[Task, Weights]
    ) -> Iterator[TaskResult | TaskFailure]:
        """Do tasks; what comes of each, in the order in which they end."""
        waiting, n_open = deque(tasks), len(tasks)
        while n_open:
            for worker in self._workers:
                if worker.ready and worker.task is None and waiting:
                    worker.task = waiting.popleft()
                    _send(worker, Work(task=worker.task, initial=initial.get(worker.task, ())))
            for worker, message in self._messages():
                outcome = self._outcome(worker, message)
                if outcome is not None:
                    n_open -= 1
                    yield outcome

    def _outcome(self, worker: _Worker, message: object) -> TaskResult | TaskFailure | None:
        """What a message says of a task; None where it is about a worker's start."""
        if isinstance(message, Done):
            worker.task = None
            return message.outcome
        if message is None and worker.task is not None:
            failure = TaskFailure(task=worker.task, reason=f"its worker {worker.last_words()}")
            self._workers.remove(worker)
            worker.stop()
            self._add_worker()
            return failure
        self._note_start(worker, message)
        return None

    def _add_worker(self) -> None:
        worker = _Worker()
        self._workers.append(worker)
        _send(worker, self._start)

    def _messages(self) -> list[tuple[_Worker, object]]:
        """Wait for messages; None stands for a worker that is gone."""
        speaking = wait([worker.connection for worker in self._workers])
        return [(worker, _receive(worker)) for worker in self._workers if worker.connection in speaking]

    def _note_start(self, worker: _Worker, message: object) -> None:
        if isinstance(message, Ready):
            worker.ready = True
        elif isinstance(message, Refused):
            raise message.error()
        elif message is None:
            how = worker.last_words()
            self._workers.remove(worker)
            worker.stop()
            if not self._workers:
                raise FoldsFailedError(
                    f"The last training process ended before it had a task; it {how}.",
                    advice="Check the memory, and that TensorFlow imports: python -c 'import tensorflow'.",
                )


def _import_path() -> str:
    """Let a worker find the modules that this process finds, and no file of the current folder instead."""
    return os.pathsep.join(os.path.abspath(folder) for folder in sys.path)


def _receive(worker: _Worker) -> object:
    try:
        return worker.connection.recv()
    except (EOFError, OSError):  # the latter where it died in the middle of a message
        return None


def _send(worker: _Worker, message: object) -> None:
    # A worker that died meanwhile is found when its connection is read.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        worker.connection.send(message)
