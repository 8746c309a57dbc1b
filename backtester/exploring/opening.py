"""Open a price file for a look at it, whatever is wrong with it."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from backtester.errors import PricesError
from backtester.exploring.form import FileForm, read_form
from backtester.exploring.table import Order, Refusal, Table, TableRead
from backtester.prices import Prices, prices_from_frame, read_prices
from backtester.prices.adjust import adjusted
from backtester.prices.assembling import latest_date_on_earth
from backtester.prices.columns import normalized, standard_columns
from backtester.prices.dates import looks_like_dates, read_dates
from backtester.prices.delimited import read_delimited
from backtester.prices.frames import frame_to_raw
from backtester.prices.numbers import read_numbers
from backtester.prices.opening import open_regular
from backtester.prices.parquet import read_parquet
from backtester.prices.raw import MAX_ROWS, Bars, RawTable, TextBars
from backtester.prices.rows import find_bad_rows
from backtester.prices.samples import sample_path
from backtester.prices.table import PRICE_COLUMNS
from backtester.recipe.sections import DataSection, Source

__all__ = ["open_file", "open_frame"]

_MOST_TEXT = 200_000_000
"""Characters of a broken text that are looked at."""


@dataclass(slots=True)
class _Told:
    """What had to be left out on the way."""

    texts: list[str] = field(default_factory=list)


def open_file(data: DataSection, *, folder: Path, today: date | None = None) -> Table:
    """Read one file as `run` does and, where `run` refuses it, as far as it can be read.

    Parameters
    ----------
    data : where the prices are and how they are read; not from Yahoo
    folder : what ``data.path`` is relative to
    today : last possible session; None: the clock's

    Raises
    ------
    PricesError : there is no such file, or it cannot be opened
    RecipeError : ``data.date_format`` is no date format
    """
    path = sample_path(data.symbol) if data.source is Source.SAMPLE else folder / data.path
    form = read_form(path)
    prices, refusal = None, None
    try:
        prices = read_prices(data, folder=folder, today=today)
    except PricesError as error:
        refusal = Refusal(message=error.message, advice=error.advice)
    told = _Told()
    with open_regular(path) as file:
        raw = _raw(file, data=data, form=form, told=told)
    return _table(raw, data=data, form=form, prices=prices, refusal=refusal, told=told, today=today)


def open_frame(
    frame: pd.DataFrame, *, symbol: str, data: DataSection | None = None, today: date | None = None
) -> Table:
    """Read a pandas frame as `run` does and, where `run` refuses it, as far as it can be read."""
    settings = (data or DataSection()).model_copy(update={"symbol": symbol})
    prices, refusal, raw = None, None, None
    try:
        prices = prices_from_frame(frame, symbol=symbol, data=data, today=today)
    except PricesError as error:
        refusal = Refusal(message=error.message, advice=error.advice)
    try:
        raw = frame_to_raw(frame, name="frame", symbol=symbol)
    except PricesError:
        raw = None
    return _table(raw, data=settings, form=None, prices=prices, refusal=refusal, told=_Told(), today=today)


def _raw(file: BinaryIO, *, data: DataSection, form: FileForm, told: _Told) -> RawTable | None:
    try:
        if data.source is Source.PARQUET:
            return read_parquet(file, name=form.name, symbol=data.symbol)
        return read_delimited(file, name=form.name)
    except PricesError:
        return None if data.source is Source.PARQUET or not form.text else _salvaged(file, form, told=told)


def _salvaged(file: BinaryIO, form: FileForm, *, told: _Told) -> RawTable | None:
    """Give the rows with as many fields as the header has; None where nothing looks like a table."""
    file.seek(0)
    try:
        source = gzip.GzipFile(fileobj=file) if form.packed else file
        encoding = "utf-16" if form.encoding == "UTF-16" else "utf-8-sig"
        text = source.read(_MOST_TEXT).decode(encoding, "replace")
        lines = text.replace("\0", "").splitlines()
        header = next((line for line in lines if line.strip()), "")
        delimiter = max(",;\t|", key=header.count)
        records = [
            (number, [cell.strip() for cell in record])
            for number, record in enumerate(csv.reader(lines, delimiter=delimiter), start=1)
            if any(cell.strip() for cell in record)
        ]
    except (OSError, EOFError, csv.Error, UnicodeError):
        return None
    names = records[0][1] if records else []
    rows = [(number, record) for number, record in records[1:] if len(record) == len(names) > 1]
    rows = [
        (number, record) for number, record in rows if [*map(normalized, record)] != [*map(normalized, names)]
    ]
    if not rows:
        return None
    if len(rows) < len(records) - 1:
        told.texts.append(f"{len(records) - 1 - len(rows):,} line(s) that do not fit the header")
    rows = rows[:MAX_ROWS]
    return RawTable(
        name=form.name,
        headers=tuple(names),
        columns=tuple(zip(*(record for _, record in rows), strict=True)),
        lines=np.array([number for number, _ in rows], dtype=np.int64),
    )


def _table(
    raw: RawTable | None,
    *,
    data: DataSection,
    form: FileForm | None,
    prices: Prices | None,
    refusal: Refusal | None,
    told: _Told,
    today: date | None,
) -> Table:
    name = form.name if form is not None else "frame"
    table = Table(symbol=data.symbol, name=name, form=form, raw=raw, refusal=refusal)
    read = None
    if raw is not None:
        try:
            read = _read(raw, data=data, told=told, today=today or latest_date_on_earth())
        except PricesError:
            read = None
    if prices is not None:
        return replace(
            table,
            read=read,
            used=prices.frame,
            adjustment=prices.adjustment.value,
            notes=prices.notes,
            left_out=tuple(told.texts),
        )
    if read is None:
        return replace(table, left_out=tuple(told.texts))
    bars, adjustment = _adjusted(read.bars, data=data)
    used = _frame(bars, data=data)
    return replace(table, read=read, used=used, adjustment=adjustment, left_out=tuple(told.texts))


def _read(raw: RawTable, *, data: DataSection, told: _Told, today: date) -> TableRead | None:
    chosen = "symbol" in data.model_fields_set
    text = standard_columns(raw, symbol=data.symbol, symbol_chosen=chosen, close=data.column)
    try:
        reading = read_dates(text, date_format=data.date_format)
    except PricesError:
        dated = [
            row for row, cell in enumerate(text.cells["date"]) if cell and looks_like_dates([cell, cell])
        ]
        if not dated or len(dated) == len(text.lines):
            raise
        told.texts.append(f"{len(text.lines) - len(dated):,} row(s) without a date that can be read")
        text = _rows_of(text, dated)
        reading = read_dates(text, date_format=data.date_format)
    rows = Bars(
        name=text.name,
        dates=reading.dates,
        values=read_numbers(text).values,
        text=text.cells,
        written=text.written,
        lines=text.lines,
        unit=text.unit,
    )
    return _sorted(rows, text=text, told=told, today=today)


def _rows_of(text: TextBars, rows: Sequence[int]) -> TextBars:
    cells = {name: tuple(column[row] for row in rows) for name, column in text.cells.items()}
    return replace(text, cells=cells, lines=text.lines[list(rows)])


def _sorted(rows: Bars, *, text: TextBars, told: _Told, today: date) -> TableRead | None:
    bad = find_bad_rows(rows)
    late = np.flatnonzero(rows.dates > np.datetime64(today)).tolist()
    if bad:
        told.texts.append(f"{len(bad):,} row(s) that cannot be right")
    if late:
        told.texts.append(f"{len(late):,} row(s) after today")
    keep = np.setdiff1d(np.arange(len(rows)), np.array([*bad, *late], dtype=np.intp))
    if len(keep) == 0:
        return None
    steps = np.diff(rows.dates.astype(np.int64))
    order = Order.OLDEST_FIRST if (steps >= 0).all() else Order.MIXED
    order = Order.NEWEST_FIRST if order is Order.MIXED and (steps <= 0).all() else order
    by_date = keep[np.argsort(rows.dates[keep], kind="stable")]
    again = np.flatnonzero(rows.dates[by_date[1:]] == rows.dates[by_date[:-1]]) + 1
    repeated = {
        int(by_date[at]): _differs(rows, row=int(by_date[at]), other=int(by_date[at - 1])) for at in again
    }
    if any(repeated.values()):
        told.texts.append(f"{sum(repeated.values()):,} further row(s) of dates that are there already")
    bars = rows.take(np.delete(by_date, again))
    return TableRead(text=text, rows=rows, bars=bars, bad=bad, repeated=repeated, order=order)


def _differs(rows: Bars, *, row: int, other: int) -> bool:
    return any(
        not (column[row] == column[other] or (np.isnan(column[row]) and np.isnan(column[other])))
        for column in rows.values.values()
    )


def _adjusted(bars: Bars, *, data: DataSection) -> tuple[Bars, str]:
    try:
        scaled, kind, _ = adjusted(bars, kind=data.price)
    except PricesError:
        return bars, "raw"
    return scaled, kind.value


def _frame(bars: Bars, *, data: DataSection) -> pd.DataFrame:
    columns = {name: bars.values[name] for name in PRICE_COLUMNS if name in bars.values}
    index = pd.DatetimeIndex(bars.dates.astype("datetime64[us]"), name="date")
    frame = pd.DataFrame(columns, index=index, copy=True)
    return frame.loc[
        slice(
            None if data.start is None else pd.Timestamp(data.start),
            None if data.end is None else pd.Timestamp(data.end),
        )
    ]
