"""Damaged real files: refused, or the same bars, or a note; and what no reader can know is counted.

Figures of 2,000 files with seed 8 are printed by ``pytest -s -m slow tests/fuzz/test_mutated_files.py``.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from backtester.errors import PricesError
from backtester.prices import Prices, read_prices
from backtester.prices.checks import JUMP_WARNING
from backtester.recipe.sections import DataSection
from tests.fuzz.mutations import HARMS, mutations

TODAY = date(2024, 6, 28)
COUNT_OF_WEEKDAYS = "weekdays have no bar"
MOST_ROWS = 3  # of which a mutation flips a byte


def read(content: bytes, folder: Path) -> Prices:
    (folder / "prices.csv").write_bytes(content)
    return read_prices(DataSection(source="csv", path="prices.csv"), folder=folder, today=TODAY)


def outcome(prices: Prices, original: Prices) -> str:
    """Equal, noted, or what nobody can know from the file alone."""
    if prices.frame.equals(original.frame):
        return "equal"
    known = {note.text for note in original.notes}
    new = [note.text for note in prices.notes if note.text not in known]
    if any(COUNT_OF_WEEKDAYS not in text for text in new):
        return "noted"
    return "counted" if new else _unknowable(prices, original)


def _unknowable(prices: Prices, original: Prices) -> str:
    if prices.frame.equals(original.frame.loc[prices.dates[0] : prices.dates[-1]]):
        return "unknowable: shorter at an end"
    assert prices.dates.equals(original.dates)
    assert list(prices.frame.columns) == list(original.frame.columns)
    moves = np.abs(np.log(prices.frame.to_numpy() / original.frame.to_numpy()))
    rows = np.flatnonzero(moves.any(axis=1))
    assert len(rows) <= MOST_ROWS
    moved = [name for name, move in zip(prices.frame.columns, moves.T, strict=True) if move.any()]
    if moved == ["volume"]:
        return "unknowable: another volume"
    largest = moves[:, [name != "volume" for name in prices.frame.columns]].max()
    assert largest < JUMP_WARNING  # a price that a bar of this market may have
    of_scale = {"open", "high", "low"} <= set(moved)
    if of_scale and largest < 1e-4:
        return "unknowable: last digits of close or adjusted close"
    if of_scale and set(rows.tolist()) & {0, len(prices) - 1}:
        return "unknowable: adjusted close of the first or last bar"
    return "unknowable: a price within its bar, or a high or low near it"


def outcomes(n_files: int, *, seed: int, folder: Path) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {harm: Counter() for harm in HARMS}
    for mutation in mutations(n_files, seed=seed):
        try:
            prices = read(mutation.content, folder)
        except PricesError:
            found[mutation.harm]["refused"] += 1
            continue
        found[mutation.harm][outcome(prices, read(mutation.original, folder))] += 1
    return found


def check(found: dict[str, Counter[str]], *, n_files: int) -> None:
    total = sum(found.values(), Counter[str]())
    assert total.total() == n_files
    assert {harm for harm, counts in found.items() if counts.total() != n_files // len(HARMS)} == set()
    unknowable = sum(count for kind, count in total.items() if kind.startswith("unknowable"))
    assert unknowable <= 0.06 * n_files, total
    # what is there twice is never taken for more, and a lost line is at least counted
    assert set(found["lines doubled"]) <= {"equal", "refused"}
    assert set(found["lines dropped"]) <= {"refused", "noted", "counted", "unknowable: shorter at an end"}


def test_a_damaged_file_is_refused_or_equal_or_carries_a_note(tmp_path):
    found = outcomes(100, seed=1, folder=tmp_path)
    check(found, n_files=100)


@pytest.mark.slow
def test_of_2000_damaged_files_none_crashes_and_none_changes_a_value_that_can_be_known(tmp_path):
    found = outcomes(2000, seed=8, folder=tmp_path)
    for harm, counts in found.items():
        print(harm, dict(counts.most_common()))
    check(found, n_files=2000)
