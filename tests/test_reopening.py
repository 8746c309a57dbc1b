"""A run opened again asks its own question, and writes to no folder that only has the name of its store."""

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
        patch.setattr("backtester.run_directory.PAGE", "run.json")
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


def test_another_version_of_the_program_is_another_question(done: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("backtester.question.metadata.version", lambda name: "9.9")
    with pytest.raises(RunDirectoryError, match="cannot be asked again here"):
        reopen(done)
