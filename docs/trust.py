"""Put what the tests said of each id into ``docs/trust.md``: ``python -m docs.trust FILE.json ...``.

The files are those of ``pytest --catalogue=FILE``, one for the fast tests and one for the slow ones; `make
trust` does it all. With ``--check``, nothing is written: the table must have the ids of the catalogue, name
tests that are there, and tell of none that failed or was not run.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from backtester.errors import BacktesterError, UsageError
from backtester.files import write_bytes
from backtester.run_directory import read_json
from docs.gallery import filled
from tests.catalogue import CATALOGUE

__all__ = ["main", "merged", "problems", "table"]

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "trust.md"
_MARK = "catalogue"
_KINDS = {
    "D": "Prices",
    "C": "Recipes and user code",
    "F": "Faults",
    "T": "Planted leaks",
}
_ROW = re.compile(r"^\| ([DCFT]\d\d) \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$", re.MULTILINE)
_UNSOUND = re.compile(r"\d (failed|not run)|\*\*|^(failed|not run)")
_TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")

Found = Mapping[str, Mapping[str, str]]
"""Of each id, what came of each test that holds it."""


def merged(parts: Iterable[Found]) -> dict[str, dict[str, str]]:
    """Put several calls of pytest together: a test counts by the call that ran it, and by its failure.

    Examples
    --------
    >>> merged([{"D01": {"a": "not run", "b": "passed"}}, {"D01": {"a": "passed"}}])["D01"]
    {'a': 'passed', 'b': 'passed'}
    """
    found: dict[str, dict[str, str]] = {key: {} for key in CATALOGUE}
    for part in parts:
        for key, tests in part.items():
            for test, outcome in tests.items():
                known = found.setdefault(key, {}).get(test, "")
                found[key][test] = max(known, outcome, key=_weight)
    return found


def table(found: Found) -> str:
    """Give the table: a row for each id, under a heading for each kind.

    Raises
    ------
    UsageError : an id that is not in the catalogue
    """
    strange = sorted(set(found) - set(CATALOGUE))
    if strange:
        raise UsageError(f"{strange[0]!r} is not in the catalogue.", advice="Make the files anew.")
    lines = [_sum(found)]
    for letter, kind in _KINDS.items():
        lines += [
            "",
            f"### {kind}",
            "",
            "| id | what | expected | tests | outcome |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {key} | {_plain(what)} | {_plain(expected)} | {_tests(found[key])} | {_outcome(found[key])} |"
            for key, (what, expected) in CATALOGUE.items()
            if key.startswith(letter)
        ]
    return "\n".join(["", *lines, "", ""])


def problems(page: str) -> list[str]:
    """Say what is wrong with the table of a page: ids, their words, their tests, and what came of these."""
    rows = {key: rest for key, *rest in _ROW.findall(page)}
    said = [f"{key}: has no row" for key in CATALOGUE if key not in rows]
    for key, (what, expected, tests, outcome) in rows.items():
        if (what, expected) != tuple(map(_plain, CATALOGUE.get(key, ("", "")))):
            said.append(f"{key}: has other words than the catalogue")
        named = _TEST.findall(tests)
        if not named:
            said.append(f"{key}: names no test")
        elif _UNSOUND.search(outcome) or "passed" not in outcome:
            said.append(f"{key}: is not held ({outcome})")
        for file, test in named:
            path = ROOT / "tests" / file
            if not path.is_file() or f"\ndef {test}(" not in path.read_text(encoding="utf-8"):
                said.append(f"{key}: there is no {file}::{test}")
    return said


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table, or with ``--check`` tell what is wrong with it; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m docs.trust", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="of `pytest --catalogue=FILE`")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the table is wrong")
    options = parser.parse_args(arguments)
    if options.check == bool(options.files):
        parser.error("name the files to take the outcomes from, or --check")
    try:
        page = PAGE.read_text(encoding="utf-8")
        if not options.check:
            text = table(merged(map(read_json, options.files)))
            page = filled(page, mark=_MARK, text=text)
            write_bytes(PAGE, page.encode())
    except BacktesterError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    wrong = problems(page)
    for line in wrong:
        print(f"docs/{PAGE.name}: {line}: run `make trust`", file=sys.stderr)
    return 1 if wrong else 0


def _weight(outcome: str) -> int:
    order = ("", "not run", "skipped", "passed", "failed")
    return order.index(outcome.partition(":")[0])


def _sum(found: Found) -> str:
    tests = {test: outcome for held in found.values() for test, outcome in held.items()}
    n_held = sum(map(_is_held, found.values()))
    held = f"{n_held} of {len(CATALOGUE)} ids are held: a test of each passed, and none failed."
    return f"{held} {len(tests)} tests: {_count(tests)}."


def _is_held(held: Mapping[str, str]) -> bool:
    outcomes = {outcome.partition(":")[0] for outcome in held.values()}
    return "passed" in outcomes and not outcomes & {"failed", "not run"}


def _tests(held: Mapping[str, str]) -> str:
    names = Counter(test.removeprefix("tests/").partition("[")[0] for test in held)
    return "<br>".join(f"`{name}`{f' ({n})' if n > 1 else ''}" for name, n in sorted(names.items())) or "none"


def _outcome(held: Mapping[str, str]) -> str:
    return "**not held**" if not held else _plain(_count(held))


def _count(held: Mapping[str, str]) -> str:
    counted = Counter(held.values())
    if set(counted) == {"passed"}:
        return "passed"
    return ", ".join(f"{n} {outcome}" for outcome, n in sorted(counted.items()))


def _plain(text: str) -> str:
    """Give a text as a cell of a table."""
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.exit(main())
