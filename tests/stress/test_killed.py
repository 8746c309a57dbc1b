"""A stress run that is killed: what it trained is kept, and it goes on to the bytes of an undisturbed one."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.running import MODEL, RECIPE
from tests.markets import random_walk

pytestmark = pytest.mark.slow

AXES = ("--axis", "members", "--axis", "costs", "--set", "stress.members=[1, 3]")
FILES = ("stress.json", "summary.json", "trials.csv", "trial_returns.csv", "SHA256SUMS", "stress.html")


def command(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    return subprocess.Popen(
        [sys.executable, "-m", "backtester.cli", *arguments],
        cwd=folder,
        stdout=quiet,
        stderr=quiet,
        start_new_session=True,
    )


def run_in(folder: Path) -> str:
    (directory,) = (folder / "reports").iterdir()
    return str(directory.relative_to(folder))


def stress(folder: Path) -> subprocess.Popen[bytes]:
    where = ("--set", "execution.registry=trials", "--set", "execution.store=store")
    return command(folder, "stress", run_in(folder), *AXES, *where)


def stored(folder: Path) -> int:
    # a write that was killed leaves a file with a dot
    return sum(path.is_file() and path.name[0] != "." for path in (folder / "store").rglob("*"))


def test_a_stress_run_killed_in_its_training_goes_on_to_the_same_bytes(tmp_path: Path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    (whole / "steady.py").write_text(MODEL)
    (whole / "recipe.toml").write_text(RECIPE)
    random_walk(500, seed=3).frame.reset_index().to_csv(whole / "walk.csv", index=False)
    made = command(whole, "run", "recipe.toml", "--csv", "walk.csv", "--set", "execution.registry=trials")
    assert made.wait(120) == 0
    shutil.copytree(whole, killed)
    assert stress(whole).wait(120) == 0
    before = stored(killed)
    process = stress(killed)
    deadline = time.monotonic() + 60
    while stored(killed) < before + 5 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    assert before < stored(killed) < stored(whole)
    directory = killed / run_in(killed)
    assert not (directory / "stress.json").exists()
    assert stress(killed).wait(120) == 0
    assert stored(killed) == stored(whole)
    for name in FILES:
        assert (directory / name).read_bytes() == (whole / run_in(whole) / name).read_bytes(), name
    assert json.loads((directory / "stress.json").read_text())["axes"]["members"]["cases"][1]["figures"]
