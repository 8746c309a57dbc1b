"""Every price input of the catalogue through the program: exit code, message, and what is left behind."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.catalogue import held
from tests.cli.conftest import Program, Told
from tests.prices.conftest import HEADER, clean_rows, csv_text, readable_by_all, without_privilege  # noqa: F401 (a fixture)
from tests.prices.test_refusals import REFUSED, dates, scaled
from tests.prices.test_repairs import SAME_BARS

RECIPE = """
[folds]
train = 60
test = 30
[model]
kind = "last_return"
"""
Rows = list[list[str]]
CLOCK = {"D45_after_today"}
"""What depends on the day: the program has the clock's."""
NAMES = HEADER.split(",")


@pytest.fixture
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "quick.toml"
    path.write_text(RECIPE)
    return path


def write(folder: Path, content: str | bytes, *, name: str = "prices.csv") -> None:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


def without(rows: Rows, *names: str) -> str:
    keep = [i for i, name in enumerate(NAMES) if name not in names]
    return csv_text([[row[i] for i in keep] for row in rows], header=",".join(NAMES[i] for i in keep))


def refused(told: Told, *, code: int = 3) -> str:
    assert told.code == code, told.err
    assert told.out == ""
    assert told.err.count("error: ") == 1
    return told.err


def plan(program: Program, recipe: Path, *options: str) -> tuple[dict[str, object], str]:
    """What the program will do with the prices, and what it says of them."""
    told = program("plan", recipe, "--csv", "prices.csv", "--quick", "--json", *options)
    assert told.code == 0, told.err
    return json.loads(told.out) | {"estimate": None}, told.err


# --- refused, exit 3


@pytest.mark.parametrize("case", held(case for case in REFUSED if case not in CLOCK))
def test_refused_prices_end_the_program_with_3_one_message_and_nothing_written(case, program, recipe):
    change, parts = REFUSED[case]
    write(program.folder, change(clean_rows()))
    said = refused(program("run", recipe, "--csv", "prices.csv"))
    assert [part for part in ["prices.csv", *parts] if part not in said] == [], said
    assert len(said.strip().splitlines()) >= 2  # the second says what to do
    assert program.left == ["prices.csv"]


@pytest.mark.catalogue("D45")
def test_bars_after_today_are_refused_whatever_the_day(program, recipe):
    later = dates(clean_rows(), lambda i, day: f"{day + pd.DateOffset(years=200):%Y-%m-%d}")
    write(program.folder, later)
    assert "after today" in refused(program("run", recipe, "--csv", "prices.csv"))
    assert program.left == ["prices.csv"]


@pytest.mark.catalogue("D79")
def test_too_few_rows_say_how_many_are_needed_and_found(program, recipe):
    write(program.folder, csv_text(clean_rows(50)))
    said = refused(program("run", recipe, "--csv", "prices.csv"))
    assert "50" in said
    assert "61" in said
    assert program.left == ["prices.csv"]


def absent(folder: Path) -> None:
    pass


def folder_in_place(folder: Path) -> None:
    (folder / "prices.csv").mkdir()


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "prices.csv")


NO_FILE: dict[str, tuple[Callable[[Path], None], str]] = {
    "D84_no_such_file": (absent, "no such file"),
    "D85_a_folder": (folder_in_place, "is a folder"),
    "D88_a_pipe": (pipe, "is a pipe"),
}


@pytest.mark.parametrize("case", held(NO_FILE))
def test_what_is_no_readable_file_is_refused_at_once(case, program, recipe):
    make, said = NO_FILE[case]
    make(program.folder)
    before = program.left
    assert said in refused(program("run", recipe, "--csv", "prices.csv"))
    assert program.left == before


@pytest.mark.catalogue("D87")
def test_a_file_that_may_not_be_read_is_refused(program, readable_by_all, monkeypatch):  # noqa: F811
    write(readable_by_all, csv_text(clean_rows()))
    write(readable_by_all, RECIPE, name="quick.toml")
    (readable_by_all / "prices.csv").chmod(0)
    monkeypatch.chdir(readable_by_all)
    with without_privilege():
        said = refused(program("run", "quick.toml", "--csv", "prices.csv"))
    assert "prices.csv: no permission" in said
    assert sorted(path.name for path in readable_by_all.iterdir()) == ["prices.csv", "quick.toml"]


PARQUET: dict[str, tuple[Callable[[pd.DataFrame, Path], None], str]] = {
    "D91_damaged": (
        lambda frame, path: (frame.to_parquet(path), path.write_bytes(path.read_bytes()[:900])),
        "is damaged",
    ),
    "D92_without_dates": (lambda frame, path: frame.drop(columns="Date").to_parquet(path), "no date column"),
}


def parquet_frame() -> pd.DataFrame:
    frame = pd.DataFrame(clean_rows(), columns=NAMES)
    return frame.astype(dict.fromkeys(NAMES[1:], float)).assign(Date=pd.to_datetime(frame["Date"]))


@pytest.mark.parametrize("case", held(PARQUET))
def test_parquet_that_cannot_be_used_is_refused(case, program, recipe):
    make, said = PARQUET[case]
    make(parquet_frame(), program.folder / "prices.parquet")
    assert said in refused(program("run", recipe, "--csv", "prices.parquet"))
    assert program.left == ["prices.parquet"]


# --- accepted or repaired: the plan is that of the clean file


@pytest.fixture(scope="module")
def clean_plan(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    from backtester import ask
    from backtester.planning import plan_of

    folder = tmp_path_factory.mktemp("clean")
    write(folder, csv_text(clean_rows()))
    (folder / "quick.toml").write_text(RECIPE)
    asked = ask(folder / "quick.toml", prices=folder / "prices.csv")
    return json.loads(json.dumps(plan_of(asked) | {"estimate": None}))


@pytest.mark.parametrize("case", held(SAME_BARS))
def test_a_change_of_form_is_the_same_question_with_a_note_on_stderr(case, program, recipe, clean_plan):
    change, said = SAME_BARS[case]
    write(program.folder, change(clean_rows()))
    found, err = plan(program, recipe)
    # its directory is named by a hash over every bar
    assert found == clean_plan
    assert err == "" if not said else said in err
    assert program.left == ["prices.csv"]


@pytest.mark.parametrize("case", held(["D90_dates_in_a_column", "D93_dates_in_the_index"]))
def test_parquet_with_dates_is_the_same_question(case, program, recipe, clean_plan):
    frame = parquet_frame()
    frame = frame if case.startswith("D90") else frame.set_index("Date")
    frame.to_parquet(program.folder / "prices.parquet")
    told = program("plan", recipe, "--csv", "prices.parquet", "--quick", "--json")
    assert (told.code, told.err) == (0, "")
    assert json.loads(told.out)["folds"] == clean_plan["folds"]


def moved(rows: Rows, ratio: float) -> str:
    return scaled(rows, ratio, bars=slice(60, None))


def made_up_opens(rows: Rows) -> str:
    opens = [rows[0][1], *(row[4] for row in rows[:-1])]
    columns = zip(rows, opens, strict=True)
    wide = [(row, o, max(map(float, (o, row[4]))), min(map(float, (o, row[4])))) for row, o in columns]
    return csv_text([[row[0], o, f"{high:.4f}", f"{low:.4f}", *row[4:]] for row, o, high, low in wide])


def low_above_the_close(rows: Rows) -> str:
    rows[5][3] = f"{min(float(rows[5][1]), float(rows[5][4])) * 1.002:.4f}"
    return csv_text(rows)


def volume_0(rows: Rows) -> str:
    return csv_text([[*row[:6], "0"] for row in rows])


AT_THE_CLOSE = ("--set", "broker.fill=next_close", "--set", "target.horizon=2")
# id -> the file, the words of the warning, and the settings that it needs
WARNED: dict[str, tuple[Callable[[Rows], str], list[str], tuple[str, ...]]] = {
    "D26_dates_and_closes": (
        lambda rows: without(rows, "Open", "High", "Low", "Adj Close", "Volume"),
        ["no open, high, low"],
        AT_THE_CLOSE,
    ),
    "D51_a_saturday": (
        lambda rows: csv_text([*rows[:3], ["2020-01-04", *rows[2][1:]], *rows[3:]]),
        ["on weekends: 2020-01-04"],
        (),
    ),
    "D52_a_gap": (lambda rows: csv_text(rows[:20] + rows[30:]), ["2020-01-28", "2020-02-12"], ()),
    "D66_a_large_move": (lambda rows: moved(rows, 0.55), ["2020-03-25", "large move"], ()),
    "D69_a_close_outside_the_range": (low_above_the_close, ["line 7 (2020-01-08)"], ()),
    "D71_made_up_opens": (made_up_opens, ["opens are made up"], AT_THE_CLOSE),
    "D75_a_confirmed_jump": (
        lambda rows: moved(rows, 0.5),
        ["confirmed"],
        ("--set", "data.confirmed_jumps=2020-03-25"),
    ),
    "D80_volume_0": (volume_0, ["volume is 0 in all bars"], ()),
    "D81_no_volume": (lambda rows: without(rows, "Volume"), ["no volume"], ()),
}


@pytest.mark.parametrize("case", held(WARNED))
def test_what_is_unusual_is_accepted_with_a_warning(case, program, recipe):
    change, said, settings = WARNED[case]
    write(program.folder, change(clean_rows()))
    _, err = plan(program, recipe, *settings)
    warned = "\n".join(line for line in err.splitlines() if line.startswith("warning: "))
    assert [part for part in said if part not in warned] == [], err


# id -> the file, the settings, the words of the refusal
UNFIT: dict[str, tuple[Callable[[Rows], str], tuple[str, ...], list[str]]] = {
    "D26_next_open": (lambda rows: without(rows, "Open", "High", "Low"), (), ["'open'", "next_close"]),
    "D26_a_range": (
        lambda rows: without(rows, "Open", "High", "Low"),
        (*AT_THE_CLOSE, "--set", "features.columns=range"),
        ["feature 'range'", "'high'"],
    ),
    "D71_next_open": (made_up_opens, (), ["opens are made up", "next_close"]),
    "D80_volume": (
        volume_0,
        ("--set", "features.columns=volume_change"),
        ["volume_change", "'volume'"],
    ),
    "D81_volume": (
        lambda rows: without(rows, "Volume"),
        ("--set", "features.columns=volume_change"),
        ["volume_change", "'volume'"],
    ),
}


@pytest.mark.parametrize("case", held(UNFIT))
def test_what_the_prices_cannot_carry_ends_with_4_before_anything_is_written(case, program, recipe):
    change, settings, said = UNFIT[case]
    write(program.folder, change(clean_rows()))
    message = refused(program("run", recipe, "--csv", "prices.csv", *settings), code=4)
    assert [part for part in said if part not in message] == [], message
    assert program.left == ["prices.csv"]


# --- a whole run: where its notes are, and what stands for the file


@pytest.mark.catalogue("D38", "D72", "D86")
def test_notes_reach_stderr_the_manifest_and_the_page_and_a_link_stands_for_its_content(program, recipe):
    keep = [0, 1, 2, 3, 4, 6]  # without Adj Close
    rows = [[row[i] for i in keep] for row in clean_rows()]
    write(program.folder, csv_text(rows[::-1], header="Date,Open,High,Low,Close,Volume"), name="whole.csv")
    write(program.folder, csv_text(rows, header="Date,Open,High,Low,Close,Volume"), name="sorted.csv")
    (program.folder / "prices.csv").symlink_to(program.folder / "whole.csv")
    settings = ("--set", "verdict.draws=199", "--json")
    told = program("run", recipe, "--csv", "prices.csv", *settings)
    assert told.code == 0, told.err
    assert "repair: " in told.err
    assert "newest first" in told.err
    run = program.folder / json.loads(told.out)["directory"]
    data = json.loads((run / "run.json").read_text())["data"]
    assert any("newest first" in note["text"] for note in data["notes"])
    assert data["sha256"] == hashlib.sha256((program.folder / "whole.csv").read_bytes()).hexdigest()
    assert data["adjustment"] == "unknown"
    page = (run / "index.html").read_text()
    assert "newest first" in page
    assert "unknown daily bars" in page or "adjustment unknown" in page
    again = program("run", recipe, "--csv", "sorted.csv", *settings, "--set", "data.symbol=prices")
    other = program.folder / json.loads(again.out)["directory"]
    assert (other / "prices.csv").read_bytes() == (run / "prices.csv").read_bytes()
