"""Runs of the whole chain to be disturbed: fetch, train, trade, judge, report."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from backtester.trials import TrialRegistry
from tests.markets import random_walk

MODEL = """
import time
import numpy as np

class Steady:
    def fit(self, X, y):
        time.sleep(0.02)
        self.weights = np.linalg.lstsq(X, y, rcond=None)[0]

    def predict(self, X):
        return X @ self.weights
"""
RECIPE = """
[folds]
train = 100
test = 10
[model]
kind = "steady.py:Steady"
lookback = 5
[execution]
workers = 1
store = "store"
[verdict]
draws = 199
"""
FETCH = ("fetch", "KO", "--out", "prices")
RUN = ("run", "recipe.toml", "--yahoo", "KO")
CHAIN = (FETCH, RUN)
N_BARS = 260
N_FOLDS = 15


@dataclass
class Running:
    """A process of the program."""

    pid: int
    out: Path
    err: Path
    connection: socket.socket
    code: int | None = None

    def wait(self, seconds: float = 300.0) -> int:
        """Its exit code; below zero for the signal that ended it."""
        if self.code is None:
            self.connection.settimeout(seconds)
            told = b""
            while not told.endswith(b"\n"):
                more = self.connection.recv(64)
                assert more, "the process that forks is gone"
                told += more
            self.connection.close()
            self.code = int(told)
        return self.code

    @property
    def told(self) -> str:
        """What it printed to stderr so far."""
        return self.err.read_text()

    def await_told(self, text: str, seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.told:
            assert time.monotonic() < deadline, self.told
            time.sleep(0.005)

    def kill(self) -> None:
        """Kill it, unless it has ended."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def stop(self, number: int) -> None:
        os.kill(self.pid, number)


@dataclass(frozen=True)
class Programs:
    """Starts the program; see ``zygote.py``."""

    address: Path
    log: Path
    started: list[Running] = field(default_factory=list)

    def start(
        self,
        folder: Path,
        *commands: Sequence[str],
        environment: Mapping[str, str | None] | None = None,
        largest_file: int = 0,
        user: int = 0,
        before: str = "",
    ) -> Running:
        number = len(self.started)
        out, err = self.log / f"{number}.out", self.log / f"{number}.err"
        out.touch()
        err.touch()
        own = {"XDG_CACHE_HOME": str(folder / "cache"), "XDG_DATA_HOME": str(folder / "data")}
        call = {
            "folder": str(folder),
            "commands": commands or CHAIN,
            "environment": {**own, **(environment or {})},
            "largest_file": largest_file,
            "user": user,
            "before": before,
            "out": str(out),
            "err": str(err),
        }
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(self.address))
        connection.sendall((json.dumps(call) + "\n").encode())
        pid = b""
        while not pid.endswith(b"\n"):
            pid += connection.recv(1)
        self.started.append(Running(pid=int(pid), out=out, err=err, connection=connection))
        return self.started[-1]

    def close(self) -> None:
        """End what a failed test left running."""
        for running in self.started:
            if running.code is None:
                running.kill()
                running.connection.close()

    def run(self, folder: Path, *commands: Sequence[str], **settings: object) -> Running:
        running = self.start(folder, *commands, **settings)  # type: ignore[arg-type]
        running.wait()
        assert "Traceback" not in running.told, running.told
        return running


def prepare(folder: Path, *, recipe: str = RECIPE) -> Path:
    """Make a folder in which the chain can run."""
    folder.mkdir(exist_ok=True)
    (folder / "steady.py").write_text(MODEL)
    (folder / "recipe.toml").write_text(recipe)
    frame = random_walk(N_BARS, seed=3).frame.rename(columns=str.title)
    frame["Adj Close"] = frame["Close"]
    frame.rename_axis("Date").to_csv(folder / "feed.csv")
    return folder


def directory_of(folder: Path) -> Path:
    """The one run directory."""
    (directory,) = (folder / "reports").iterdir()
    return directory


def state_of(folder: Path) -> str:
    return str(json.loads((directory_of(folder) / "run.json").read_text())["state"])


# how long it took, how it was spread, and what was there before
OF_THIS_TIME = re.compile(
    rb'<th scope="row">(started|starting, s|training, s|workers|folds trained|folds from the store)'
    rb"</th>.*"
    rb"|[0-9a-f]{64}  (run[.]json|\w+[.]html)\n"
)


def contents(folder: Path) -> dict[str, str]:
    """Hashes of all that runs left but for what tells of the time, in run.json, page, sums, registry."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and path.name not in {"run.json", ".lock"} and path.suffix != ".trial":
            found[name] = hashlib.sha256(OF_THIS_TIME.sub(b"", path.read_bytes())).hexdigest()
    trials, damaged = TrialRegistry(folder=folder / "data" / "walkforward-backtester" / "trials").read()
    assert not damaged
    for trial in trials:
        told = trial.sha256.encode() + trial.returns.tobytes() + trial.market.tobytes()
        found[f"trial {trial.sha256}"] = hashlib.sha256(told).hexdigest()
    return found
