"""`backtester control`, as its users meet it."""

import json
from pathlib import Path

import numpy as np
import pytest

from backtester.cli.app import app
from backtester.control import running
from backtester.errors import FitError, UsageError
from tests.control.readings import reading


def control(*arguments: str) -> None:
    app(["control", "digits", *arguments], standalone_mode=False)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(running, "train", reading(0.02))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_control_prints_a_table_and_writes_its_own_folder(here: Path, capsys: pytest.CaptureFixture[str]):
    np.save("seven.npy", np.eye(8))
    control("--seeds", "2", "--image", "seven.npy")
    said = capsys.readouterr()
    assert "a fifth held out" in said.out
    assert "seven.npy is read as " in said.out
    assert said.out.endswith("\n\nPage: reports/control-digits/index.html\n")
    assert "11 fits; the others were in the store." in said.err
    assert (here / "reports" / "control-digits" / "index.html").is_file()


def test_control_as_json_is_its_summary(here: Path, capsys: pytest.CaptureFixture[str]):
    control("--seeds", "1", "--out", "mine", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told.pop("page") == "mine/index.html"
    assert told.pop("directory") == "mine"
    assert told == json.loads((here / "mine" / "summary.json").read_text())
    page = (Path(__file__).parents[2] / "docs" / "control.md").read_text()
    nested = (told["data"], told["network"], told["arrangements"][0], told["arrangements"][0]["network"])
    keys = {*told}.union(*nested)
    assert {key for key in keys if f"`{key}`" not in page} == set()  # each is documented


def test_a_control_is_no_run(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(here / "data"))
    control("--seeds", "1", "--json")
    capsys.readouterr()
    app(["runs", "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out) == []


def test_a_failed_control_is_an_error_after_its_page_is_written(here: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(running, "train", reading(0.2))
    with pytest.raises(FitError, match="not found as often as is required"):
        control("--seeds", "1")
    assert (here / "reports" / "control-digits" / "index.html").is_file()


@pytest.mark.usefixtures("here")
def test_a_missing_file_is_told_before_anything_is_trained():
    for option in ("--mnist", "--image"):
        with pytest.raises(UsageError, match=r"absent\.npz: no such file"):
            control(option, "absent.npz")
    assert not Path("reports").exists()
