"""Symbolic links in a run directory: nothing is written through them to what lies elsewhere."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

import backtester
from tests.cli.conftest import Program
from tests.cli.test_bad_recipes import CHEAP, write

ELSEWHERE = "precious"


def _two_small_sheets(record: Any, *, title: str) -> dict[str, str]:
    """In place of QuantStats, which takes seconds; by the same function that writes the real ones."""
    from backtester.files import write_bytes

    for benchmark in ("buy_and_hold", "last_price"):
        write_bytes(record.directory / f"tearsheet_{benchmark}.html", title.encode())
    return {}


@pytest.fixture(scope="module", autouse=True)
def _quick_sheets():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backtester.reporting.page.write_tearsheets", _two_small_sheets)
        yield


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, _quick_sheets: None) -> Path:
    """A folder with a recipe, its prices, and a run finished under an umask that leaves everything open."""
    folder = tmp_path_factory.mktemp("links")
    write(folder, recipe=CHEAP)
    before = os.umask(0)
    try:
        backtester.run(folder / "mine.toml", prices=folder / "walk.csv", out=folder / "out")
    finally:
        os.umask(before)
    return folder


@pytest.fixture
def run(ran: Path, program: Program) -> Path:
    shutil.copytree(ran, program.folder, dirs_exist_ok=True)
    (run,) = (program.folder / "out").iterdir()
    return run


def again(program: Program) -> int:
    return program("run", "mine.toml", "--csv", "walk.csv", "--out", "out").code


def test_every_file_of_a_run_that_became_a_link_is_replaced_not_followed(program, run):
    outside = program.folder / "outside"
    outside.mkdir()
    names = sorted(path.name for path in run.iterdir() if path.name != ".lock")
    for name in names:
        (outside / name).write_text(ELSEWHERE)
        if name != "run.json":  # which says whose folder this is
            (run / name).unlink()
            (run / name).symlink_to(outside / name)
    (run / "index.html").unlink()  # without it the run is not finished
    (run / "index.html").symlink_to(program.folder / "not there yet")
    assert again(program) == 0
    assert {path.read_text() for path in outside.iterdir()} == {ELSEWHERE}
    assert not (program.folder / "not there yet").exists()
    assert [name for name in names if (run / name).is_symlink()] == []
    assert sorted(path.name for path in run.iterdir() if path.name != ".lock") == names


def test_a_lock_that_is_a_link_is_not_followed(program, run):
    (program.folder / "outside").write_text(ELSEWHERE)
    (run / ".lock").unlink()
    (run / ".lock").symlink_to(program.folder / "outside")
    (run / "index.html").unlink()
    assert again(program) == 8
    assert (program.folder / "outside").read_text() == ELSEWHERE


def test_nothing_of_a_run_is_writable_by_everyone_whatever_the_umask(ran):
    made = [ran / "out", *(ran / "out").rglob("*")]
    assert len(made) > 10
    assert [path.name for path in made if path.stat().st_mode & stat.S_IWOTH] == []
    assert [path.name for path in made if path.is_file() and path.stat().st_mode & 0o7111] == []
