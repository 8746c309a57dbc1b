"""What the pages say is so: links, commands, code, recipes, columns."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import backtester
from backtester.cli.app import app
from backtester.prices import read_prices
from backtester.recipe import recipe_from_mapping
from backtester.recipe.sections import DataSection

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
EXAMPLE = ROOT / "reports" / "example"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])
GENERATED = {DOCS / "cli.md", DOCS / "recipe.md"}
WRITTEN = [page for page in PAGES if page not in GENERATED]

# No network is trained, so that what is tested is the page and not the training.
CHEAP = """
[data]
start = 2013-01-02
[model]
kind = "mean_return"
[folds]
train = 500
test = 250
"""


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, *, language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return [text for tag, text in found if tag == language]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def printed_commands(page: Path) -> list[str]:
    """Every command of ours in a plain block, without its comment."""
    lines = "\n".join(blocks(page, language="")).splitlines()
    parts = [part.strip() for line in lines for part in line.partition(" #")[0].split("&&")]
    return [part for part in parts if part.startswith("backtester ")]


def parse(command: Any, arguments: list[str], *, name: str, parent: Any = None) -> None:
    """Parse a command line as the program does, without doing it."""
    context = command.make_context(name, list(arguments), parent=parent)
    if hasattr(command, "commands"):
        rest = [*context._protected_args, *context.args]
        chosen, child, rest = command.resolve_command(context, rest)
        parse(child, rest, name=chosen, parent=context)


def cheapened(code: str, *, recipe: Path) -> str:
    return code.replace('"lstm"', repr(str(recipe)))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like a reader's, with a cheap recipe and prices of their own."""
    (tmp_path / "cheap.toml").write_text(CHEAP)
    prices = read_prices(DataSection(source="sample", symbol="AAPL"), folder=tmp_path)
    prices.frame.tail(1500).rename_axis("Date").to_csv(tmp_path / "prices.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


# ---- links ----


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path):
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    for target in [target for target in targets if "://" not in target]:
        place, _, anchor = target.partition("#")
        goal = (page.parent / place).resolve() if place else page
        assert goal.exists(), target
        assert not anchor or anchor in anchors(goal), target


def test_the_index_lists_every_page():
    listed = set(re.findall(r"\]\((\w[\w-]*\.md)\)", (DOCS / "README.md").read_text()))
    assert {page.name for page in DOCS.glob("*.md")} - {"README.md"} == listed


# ---- commands ----


@pytest.mark.parametrize(
    "command",
    [pytest.param(command, id=command) for page in WRITTEN for command in printed_commands(page)],
)
def test_every_printed_command_parses(command: str):
    parse(get_command(app), shlex.split(command)[1:], name="backtester")


@pytest.mark.parametrize(
    "wrong", ["backtester runn lstm", "backtester run lstm --cvs a.csv", "backtester plan"]
)
def test_a_wrong_command_would_be_found(wrong: str):
    with pytest.raises(Exception, match=r"No such command|No such option|Missing parameter"):
        parse(get_command(app), shlex.split(wrong)[1:], name="backtester")


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_commands_named_in_a_sentence_exist(page: Path):
    named = re.findall(r"`backtester ([a-z]+)", page.read_text())
    assert set(named) <= set(get_command(app).commands)


def test_every_command_is_shown_in_the_readme_or_the_tutorial():
    shown = README.read_text() + (DOCS / "tutorial.md").read_text()
    commands = get_command(app).commands
    assert [name for name in commands if f"backtester {name}" not in shown] == []


# ---- code and recipes ----


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_python_compiles(page: Path):
    for code in blocks(page, language="python"):
        compile(code, name_of(page), "exec")


@pytest.mark.parametrize("page", [page for page in WRITTEN if blocks(page, language="toml")], ids=name_of)
def test_recipes_are_accepted(page: Path):
    for text in blocks(page, language="toml"):
        recipe_from_mapping(tomllib.loads(text), name="page", folder=ROOT)


@pytest.mark.slow
def test_the_readmes_example_runs(folder: Path, capsys: pytest.CaptureFixture[str]):
    (code,) = blocks(README, language="python")
    names: dict[str, Any] = {}
    exec(compile(cheapened(code, recipe=folder / "cheap.toml"), "README.md", "exec"), names)
    said = capsys.readouterr().out
    assert names["run"].answer in said
    assert "buy_and_hold" in said
    assert names["run"].page.is_file()
    assert (
        json.loads((names["run"].directory / "run.json").read_text())["recipe"]["broker"]["commission_bp"]
        == 5
    )


@pytest.mark.slow
def test_the_examples_of_the_python_page_run(folder: Path, capsys: pytest.CaptureFixture[str]):
    names: dict[str, Any] = {}
    for code in blocks(DOCS / "python.md", language="python"):
        exec(compile(cheapened(code, recipe=folder / "cheap.toml"), "python.md", "exec"), names)
    assert "unknown key. Did you mean" in capsys.readouterr().out
    assert len(set(names["sharpe"].values())) == len(names["sharpe"])


# ---- the example, and what is said of its files ----


def columns() -> Iterator[str]:
    for table in sorted(EXAMPLE.glob("*.csv")):
        with table.open(newline="") as lines:
            yield from next(csv.reader(lines))


def keys(value: Any) -> Iterator[str]:
    """Every key, but those of the recipe and the names of packages and baselines."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            if key not in {"recipe", "versions"}:
                yield from keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from keys(item)


def test_every_file_column_and_key_of_a_run_is_described():
    page = (DOCS / "run-directory.md").read_text()
    quoted = set(re.findall(r"`([^`\n]+)`", page))
    # `search.p_value` describes both
    named = quoted | {part for name in quoted for part in name.split(".")}
    files = {path.name for path in EXAMPLE.iterdir()}
    told = [keys(json.loads((EXAMPLE / name).read_text())) for name in ("run.json", "summary.json")]
    described = files | set(columns()) | set(told[0]) | set(told[1])
    # the columns of trial_returns.csv are the trials' own names
    assert {name for name in described - named if not re.fullmatch("[0-9a-f]{12}", name)} == set()


def test_the_example_is_whole_and_small():
    files = list(EXAMPLE.iterdir())
    assert ".lock" not in {path.name for path in files}
    assert sum(path.stat().st_size for path in files) < 10_000_000
    assert json.loads((EXAMPLE / "run.json").read_text())["state"] == "done"
    for line in (EXAMPLE / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((EXAMPLE / name).read_bytes()).hexdigest() == digest


def test_the_example_names_no_folder_of_a_machine():
    for path in EXAMPLE.iterdir():
        text = path.read_text()
        for start in ("/home/", "/root", "/tmp/", "/work/", "/Users/"):
            assert start not in text, f"{path.name}: {start}"


def test_the_picture_is_small():
    picture = (DOCS / "images" / "report.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n")
    assert len(picture) < 300_000


def test_the_page_for_python_has_every_public_name():
    page = (ROOT / "docs" / "python.md").read_text()
    assert [
        name for name in backtester.__all__ if f"`{name}`" not in page and f"backtester.{name}(" not in page
    ] == []
