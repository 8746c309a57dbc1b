"""Several processes at once: over one run directory, and over one store and one registry."""

import json
import re
import signal
from pathlib import Path

import pytest

from backtester.run_directory import DATA_FILES, JUDGED_FILES, check_files
from backtester.store import FoldStore
from backtester.trials import TrialRegistry
from tests.faults.running import FETCH, RUN, Programs, contents, prepare
from tests.faults.test_kill import LATER


@pytest.mark.catalogue("F12")
def test_a_second_process_exits_7_and_names_the_first(programs: Programs, tmp_path: Path):
    folder = prepare(tmp_path / "run")
    (folder / "steady.py").write_text(LATER)
    first = programs.start(folder)
    first.await_told("training 8/")
    (lock,) = folder.glob("reports/*/.lock")
    second = programs.run(folder, RUN)
    assert second.code == 7, second.told
    assert f"in use by another run (process {first.pid})" in second.told
    first.kill()
    assert first.wait() == -signal.SIGKILL
    assert lock.read_text() == str(first.pid)


@pytest.mark.catalogue("F13")
def test_a_lock_left_by_a_kill_does_not_block_the_same_run(
    programs: Programs, whole_contents: dict[str, str], tmp_path: Path
):
    folder = prepare(tmp_path / "run")
    first = programs.start(folder)
    first.await_told("training 5/")
    first.kill()
    first.wait()
    (lock,) = folder.glob("reports/*/.lock")
    assert lock.read_text() == str(first.pid)
    assert programs.run(folder).code == 0
    assert contents(folder) == whole_contents


# Five that share every fold, five that share none.
QUESTIONS = [("broker.slippage_bp", cost) for cost in (1.0, 2.0, 3.0, 4.0, 5.0)] + [
    ("model.lookback", bars) for bars in (6, 7, 8, 9, 10)
]


def command(key: str, value: float) -> tuple[str, ...]:
    return (*RUN, "--json", "--set", f"{key}={value}")


@pytest.mark.slow
@pytest.mark.catalogue("F12")
def test_ten_at_once_over_one_store_and_one_registry_lose_nothing(
    programs: Programs, whole: Path, tmp_path: Path
):
    folder = prepare(tmp_path / "together")
    running = [programs.start(folder, FETCH, command(*question)) for question in QUESTIONS]
    for process in running:
        assert process.wait() == 0, process.told
    places = [folder / json.loads(result(process.out.read_text()))["directory"] for process in running]
    assert len(set(places)) == 10
    assert FoldStore(folder=folder / "store").damaged() == ()
    trials, damaged = TrialRegistry(folder=folder / "data" / "walkforward-backtester" / "trials").read()
    assert damaged == ()
    assert {trial.name for trial in trials} == {place.name for place in places}
    assert not list(folder.rglob(".*.unfinished"))
    # each is what it is alone
    (alone,) = whole.glob("reports/*")
    assert places[0].name == alone.name
    for other in (7, 9):
        lonely = prepare(tmp_path / f"alone{other}")
        assert programs.run(lonely, command(*QUESTIONS[other])).code == 0
        compare(places[other], next(lonely.glob("reports/*")))
    compare(places[0], alone)
    # and once all are there, each is judged beside all
    for question, place in zip(QUESTIONS, places, strict=True):
        told = programs.run(folder, command(*question))
        assert told.code == 0, told.told
        check_files(place)
        rows = (place / "trials.csv").read_text().splitlines()[1:]
        assert len(rows) == 10


def result(text: str) -> str:
    """The JSON object of the second command."""
    found = re.search(r"^\{$.*", text, flags=re.MULTILINE | re.DOTALL)
    assert found, text
    return found.group(0)


def compare(one: Path, other: Path) -> None:
    for name in sorted({*DATA_FILES} - {*JUDGED_FILES}):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
