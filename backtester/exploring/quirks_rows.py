"""Quirks of single rows: impossible values, bars that contradict themselves, the first and the last row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from backtester.exploring.finding import Finding, Level, dates_of, joined
from backtester.exploring.table import Table, TableRead
from backtester.prices.assembling import latest_date_on_earth
from backtester.prices.raw import Bars
from backtester.prices.rows import RANGE_LIMIT, RANGE_NOISE

__all__ = ["outside_range", "row_findings"]

STALE_ROWS = 5
"""Closes in a row that do not move, from which on it is said."""
THIN_SHARE = 0.6
THIN_RANK = 0.025
LISTING_RATIO = 4.0
_NEAR = 20


def row_findings(table: Table) -> list[Finding]:
    """Find rows that cannot be right, or that are right only under circumstances."""
    if table.read is None:
        return []
    finders: Sequence[Callable[[TableRead], Finding | None]] = (
        _bad,
        _future,
        _intraday,
        _duplicates,
        _outside,
        _flat,
        _stale,
        _last_row,
        _first_row,
    )
    return [found for finder in finders if (found := finder(table.read)) is not None]


def _bad(read: TableRead) -> Finding | None:
    if not read.bad:
        return None
    return Finding(
        key="bad_rows",
        title="Rows that cannot be right",
        level=Level.REFUSED,
        text=f"{len(read.bad):,} row(s): {joined(read.bad.values(), joint='; ')}.",
        meaning="Blank, zero or negative prices, text for a number, a high below the low, or an open or "
        "close far outside the bar's range.",
        run='Refuses the file; with on_bad_row = "drop" it leaves such rows out, at most 1 % of all.',
        n=len(read.bad),
        dates=dates_of(read.rows.dates, sorted(read.bad)),
    )


def _future(read: TableRead) -> Finding | None:
    late = np.flatnonzero(read.rows.dates > np.datetime64(latest_date_on_earth()))
    if not len(late):
        return None
    return Finding(
        key="future",
        title="Rows of days that have not come yet",
        level=Level.REFUSED,
        text=f"{len(late):,} row(s) after today: {joined(dates_of(read.rows.dates, late))}.",
        meaning="Day and month are exchanged, or the rows were made up.",
        run="Refuses the file.",
        n=len(late),
        dates=dates_of(read.rows.dates, late),
    )


def _intraday(read: TableRead) -> Finding | None:
    _, counts = np.unique(read.rows.dates, return_counts=True)
    if not ((counts > 1).mean() > 0.5 and counts.max() > 2):
        return None
    return Finding(
        key="intraday",
        title="Several bars a day",
        level=Level.REFUSED,
        text=f"Up to {counts.max():,} rows of one date; one of each date is looked at here.",
        meaning="These are intraday bars, or several symbols without a column that names them.",
        run="Refuses the file.",
        n=int((counts > 1).sum()),
    )


def _duplicates(read: TableRead) -> Finding | None:
    if not read.repeated:
        return None
    differ = [row for row, differs in read.repeated.items() if differs]
    rows = sorted(read.repeated)
    return Finding(
        key="duplicates",
        title="Dates that are there twice",
        level=Level.REFUSED if differ else Level.REPAIR,
        text=f"{len(rows):,} row(s) repeat a date, {len(differ):,} of them with other values: "
        f"{joined(dates_of(read.rows.dates, rows))}.",
        meaning="Two downloads were joined, or a session was stored while it went on and again after it.",
        run="Keeps one of equal rows, and says so; refuses rows of one date that differ.",
        n=len(rows),
        dates=dates_of(read.rows.dates, rows),
    )


def outside_range(bars: Bars) -> dict[int, tuple[str, float]]:
    """Give for each bar whose high and low do not contain open and close which, and by how much.

    Returns
    -------
    dict, row -> what lies beyond what, and the largest excess as a share of the bound; at most 1 %, above
    which a row is bad
    """
    found: dict[int, tuple[str, float]] = {}
    for bound, sign in (("high", 1.0), ("low", -1.0)):
        for name in ("open", "close"):
            if bound not in bars.values or name not in bars.values:
                continue
            excess = sign * (bars.values[name] / bars.values[bound] - 1.0)
            for row in np.flatnonzero((excess > RANGE_NOISE) & (excess <= RANGE_LIMIT)).tolist():
                if row not in found or excess[row] > found[row][1]:
                    side = "above" if bound == "high" else "below"
                    cells = f"{bars.cell(name, row)} is {side} {bars.cell(bound, row)}"
                    found[row] = (cells.replace("'", ""), float(excess[row]))
    return dict(sorted(found.items()))


def _outside(read: TableRead) -> Finding | None:
    found = outside_range(read.bars)
    if not found:
        return None
    told = [f"{read.bars.dates[row]} {what} ({excess:.2%})" for row, (what, excess) in found.items()]
    last = (len(read.bars) - 1) in found
    return Finding(
        key="open_outside_range",
        title="Bars whose high and low do not contain open and close",
        level=Level.WARNING,
        text=f"{len(found):,} bar(s): {joined(told, joint='; ')}."
        + (" One is the last row: it may be of a session that was not over." if last else ""),
        meaning="One of the four prices of such a bar is wrong; which one cannot be told from the file.",
        run="Takes them as they are, with a warning; refuses from 1 % of the price on.",
        n=len(found),
        dates=dates_of(read.bars.dates, list(found)),
    )


def _flat(read: TableRead) -> Finding | None:
    values = read.bars.values
    if not {"open", "high", "low"} <= set(values):
        return None
    flat = (values["high"] == values["low"]) & (values["open"] == values["close"])
    rows = np.flatnonzero(flat)
    if not len(rows):
        return None
    volume = values.get("volume")
    silent = rows[volume[rows] == 0] if volume is not None else rows[:0]
    same = [row for row in silent.tolist() if row and values["close"][row] == values["close"][row - 1]]
    told = f"{len(rows):,} bar(s) have one price for open, high, low and close"
    told += (
        f"; {len(silent):,} of them with a volume of 0, {len(same):,} of these at the close before"
        if len(silent)
        else ""
    )
    return Finding(
        key="flat_bars_without_volume" if len(silent) else "flat_bars",
        title="Bars without a movement and without volume" if len(silent) else "Bars without a movement",
        level=Level.WARNING if len(silent) else Level.INFO,
        text=f"{told}: {joined(dates_of(read.bars.dates, rows))}.",
        meaning="Nothing was traded, or the source had no bar and filled in the price before. A fill at such "
        "an open never happened."
        if len(silent)
        else "Only one price was made, or only one was known.",
        run="Takes them as they are.",
        n=len(rows),
        dates=dates_of(read.bars.dates, rows),
    )


def _stale(read: TableRead) -> Finding | None:
    close = read.bars.values["close"]
    still = np.concatenate(([False], close[1:] == close[:-1]))
    starts = np.flatnonzero(still & ~np.concatenate(([False], still[:-1])))
    ends = np.flatnonzero(still & ~np.concatenate((still[1:], [False])))
    runs = [(int(a) - 1, int(b)) for a, b in zip(starts, ends, strict=True) if b - a + 2 >= STALE_ROWS]
    if not runs:
        return None
    told = [f"{read.bars.dates[a]} to {read.bars.dates[b]} ({b - a + 1} rows)" for a, b in runs]
    return Finding(
        key="stale_closes",
        title="Closes that stand still",
        level=Level.WARNING,
        text=f"{len(runs):,} time(s) the close is the same in {STALE_ROWS} rows or more: {joined(told)}.",
        meaning="Nothing was traded, or a missing price was filled with the one before: its returns of 0 are "
        "easy to forecast, and not to be earned.",
        run="Takes them as they are; refuses a close that never moves.",
        n=len(runs),
        dates=dates_of(read.bars.dates, [a for a, _ in runs]),
    )


def _last_row(read: TableRead) -> Finding | None:
    volume = read.bars.values.get("volume")
    if volume is None or len(volume) < 2 * _NEAR or not volume[-1] > 0:
        return None
    usual = float(np.median(volume[-_NEAR - 1 : -1]))
    lately = volume[-251:-1]
    rank = float((lately <= volume[-1]).mean())
    if not (volume[-1] < THIN_SHARE * usual and rank <= THIN_RANK):
        return None
    return Finding(
        key="last_row_unfinished",
        title="The last row may be of an unfinished session",
        level=Level.WARNING,
        text=f"The volume of {read.bars.dates[-1]} is {volume[-1]:,.0f}, {volume[-1] / usual:.0%} of the "
        f"median of the {_NEAR} sessions before, and among the lowest of {len(lately)}.",
        meaning="A file that was downloaded during a session holds its prices so far: the close is no close. "
        "A short session before a holiday looks the same.",
        run="Takes it as it is: leave it out with --set data.end where in doubt.",
        n=1,
        dates=dates_of(read.bars.dates, [len(volume) - 1]),
    )


def _first_row(read: TableRead) -> Finding | None:
    volume = read.bars.values.get("volume")
    if volume is None or len(volume) < 2 * _NEAR:
        return None
    usual = float(np.median(volume[1 : _NEAR + 1]))
    if not volume[0] > LISTING_RATIO * usual > 0:
        return None
    return Finding(
        key="starts_at_listing",
        title="The file seems to begin on the first day of trading",
        level=Level.INFO,
        text=f"The volume of {read.bars.dates[0]} is {volume[0]:,.0f}, {volume[0] / usual:.1f} times the "
        f"median of the {_NEAR} sessions after it.",
        meaning="There is no history before it, and the first weeks after a listing are unlike the rest.",
        run="Takes it as it is.",
        n=1,
        dates=dates_of(read.bars.dates, [0]),
    )
