"""The catalogue is held, and its table says what the tests say."""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from docs import trust
from tests import catalogue
from tests.catalogue import CATALOGUE
from tests.catalogue_record import HELD, mark

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "trust.md"


def test_every_id_of_the_catalogue_is_held_by_a_test(request: pytest.FixtureRequest):
    everything = [Path(argument).resolve() in {ROOT, ROOT / "tests"} for argument in request.config.args]
    if not all(everything):
        pytest.skip("only some of the tests were collected")
    held = request.config.stash[HELD]
    assert [key for key in CATALOGUE if key not in held] == []


def test_the_table_has_every_id_and_names_tests_that_are_there():
    assert trust.problems(PAGE.read_text()) == []


FOUND = {key: {"tests/docs/test_trust.py::test_the_examples_are_true": "passed"} for key in CATALOGUE}


def test_a_table_is_found_right_as_it_was_made():
    assert trust.problems(trust.table(FOUND)) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("| D01 |", "| Z01 |", "D01: has no row"),
        ("empty file", "an empty file", "D01: has other words than the catalogue"),
        ("::test_the_examples_are_true", "::test_of_old", "D01: there is no docs/test_trust.py::test_of_old"),
        ("docs/test_trust.py", "docs/test_lost.py", "D01: there is no docs/test_lost.py::"),
        ("`docs/test_trust.py::test_the_examples_are_true`", "none", "D01: names no test"),
        (" passed |", " 2 failed, 2 passed |", "D01: is not held (2 failed, 2 passed)"),
        (" passed |", " 1 not run, 3 passed |", "D01: is not held (1 not run, 3 passed)"),
        (" passed |", " not run |", "D01: is not held (not run)"),
        (" passed |", " **not held** |", "D01: is not held (**not held**)"),
        (" passed |", " 1 skipped: needs root |", "D01: is not held (1 skipped: needs root)"),
    ],
)
def test_a_table_that_went_wrong_is_told(old: str, new: str, said: str):
    page = trust.table(FOUND).replace(old, new, 1)
    assert [line for line in trust.problems(page) if line.startswith(said)]


def test_what_failed_or_was_skipped_or_is_not_held_is_told_in_the_table():
    found = FOUND | {
        "D01": {"tests/a.py::test_a[x]": "passed", "tests/a.py::test_a[y]": "failed"},
        "D02": {"tests/a.py::test_b": "skipped: needs | root"},
        "D03": {},
    }
    rows = {line[2:5]: line for line in trust.table(found).splitlines() if re.match(r"\| D0", line)}
    assert rows["D01"].endswith("| `a.py::test_a` (2) | 1 failed, 1 passed |")
    assert rows["D02"].endswith(r"| 1 skipped: needs \| root |")
    assert rows["D03"].endswith("| none | **not held** |")
    assert f"{len(CATALOGUE) - 3} of {len(CATALOGUE)} ids are held: " in trust.table(found)


def test_the_page_is_filled_from_the_files_of_both_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    page = tmp_path / "trust.md"
    page.write_text("before\n<!-- catalogue -->\n<!-- /catalogue -->\nafter\n")
    monkeypatch.setattr(trust, "PAGE", page)
    fast = {key: tests for key, tests in FOUND.items() if key[0] in "DC"}
    slow = {key: tests for key, tests in FOUND.items() if key[0] in "FT"}
    for name, part in (("fast", fast), ("slow", slow)):
        (tmp_path / f"{name}.json").write_text(json.dumps(part))
    assert trust.main([str(tmp_path / "fast.json"), str(tmp_path / "slow.json")]) == 0
    assert trust.main(["--check"]) == 0
    assert page.read_text().startswith("before\n<!-- catalogue -->\n\n143 of 143 ids are held:")
    assert trust.main([str(tmp_path / "fast.json")]) == 1
    assert trust.main([str(tmp_path / "none.json")]) == 8


TESTS = """
import pytest

@pytest.mark.catalogue("D01")
@pytest.mark.parametrize("n", [1, 2])
def test_numbers(n):
    assert n < 2

@pytest.mark.catalogue("D01", "D02")
def test_left_out():
    pytest.skip("not here")

@pytest.mark.slow
@pytest.mark.catalogue("D03")
def test_slow(): ...

def test_of_nothing(): ...
"""
CONFTEST = """
from pathlib import Path
import pytest
from tests.catalogue_record import Record, mark

def pytest_configure(config):
    config.addinivalue_line("markers", "catalogue(*ids)")
    config.addinivalue_line("markers", "slow")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Record(Path("out/found.json")))

def pytest_collection_modifyitems(config, items):
    mark(config, items)
"""


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["here", "by a worker"])
def test_the_record_has_each_test_with_its_outcome(options: tuple[str, ...], tmp_path: Path):
    (tmp_path / "test_mine.py").write_text(TESTS)
    (tmp_path / "conftest.py").write_text(CONFTEST)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    subprocess.run(
        [*command, "-m", "not slow", *options, str(tmp_path)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    found = json.loads((tmp_path / "out" / "found.json").read_text())
    assert list(found) == sorted(CATALOGUE)
    assert found["D01"] == {
        "test_mine.py::test_left_out": "skipped: not here",
        "test_mine.py::test_numbers[1]": "passed",
        "test_mine.py::test_numbers[2]": "failed",
    }
    assert found["D02"] == {"test_mine.py::test_left_out": "skipped: not here"}
    assert found["D03"] == {}


def test_a_mark_that_is_not_in_the_catalogue_is_refused():
    class Item:
        nodeid = "test_mine.py::test_x"

        def iter_markers(self, name: str) -> list[pytest.Mark]:
            return [pytest.mark.catalogue("D99").mark]

    with pytest.raises(pytest.UsageError, match="'D99' is not in the catalogue"):
        mark(SimpleNamespace(stash=pytest.Stash()), [Item()])


def test_the_examples_are_true():
    assert doctest.testmod(trust).failed == 0
    assert doctest.testmod(catalogue).failed == 0
