"""Quirks of how a file is written: line ends, quotes, dates, order, columns, digits."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from backtester.exploring.finding import Finding, Level, joined
from backtester.exploring.table import Order, Table
from backtester.prices.columns import normalized
from backtester.prices.numbers import is_number
from backtester.prices.raw import shown

__all__ = ["decimals_of", "form_findings"]

_USUAL = ("date", "open", "high", "low", "close", "adj_close", "volume")
_USUAL_NAMES = ("Date", "Open", "High", "Low", "Close", "Adj Close", "Volume")
_PRICES = ("open", "high", "low", "close", "adj_close")
_SINGLE_DIGITS = 7
"""Characters that a price must exceed to have digits beyond a 32-bit float."""
_TAIL_SHARE = 0.05
_TAIL_FIT = 0.99
_ISO = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_FORM = Level.INFO


def form_findings(table: Table) -> list[Finding]:
    """Find what is unusual in how a file is written; what differs in form only, not in a value."""
    finders: Sequence[Callable[[Table], Finding | None]] = (
        _line_ends,
        _final_newline,
        _encoding,
        _quotes,
        _dates,
        _order,
        _counter,
        _column_order,
        _extra_columns,
        _float_tails,
        _volume_as_float,
    )
    return [found for finder in finders if (found := finder(table)) is not None]


def decimals_of(cells: Sequence[str]) -> int:
    """Give the most digits behind the point in any of the cells.

    Examples
    --------
    >>> decimals_of(["1.5", "2", "0.250"])
    3
    """
    return max((len(cell.partition(".")[2]) for cell in cells if "." in cell), default=0)


def _line_ends(table: Table) -> Finding | None:
    form = table.form
    if form is None or not form.crlf or form.lines is None:
        return None
    whole = form.crlf >= form.lines - 1
    return Finding(
        key="crlf",
        title="Lines end in CR LF" if whole else "Two kinds of line ends",
        level=_FORM,
        text=f"{form.crlf:,} of {form.lines:,} lines end in CR LF"
        + (", as Windows writes them." if whole else ", the others in LF: parts of two files?"),
        meaning="A program that splits at LF alone finds an invisible character in the last column.",
        run="Reads it the same.",
        n=form.crlf,
    )


def _final_newline(table: Table) -> Finding | None:
    if table.form is None or table.form.final_newline is not False:
        return None
    return Finding(
        key="no_final_newline",
        title="No line end after the last row",
        level=_FORM,
        text="The file ends within its last line.",
        meaning="Either the writer left it out, or the file was cut off there; rows that are appended "
        "would join the last one.",
        run="Takes the last row where it has all its fields, and refuses the file where it has not.",
    )


def _encoding(table: Table) -> Finding | None:
    if table.form is None or table.form.encoding in {None, "UTF-8"}:
        return None
    return Finding(
        key="encoding",
        title="An unusual encoding",
        level=_FORM,
        text=f"The text is {table.form.encoding}.",
        meaning="A program that expects plain UTF-8 misreads the first header, or everything.",
        run="Reads it.",
    )


def _quotes(table: Table) -> Finding | None:
    if table.form is None or not table.form.quotes or table.raw is None:
        return None
    fields = len(table.raw.headers) * (len(table.raw.lines) + 1)
    every = table.form.quotes == 2 * fields
    return Finding(
        key="quoted",
        title="Fields stand in quotes",
        level=_FORM,
        text=("Every field, header and numbers too," if every else "Some fields")
        + f' stand in quotes ({table.form.quotes:,} characters ").',
        meaning="A program that splits at the delimiter takes the quotes for part of the value.",
        run="Takes the quotes off.",
    )


def _dates(table: Table) -> Finding | None:
    if table.read is None:
        return None
    cells, read = table.read.text.cells["date"], table.read.rows.dates
    if _ISO.fullmatch(cells[0]) and _ISO.fullmatch(cells[-1]):
        return None
    order = next((note.text for note in table.notes if "dates read as" in note.text), "")
    how = order.partition("dates read as ")[2].rstrip(".") or "other than year-month-day"
    return Finding(
        key="date_format",
        title="Dates are not written as 2020-01-31",
        level=Level.REPAIR,
        text=f"{shown(cells[0])} is {read[0]}, {shown(cells[-1])} is {read[-1]}: {how}.",
        meaning="Where no day is above the 12th such dates can be read in two ways, and as text they do "
        "not sort in time.",
        run="Reads the one way that fits every row, and says which; refuses where two fit.",
    )


def _order(table: Table) -> Finding | None:
    if table.read is None or table.read.order is Order.OLDEST_FIRST:
        return None
    newest = table.read.order is Order.NEWEST_FIRST
    return Finding(
        key="newest_first" if newest else "unordered",
        title="Rows are newest first" if newest else "Rows are not in the order of their dates",
        level=Level.REPAIR,
        text=f"The first row is of {table.read.rows.dates[0]}, the last of {table.read.rows.dates[-1]}.",
        meaning="Whoever takes the rows as they stand forecasts each day from the days after it.",
        run="Sorts them by date, and says so.",
    )


def _counter(table: Table) -> Finding | None:
    if table.raw is None:
        return None
    for header, cells in zip(table.raw.headers, table.raw.columns, strict=True):
        if normalized(header) in {"", "index", "unnamed:0", "unnamed0"} and all(
            cell.isascii() and cell.isdigit() for cell in cells
        ):
            return Finding(
                key="index_column",
                title="A column that only counts the rows",
                level=Level.REPAIR,
                text=f"The column {shown(header)} holds {cells[0]} to {cells[-1]}.",
                meaning="The index of a table was saved with it; it is no price, and grows with time.",
                run="Leaves it out, and says so, where it counts in steps of 1.",
            )
    return None


def _column_order(table: Table) -> Finding | None:
    if table.read is None or table.raw is None:
        return None
    written = table.read.text.written
    found = [name for header in table.raw.headers for name in written if written[name] == header]
    usual = [name for name in _USUAL if name in found]
    names = dict(zip(_USUAL, _USUAL_NAMES, strict=True))
    renamed = [written[name] for name in usual if written[name] != names[name]]
    if [name for name in found if name in usual] == usual and not renamed:
        return None
    parts = [] if found == usual else [f"The columns come as {', '.join(table.raw.headers[:12])}"]
    parts += [f"the names are written {', '.join(renamed)}"] if renamed else []
    text = "; ".join(parts)
    return Finding(
        key="column_order",
        title="Columns in another order or under other names",
        level=_FORM,
        text=f"{text[:1].upper()}{text[1:]}.",
        meaning="A program that takes columns by their place takes a high for a close.",
        run="Takes columns by their names, whatever their case and order.",
    )


def _extra_columns(table: Table) -> Finding | None:
    if table.raw is None or table.read is None:
        return None
    known = set(table.read.text.written.values())
    events = {table.header_of("dividends"), table.header_of("splits")}
    extra = [header for header in table.raw.headers if header and header not in known | events]
    extra = [header for header in extra if normalized(header) not in {"index", "unnamed:0", "unnamed0"}]
    if not extra:
        return None
    return Finding(
        key="extra_columns",
        title="Columns that are no prices",
        level=_FORM,
        text=f"{joined([shown(header) for header in extra])}.",
        meaning="What they hold is not looked at here.",
        run="Leaves them out, and names them.",
        n=len(extra),
    )


def _float_tails(table: Table) -> Finding | None:
    if table.read is None:
        return None
    cells = [cell for name in _PRICES for cell in table.read.rows.text.get(name, ())]
    # digits that a 32-bit float does not hold: only there can such a number be told from a decimal
    fine = [cell for cell in cells if len(cell) > _SINGLE_DIGITS and is_number(cell)]
    values = np.array([float(cell) for cell in fine], dtype=np.float64)
    steps = np.array([10.0 ** -len(cell.partition(".")[2]) for cell in fine])
    singles = values.astype(np.float32)
    # prices in 64ths are exact in any float, and tell nothing
    telling = (np.spacing(singles) > 2.0 * steps) & (values * 64.0 % 1.0 != 0.0)
    n = int(telling.sum())
    if not cells or n < _TAIL_SHARE * len(cells):
        return None
    same = np.abs(singles.astype(np.float64) - values)[telling] <= 0.5001 * steps[telling]
    if not same.mean() > _TAIL_FIT:
        return None
    example = fine[int(np.argmax(telling))]
    return Finding(
        key="float32_tails",
        title="Prices with the tails of 32-bit floats",
        level=_FORM,
        text=f"{n / len(cells):.0%} of the prices have more digits than a 32-bit float holds, such as "
        f"{example}, and {same.mean():.1%} of these are exactly what such a float gives.",
        meaning="They went through 32-bit floats of about 7 digits: what comes after is noise, in which "
        "equal prices may differ.",
        run="Reads them as they are written.",
        n=n,
    )


def _volume_as_float(table: Table) -> Finding | None:
    cells = () if table.read is None else table.read.rows.text.get("volume", ())
    written = [cell for cell in cells if "." in cell]
    if not written or len(written) < 0.5 * len(cells):
        return None
    whole = all(not cell.partition(".")[2].strip("0") for cell in written)
    return Finding(
        key="volume_as_float",
        title="Volume is written as a decimal number",
        level=_FORM,
        text=f"{len(written):,} of {len(cells):,} volumes have a point, such as {written[0]}"
        + (", though all are whole." if whole else "."),
        meaning="It went through floats, usually as the column once had blanks.",
        run="Reads it the same.",
        n=len(written),
    )
