"""Symbols: lists of them in a file, and each as the name of a file."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote

from backtester.errors import UsageError
from backtester.prices.opening import foreign_kind, open_regular
from backtester.prices.raw import shown

__all__ = ["check_symbols", "file_stem", "read_symbols"]

LONGEST_SYMBOL = 40
LONGEST_STEM = 120
N_SYMBOLS = 20_000
_LIST_BYTES = 1 << 20
_HEADERS = ("symbol", "symbols", "ticker", "tickers")


def file_stem(symbol: str) -> str:
    """Give a name for a file: no separators, no folder above, and a different one for each symbol.

    Examples
    --------
    >>> file_stem("brk-b"), file_stem("^GSPC"), file_stem("../x")
    ('BRK-B', '^GSPC', '..%2FX')
    """
    stem = quote(symbol.upper(), safe="^=-")
    if len(stem) <= LONGEST_STEM:
        return stem
    return stem[: LONGEST_STEM - 17] + "~" + hashlib.sha256(symbol.upper().encode()).hexdigest()[:16]


def check_symbols(symbols: Iterable[str]) -> tuple[str, ...]:
    """Give each symbol once, in capitals as Yahoo has them, in the order given.

    Raises
    ------
    UsageError : none, or one that cannot be a symbol
    """
    checked = []
    for symbol in symbols:
        if not symbol or len(symbol) > LONGEST_SYMBOL:
            raise UsageError(
                "A symbol is empty, or too long for one.", advice="Write tickers as Yahoo does: SPY"
            )
        # Not printable are also the signs that turn the direction of writing.
        if not symbol.isprintable() or re.search(r"[\s,;\"']", symbol):
            raise UsageError(
                f"{shown(symbol)} is no symbol: it has a space, comma, quote or control character in it.",
                advice="Write tickers as Yahoo does, each by itself: SPY MSFT",
            )
        checked.append(symbol.upper())
    if not checked:
        raise UsageError("No symbol is named.", advice="Name some, or a file with --list: SPY MSFT")
    if len(checked) > N_SYMBOLS:
        raise UsageError(f"{len(checked)} symbols are too many for one list.", advice="Cut the list.")
    return tuple(dict.fromkeys(checked))


def read_symbols(path: Path) -> tuple[str, ...]:
    """Read a list: symbols between blanks, commas or lines, or a table with a column Symbol or Ticker.

    What follows a ``#`` is a remark.

    Raises
    ------
    PricesError : the file cannot be opened
    UsageError : it is no list of symbols
    """
    with open_regular(path) as file:
        content = file.read(_LIST_BYTES + 1)
    kind = foreign_kind(content)
    if kind or len(content) > _LIST_BYTES:
        raise UsageError(f"{path.name} is no list of symbols: it is {kind or 'too large'}.", advice=_ADVICE)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path.name} is no list of symbols: it is no UTF-8 text.", advice=_ADVICE
        ) from error
    lines = [line for raw in text.splitlines() if (line := raw.split("#", 1)[0].strip())]
    try:
        cells = _column(lines)
    except csv.Error as error:
        raise UsageError(f"{path.name} is no list of symbols: {error}.", advice=_ADVICE) from error
    if cells is None:
        cells = [cell for line in lines for cell in re.split(r"[\s,;]+", line) if cell]
    if not cells:
        raise UsageError(f"{path.name} names no symbol.", advice=_ADVICE)
    return check_symbols(cells)


_ADVICE = "Give a text file with one symbol on each line, or a CSV with a column Symbol."


def _column(lines: Sequence[str]) -> list[str] | None:
    """The column of symbols, where the first line is a header that names one."""
    table = [[cell.strip() for cell in row] for row in csv.reader(lines)]
    headers = [cell.casefold() for cell in table[0]] if table else []
    named = [position for position, header in enumerate(headers) if header in _HEADERS]
    if not named:
        return None
    return [row[named[0]] for row in table[1:] if len(row) > named[0] and row[named[0]]]
