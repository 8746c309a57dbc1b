import json
from pathlib import Path

import pytest

from backtester.trials import TrialRegistry, default_registry_folder
from tests.cli.test_cli import backtester
from tests.test_listing import directory_of, tried


@pytest.fixture
def place(tmp_path: Path) -> Path:
    registry = TrialRegistry(folder=tmp_path / "trials")
    for number in (1, 2):
        registry.register(tried(number, seed=number))
    directory_of(tmp_path / "reports", tried(2).name, own=tried(2).sha256, seed=2)
    return tmp_path


def test_runs_shows_every_trial_with_what_differs_and_whether_its_directory_is_there(place: Path):
    result = backtester("runs", "--registry", "trials", cwd=place)
    assert result.returncode == 0, result.stderr
    assert ": 2 trials" in result.stdout
    assert f"{tried(1).name} [deleted or elsewhere]" in result.stdout
    assert f"{tried(2).name}\n" in result.stdout
    assert "seed = 1" in result.stdout
    assert "seed = 2" in result.stdout


def test_runs_as_json_is_a_list_for_scripts(place: Path):
    told = json.loads(backtester("runs", "--registry", "trials", "--json", cwd=place).stdout)
    assert [(entry["name"], entry["state"]) for entry in told] == [
        (tried(1).name, "deleted"),
        (tried(2).name, "done"),
    ]
    assert [entry["differs"] for entry in told] == [{"seed": 1}, {"seed": 2}]
    assert {entry["trials_on_market"] for entry in told} == {2}


def test_deleting_every_run_deletes_no_trial(place: Path):
    for path in (place / "reports").glob("*/*"):
        path.unlink()
    (place / "reports" / tried(2).name).rmdir()
    (place / "reports").rmdir()
    told = json.loads(backtester("runs", "--registry", "trials", "--json", cwd=place).stdout)
    assert [entry["state"] for entry in told] == ["deleted", "deleted"]


def test_runs_looks_into_the_users_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    TrialRegistry(folder=default_registry_folder()).register(tried(1))
    assert tried(1).name in backtester("runs", cwd=tmp_path).stdout


def test_runs_fits_a_narrow_terminal(place: Path):
    result = backtester("runs", "--registry", "trials", cwd=place, COLUMNS="40")
    assert max(map(len, result.stdout.splitlines())) <= 40


def test_a_place_without_runs_and_trials_says_how_to_begin(tmp_path: Path):
    result = backtester("runs", "--registry", "trials", cwd=tmp_path)
    assert result.returncode == 0
    assert result.stdout == ""
    assert "backtester run lstm" in result.stderr
    assert list(tmp_path.iterdir()) == []
