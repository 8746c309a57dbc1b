"""Column names as vendors write them to the standard names, and which columns matter."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from backtester.errors import PricesError
from backtester.prices.dates import looks_like_dates
from backtester.prices.numbers import is_number
from backtester.prices.raw import RawTable, TextBars, listed, shown
from backtester.prices.table import Note, NoteKind

__all__ = ["n_known", "normalized", "standard_columns"]

_KNOWN = {
    "date": "date",
    "datetime": "date",
    "timestamp": "date",
    "time": "date",
    "day": "date",
    "tradedate": "date",
    "tradingdate": "date",
    "open": "open",
    "openprice": "open",
    "high": "high",
    "highprice": "high",
    "low": "low",
    "lowprice": "low",
    "close": "close",
    "closeprice": "close",
    "close/last": "close",
    "adjclose": "adj_close",
    "adjustedclose": "adj_close",
    "closeadj": "adj_close",
    "closeadjusted": "adj_close",
    "volume": "volume",
    "vol": "volume",
    "symbol": "symbol",
    "ticker": "symbol",
}
# Of several columns with dates, the one that says so first; a "time" beside a "date" is an extra column.
_DATE_ORDER = ("date", "tradedate", "tradingdate", "datetime", "timestamp", "day", "time")
_OPTIONAL = ("open", "high", "low", "volume", "adj_close")
_COUNTERS = ("", "index", "unnamed:0", "unnamed0")
N_SYMBOLS_LISTED = 20


def normalized(header: str) -> str:
    """Reduce a header to what identifies it: no case, spaces, dots, dashes, stars or brackets."""
    return re.sub(r"[\s_\-.*<>\ufeff]+", "", header).casefold()


def n_known(headers: Sequence[str]) -> int:
    """Count the headers that are a standard column."""
    return sum(normalized(header) in _KNOWN for header in headers)


def standard_columns(raw: RawTable, *, symbol: str, symbol_chosen: bool, close: str = "") -> TextBars:
    """Find the columns of one symbol's bars.

    Parameters
    ----------
    symbol : whose bars are taken where the table holds several symbols
    symbol_chosen : whether the user named the symbol (else several symbols are refused)
    close : header of the column whose prices serve as close; empty: the one named Close

    Raises
    ------
    PricesError : no header, no dates, no close, a column twice, or several symbols to choose from
    """
    raw = _without_ticker_rows(raw, symbol=symbol, symbol_chosen=symbol_chosen)
    notes = list(raw.notes)
    found = _positions(raw, notes, close=_chosen(raw, close) if close else None)
    if "symbol" in found:
        raw = _rows_of_symbol(raw, found["symbol"], symbol=symbol, symbol_chosen=symbol_chosen, notes=notes)
    if "close" not in found:
        raise PricesError(
            f"{raw.name}: there is no Close column; the columns are {_headers(raw)}.",
            advice="Name the column with the closing prices Close, or choose one with data.column.",
        )
    for column in _OPTIONAL:
        if column in found and not any(raw.columns[found[column]]):
            notes.append(_warning(raw, f"{raw.headers[found[column]]} is blank in every row, as if absent."))
            del found[column]
    notes += _absence_notes(raw, found)
    return TextBars(
        name=raw.name,
        cells={column: raw.columns[position] for column, position in found.items() if column != "symbol"},
        written={column: raw.headers[position] or column for column, position in found.items()},
        lines=raw.lines,
        unit=raw.unit,
        truncated=raw.truncated,
        notes=tuple(notes),
    )


def _warning(raw: RawTable, text: str) -> Note:
    return Note(kind=NoteKind.WARNING, text=f"{raw.name}: {text}")


def _repair(raw: RawTable, text: str) -> Note:
    return Note(kind=NoteKind.REPAIR, text=f"{raw.name}: {text}")


def _headers(raw: RawTable) -> str:
    return listed([shown(header) for header in raw.headers[:20]], joint=", ") if raw.headers else "none"


def _chosen(raw: RawTable, close: str) -> int:
    """Find the column that is to serve as close."""
    exact = [position for position, header in enumerate(raw.headers) if header == close]
    alike = [
        position for position, header in enumerate(raw.headers) if normalized(header) == normalized(close)
    ]
    positions = exact or alike
    if len(positions) > 1:
        raise _twice(raw, shown(close), positions=positions)
    known = _KNOWN.get(normalized(close))
    if known == "adj_close":
        raise PricesError(
            f"{raw.name}: data.column = {shown(close)} is the adjusted close, which belongs to Close.",
            advice='Leave data.column out: price = "adjusted" scales all prices by it.',
        )
    if not positions or known in {"date", "symbol", "volume"}:
        raise PricesError(
            f"{raw.name}: data.column = {shown(close)} names no column of prices; the columns are "
            f"{_headers(raw)}.",
            advice="Write the header as it stands in the file.",
        )
    return positions[0]


def _positions(raw: RawTable, notes: list[Note], *, close: int | None = None) -> dict[str, int]:
    keys = [normalized(header) for header in raw.headers]
    found: dict[str, int] = {}
    if close is not None and _KNOWN.get(keys[close]) != "close":
        # what is named Close, or adjusts it, is another series
        keys = ["" if _KNOWN.get(key) in {"close", "adj_close"} else key for key in keys]
        found["close"] = close
        notes.append(_repair(raw, f"{shown(raw.headers[close])} serves as close."))
    for position, key in enumerate(keys):
        column = _KNOWN.get(key)
        if column is None or column == "date":
            continue
        if column in found:
            raise _twice(raw, column, positions=[found[column], position])
        found[column] = position
    if not found and not any(key in _DATE_ORDER for key in keys):
        _check_header(raw)
    date = _date_position(raw, keys, notes=notes)
    extra = []
    for position, (header, key) in enumerate(zip(raw.headers, keys, strict=True)):
        if position == date or position in found.values():
            continue
        if key in _COUNTERS and _is_counter(raw.columns[position]):
            notes.append(_repair(raw, f"the counter in column {position + 1} is left out."))
        elif header or any(raw.columns[position]):
            extra.append(shown(header))
    if extra:
        more = f" and {len(extra) - 20} more" if len(extra) > 20 else ""
        notes.append(_warning(raw, f"columns ignored: {', '.join(extra[:20])}{more}."))
    return {"date": date} | found


def _twice(raw: RawTable, column: str, *, positions: Sequence[int]) -> PricesError:
    names = " and ".join(f"{shown(raw.headers[position])} (column {position + 1})" for position in positions)
    return PricesError(f"{raw.name}: {column} is there twice: {names}.", advice="Keep one of the columns.")


def _check_header(raw: RawTable) -> None:
    if any(is_number(header) for header in raw.headers):
        raise PricesError(
            f"{raw.name}: the first line holds values, not names: there is no header.",
            advice="Add a first line such as Date,Open,High,Low,Close,Volume.",
        )


def _date_position(raw: RawTable, keys: Sequence[str], *, notes: list[Note]) -> int:
    for name in _DATE_ORDER:
        positions = [position for position, key in enumerate(keys) if key == name]
        if len(positions) > 1:
            raise _twice(raw, "date", positions=positions)
        if positions:
            return positions[0]
    if keys and keys[0] in _COUNTERS and looks_like_dates(raw.columns[0]):
        notes.append(_repair(raw, "the unnamed first column holds the dates."))
        return 0
    raise PricesError(
        f"{raw.name}: there is no date column; the columns are {_headers(raw)}.",
        advice="Name the column with the session dates Date.",
    )


def _is_counter(cells: Sequence[str]) -> bool:
    if not all(re.fullmatch(r"[0-9]{1,9}", cell) for cell in cells):
        return False
    steps = {int(after) - int(before) for before, after in itertools.pairwise(cells)}
    return len(steps) <= 1 and steps <= {1, -1}


def _rows_of_symbol(
    raw: RawTable, position: int, *, symbol: str, symbol_chosen: bool, notes: list[Note]
) -> RawTable:
    cells = raw.columns[position]
    names = list(dict.fromkeys(cells))
    if len(names) == 1:
        if symbol_chosen and names[0].casefold() != symbol.casefold():
            notes.append(_warning(raw, f"the symbol there is {shown(names[0])}, not {shown(symbol)}."))
        return raw
    if not symbol_chosen or symbol not in names:
        raise _several(raw, names)
    rows = np.flatnonzero([cell == symbol for cell in cells])
    notes.append(
        _repair(raw, f"{len(rows)} of {len(cells)} rows are of {shown(symbol)}, the others are left out.")
    )
    columns = tuple(tuple(column[row] for row in rows) for column in raw.columns)
    return replace(raw, columns=columns, lines=raw.lines[rows])


def _several(raw: RawTable, names: Sequence[str]) -> PricesError:
    some = ", ".join(shown(name) for name in names[:N_SYMBOLS_LISTED])
    more = f" and {len(names) - N_SYMBOLS_LISTED} more" if len(names) > N_SYMBOLS_LISTED else ""
    return PricesError(
        f"{raw.name} holds {len(names)} symbols: {some}{more}.",
        advice="Set `symbol` in [data] to one of them.",
    )


def _without_ticker_rows(raw: RawTable, *, symbol: str, symbol_chosen: bool) -> RawTable:
    """Undo the three header rows that yfinance's frames leave in a CSV: names, tickers, ``Date``."""
    if len(raw.lines) < 2 or normalized(raw.headers[0]) not in {"price", "attributes", ""}:
        return raw
    tickers, third = ([column[row] for column in raw.columns] for row in (0, 1))
    if tickers[0].casefold() not in {"ticker", "symbols"} or third[0].casefold() != "date" or any(third[1:]):
        return raw
    names = list(dict.fromkeys(tickers[1:]))
    taken = names[0] if len(names) == 1 else symbol
    if taken not in names or (len(names) > 1 and not symbol_chosen):
        raise _several(raw, names)
    keep = [0, *(position for position, name in enumerate(tickers) if position and name == taken)]
    if len(raw.lines) == 2:
        raise PricesError(f"{raw.name} holds headers only, no rows.", advice="Fetch the prices again.")
    return replace(
        raw,
        headers=("Date", *(raw.headers[position] for position in keep[1:])),
        columns=tuple(raw.columns[position][2:] for position in keep),
        lines=raw.lines[2:],
        notes=(*raw.notes, _repair(raw, f"three header rows read as one; the symbol is {shown(taken)}.")),
    )


def _absence_notes(raw: RawTable, found: dict[str, int]) -> list[Note]:
    notes = []
    absent = [column for column in ("open", "high", "low") if column not in found]
    if absent:
        notes.append(
            _warning(
                raw, f"no {', '.join(absent)}: they stay absent, and what needs them is refused by name."
            )
        )
    if "volume" not in found:
        notes.append(_warning(raw, "no volume: volume features are off."))
    return notes
