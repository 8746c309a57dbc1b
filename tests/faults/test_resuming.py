"""What a run meets when it comes back: damaged files, another recipe, other versions, another clock."""

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.faults.running import (
    MODEL,
    N_FOLDS,
    RUN,
    Programs,
    contents,
    directory_of,
    prepare,
    state_of,
)


def copied(whole: Path, to: Path) -> Path:
    return Path(shutil.copytree(whole, to))


def again(folder: Path) -> None:
    """Let the run be made anew, from the store."""
    shutil.rmtree(folder / "reports")


@pytest.mark.catalogue("F07", "F08", "F09", "F10")
def test_damaged_folds_are_trained_again_to_the_same_bytes_with_a_note(
    programs: Programs, whole: Path, whole_contents: dict[str, str], tmp_path: Path
):
    folder = copied(whole, tmp_path / "run")
    flipped, cut, empty, other, *_ = entries = sorted(folder.glob("store/*/*.fold"))
    stored = bytearray(flipped.read_bytes())
    stored[len(stored) // 2] ^= 4
    flipped.write_bytes(stored)
    cut.write_bytes(cut.read_bytes()[:-100])
    empty.write_bytes(b"")
    other.write_bytes(other.read_bytes().replace(b"fold 2\n", b"fold 3\n", 1))
    again(folder)
    resumed = programs.run(folder, RUN)
    assert resumed.code == 0, resumed.told
    assert f"Starting to train 4 networks ({len(entries) - 4} are in the store)" in resumed.told
    for reason in ("its checksum differs", "empty", "not an entry of this version"):
        assert f"was damaged ({reason}); trained again" in resumed.told
    left = contents(folder)
    pages = {name for name in left if name.endswith("index.html")}  # they show the notes
    assert {name for name in left if left[name] != whole_contents[name]} == pages


@pytest.mark.catalogue("F20")
@pytest.mark.parametrize("wrong", [b"", b"{", b"[]\n", b"\xff\xfe", b'{"state": "done"'])
def test_a_damaged_manifest_exits_8_and_nothing_is_deleted_or_changed(
    wrong: bytes, programs: Programs, whole: Path, tmp_path: Path
):
    folder = copied(whole, tmp_path / "run")
    manifest = directory_of(folder) / "run.json"
    manifest.write_bytes(wrong)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    stopped = programs.run(folder, RUN)
    assert stopped.code == 8, stopped.told
    assert "run.json" in stopped.told
    assert "Nothing was deleted" in stopped.told
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.catalogue("F21")
def test_a_directory_of_another_recipe_exits_4_and_lists_the_keys(
    programs: Programs, whole: Path, tmp_path: Path
):
    folder = copied(whole, tmp_path / "run")
    mine = directory_of(folder)
    changed = (*RUN, "--set", "seed=9", "--set", "broker.slippage_bp=3", "--set", "report.title='X'")
    other = programs.start(folder, changed)
    other.await_told("training 1/")
    other.kill()
    other.wait()
    (place,) = set((folder / "reports").iterdir()) - {mine}
    shutil.rmtree(place)
    mine.rename(place)
    before = {path: path.read_bytes() for path in place.iterdir()}
    stopped = programs.run(folder, changed)
    assert stopped.code == 4, stopped.told
    assert "differ: broker.slippage_bp (1.0 there, 3.0 now), seed (7 there, 9 now)." in stopped.told
    assert {path: path.read_bytes() for path in place.iterdir()} == before


UPGRADED = """
from importlib import metadata
from backtester import store
installed = metadata.version
metadata.version = lambda name: "99.1" if name == "scikit-learn" else installed(name)
store._versions.cache_clear()
"""


@pytest.mark.slow
@pytest.mark.catalogue("F22")
def test_other_versions_are_warned_of_and_both_are_recorded(programs: Programs, tmp_path: Path):
    from importlib import metadata

    folder = prepare(tmp_path / "run")
    killed = programs.start(folder)
    killed.await_told("training 8/")
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    resumed = programs.run(folder, before=UPGRADED)
    assert resumed.code == 0, resumed.told
    then = metadata.version("scikit-learn")
    said = f"Stored networks were trained with scikit-learn {then}, now 99.1."
    assert f"warning: {said}" in resumed.told
    manifest = json.loads((directory_of(folder) / "run.json").read_text())
    assert manifest["versions"]["scikit-learn"] == "99.1"
    assert {"kind": "warning", "text": said} in manifest["notes"]
    assert said in (directory_of(folder) / "index.html").read_text()


# A clock that goes an hour back each time that it is asked; only this process sees it.
BACKWARDS = """
import datetime, time
seconds = time.time()
def backwards():
    global seconds
    seconds -= 3600
    return seconds
time.time = backwards
"""


@pytest.mark.slow
@pytest.mark.catalogue("F19")
def test_a_clock_that_steps_backwards_makes_no_negative_duration(
    programs: Programs, whole_contents: dict[str, str], tmp_path: Path
):
    folder = prepare(tmp_path / "run")
    assert programs.run(folder, before=BACKWARDS).code == 0
    timing = json.loads((directory_of(folder) / "run.json").read_text())["timing"]
    assert timing["folds_trained"] >= N_FOLDS
    assert min(timing.values()) >= 0
    assert contents(folder) == whole_contents


@pytest.mark.catalogue("F19")
@pytest.mark.parametrize("year", [1980, 2037])
def test_nothing_is_decided_by_the_times_of_files(
    year: int, programs: Programs, whole: Path, whole_contents: dict[str, str], tmp_path: Path
):
    folder = copied(whole, tmp_path / "run")
    for i, path in enumerate(sorted(folder.rglob("*"))):
        os.utime(path, ((year - 1970) * 31_557_600 - i,) * 2)
    told = programs.run(folder, RUN)
    assert told.code == 0
    assert "This question was answered before; nothing is computed." in told.told
    assert contents(folder) == whole_contents


SUICIDAL = MODEL.replace(
    "time.sleep(0.02)",
    "import os, signal\n        if abs(X[0, 0] - {value!r}) < 1e-12: os.kill(os.getpid(), signal.SIGKILL)",
)
GREEDY = MODEL.replace("time.sleep(0.02)", "if abs(X[0, 0] - {value!r}) < 1e-12: np.ones((1 << 44,))")
LOOKING = MODEL.replace("time.sleep(0.02)", "open({path!r}, 'a').write(repr(float(X[0, 0])) + chr(10))")


@pytest.fixture(scope="module")
def of_a_fold(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> float:
    """The first number of one fold's samples, which tells it from the others."""
    folder = prepare(tmp_path_factory.mktemp("looking"))
    (folder / "steady.py").write_text(LOOKING.format(path=str(folder / "seen")))
    looked = programs.start(folder)
    looked.await_told("training 8/")
    looked.kill()
    looked.wait()
    return float((folder / "seen").read_text().split()[5])


@pytest.mark.slow
@pytest.mark.catalogue("F15", "F18")
@pytest.mark.parametrize(
    ("model", "reason"), [(SUICIDAL, "killed by SIGKILL (out of memory?)"), (GREEDY, "MemoryError")]
)
def test_a_lost_worker_costs_its_fold_alone_and_exits_9(
    model: str, reason: str, of_a_fold: float, programs: Programs, tmp_path: Path
):
    folder = prepare(tmp_path / "run")
    (folder / "steady.py").write_text(model.format(value=of_a_fold))
    run = programs.run(folder)
    assert run.code == 9, run.told
    assert state_of(folder) == "incomplete"
    manifest = json.loads((directory_of(folder) / "run.json").read_text())
    (failed,) = (fold for fold in manifest["folds"] if fold["state"] == "failed")
    assert reason in failed["reason"]
    assert sum(fold["state"] == "done" for fold in manifest["folds"]) == len(manifest["folds"]) - 1
    page = (directory_of(folder) / "index.html").read_text()
    # which dates have no forecast
    assert failed["test_start"] in page
    assert failed["test_end"] in page
    assert reason.split(" (")[0] in page
