"""`backtester.explore` and `backtester explore`, as their users meet them."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import backtester
from backtester.cli.app import app
from backtester.errors import PricesError, RecipeError, RunDirectoryError, UsageError
from backtester.exploring.finding import Level
from tests.exploring.tables import CLEAN, clean_rows, csv_bytes

DOC = Path(__file__).parents[2] / "docs" / "explore.md"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clean.csv").write_bytes(csv_bytes(clean_rows(300)))
    bad = clean_rows(300)
    bad[40][4] = "null"
    (tmp_path / "bad.csv").write_bytes(csv_bytes(bad))
    return tmp_path


def explore(*arguments: str) -> None:
    app(["explore", *arguments], standalone_mode=False)


def test_one_file_is_told_in_text_and_on_a_page(here: Path, capsys: pytest.CaptureFixture[str]):
    explore("clean.csv")
    said = capsys.readouterr()
    assert said.out.startswith("backtester run takes this file: 300 sessions from 2015-01-01 to 2016-02-24.")
    assert "Only the adjusted close has the dividends" in said.out
    assert said.out.endswith("\n\nPage: exploration.html\n")
    assert said.err == "Looking at the prices.\n"
    assert (here / "exploration.html").stat().st_size > 1_000_000


def test_a_refused_file_ends_with_3_after_a_page_and_json_that_say_so_first(
    here: Path, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(PricesError, match="Close 'null' is not a number"):
        explore("bad.csv", "--json", "--out", "bad.html")
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert told["refused"] == ["bad.csv"]
    assert told["files"][0]["refusal"]["message"].startswith("bad.csv: line 42")
    assert told["files"][0]["span"]["bars"] == 299
    assert "refused: bad.csv: line 42" in said.err
    page = (here / "bad.html").read_text()
    assert page.index("Refused by run") < page.index("Quality: what was found")
    assert "data-figure" in page


def test_several_files_are_put_beside_each_other(here: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(PricesError, match="1 of 2 files are refused"):
        explore("clean.csv", "bad.csv", "--json")
    told = json.loads(capsys.readouterr().out)
    assert [file["symbol"] for file in told["files"]] == ["clean", "bad"]
    assert told["together"]["common_dates"] == 299
    assert told["together"]["correlations"][0][1] > 0.99


def test_a_folder_stands_for_its_price_files(here: Path):
    (here / "notes.txt").write_text("no prices")
    assert [found.table.symbol for found in backtester.explore(here).files] == ["bad", "clean"]


def test_two_files_of_one_name_are_told_apart(here: Path):
    (here / "other").mkdir()
    (here / "other" / "clean.csv").write_bytes((here / "clean.csv").read_bytes())
    found = backtester.explore(["clean.csv", "other/clean.csv"])
    assert [file.table.symbol for file in found.files] == [f"clean ({here.name})", "clean (other)"]


def test_no_file_is_lost_for_the_name_of_another(here: Path):
    names = ("a/x/clean.csv", "b/x/clean.csv", "b/x/clean.parquet", "a/x/clean.csv")
    frame = backtester.explore("clean.csv").prices["clean"]
    for name in names:
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".csv"):
            (here / name).write_bytes((here / "clean.csv").read_bytes())
        else:
            frame.reset_index(names="date").to_parquet(here / name)
    two = backtester.explore(names[:2])
    assert list(two.prices) == ["clean (a/x)", "clean (b/x)"]
    assert two.together is not None
    assert len(two.together.values["spans"]) == 2
    formats = backtester.explore(here / "b" / "x")
    assert list(formats.prices) == ["clean.csv (x)", "clean.parquet (x)"]
    assert formats.together is not None
    every = backtester.explore(names)  # one is named twice
    assert list(every.prices) == ["clean (a/x)", "clean.csv (b/x)", "clean.parquet (b/x)"]
    another = backtester.explore([names[0], "b/../a/x/clean.csv", "SPY", "SPY"])
    assert len(another.prices) == 3


def test_two_long_names_that_differ_in_their_middle_have_a_box_each(here: Path):
    names = [f"{'prices' * 4}{letter}{'adjusted' * 4}.csv" for letter in "ab"]
    for name in names:
        (here / name).write_bytes((here / "clean.csv").read_bytes())
    found = backtester.explore(names)
    boxes = found.figures["box_symbols"].data[0]
    assert len(set(boxes.y)) == 2


def test_a_page_never_replaces_another_file(here: Path):
    (here / "mine.html").write_text("my notes")
    with pytest.raises(RunDirectoryError, match="is not a page of `backtester explore`"):
        explore("clean.csv", "--out", "mine.html")
    assert (here / "mine.html").read_text() == "my notes"


@pytest.mark.parametrize(
    ("prices", "error", "words"),
    [
        ("missing.csv", PricesError, "no such file"),
        ("SPYY", PricesError, "no sample of that name. Did you mean"),
        ([], UsageError, "No prices are named"),
    ],
)
def test_prices_that_are_not_there_are_an_error(here: Path, prices, error: type[Exception], words: str):
    with pytest.raises(error, match=words):
        backtester.explore(prices)


def test_an_empty_folder_is_an_error(here: Path):
    (here / "empty").mkdir()
    with pytest.raises(PricesError, match="no price file is in this folder"):
        backtester.explore("empty")


def test_how_prices_are_read_can_be_set_as_for_a_run(here: Path):
    raw = backtester.explore("clean.csv", changes=["data.price=raw", "data.start=2015-06-01"]).files[0]
    assert raw.values["span"]["adjustment"] == "raw"
    assert raw.values["span"]["start"] == "2015-06-01"
    other = backtester.explore("clean.csv", changes={"data.column": "Open"}).files[0]
    assert other.values["span"]["first_close"] != raw.values["span"]["first_close"]
    dropped = backtester.explore("bad.csv", changes={"data.on_bad_row": "drop"}).files[0]
    assert dropped.refusal is None
    with pytest.raises(UsageError, match="says nothing of how prices are read"):
        backtester.explore("clean.csv", changes=["model.units=5"])
    with pytest.raises(RecipeError, match="price"):
        backtester.explore("clean.csv", changes={"data.price": "net"})
    with pytest.raises(UsageError, match="One symbol"):
        backtester.explore(["clean.csv", "bad.csv"], symbol="A")


def test_a_frame_is_looked_at_like_a_file(here: Path):
    frame = pd.read_csv(here / "clean.csv")
    found = backtester.explore(frame, symbol="MINE")
    assert set(found.findings["key"]) == CLEAN
    assert found.prices["MINE"].equals(backtester.explore("clean.csv").prices["clean"])
    frame.loc[5, "Close"] = -1.0
    assert backtester.explore(frame).refused[0].refusal is not None


def test_the_findings_are_a_table(here: Path):
    found = backtester.explore(["clean.csv", "bad.csv"]).findings
    assert set(found.loc[found["symbol"] == "bad", "key"]) == {"refused", "bad_rows", *CLEAN}
    assert set(found["level"]) <= {level.value for level in Level}


def test_every_file_of_a_run_is_json(here: Path):
    text = json.dumps(backtester.explore("clean.csv").summary, allow_nan=False)
    assert json.loads(text)["files"][0]["seasons"]["tests"] > 0


def test_every_finding_is_in_the_document():
    text = DOC.read_text()
    package = Path(backtester.__file__).parent / "exploring"
    source = "".join(path.read_text() for path in package.glob("*.py"))
    import re

    keys = set(re.findall(r'key="(\w+)"', source)) | set(re.findall(r'"((?:splits|dividends)_\w+)"', source))
    keys |= {"newest_first", "unordered", "flat_bars", "flat_bars_without_volume"}
    assert len(keys) > 35
    assert {key for key in keys if f"`{key}`" not in text} == set()
