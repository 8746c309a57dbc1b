"""From a raw table to checked prices: the one path that every source takes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd

from backtester.errors import PricesError
from backtester.prices.adjust import adjusted
from backtester.prices.checks import (
    check_calendar,
    check_constant,
    check_future,
    check_jumps,
    check_spikes,
    check_volume,
)
from backtester.prices.columns import standard_columns
from backtester.prices.dates import read_dates
from backtester.prices.numbers import read_numbers
from backtester.prices.raw import MAX_ROWS, Bars, RawTable, refuse_rows
from backtester.prices.rows import check_intraday, drop_bad_rows, find_bad_rows, range_notes, sort_rows
from backtester.prices.table import PRICE_COLUMNS, Note, Prices
from backtester.recipe.sections import DataSection, OnBadRow

__all__ = ["assemble", "latest_date_on_earth"]


def latest_date_on_earth() -> date:
    """Give today's date where the day began first (UTC+14), so that no local clock or zone matters."""
    return (datetime.now(UTC) + timedelta(hours=14)).date()


def assemble(raw: RawTable, data: DataSection, *, source: str, sha256: str, today: date | None) -> Prices:
    """Check a raw table and make it prices.

    Rows are checked in the whole table; the series (jumps, gaps, constant price) as it is used:
    adjusted, and from ``data.start`` to ``data.end``.

    Parameters
    ----------
    today : last possible session; None: the clock's

    Raises
    ------
    PricesError : anything that cannot be right, or that can be read in two ways
    RecipeError : ``data.date_format`` is no date format
    """
    bars, notes = _rows(raw, data, today=today or latest_date_on_earth())
    bars, more = sort_rows(bars)
    notes += more
    bars, adjustment, more = adjusted(bars, kind=data.price)
    notes += more
    bars = _span(bars, data)
    notes += range_notes(bars) + check_jumps(bars, confirmed=data.confirmed_jumps)
    notes += check_spikes(bars, confirmed=data.confirmed_jumps)
    check_constant(bars)
    bars, more = check_volume(bars)
    notes += more + check_calendar(bars)
    return Prices(
        symbol=data.symbol,
        frame=_frame(bars),
        source=source,
        source_name=raw.name,
        source_sha256=sha256,
        adjustment=adjustment,
        notes=tuple(notes),
    )


def _rows(raw: RawTable, data: DataSection, *, today: date) -> tuple[Bars, list[Note]]:
    # A symbol that nobody wrote down is the default, not a choice among the symbols of a file.
    chosen = "symbol" in data.model_fields_set
    table = standard_columns(raw, symbol=data.symbol, symbol_chosen=chosen, close=data.column)
    reading = read_dates(table, date_format=data.date_format)
    check_intraday(table, reading.dates, times=reading.times)
    if raw.truncated:
        raise PricesError(
            f"{raw.name} has more than {MAX_ROWS} rows: no daily history of one symbol is as long.",
            advice="Give one bar for each day, of one symbol.",
        )
    numbers = read_numbers(table)
    bars = Bars(
        name=table.name,
        dates=reading.dates,
        values=numbers.values,
        text=table.cells,
        written=table.written,
        lines=table.lines,
        unit=table.unit,
    )
    notes = [*table.notes, *reading.notes, *numbers.notes]
    check_future(bars, today=today)
    bad = find_bad_rows(bars)
    if bad and data.on_bad_row is OnBadRow.REFUSE:
        advice = (
            'Correct the file, or set `on_bad_row = "drop"` in [data] to leave out such rows (at most 1 %).'
        )
        raise refuse_rows(bars.name, bad.values(), advice=advice)
    if bad:
        bars, more = drop_bad_rows(bars, bad)
        notes += more
    return bars, notes


def _span(bars: Bars, data: DataSection) -> Bars:
    first, last = bars.dates[0], bars.dates[-1]
    start = first if data.start is None else np.datetime64(data.start)
    end = last if data.end is None else np.datetime64(data.end)
    rows = np.flatnonzero((bars.dates >= start) & (bars.dates <= end))
    if len(rows) == 0:
        raise PricesError(
            f"{bars.name}: no bars from {start} to {end}; they go from {first} to {last}.",
            advice="Change `start` and `end` in [data].",
        )
    return bars.take(rows)


def _frame(bars: Bars) -> pd.DataFrame:
    index = pd.DatetimeIndex(bars.dates.astype("datetime64[us]"), name="date")
    columns = {name: bars.values[name] for name in PRICE_COLUMNS if name in bars.values}
    return pd.DataFrame(columns, index=index, copy=True)
