import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backtester.claiming import claim_directory
from backtester.errors import LockedError, RunDirectoryError, StorageError
from backtester.run_directory import _read_table, lock_directory, read_run, write_table

EXAMPLE = Path(__file__).parents[1] / "reports" / "example"


def test_absent_folder_can_be_claimed(tmp_path: Path):
    assert claim_directory(tmp_path / "new", question_sha256="q") is False


def test_file_in_the_place_is_refused(tmp_path: Path):
    (tmp_path / "run").touch()
    with pytest.raises(RunDirectoryError, match="is a file"):
        claim_directory(tmp_path / "run", question_sha256="q")


def test_folder_with_something_else_is_refused(tmp_path: Path):
    (tmp_path / "thesis.doc").touch()
    with pytest.raises(RunDirectoryError, match="something else"):
        claim_directory(tmp_path, question_sha256="q")
    assert (tmp_path / "thesis.doc").exists()


def test_folder_of_a_run_that_was_killed_before_its_first_manifest_can_be_claimed(tmp_path: Path):
    (tmp_path / ".lock").touch()
    (tmp_path / ".run.json.k3j2h1g0").write_text('{"half')
    assert claim_directory(tmp_path, question_sha256="q") is False


def test_symbol_that_looks_like_a_missing_value_is_read_back(tmp_path: Path):
    frame = pd.DataFrame(
        {"symbol": ["NA", "NA"], "date": ["2020-01-02", "2020-01-03"], "x": [np.nan, 0.1 + 0.2]}
    )
    write_table(tmp_path / "t.csv", frame)
    read = _read_table(tmp_path / "t.csv", dates=("date",))
    assert read["symbol"].tolist() == ["NA", "NA"]
    assert read["x"].isna().tolist() == [True, False]
    assert read["x"][1] == 0.1 + 0.2


def test_run_of_another_question_is_refused(tmp_path: Path):
    (tmp_path / "run.json").write_text(json.dumps({"question_sha256": "other", "state": "done"}))
    with pytest.raises(RunDirectoryError, match="something else"):
        claim_directory(tmp_path, question_sha256="q")


@pytest.mark.catalogue("F21")
def test_keys_in_which_a_run_of_another_recipe_differs_are_listed(tmp_path: Path):
    then = {"seed": 7, "folds": {"train": 100, "test": 10}, "report": {"title": "old"}}
    now = {"seed": 8, "folds": {"train": 120, "test": 10}, "report": {"title": "new"}}
    left = json.dumps({"question_sha256": "other", "state": "interrupted", "recipe": then})
    (tmp_path / "run.json").write_text(left)
    with pytest.raises(RunDirectoryError) as refused:
        claim_directory(tmp_path, question_sha256="q", recipe=now)
    assert "differ: seed (7 there, 8 now), folds.train (100 there, 120 now)." in refused.value.message
    assert (tmp_path / "run.json").read_text() == left


def test_interrupted_run_of_the_same_question_goes_on(tmp_path: Path):
    (tmp_path / "run.json").write_text(json.dumps({"question_sha256": "q", "state": "interrupted"}))
    assert claim_directory(tmp_path, question_sha256="q") is False


def test_done_run_whose_files_are_gone_is_done_again(tmp_path: Path):
    manifest = json.loads((EXAMPLE / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**manifest, "question_sha256": "q"}))
    assert claim_directory(tmp_path, question_sha256="q") is False


@pytest.mark.catalogue("F20")
def test_damaged_manifest_is_a_storage_error_and_nothing_is_deleted(tmp_path: Path):
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(StorageError, match=r"run\.json"):
        claim_directory(tmp_path, question_sha256="q")
    assert (tmp_path / "run.json").read_text() == "{"


@pytest.mark.catalogue("F20")
@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("recipe",), 5, "recipe is no table"),
        (("recipe",), None, "recipe is missing"),
        (("recipe", "report"), None, "recipe.report is missing"),
        (("data", "bars"), "300", "data.bars is '300'"),
        (("folds",), [1], "folds.0 is no table"),
        (("folds",), {}, "folds is no array"),
        (("program",), None, "program is missing"),
        (("versions",), None, "versions is missing"),
        (("notes",), [{"kind": "info"}], "notes.0.text is missing"),
        (("recipe_name",), 5, "recipe_name is 5"),
        (("timing",), [], "timing is []"),
        (("leaks",), [5], "leaks.0 is no table"),
        (("code",), [{}], "code.0.reference is missing"),
    ],
)
def test_a_manifest_that_lacks_something_is_a_storage_error(
    path: tuple[str, ...], value: object, said: str, tmp_path: Path
):
    manifest = json.loads((EXAMPLE / "run.json").read_text())
    inner = manifest
    for key in path[:-1]:
        inner = inner[key]
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    text = json.dumps(manifest)
    (tmp_path / "run.json").write_text(text)
    for read in (read_run, partial(claim_directory, question_sha256=manifest["question_sha256"])):
        with pytest.raises(StorageError) as told:
            read(tmp_path)
        assert f"run.json: is not as the program writes it: {said}" in told.value.message
        assert "Nothing was deleted" in told.value.advice
    assert (tmp_path / "run.json").read_text() == text


def test_unfinished_run_cannot_be_read(tmp_path: Path):
    (tmp_path / "run.json").write_text(json.dumps({"state": "running"}))
    with pytest.raises(RunDirectoryError, match="not finished"):
        read_run(tmp_path)


def test_folder_without_a_run_cannot_be_read(tmp_path: Path):
    with pytest.raises(RunDirectoryError, match="no run here"):
        read_run(tmp_path)


HOLD = """
import sys, time
from pathlib import Path
from backtester.run_directory import lock_directory
with lock_directory(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.catalogue("F12", "F13")
def test_second_process_is_told_who_holds_the_lock_and_a_killed_holder_does_not_block(tmp_path: Path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(LockedError, match=str(holder.pid)), lock_directory(tmp_path):
            pass
        holder.kill()
        holder.wait()
    deadline = time.monotonic() + 10
    while True:
        try:
            with lock_directory(tmp_path):
                return
        except LockedError:
            assert time.monotonic() < deadline
