"""SIGINT and SIGTERM, at any moment: told in words, exit 130, nothing lost."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.running import CHAIN, Programs, contents, prepare, state_of
from tests.faults.test_kill import LATER, processes_of


@pytest.mark.catalogue("F02")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_in_order_with_its_workers(
    number: signal.Signals, programs: Programs, tmp_path: Path
):
    folder = prepare(tmp_path / "run")
    (folder / "steady.py").write_text(LATER)
    process = programs.start(folder)
    process.await_told("training 5/")
    process.stop(number)
    assert process.wait(30) == 130, process.told
    assert process.told.endswith("Run the same recipe again to go on.\n")
    assert "Traceback" not in process.told
    assert state_of(folder) == "interrupted"
    assert processes_of(folder) == set()


# Nobody could press twice so exactly: the second signal comes while the first is still being handled.
SECOND = """
import backtester.manifest as manifest, os, signal, time
original = manifest.Manifest.set_state
def hanging(self, state, **named):
    if state == "interrupted":
        os.write(2, b"handling\\n")
        time.sleep(600)
    original(self, state, **named)
manifest.Manifest.set_state = hanging
"""


@pytest.mark.catalogue("F03")
def test_a_second_signal_leaves_at_once_and_the_files_are_whole(
    programs: Programs, whole_contents: dict[str, str], tmp_path: Path
):
    folder = prepare(tmp_path / "run")
    process = programs.start(folder, before=SECOND)
    process.await_told("training 5/")
    process.stop(signal.SIGINT)
    process.await_told("handling")
    begun = time.monotonic()
    process.stop(signal.SIGINT)
    assert process.wait(20) == 130
    assert time.monotonic() - begun < 10
    assert process.told.endswith("handling\nerror: Interrupted.\n")
    assert state_of(folder) == "running"
    assert programs.run(folder, *CHAIN).code == 0
    assert contents(folder) == whole_contents


IN_A_CALLBACK = """
import signal, sys, time, weakref
from backtester.cli import main
from backtester.cli.app import app

class Thing: pass

def callback(_):
    signal.raise_signal(signal.SIGTERM)
    for _ in range(1000): pass

def busy():
    thing = Thing()
    kept = weakref.ref(thing, callback)
    del thing
    end = time.monotonic() + 30
    while time.monotonic() < end:
        pass
    print("went on")

app.command("busy")(busy)
sys.argv = ["backtester", "busy"]
main()
"""


@pytest.mark.catalogue("F02")
def test_a_signal_within_the_callback_of_a_weak_reference_is_not_lost(tmp_path: Path):
    result = subprocess.run(
        [sys.executable, "-c", IN_A_CALLBACK], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "error: Interrupted.\n")


# A signal as the program's first line runs, which no clock could hit.
AT_THE_FIRST_IMPORT = """
import signal, sys
from importlib.abc import MetaPathFinder

class Stop(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Stop())
sys.argv = ["backtester", "runs"]
from backtester.cli import main
main()
"""


@pytest.mark.catalogue("F02")
@pytest.mark.parametrize("module", ["backtester.cli.app", "typer", "backtester.cli.console"])
def test_a_signal_in_the_first_moment_is_told_in_words(module: str, tmp_path: Path):
    code = AT_THE_FIRST_IMPORT.format(module=module)
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (130, "error: Interrupted.\n")


@pytest.mark.slow
@pytest.mark.catalogue("F02")
def test_a_signal_at_any_moment_shows_no_traceback_of_ours(tmp_path: Path):
    """Before Python has come to the program's first line there is nobody to tell it."""
    told = []
    for i in range(20):
        process = subprocess.Popen(
            [sys.executable, "-m", "backtester.cli", "runs"],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(0.02 * i)
        process.send_signal(signal.SIGINT)
        told.append(process.communicate()[1])
    for text in told:
        assert "/backtester/" not in text, text
