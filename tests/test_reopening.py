"""A run opened again asks its own question, and writes to no folder that only has the name of its store."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

import backtester
from backtester.errors import RecipeError, RunDirectoryError
from backtester.reopening import reopen
from tests.markets import random_walk

RECIPE = {
    "folds": {"train": 120, "test": 60},
    "model": {"kind": "last_return"},
    "verdict": {"draws": 199},
}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("runs")
    places = {"execution.store": str(place / "own store"), "execution.registry": str(place / "own trials")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backtester.pipeline.write_report", lambda record: None)
        return backtester.run(
            RECIPE, prices=random_walk(260, seed=2).frame, out=place, changes=places
        ).directory


def test_its_question_is_that_of_the_run(done: Path):
    opened = reopen(done)
    assert opened.question.sha256 == opened.record.manifest["question_sha256"]


def test_how_its_file_was_read_is_not_asked_of_its_own_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("backtester.pipeline.write_report", lambda record: None)
    frame = random_walk(260, seed=2).frame.rename(columns={"close": "Last"})
    frame.assign(Date=[f"{day:%d/%m/%Y}" for day in frame.index]).to_csv(tmp_path / "own.csv", index=False)
    data = {"source": "csv", "path": str(tmp_path / "own.csv"), "symbol": "W"}
    data |= {"date_format": "%d/%m/%Y", "column": "Last"}
    places = {"execution.store": str(tmp_path / "store"), "execution.registry": str(tmp_path / "trials")}
    run = backtester.run({**RECIPE, "data": data}, out=tmp_path, changes=places)
    assert reopen(run.directory).question.sha256 == run.record.manifest["question_sha256"]


def test_the_bare_names_of_its_folders_are_not_taken_for_folders_here(done: Path):
    opened = reopen(done)
    assert opened.record.manifest["recipe"]["execution"]["store"] == "own store"
    execution = opened.question.loaded.recipe.execution
    assert (execution.store, execution.registry) == ("", "")


def test_folders_can_be_named_again(done: Path, tmp_path: Path):
    opened = reopen(done, changes={"execution.store": str(tmp_path)})
    assert opened.question.loaded.recipe.execution.store == str(tmp_path)


def test_a_change_of_the_question_is_refused(done: Path):
    with pytest.raises(RecipeError, match=r"model\.lookback: would make it another run"):
        reopen(done, changes={"model.lookback": 3})


def test_a_run_of_another_version_of_the_program_is_opened_with_a_note(
    done: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("importlib.metadata.version", lambda name: "9.9")
    opened = reopen(done)
    assert opened.question.sha256 == opened.record.manifest["question_sha256"]
    assert opened.question.known_here().sha256 != opened.question.sha256
    assert any("walkforward-backtester is 9.9 here" in note for note in opened.notes)


def test_bars_that_do_not_give_the_hash_are_refused(done: Path, tmp_path: Path):
    copied = Path(shutil.copytree(done, tmp_path / "run"))
    lines = (copied / "prices.csv").read_text().splitlines()
    (copied / "prices.csv").write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(RunDirectoryError, match="cannot be asked again here"):
        reopen(copied)


OWN = """from pathlib import Path

from backtester.backtest import ForecastStrategy

Path("ran").touch()


class Own(ForecastStrategy):
    def target_exposure(self, forecast):
        return 1.0 if forecast > 0 else 0.0
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a strategy of the user's, in a folder with its file; the run is in ``run``."""
    place = tmp_path_factory.mktemp("own")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backtester.pipeline.write_report", lambda record: None)
        patch.chdir(place)
        (place / "own.py").write_text(OWN)
        places = {"execution.store": str(place / "store"), "execution.registry": str(place / "trials")}
        recipe = {**RECIPE, "strategy": {"kind": "own.py:Own"}}
        run = backtester.run(recipe, prices=random_walk(260, seed=2).frame, out=place / "out", changes=places)
        run.directory.rename(place / "run")
    (place / "ran").unlink()
    return place


@pytest.fixture
def mine(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(shutil.copytree(own, tmp_path / "mine"))
    return tmp_path / "mine"


def rename(run: Path, reference: str) -> None:
    manifest = json.loads((run / "run.json").read_text())
    manifest["recipe"]["strategy"]["kind"] = reference
    manifest["code"][0]["reference"] = reference
    (run / "run.json").write_text(json.dumps(manifest))


def test_a_run_lists_the_code_that_it_used(mine: Path):
    code = json.loads((mine / "run" / "run.json").read_text())["code"]
    assert code == [{"reference": "own.py:Own", "sha256": hashlib.sha256(OWN.encode()).hexdigest()}]
    assert reopen(Path("run")).notes == ()


def test_code_that_was_edited_since_is_refused_and_not_run(mine: Path):
    (mine / "own.py").write_text(OWN + "\n")
    with pytest.raises(RunDirectoryError, match=r"own\.py is not the file that the run used"):
        reopen(Path("run"))
    assert not (mine / "ran").exists()


def test_code_that_is_not_here_is_said(mine: Path):
    (mine / "own.py").unlink()
    with pytest.raises(RunDirectoryError, match=r"own\.py, which this run names, is not here"):
        reopen(Path("run"))


@pytest.mark.parametrize(
    "reference", ["run/own.py:Own", "./own.py:Own", "{here}/own.py:Own", "a/../own.py:Own"]
)
def test_code_in_a_folder_is_refused_and_not_run(mine: Path, reference: str):
    (mine / "run" / "own.py").write_text(OWN)
    rename(mine / "run", reference.format(here=mine))
    with pytest.raises(RunDirectoryError, match="names code in a folder"):
        reopen(Path("run"))
    assert not (mine / "ran").exists()


def test_code_within_the_run_is_refused_and_not_run(mine: Path, monkeypatch: pytest.MonkeyPatch):
    (mine / "run" / "own.py").write_text(OWN)
    monkeypatch.chdir(mine / "run")
    with pytest.raises(RunDirectoryError, match=r"own\.py: lies within the run"):
        reopen(Path())
    assert not (mine / "run" / "ran").exists()


def test_a_module_within_the_run_is_refused_and_not_run(mine: Path, monkeypatch: pytest.MonkeyPatch):
    (mine / "run" / "__init__.py").write_text(OWN)
    rename(mine / "run", "run:Own")
    monkeypatch.syspath_prepend(mine)
    with pytest.raises(RunDirectoryError, match="lies within the run"):
        reopen(Path("run"))
    assert not (mine / "ran").exists()


def test_code_that_the_run_did_not_list_is_refused(mine: Path):
    manifest = json.loads((mine / "run" / "run.json").read_text())
    manifest["code"] = []
    (mine / "run" / "run.json").write_text(json.dumps(manifest))
    with pytest.raises(RunDirectoryError, match="not among the code that the run used"):
        reopen(Path("run"))
    assert not (mine / "ran").exists()
