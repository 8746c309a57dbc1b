"""What the option ``--catalogue=FILE`` writes: which tests hold which id, and what came of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.catalogue import CATALOGUE

__all__ = ["HELD", "Record", "mark"]

HELD = pytest.StashKey[dict[str, list[str]]]()
"""Of the session's config: every collected test by the ids that it holds, deselected ones too."""
_PROPERTY = "catalogue"


def mark(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Note which of the collected tests hold which ids.

    Raises
    ------
    pytest.UsageError : an id that is not in the catalogue
    """
    found = config.stash.setdefault(HELD, {})
    for item in items:
        for key in dict.fromkeys(key for marker in item.iter_markers(_PROPERTY) for key in marker.args):
            if key not in CATALOGUE:
                raise pytest.UsageError(f"{item.nodeid}: {key!r} is not in the catalogue.")
            found.setdefault(key, []).append(item.nodeid)
            # with the report it comes from a worker of xdist to the process that writes
            item.user_properties.append((_PROPERTY, key))


class Record:
    """A plugin that writes, by id, each test with its outcome.

    Parameters
    ----------
    path : of the JSON file: ``{"D01": {"tests/...::test_...": "passed"}}``; a test that was collected
        but not run is ``"not run"``, a skipped one says why
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[str, dict[str, str]] = {key: {} for key in CATALOGUE}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, key in report.user_properties:
            if name == _PROPERTY:
                known = self._found[str(key)]
                known[report.nodeid] = _worse(known.get(report.nodeid, ""), _outcome(report))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if session.config.option.collectonly:
            for key, tests in session.config.stash.get(HELD, {}).items():
                self._found[key] = dict.fromkeys(tests, "not run")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(self._found, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _outcome(report: pytest.TestReport) -> str:
    if report.failed:
        return "failed"
    if report.skipped:
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else "expected to fail"
        return f"skipped: {why.removeprefix('Skipped: ')}"
    return "passed" if report.when == "call" else ""


def _worse(known: str, new: str) -> str:
    return known if known == "failed" or not new else new
