"""What stands in no list: recipes, prices and names that nobody would write, and someone will."""

from __future__ import annotations

import bz2
import errno
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from backtester.cli.console import say
from backtester.cli.program import _told
from tests.cli.conftest import Program
from tests.prices.conftest import HEADER, clean_rows, csv_text

QUICK = '[folds]\ntrain = 60\ntest = 30\n[model]\nkind = "last_return"\n'
Rows = list[list[str]]


def plan(program: Program, *options: str) -> tuple[int, str]:
    told = program("plan", "mine.toml", "--csv", "prices.csv", "--quick", *options)
    return told.code, told.err


def write(folder: Path, *, recipe: str = QUICK, prices: str | bytes | None = None) -> None:
    (folder / "mine.toml").write_text(recipe)
    content = csv_text(clean_rows()) if prices is None else prices
    (folder / "prices.csv").write_bytes(content if isinstance(content, bytes) else content.encode())


RECIPES = {
    "brackets without end": ("x = " + "[" * 5000, "more than 30 deep"),
    "arrays in arrays": ("x = " + "[" * 5000 + "]" * 5000, "more than 30 deep"),
    "arrays in arrays, fewer": ("[model]\nunits = " + "[" * 40 + "]" * 40, "more than 30 deep"),
    "tables in tables": ("[" + ".".join("a" * 5000) + "]", "more than 30 deep"),
    "a number of 5000 digits": ("seed = " + "9" * 5000, "more digits than can be read"),
    "a number of 40 digits": ("seed = " + "9" * 40, "must be a whole number"),
    "a key that steers a terminal": ('"\\u001b[31m" = 3', '"\\u001b[31m" = 3: unknown key'),
    "an endless key": ("k" * 10_000 + " = 3", "kkk… = 3: unknown key"),
    "an empty key": ('"" = 3', '"" = 3: unknown key'),
    "a zero byte in a symbol": ('[data]\nsymbol = "a\\u0000b"', "control characters (U+0000)"),
    "a zero byte in a folder": ('[report]\ndirectory = "a\\u0000b"', "control characters (U+0000)"),
    "a zero byte in the store": ('[execution]\nstore = "a\\u0000b"', "control characters (U+0000)"),
    "an escape in a title": ('[report]\ntitle = "\\u001b[2J"', "control characters (U+001B)"),
    "a zero byte in a list": ('[features]\ncolumns = ["a\\u0000.py:f"]', "control characters (U+0000)"),
    "sections in an array": ("[[model]]", "must be a table"),
    "two hundred thousand years": ('[folds]\ntrain = "99999Y"', "more than 200 years"),
    "another encoding": (QUICK.encode("utf-16").decode("latin-1"), "TOML"),
}


@pytest.mark.parametrize("case", RECIPES)
def test_a_recipe_that_nobody_would_write_is_refused_in_words(case, program):
    recipe, said = RECIPES[case]
    write(program.folder, recipe=recipe)
    code, err = plan(program, "--set", "data.symbol=X") if "symbol" not in case else recipe_alone(program)
    assert code == 4, err
    assert said in err
    assert len(err) < 2000
    assert "\x1b" not in err


def recipe_alone(program: Program) -> tuple[int, str]:
    told = program("plan", "mine.toml", "--quick")
    return told.code, told.err


@pytest.mark.parametrize(
    "assignment",
    [
        "model.parameters." + "a." * 2000 + "b=1",
        "data.confirmed_jumps=" + "[" * 5000,
        "seed=" + "9" * 5000,
        "a.b=1",
    ],
    ids=["deep key", "deep array", "digits", "no such section"],
)
def test_a_key_on_the_command_line_that_nobody_would_write_is_refused_in_words(assignment, program):
    write(program.folder)
    code, err = plan(program, "--set", assignment)
    assert code == 4, err
    assert len(err) < 2000


def each(rows: Rows, change: Callable[[str], str]) -> str:
    return csv_text([[row[0], *map(change, row[1:6]), row[6]] for row in rows])


PRICES: dict[str, tuple[Callable[[Rows], str | bytes], str]] = {
    "in brackets": (lambda rows: each(rows, lambda x: f"({x})"), "is not a number"),
    "as percent": (lambda rows: each(rows, lambda x: f"{x}%"), "is not a number"),
    "with a unit": (lambda rows: each(rows, lambda x: f"{x} USD"), "is not a number"),
    "hexadecimal": (lambda rows: each(rows, lambda x: hex(int(float(x)))), "is not a number"),
    "a truth value": (lambda rows: csv_text([*rows[:9], [*rows[9][:4], "True", *rows[9][5:]]]), "'True'"),
    "400 digits": (lambda rows: csv_text([*rows[:-1], [*rows[-1][:6], "9" * 400]]), "not finite"),
    "in full width": (
        lambda rows: each(rows, lambda x: x.translate({48 + i: 0xFF10 + i for i in range(10)})),
        "is not a number",
    ),
    "days since 1900": (
        lambda rows: csv_text([[str(43831 + i), *row[1:]] for i, row in enumerate(rows)]),
        "is not a date that can be read",
    ),
    "the year 1500": (lambda rows: csv_text(rows).replace("2020-", "1500-"), "is no such date"),
    "a title above": (lambda rows: "SPY, daily\n\n" + csv_text(rows), "the header has"),
    "UTF-32": (lambda rows: csv_text(rows).encode("utf-32"), "NUL"),
    "bzip2": (lambda rows: bz2.compress(csv_text(rows).encode()), "bzip2"),
    "xz": (lambda rows: lzma.compress(csv_text(rows).encode()), "xz"),
    "a mark inside": (
        lambda rows: csv_text(rows).replace("2020-01-07", "\ufeff2020-01-07"),
        "\\ufeff2020-01-07",
    ),
    "dates alone": (lambda rows: csv_text([[row[0]] for row in rows], header="Date"), "no Close"),
    "commas alone": (lambda rows: ",,,\n,,,\n", "no rows"),
}


@pytest.mark.parametrize("case", PRICES)
def test_prices_that_nobody_would_write_are_refused_in_words(case, program):
    change, said = PRICES[case]
    write(program.folder, prices=change(clean_rows()))
    code, err = plan(program)
    assert code == 3, err
    assert said in err
    assert len(err) < 2000


def test_ten_thousand_columns_are_named_in_one_line(program):
    names = ",".join(f"x{i}" for i in range(10_000))
    rows = [[*row, *["1"] * 10_000] for row in clean_rows()]
    write(program.folder, prices=csv_text(rows, header=f"{HEADER},{names}"))
    code, err = plan(program)
    assert code == 0
    assert err.endswith("'x19' and 9980 more.\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mb", "a\\u001b[31mb"),
        ("a\rb", "a\\u000db"),
        ("abc\u202edcba", "abc\\u202edcba"),
        ("株 Größe é 👩‍🔬\n\tnext", "株 Größe é 👩‍🔬\n\tnext"),
    ],
)
def test_what_would_steer_a_terminal_is_spelled_out(text, shown, capsys):
    say(text)
    assert capsys.readouterr().err == f"{shown}\n"


@pytest.mark.parametrize(
    "command",
    ["run {}.toml", "report {}", "verify {}", "explore {}.csv", "init {}", "store check --store {}"],
)
def test_a_name_that_no_file_system_takes_is_said(command, program):
    told = program(*command.format("x" * 300).split())
    assert told.code == 2, told.err
    assert "the name is too long for this file system (30" in told.err
    assert len(told.err) < 300


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a.csv"), 8, "a.csv: No space left on device."),
        (OSError(errno.EROFS, "Read-only file system", "a.csv"), 8, "a.csv: Read-only file system."),
        (OSError(errno.EIO, "Input/output error"), 8, "Input/output error."),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "a.csv"), 2, "a.csv: No such file"),
        (PermissionError(errno.EACCES, "Permission denied", "a.csv"), 2, "a.csv: Permission denied."),
        (MemoryError(), 8, "Out of memory."),
    ],
)
def test_what_the_system_refuses_is_said_with_its_own_exit_code(error, code, said, monkeypatch):
    monkeypatch.setattr("backtester.cli.program._leave_stdout", lambda: None)
    told = _told(error)
    assert told is not None
    assert (told.exit_code, told.message[: len(said)]) == (code, said)
