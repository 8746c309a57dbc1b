"""`backtester compare`, as its users meet it."""

import json
from pathlib import Path

import pytest

from backtester.cli.app import app
from backtester.errors import RunDirectoryError
from tests.cli.test_cli import backtester
from tests.compared_runs import make_runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    found = make_runs(tmp_path_factory.mktemp("compared"))
    return [str(found[name]) for name in ("first", "costly", "drift")]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compare(*arguments: str) -> None:
    app(["compare", *arguments], standalone_mode=False)


def test_compare_prints_a_table_and_writes_a_page_into_the_current_folder(
    runs: list[str], here: Path, capsys: pytest.CaptureFixture[str]
):
    compare(*runs)
    said = capsys.readouterr()
    assert said.out.startswith("3 runs on AR, ")
    assert "Chosen from 3" in said.out or "None of these 3 runs" in said.out
    assert said.out.endswith("\n\nPage: comparison.html\n")
    assert said.err == "Comparing the runs.\n"
    assert [path.name for path in here.iterdir()] == ["comparison.html"]


def test_compare_as_json_has_every_figure(runs: list[str], here: Path, capsys: pytest.CaptureFixture[str]):
    compare(*runs, "--out", "pages/mine.html", "--json")
    told = json.loads(capsys.readouterr().out)
    assert (here / told["page"]).is_file()
    assert [run["run"] for run in told["runs"]] == [1, 2, 3]
    page = (Path(__file__).parents[2] / "docs" / "compare.md").read_text()
    keys = {*told, *told["dates"], *told["superior"], *told["runs"][0], *told["markets"][0]}
    assert {key for key in keys if f"`{key}`" not in page} == set()  # each is documented


def test_compare_again_replaces_its_page(runs: list[str], here: Path):
    compare(*runs[:2])
    before = (here / "comparison.html").read_bytes()
    compare(*runs)
    assert (here / "comparison.html").read_bytes() != before


def test_a_file_that_is_no_such_page_is_left_alone_and_told_at_once(
    runs: list[str], here: Path, monkeypatch: pytest.MonkeyPatch
):
    (here / "comparison.html").write_text("mine")
    monkeypatch.setattr("backtester.comparing.compare_runs", lambda _: pytest.fail("too late"))
    with pytest.raises(RunDirectoryError, match=r"comparison\.html: is not a page of `backtester compare`"):
        compare(*runs)
    assert (here / "comparison.html").read_text() == "mine"


@pytest.mark.parametrize("columns", ["40", "80", "140"])
def test_compare_fits_the_terminal(
    runs: list[str],
    here: Path,
    columns: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("COLUMNS", columns)
    compare(*runs)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= int(columns)


def test_one_run_is_a_wrong_use_and_leaves_no_page(runs: list[str], tmp_path: Path):
    result = backtester("compare", runs[0], cwd=tmp_path)
    assert result.returncode == 2
    assert "fewer than two runs" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_compare_explains_itself_with_an_example(tmp_path: Path):
    result = backtester("compare", "--help", cwd=tmp_path)
    assert result.returncode == 0
    assert "backtester compare reports/" in result.stdout
