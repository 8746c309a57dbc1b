"""Rows that cannot be right, rows that are there twice, and the order of the rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from backtester.errors import PricesError
from backtester.prices.raw import Bars, TextBars, listed, refuse_rows
from backtester.prices.table import Note, NoteKind

__all__ = ["check_intraday", "drop_bad_rows", "find_bad_rows", "range_notes", "sort_rows"]

RANGE_NOISE = 1e-6
"""Relative: below this, an open or close outside the bar's range is rounding."""
RANGE_LIMIT = 0.01
"""Relative: above this, an open or close outside the bar's range cannot be right."""
DROP_SHARE = 0.01
INTRADAY_SHARE = 0.5
_POSITIVE = ("open", "high", "low", "close")


def check_intraday(bars: TextBars, dates: NDArray[np.datetime64], *, times: tuple[str, ...]) -> None:
    """Refuse several bars a day.

    Raises
    ------
    PricesError : a date with several times of day, or most dates more than once
    """
    unique, counts = np.unique(dates, return_counts=True)
    if counts.max() == 1:
        return
    timed = len(set(zip(dates.tolist(), times, strict=True)))
    repeated = float((counts > 1).mean())
    if timed > len(unique) or (repeated > INTRADAY_SHARE and counts.max() > 2):
        raise PricesError(
            f"{bars.name}: {counts.max()} bars on {unique[counts.argmax()]}: these are intraday bars, "
            "or several symbols without a symbol column.",
            advice="Give one bar for each day.",
        )


def find_bad_rows(bars: Bars) -> dict[int, str]:
    """Give for each row that cannot be right what is wrong with it.

    Returns
    -------
    dict, row -> place, column, value as written, and why it cannot be
    """
    bad: dict[int, str] = {}
    for name, values in bars.values.items():
        if name == "adj_close":
            continue
        with np.errstate(invalid="ignore"):
            fine = np.isfinite(values) & ((values > 0) if name in _POSITIVE else (values >= 0))
        for row in np.flatnonzero(~fine).tolist():
            bad.setdefault(
                row, f"{bars.place(row)}: {bars.cell(name, row)} {_why(bars.text[name][row], values[row])}"
            )
    for row, text in _range_errors(bars).items():
        bad.setdefault(row, text)
    return dict(sorted(bad.items()))


def _why(text: str, value: float) -> str:
    if not text:
        return "is blank"
    if np.isnan(value):
        return "is not a number"
    if np.isinf(value):
        return "is not finite"
    return "is zero" if value == 0 else "is negative"


def _range_errors(bars: Bars) -> dict[int, str]:
    errors: dict[int, str] = {}
    if "high" in bars.values and "low" in bars.values:
        with np.errstate(invalid="ignore"):
            upside_down = bars.values["high"] < bars.values["low"] * (1 - RANGE_NOISE)
        for row in np.flatnonzero(upside_down).tolist():
            errors[row] = f"{bars.place(row)}: {bars.cell('high', row)} is below {bars.cell('low', row)}"
    for name, bound, excess in _outside(bars):
        for row in np.flatnonzero(excess > RANGE_LIMIT).tolist():
            side = "above" if bound == "high" else "below"
            errors.setdefault(
                row,
                f"{bars.place(row)}: {bars.cell(name, row)} is {excess[row]:.1%} {side} "
                f"{bars.cell(bound, row)}",
            )
    return errors


def _outside(bars: Bars) -> list[tuple[str, str, NDArray[np.float64]]]:
    """By how much, relative to the bound, open and close are above the high or below the low."""
    found = []
    with np.errstate(all="ignore"):
        for bound, sign in (("high", 1.0), ("low", -1.0)):
            for name in ("open", "close"):
                if bound in bars.values and name in bars.values:
                    found.append((name, bound, sign * (bars.values[name] / bars.values[bound] - 1.0)))
    return found


def range_notes(bars: Bars) -> list[Note]:
    """Warn of opens and closes a little outside the bar's range: real feeds have such rows."""
    odd: dict[int, str] = {}
    for name, bound, excess in _outside(bars):
        for row in np.flatnonzero((excess > RANGE_NOISE) & (excess <= RANGE_LIMIT)).tolist():
            odd.setdefault(row, f"{bars.place(row)} {bars.cell(name, row)} beyond {bars.cell(bound, row)}")
    if not odd:
        return []
    rows = [odd[row] for row in sorted(odd)]
    text = (
        f"{bars.name}: {len(rows)} bar(s) whose high and low do not contain open and close: {listed(rows)}."
    )
    return [Note(kind=NoteKind.WARNING, text=text)]


def drop_bad_rows(
    bars: Bars, bad: Mapping[int, str], *, limit: float = DROP_SHARE
) -> tuple[Bars, list[Note]]:
    """Leave out the rows that cannot be right.

    Raises
    ------
    PricesError : they are more than ``limit`` of all rows
    """
    if len(bad) > limit * len(bars):
        raise refuse_rows(
            bars.name,
            bad.values(),
            advice=f"That is {len(bad) / len(bars):.1%} of the rows; at most {limit:.0%} can be dropped.",
        )
    keep = np.setdiff1d(np.arange(len(bars)), np.fromiter(bad, dtype=np.intp))
    text = f"{bars.name}: {len(bad)} row(s) dropped: {listed(list(bad.values()))}."
    return bars.take(keep), [Note(kind=NoteKind.REPAIR, text=text)]


def sort_rows(bars: Bars) -> tuple[Bars, list[Note]]:
    """Put the rows in the order of their dates, and keep one of equal rows.

    Raises
    ------
    PricesError : two rows of one date with different values
    """
    notes = []
    steps = np.diff(bars.dates.astype(np.int64))
    if (steps < 0).any():
        how = "newest first" if (steps <= 0).all() else "not in the order of their dates"
        notes.append(Note(kind=NoteKind.REPAIR, text=f"{bars.name}: the rows are {how}; sorted."))
        bars = bars.take(np.argsort(bars.dates, kind="stable"))
    twice = np.flatnonzero(bars.dates[1:] == bars.dates[:-1]) + 1
    if len(twice) == 0:
        return bars, notes
    different = [row for row in twice.tolist() if not _equal(bars, row)]
    if different:
        findings = [f"{bars.place(row)} differs from {bars.place(row - 1)}" for row in different]
        raise refuse_rows(bars.name, findings, advice="Keep one bar for each date.")
    first = bars.dates[twice[0]]
    text = (
        f"{bars.name}: {len(twice)} row(s) repeat one of the same date, first {first}; one of each is kept."
    )
    notes.append(Note(kind=NoteKind.REPAIR, text=text))
    return bars.take(np.setdiff1d(np.arange(len(bars)), twice)), notes


def _equal(bars: Bars, row: int) -> bool:
    return all(
        values[row] == values[row - 1] or (np.isnan(values[row]) and np.isnan(values[row - 1]))
        for values in bars.values.values()
    )
