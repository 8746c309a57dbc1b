"""Text to session dates: the one way of writing that fits every row, or an error that names the rival."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from backtester.errors import PricesError, RecipeError
from backtester.prices.raw import TextBars, refuse_rows, shown
from backtester.prices.table import Note, NoteKind

__all__ = ["DateReading", "looks_like_dates", "read_dates"]

# Nanoseconds since 1970, in which pandas can hash dates, reach from 1677 to 2262.
FIRST_YEAR, LAST_YEAR = 1700, 2261
_MONTH_NAMES = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTHS = {name: number for number, full in enumerate(_MONTH_NAMES, start=1) for name in (full, full[:3])} | {
    "sept": 9
}
_TIME = (
    r"(?P<time>[T ]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[AaPp][Mm])?)?"
    r"(?P<zone> ?(?:Z|[+-]\d{2}:?\d{2}(?::\d{2})?|[A-Z]{3,5}|[A-Z][A-Za-z_]+/[A-Za-z_/]+))?"
)
_ORDERS = {
    "year-month-day": r"(?P<y>\d{4})(?P<sep>[-/.])(?P<m>\d{1,2})(?P=sep)(?P<d>\d{1,2})",
    "YYYYMMDD": r"(?P<y>\d{4})(?P<sep>)(?P<m>\d{2})(?P<d>\d{2})",
    "day/month/year": r"(?P<d>\d{1,2})(?P<sep>[-/.])(?P<m>\d{1,2})(?P=sep)(?P<y>\d{4}|\d{2})",
    "month/day/year": r"(?P<m>\d{1,2})(?P<sep>[-/.])(?P<d>\d{1,2})(?P=sep)(?P<y>\d{4}|\d{2})",
    "year/month/day with two digits": r"(?P<y>\d{2})(?P<sep>[-/.])(?P<m>\d{1,2})(?P=sep)(?P<d>\d{1,2})",
    "day month-name year": r"(?P<d>\d{1,2})(?P<sep>[- ]?)(?P<m>[A-Za-z]{3,9})\.?,?(?P=sep)(?P<y>\d{4}|\d{2})",
    "month-name day year": r"(?P<m>[A-Za-z]{3,9})\.?(?P<sep>[- ])(?P<d>\d{1,2}),?[- ](?P<y>\d{4}|\d{2})",
}
_PATTERNS = {order: re.compile(pattern + _TIME, re.ASCII) for order, pattern in _ORDERS.items()}
_EPOCH = re.compile(r"-?\d{1,18}", re.ASCII)
# 100,000,000 seconds are March 1973; a smaller last value is rather a counter than a time.
_EPOCH_UNITS = {"epoch seconds": (1, 10**8), "epoch milliseconds": (1000, 10**11)}


@dataclass(frozen=True, slots=True, kw_only=True)
class DateReading:
    """Dates and what their text said beside the date.

    Parameters
    ----------
    dates : (n,) datetime64[D], the local date as written
    times : the text of the time of day of each row, ``""`` where there is none
    notes : what was left out
    """

    dates: NDArray[np.datetime64]
    times: tuple[str, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class _Parsed:
    shape: tuple[str, bool, bool]
    day: date | None
    time: str = ""
    zone: str = ""


_Reader = Callable[[str], _Parsed | None]


def looks_like_dates(cells: Sequence[str]) -> bool:
    """Whether the first and the last cell can be read as dates."""
    ends = (cells[0], cells[-1])
    written = all(any((parsed := _parse(order, cell)) and parsed.day for order in _PATTERNS) for cell in ends)
    return written or _epoch_unit(ends) is not None


def read_dates(bars: TextBars, *, date_format: str) -> DateReading:
    """Read the date column.

    Parameters
    ----------
    date_format : a ``strptime`` format, or ``""`` to find the one way of writing that fits all rows

    Raises
    ------
    PricesError : several ways fit and give different dates, none fits every row, or no such date
    RecipeError : ``date_format`` does not give year, month and day
    """
    cells = bars.cells["date"]
    if date_format:
        return _reading(bars, _with_format(date_format), order=f"date_format {date_format!r}")
    unit = _epoch_unit(cells)
    if unit is not None:
        return _epoch_reading(bars, unit)
    fitting = _fitting_orders(bars)
    readings = [_reading(bars, _reader(order), order=order) for order in fitting]
    for order, other in zip(fitting[1:], readings[1:], strict=True):
        differs = np.flatnonzero(other.dates != readings[0].dates)
        if len(differs):
            row = int(differs[0])
            raise PricesError(
                f"{bars.name}: every date reads as {fitting[0]} and as {order}: {shown(cells[row])} "
                f"({bars.place(row)}) is {readings[0].dates[row]} or {other.dates[row]}.",
                advice='Set `date_format` in [data], e.g. "%d/%m/%Y" or "%m/%d/%Y".',
            )
    return readings[0]


def _reader(order: str) -> _Reader:
    return lambda text: _parse(order, text)


def _parse(order: str, text: str) -> _Parsed | None:
    match = _PATTERNS[order].fullmatch(text)
    if match is None:
        return None
    part = match.groupdict()
    shape = (part["sep"], part["time"] is not None, part["zone"] is not None)
    year, month = int(part["y"]), _MONTHS.get(part["m"].casefold()) if part["m"].isalpha() else int(part["m"])
    if len(part["y"]) == 2:
        # The pivot of POSIX strptime: 69-99 are 19xx, 00-68 are 20xx.
        year += 1900 if year >= 69 else 2000
    day = _day(year, month=month, day=int(part["d"]))
    return _Parsed(shape, day, (part["time"] or "").strip(" T"), (part["zone"] or "").strip())


def _day(year: int, *, month: int | None, day: int) -> date | None:
    if month is None or not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _with_format(date_format: str) -> _Reader:
    probe = datetime(2001, 2, 3, tzinfo=UTC)
    try:
        complete = datetime.strptime(probe.strftime(date_format), date_format).date() == probe.date()
    except ValueError:
        complete = False
    if not complete:
        raise RecipeError(
            f"[data] date_format = {date_format!r} does not give year, month and day.",
            advice='Use a format such as "%d/%m/%Y" or "%Y-%m-%d".',
        )

    def parse(text: str) -> _Parsed | None:
        try:
            moment = datetime.strptime(text, date_format)
        except ValueError:
            return None
        day = _day(moment.year, month=moment.month, day=moment.day)
        time = f"{moment:%H:%M:%S}" if moment.time() != datetime.min.time() else ""
        return _Parsed(("", False, False), day, time, moment.strftime("%z"))

    return parse


def _fitting_orders(bars: TextBars) -> list[str]:
    """Orders that fit all rows; where none does, the error tells the first row that stands out."""
    alive = {order: parsed.shape for order in _PATTERNS if (parsed := _parse(order, bars.cells["date"][0]))}
    if not alive:
        raise _misfits(bars, [], row=0)
    valid = set(alive)
    for row, text in enumerate(bars.cells["date"]):
        parses = {order: _parse(order, text) for order in alive}
        alive_now = {
            order: alive[order] for order, got in parses.items() if got and got.shape == alive[order]
        }
        valid_now = {order for order in valid if order in alive_now and (got := parses[order]) and got.day}
        if not valid_now:
            raise _misfits(bars, sorted(valid), row=row)
        alive, valid = alive_now, valid_now
    return [order for order in _PATTERNS if order in valid]


def _misfits(bars: TextBars, orders: Sequence[str], *, row: int) -> PricesError:
    cells = bars.cells["date"]
    text = cells[row]
    if not text:
        blanks = [
            f"{bars.place(i)}: {bars.written['date']} is blank" for i, cell in enumerate(cells) if not cell
        ]
        return refuse_rows(bars.name, blanks, advice="Give each row its date.")
    days = [parsed.day for order in _PATTERNS if (parsed := _parse(order, text))]
    if any(days) and row > 0:
        return PricesError(
            f"{bars.name}: the dates are written in two ways: {bars.place(row)} has {shown(text)}, "
            f"{bars.place(0)} has {shown(cells[0])}.",
            advice="Write all dates in one way, best as 2020-01-31.",
        )
    what = "no such date" if days else "not a date that can be read"
    findings = [
        f"{bars.place(i)}: {bars.written['date']} {shown(cell)} is {what}"
        for i, cell in enumerate(cells)
        if i >= row and not any((got := _parse(order, cell)) and got.day for order in orders or _PATTERNS)
    ]
    return refuse_rows(bars.name, findings, advice="Correct the date, or set `date_format` in [data].")


def _reading(bars: TextBars, read: _Reader, *, order: str) -> DateReading:
    cells = bars.cells["date"]
    parsed = [read(text) for text in cells]
    days = [got.day if got else None for got in parsed]
    if not all(days):
        findings = [
            f"{bars.place(row)}: {bars.written['date']} {shown(cells[row])} does not fit {order}"
            for row, day in enumerate(days)
            if day is None
        ]
        raise refuse_rows(bars.name, findings, advice="Correct the dates, or `date_format` in [data].")
    times = tuple(got.time if got else "" for got in parsed)
    zones = sorted({got.zone for got in parsed if got and got.zone})
    return DateReading(
        dates=np.array(days, dtype="datetime64[D]"), times=times, notes=_notes(bars, order, zones=zones)
    )


def _notes(bars: TextBars, order: str, *, zones: Sequence[str]) -> tuple[Note, ...]:
    texts = []
    if order != "year-month-day":
        texts.append(f"dates read as {order}.")
    if zones:
        texts.append(
            f"time zone {', '.join(zones[:3])} left out: the local date as written is the session date."
        )
    return tuple(Note(kind=NoteKind.REPAIR, text=f"{bars.name}: {text}") for text in texts)


def _epoch_unit(cells: Sequence[str]) -> str | None:
    if not all(_EPOCH.fullmatch(cell) for cell in cells):
        return None
    if all((parsed := _parse("YYYYMMDD", cell)) and parsed.day for cell in cells):
        return None
    largest = max(int(cell) for cell in cells)
    fitting = [unit for unit, (_, least) in _EPOCH_UNITS.items() if least <= largest]
    return fitting[-1] if fitting else None


def _epoch_reading(bars: TextBars, unit: str) -> DateReading:
    per_second = _EPOCH_UNITS[unit][0]
    seconds = np.array([int(cell) for cell in bars.cells["date"]], dtype=np.int64) // per_second
    days, of_day = np.divmod(seconds, 86_400)
    dates = days.astype("datetime64[D]")
    odd = np.flatnonzero(
        (dates < np.datetime64(f"{FIRST_YEAR}-01-01")) | (dates > np.datetime64(f"{LAST_YEAR}-12-31"))
    )
    if len(odd):
        findings = [
            f"{bars.place(row)}: {bars.written['date']} {shown(bars.cells['date'][row])} is no time in {unit}"
            for row in odd.tolist()
        ]
        raise refuse_rows(bars.name, findings, advice="Write the dates as 2020-01-31.")
    notes = [Note(kind=NoteKind.REPAIR, text=f"{bars.name}: dates read as {unit}; the UTC date is taken.")]
    if of_day.any():
        notes.append(
            Note(
                kind=NoteKind.WARNING,
                text=f"{bars.name}: the times are not midnight UTC: check that it is the session date.",
            )
        )
    times = tuple(str(timedelta(seconds=int(second))) if second else "" for second in of_day)
    return DateReading(dates=dates, times=times, notes=tuple(notes))
