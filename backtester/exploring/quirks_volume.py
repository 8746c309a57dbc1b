"""Quirks of the volume: zeros, round numbers, a change of its unit."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from backtester.exploring.finding import Finding, Level, dates_of, joined
from backtester.exploring.table import Table
from backtester.prices.raw import Bars

__all__ = ["unit_changes", "volume_findings"]

RUN_ROWS = 5
"""Zeros in a row that are a gap and no accident."""
_WINDOW = 40
_FACTOR = 20.0
_JUMP = 8.0
_ROUND_SHARE = 0.999


def volume_findings(table: Table) -> list[Finding]:
    """Find what the volumes of a file have of their own."""
    if table.read is None:
        return []
    bars = table.read.bars
    if "volume" not in bars.values:
        return [
            Finding(
                key="no_volume",
                title="No volume",
                level=Level.INFO,
                text="There is no column of volumes, or it is blank.",
                meaning="What was traded, and how much could have been, is unknown.",
                run="Goes on; features that need the volume are refused by name.",
            )
        ]
    finders: Sequence[Callable[[Bars], Finding | None]] = (_zeros, _unit, _round)
    return [found for finder in finders if (found := finder(bars)) is not None]


def _zeros(bars: Bars) -> Finding | None:
    zero = bars.values["volume"] == 0
    n = int(zero.sum())
    if n == 0:
        return None
    if n == len(bars):
        text = f"On all {n:,} rows."
    else:
        runs = [(a, b) for a, b in _runs(zero) if b - a + 1 >= RUN_ROWS]
        in_runs = sum(b - a + 1 for a, b in runs)
        inside = np.zeros(len(zero), dtype=bool)
        for a, b in runs:
            inside[a : b + 1] = True
        lone = np.flatnonzero(zero & ~inside)
        parts = [
            f"every row from {bars.dates[a]} to {bars.dates[b]} ({b - a + 1:,} rows)" for a, b in runs[:3]
        ]
        parts += [f"{len(runs) - 3} more stretches"] if len(runs) > 3 else []
        if len(lone):
            where = joined(dates_of(bars.dates, lone))
            parts.append(f"{len(lone):,} scattered row(s){' besides' if in_runs else ''}: {where}")
        text = f"{n:,} of {len(bars):,} rows: {'; '.join(parts)}."
    return Finding(
        key="zero_volume",
        title="Volume is 0",
        level=Level.WARNING,
        text=text,
        meaning="The source did not know the volume there, or nothing was traded: a feature of volume learns "
        "the gap, and its logarithm is minus infinity.",
        run="Warns; where it is 0 on every row, it is taken for absent.",
        n=n,
        dates=dates_of(bars.dates, np.flatnonzero(zero)),
    )


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    padded = np.concatenate(([False], flags, [False])).astype(np.int8)
    starts, ends = np.flatnonzero(np.diff(padded) == 1), np.flatnonzero(np.diff(padded) == -1) - 1
    return [(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]


def unit_changes(volume: NDArray[np.float64]) -> list[tuple[int, float]]:
    """Rows at which the level of the volume changes at once, and for good, by a factor of 20 or more.

    Parameters
    ----------
    volume : array (n,); zeros are left out

    Returns
    -------
    list of the first row of the new level, and new / old level
    """
    rows = np.flatnonzero(volume > 0)
    logs = np.log(volume[rows])
    found: list[tuple[int, float]] = []
    for at in (np.flatnonzero(np.abs(np.diff(logs)) > math.log(_JUMP)) + 1).tolist():
        before, after = logs[max(0, at - _WINDOW) : at], logs[at : at + _WINDOW]
        if min(len(before), len(after)) < _WINDOW // 2:
            continue
        step = float(np.median(after) - np.median(before))
        # the two levels must not even overlap: a busy week is no new unit
        apart = min(after) > max(before) if step > 0 else max(after) < min(before)
        if abs(step) > math.log(_FACTOR) and apart:
            found.append((int(rows[at]), math.exp(step)))
    return found


def _unit(bars: Bars) -> Finding | None:
    found = unit_changes(bars.values["volume"])
    if not found:
        return None
    told = []
    for row, ratio in found:
        times = float(f"{max(ratio, 1.0 / ratio):.2g}")
        near = f"{times:,.0f} times {'higher' if ratio > 1.0 else 'lower'}"
        told.append(f"from {bars.dates[row]} on it is about {near}")
    return Finding(
        key="volume_unit",
        title="The unit of the volume changes",
        level=Level.WARNING,
        text=f"{joined(told, joint='; ')}.".capitalize(),
        meaning="Shares before, thousands of them or lots after, or the other way: volumes of the two parts "
        "cannot be compared.",
        run="Takes it as it is: scale one part, or leave features of volume out.",
        n=len(found),
        dates=dates_of(bars.dates, [row for row, _ in found]),
    )


def _round(bars: Bars) -> Finding | None:
    volume = bars.values["volume"]
    traded = volume[volume > 0]
    for step in (1_000_000, 1_000, 100):
        if len(traded) >= _WINDOW and (traded % step == 0).mean() >= _ROUND_SHARE:
            return Finding(
                key="volume_rounded",
                title=f"Volume in multiples of {step:,}",
                level=Level.INFO,
                text=f"{(traded % step == 0).mean():.1%} of the {len(traded):,} volumes above 0 are "
                f"multiples of {step:,}; their median is {np.median(traded):,.0f}.",
                meaning="It is counted or rounded in lots, or written in another unit; whether these are "
                "shares, thousands of them or money the file does not say.",
                run="Takes it as it is.",
                n=int((traded % step == 0).sum()),
            )
    return None
