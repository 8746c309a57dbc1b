"""Missing days: sessions against the calendar of weekdays, long gaps, weekend sessions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtester.exploring.finding import Finding, Level, dates_of, joined
from backtester.exploring.table import Table
from backtester.prices.checks import GAP_BUSINESS_DAYS, WEEKEND_SHARE

__all__ = ["calendar_findings", "calendar_values"]

Dates = NDArray[np.datetime64]

LONG_GAP = 3
"""Weekdays without a session in a row from which on a gap is named: a long weekend has one or two."""
_MORE_MISSING = 5
"""Weekdays missing in a year beyond the median of all years, from which on the year is named."""
_N_GAPS = 10
_SHORTEST_GAP = 2
"""Weekdays without a session in a row that are more than a holiday."""
_ALWAYS = 0.9
_N_YEARS = 5


def missing_days(dates: Dates) -> Dates:
    """Weekdays between the first and the last session that have none.

    Parameters
    ----------
    dates : (n,) datetime64[D], ascending

    Examples
    --------
    >>> missing_days(np.array(["2020-01-02", "2020-01-07"], dtype="datetime64[D]")).astype(str).tolist()
    ['2020-01-03', '2020-01-06']
    """
    every = np.arange(dates[0], dates[-1] + 1)
    return np.setdiff1d(every[np.is_busday(every)], dates)


def gaps(dates: Dates) -> list[dict[str, Any]]:
    """List the longest gaps with two weekdays or more in them, the longest first.

    Returns
    -------
    list of dicts ``start`` and ``end`` (sessions on both sides), ``days`` between them, and ``weekdays``
    without a session
    """
    weekdays = np.busday_count(dates[:-1] + 1, dates[1:])
    days = np.diff(dates).astype(np.int64)
    order = np.lexsort((np.arange(len(days)), -days, -weekdays))[:_N_GAPS]
    return [
        {
            "start": str(dates[row]),
            "end": str(dates[row + 1]),
            "days": int(days[row]),
            "weekdays": int(weekdays[row]),
        }
        for row in order.tolist()
        if weekdays[row] >= _SHORTEST_GAP
    ]


def calendar_values(dates: Dates) -> dict[str, Any]:
    """Sessions against the calendar.

    Parameters
    ----------
    dates : (n,) datetime64[D], ascending, unique

    Returns
    -------
    dict of ``sessions``, ``weekend`` (dates), ``missing`` (weekdays without a session), ``years`` (for each
    its ``sessions``, ``weekdays`` and ``missing``, and whether it is ``whole``), ``gaps`` (the longest) and
    ``always_closed`` (month and day that has no session in nine of ten years)
    """
    missing = missing_days(dates)
    return {
        "sessions": len(dates),
        "start": str(dates[0]),
        "end": str(dates[-1]),
        "weekend": dates[~np.is_busday(dates)].astype(str).tolist(),
        "missing": missing.astype(str).tolist(),
        "years": _years(dates, missing),
        "gaps": gaps(dates),
        "always_closed": _always_closed(dates, missing),
    }


def _years(dates: Dates, missing: Dates) -> list[dict[str, Any]]:
    first, last = (int(str(date)[:4]) for date in (dates[0], dates[-1]))
    sessions = Counter((dates.astype("datetime64[Y]").astype(int) + 1970).tolist())
    absent = Counter((missing.astype("datetime64[Y]").astype(int) + 1970).tolist())
    rows = []
    for year in range(first, last + 1):
        start = max(np.datetime64(f"{year}-01-01"), dates[0])
        end = min(np.datetime64(f"{year}-12-31"), dates[-1])
        # a year counts as whole where at most its first and last week are not in the file
        whole = start <= np.datetime64(f"{year}-01-08") and end >= np.datetime64(f"{year}-12-24")
        rows.append(
            {
                "year": year,
                "sessions": sessions[year],
                "weekdays": int(np.busday_count(start, end + 1)),
                "missing": absent[year],
                "whole": bool(whole),
            }
        )
    return rows


def _always_closed(dates: Dates, missing: Dates) -> list[str]:
    every = np.arange(dates[0], dates[-1] + 1)
    open_or_not = Counter(str(day)[5:] for day in every[np.is_busday(every)])
    closed = Counter(str(day)[5:] for day in missing)
    return sorted(
        day for day, n in closed.items() if open_or_not[day] >= _N_YEARS and n >= _ALWAYS * open_or_not[day]
    )


def calendar_findings(table: Table) -> list[Finding]:
    """Find gaps, sessions on weekends, and years with fewer sessions than the others."""
    if table.read is None or len(table.read.bars) < 2:
        return []
    finders: Sequence[Callable[[Dates], Finding | None]] = (_weekend, _gap, _thin_years)
    dates = table.read.bars.dates
    return [found for finder in finders if (found := finder(dates)) is not None]


def _weekend(dates: Dates) -> Finding | None:
    rows = np.flatnonzero(~np.is_busday(dates))
    if not len(rows):
        return None
    usual = len(rows) > WEEKEND_SHARE * len(dates)
    return Finding(
        key="weekend_sessions",
        title="Sessions on weekends",
        level=Level.INFO if usual else Level.WARNING,
        text=f"{len(rows):,} of {len(dates):,} rows are of a Saturday or Sunday: "
        f"{joined(dates_of(dates, rows), most=6)}.",
        meaning="The market trades on weekends."
        if usual
        else "Some exchanges hold special sessions, often short ones; else dates are shifted by a time zone.",
        run="Takes them as they are"
        + (f", with a warning up to {WEEKEND_SHARE:.0%} of the rows." if not usual else "."),
        n=len(rows),
        dates=dates_of(dates, rows),
    )


def _gap(dates: Dates) -> Finding | None:
    weekdays = np.busday_count(dates[:-1] + 1, dates[1:])
    rows = np.flatnonzero(weekdays >= LONG_GAP)
    if not len(rows):
        return None
    order = rows[np.argsort(-weekdays[rows], kind="stable")]
    told = [f"{dates[row]} to {dates[row + 1]} ({weekdays[row]} weekdays)" for row in order.tolist()]
    # run counts from session to session, which is one day more
    refused = bool((weekdays[rows] + 1 > GAP_BUSINESS_DAYS).any())
    return Finding(
        key="long_gaps",
        title="Long gaps between sessions",
        level=Level.WARNING if refused else Level.INFO,
        text=f"{len(rows):,} gap(s) with {LONG_GAP} weekdays or more without a session, the longest "
        f"{joined(told, joint='; ')}.",
        meaning="The exchange was closed, trading was halted, or rows are lost: which of them the file does "
        "not say. The return over a gap is of several days.",
        run=f"Takes one row after the other as neighbours; warns where more than {GAP_BUSINESS_DAYS} "
        "business days lie between two.",
        n=len(rows),
        dates=dates_of(dates, order),
    )


def _thin_years(dates: Dates) -> Finding | None:
    years = [row for row in calendar_values(dates)["years"] if row["whole"]]
    if len(years) < _N_YEARS:
        return None
    usual = float(np.median([row["missing"] for row in years]))
    thin = [row for row in years if row["missing"] >= usual + _MORE_MISSING]
    if not thin:
        return None
    told = [f"{row['year']} {row['missing']}" for row in thin]
    return Finding(
        key="thin_years",
        title="Years with fewer sessions than the others",
        level=Level.INFO,
        text=f"Weekdays without a session: {joined(told, most=8)}; in the median year {usual:.0f}.",
        meaning="More holidays, a closed exchange, or lost rows: a missing day is not always a holiday.",
        run="Takes one row after the other as neighbours.",
        n=len(thin),
    )
