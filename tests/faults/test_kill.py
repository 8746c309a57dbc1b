"""Runs that are killed: nothing is lost, and going on gives the bytes of an undisturbed run."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backtester.run_directory import DATA_FILES
from tests.markets import random_walk

pytestmark = pytest.mark.slow

CHEAP = """
import time
import numpy as np

class Steady:
    def fit(self, X, y):
        time.sleep(0.02)
        self.weights = np.linalg.lstsq(X, y, rcond=None)[0]

    def predict(self, X):
        return X @ self.weights
"""

RECIPES = {
    "cheap": """
[folds]
train = 100
test = 10
[model]
kind = "steady.py:Steady"
lookback = 5
[execution]
workers = 2
store = "store"
[verdict]
draws = 199
""",
    "lstm": """
[folds]
train = 150
test = 10
[model]
kind = "lstm"
lookback = 5
units = [8]
[execution]
workers = 2
store = "store"
[verdict]
draws = 199
""",
}


def prepare(folder: Path, kind: str) -> None:
    folder.mkdir()
    (folder / "steady.py").write_text(CHEAP)
    (folder / "recipe.toml").write_text(RECIPES[kind])
    random_walk(500, seed=3).frame.reset_index().to_csv(folder / "walk.csv", index=False)


def start(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "backtester.cli", "run", "recipe.toml", "--csv", "walk.csv", *options]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=folder, stdout=quiet, stderr=quiet, start_new_session=True)


def files_of(folder: Path) -> dict[str, bytes]:
    (directory,) = (folder / "reports").iterdir()
    assert json.loads((directory / "run.json").read_text())["state"] == "done"
    return {name: (directory / name).read_bytes() for name in (*DATA_FILES, "SHA256SUMS")}


def processes_of(folder: Path) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if path.resolve() == folder.resolve():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize(("kind", "times"), [("cheap", 50), ("lstm", 5)])
def test_a_killed_run_goes_on_and_gives_the_same_bytes(kind: str, times: int, tmp_path: Path):
    prepare(tmp_path / "whole", kind)
    begun = time.monotonic()
    assert start(tmp_path / "whole").wait() == 0
    seconds = time.monotonic() - begun
    whole = files_of(tmp_path / "whole")
    moments = random.Random(20)
    n_killed = 0
    for i in range(times):
        folder = tmp_path / f"killed{i}"
        prepare(folder, kind)
        process = start(folder)
        time.sleep(moments.uniform(0.0, seconds))
        n_killed += process.poll() is None
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert start(folder, "--workers", str(1 + i % 3)).wait() == 0, i
        assert files_of(folder) == whole, i
    assert n_killed > 0.6 * times


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs /proc to find the workers")
def test_workers_end_with_a_killed_driver(tmp_path: Path):
    prepare(tmp_path / "run", "cheap")
    process = start(tmp_path / "run")
    deadline = time.monotonic() + 30
    while len(processes_of(tmp_path / "run")) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 30
    while processes_of(tmp_path / "run") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_of(tmp_path / "run") == []
