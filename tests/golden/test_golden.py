"""The figures of two small runs stay as they were, unless the changelog says why not.

To the bit within one machine is tested with the training, the store and `verify`.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.golden.runs import ADVICE, TOLERANCES, figures_of, moved, pinned, sha256_of_figures

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["ridge", pytest.param("lstm", marks=pytest.mark.slow)])
def test_the_figures_of_a_golden_run_are_those_that_are_pinned(name):
    lines = moved(figures_of(name), pinned(name), tolerance=TOLERANCES[name])
    more = f"\n  and {len(lines) - 20} more" if len(lines) > 20 else ""
    if lines:
        pytest.fail(f"{ADVICE}\n  " + "\n  ".join(lines[:20]) + more, pytrace=False)


def test_what_moved_is_named_and_what_did_not_is_not():
    before = {"a": 1.0, "b": 2.0, "c": 3, "d": None, "gone": 1.0}
    now = {"a": 1.0 + 1e-9, "b": 2.1, "c": 4, "d": None, "new": 1.0}
    assert moved(now, before, tolerance=1e-6) == [
        "b: 2.0 -> 2.1",
        "c: 3 -> 4",
        "gone: 1.0 -> absent",
        "new: absent -> 1.0",
    ]


def test_the_changelog_names_the_figures_that_are_pinned():
    said = re.findall(r"`figures ([0-9a-f]{12})`", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert said, f"CHANGELOG.md names no figures: write `figures {sha256_of_figures()}` under Figures"
    assert said[0] == sha256_of_figures(), (
        "figures.json is not what the newest line under Figures in CHANGELOG.md names: say there which "
        f"figures moved and why, and name it `figures {sha256_of_figures()}`"
    )


def test_enough_is_pinned():
    assert len(pinned("ridge")) > 300
    assert len(pinned("lstm")) == 5 + 13  # folds
