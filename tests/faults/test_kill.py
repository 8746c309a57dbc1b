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
from backtester.store import FoldStore
from tests.faults.running import CHAIN, FETCH, MODEL, RUN, Programs, contents, prepare, state_of
from tests.markets import random_walk

LSTM = """
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
"""


def resume(programs: Programs, folder: Path, *, n_workers: int) -> None:
    resumed = programs.run(folder, FETCH, (*RUN, "--workers", str(n_workers)))
    assert resumed.code == 0, resumed.told
    assert state_of(folder) == "done"


@pytest.mark.slow
@pytest.mark.catalogue("F01")
def test_fifty_chains_killed_at_a_random_moment_go_on_and_leave_the_same_bytes(
    programs: Programs, whole_contents: dict[str, str], tmp_path: Path
):
    begun = time.monotonic()
    assert programs.run(prepare(tmp_path / "timed")).code == 0
    seconds = time.monotonic() - begun
    moments, n_killed, places = random.Random(20), 0, set()
    while n_killed < 50:
        folder = prepare(tmp_path / f"{n_killed}")
        process = programs.start(folder)
        time.sleep(moments.uniform(0.0, seconds))
        process.kill()
        if process.wait() == 0:  # it was faster than the first
            seconds *= 0.95
            subprocess.run(["rm", "-r", str(folder)], check=True)
            continue
        assert process.code == -signal.SIGKILL
        places.add(process.told.count("\n"))
        resume(programs, folder, n_workers=1 + n_killed % 3)
        # no file is missing, none is other, and none is left over
        assert contents(folder) == whole_contents, n_killed
        n_killed += 1
    assert len(places) > 5  # in many parts of the chain


# The process kills itself at the n-th rename to, or link at, such a file.
AT_A_WRITE = """
import os, signal
n = {n}
original = os.{call}
def counted(temporary, path, **named):
    global n
    n -= str(path).endswith("{file}")
    if n == 0 and not {after}:
        os.kill(os.getpid(), signal.SIGKILL)
    original(temporary, path, **named)
    if n == 0:
        os.kill(os.getpid(), signal.SIGKILL)
os.{call} = counted
"""
# call, file, which time, whether after it, and whether a temporary file is left over
POINTS = {
    "before the prices are named": ("link", "KO.csv", 1, False, True),
    "before a fold is named": ("replace", ".fold", 8, False, True),
    "after a fold is named": ("replace", ".fold", 8, True, False),
    "before a table is named": ("replace", "orders.csv", 1, False, True),
    "before the trial is named": ("link", ".trial", 1, False, True),
    "after the trial is named": ("link", ".trial", 1, True, True),
    "before the page is named": ("replace", "index.html", 1, False, True),
    "before the last word": ("replace", "run.json", 3, False, True),
}
FAST = ("before a fold is named",)


@pytest.mark.catalogue("F01")
@pytest.mark.parametrize(
    "point", [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in POINTS]
)
def test_a_chain_killed_at_a_write_goes_on_and_leaves_the_same_bytes(
    point: str, programs: Programs, whole_contents: dict[str, str], tmp_path: Path
):
    folder = prepare(tmp_path / "killed")
    call, file, n, after, left = POINTS[point]
    killed = programs.start(folder, before=AT_A_WRITE.format(call=call, file=file, n=n, after=after))
    assert killed.wait() == -signal.SIGKILL, killed.told
    assert len(list(folder.rglob(".*.unfinished"))) == left
    assert FoldStore(folder=folder / "store").damaged() == ()
    resume(programs, folder, n_workers=2)
    assert contents(folder) == whole_contents


@pytest.mark.slow
@pytest.mark.catalogue("F01")
def test_a_killed_run_of_a_network_goes_on_and_gives_the_same_bytes(tmp_path: Path):
    prices = random_walk(400, seed=3).frame.reset_index()
    moments = random.Random(20)

    def start(folder: Path, *options: str) -> "subprocess.Popen[bytes]":
        command = [
            sys.executable,
            "-m",
            "backtester.cli",
            "run",
            "recipe.toml",
            "--csv",
            "walk.csv",
            *options,
        ]
        quiet = subprocess.DEVNULL
        return subprocess.Popen(command, cwd=folder, stdout=quiet, stderr=quiet, start_new_session=True)

    def files_of(folder: Path) -> dict[str, bytes]:
        (directory,) = (folder / "reports").iterdir()
        assert json.loads((directory / "run.json").read_text())["state"] == "done"
        return {name: (directory / name).read_bytes() for name in DATA_FILES}

    def folder_of(name: str) -> Path:
        (tmp_path / name).mkdir()
        (tmp_path / name / "recipe.toml").write_text(LSTM)
        prices.to_csv(tmp_path / name / "walk.csv", index=False)
        return tmp_path / name

    first = folder_of("whole")
    begun = time.monotonic()
    assert start(first).wait() == 0
    seconds = time.monotonic() - begun
    whole = files_of(first)
    for i in range(2):
        folder = folder_of(f"killed{i}")
        process = start(folder)
        time.sleep(moments.uniform(0.3, 0.8) * seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert start(folder, "--workers", str(1 + i)).wait() == 0, i
        assert files_of(folder) == whole, i


def processes_of(folder: Path) -> set[int]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if path.resolve() == folder.resolve():
                found.add(int(path.parent.name))
        except OSError:
            continue
    return found


# From the tenth fit on they take long.
LATER = MODEL.replace(
    "time.sleep(0.02)",
    "Steady.n = getattr(Steady, 'n', 0) + 1\n        time.sleep(600 if Steady.n > 10 else 0)",
)


@pytest.mark.catalogue("F01")
@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs /proc to find the workers")
def test_workers_end_with_a_killed_driver_in_the_middle_of_a_fit(programs: Programs, tmp_path: Path):
    folder = prepare(tmp_path / "run")
    (folder / "steady.py").write_text(LATER)
    process = programs.start(folder, *CHAIN)
    process.await_told("training 8/")
    time.sleep(0.3)
    assert len(processes_of(folder)) == 2
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while processes_of(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_of(folder) == set()
