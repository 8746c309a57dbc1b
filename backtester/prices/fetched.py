"""Many symbols from Yahoo, one after the other: what is good is kept, what failed is told at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from backtester.errors import PricesError, UsageError
from backtester.prices.cache import Copy
from backtester.prices.fetched_files import COLUMNS, write_symbol
from backtester.prices.fetching import FetchState, obtain, prices_of
from backtester.prices.symbols import check_symbols
from backtester.prices.table import Note, Prices
from backtester.prices.yahoo import Downloader, Pauses, Yahoo, Yfinance
from backtester.recipe.sections import DataSection, Source

__all__ = ["Fetched", "FetchedSymbol", "fetch"]

SILENT_SYMBOLS = 3
"""So many symbols in a row without an answer, and Yahoo is left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedSymbol:
    """What became of one symbol.

    Parameters
    ----------
    said, advice : what was wrong, and what to do; "" where nothing was
    prices : checked and adjusted; None where there are none that can be used
    frame : the same bars with all that Yahoo sent of them: ``open`` ... ``close``, ``adj_close``, ``volume``,
        ``dividends``, ``splits``; None without prices
    fetched : date of the copy they are from
    file : the CSV; None where none was written
    """

    symbol: str
    state: FetchState
    said: str = ""
    advice: str = ""
    notes: tuple[Note, ...] = ()
    prices: Prices | None = None
    frame: pd.DataFrame | None = None
    fetched: date | None = None
    file: Path | None = None

    @property
    def figures(self) -> dict[str, Any]:
        """One row of the table, by the keys of ``backtester fetch --json``."""
        dates = [] if self.prices is None else self.prices.dates.strftime("%Y-%m-%d").tolist()
        return {
            "symbol": self.symbol,
            "state": self.state.value,
            "good": self.state.is_good,
            "rows": len(dates),
            "start": dates[0] if dates else None,
            "end": dates[-1] if dates else None,
            "fetched": self.fetched.isoformat() if self.fetched else None,
            "problem": self.said,
            "advice": self.advice,
            "file": None if self.file is None else str(self.file),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What became of a list.

    Parameters
    ----------
    symbols : one for each symbol, in the order asked for
    """

    symbols: tuple[FetchedSymbol, ...]

    def __getitem__(self, symbol: str) -> FetchedSymbol:
        """What became of one symbol."""
        for one in self.symbols:
            if one.symbol == symbol.upper():
                return one
        raise KeyError(symbol)

    @property
    def failed(self) -> tuple[FetchedSymbol, ...]:
        """Those of which not all is there that was asked for."""
        return tuple(one for one in self.symbols if not one.state.is_good)

    @property
    def prices(self) -> dict[str, Prices]:
        """Checked prices by symbol, of those that have any."""
        return {one.symbol: one.prices for one in self.symbols if one.prices is not None}

    @property
    def table(self) -> pd.DataFrame:
        """One row a symbol: state, rows, span, and what was wrong."""
        return pd.DataFrame([one.figures for one in self.symbols]).set_index("symbol")


def fetch(
    symbols: Sequence[str],
    *,
    start: date | None = None,
    end: date | None = None,
    adjusted: bool = False,
    refresh: bool = False,
    out: Path | None = None,
    yahoo: Yahoo | None = None,
    on_symbol: Callable[[FetchedSymbol], None] | None = None,
) -> Fetched:
    """Fetch symbols from Yahoo, one after the other; no symbol's failure stops the others.

    A copy that is of today, or that holds the whole span up to ``end``, is not asked for again: the same
    call goes on where one before was stopped. Where Yahoo gives no answer, an older copy that holds the
    span is used, and said. Where Yahoo tells the past differently, the copy stays until ``refresh``.

    Parameters
    ----------
    symbols : as Yahoo writes them, in any case; each is fetched once
    start, end : span, both included; None: from the first session, to the last
    adjusted : open, high, low and close of `FetchedSymbol.frame` and of the files are scaled by adjusted
        close / close; ``prices`` always are
    refresh : ask although there is a copy, and take the new series whole
    out : folder for one CSV a symbol, as soon as it is there; None: none are written. A file that is not
        of this function stays, and so does one with more rows where only a part came.
    yahoo : how Yahoo is asked, and where its copies lie
    on_symbol : called after each symbol

    Raises
    ------
    UsageError : what cannot be a symbol or a span
    StorageError : `out` cannot be written
    """
    names = check_symbols([symbols] if isinstance(symbols, str) else symbols)
    if start is not None and end is not None and start > end:
        raise UsageError(f"The start {start} is after the end {end}.", advice="Exchange them.")
    yahoo = yahoo or Yahoo()
    paced = replace(yahoo, download=_Paced(yahoo.download or Yfinance(), yahoo.pauses))
    done: list[FetchedSymbol] = []
    n_silent = 0
    for name in names:
        data = DataSection(source=Source.YAHOO, symbol=name, start=start, end=end, refresh=refresh)
        one, silent = _one(data, yahoo=paced, adjusted=adjusted, may_ask=n_silent < SILENT_SYMBOLS)
        n_silent = n_silent if silent is None else (n_silent + 1 if silent else 0)
        if out is not None and one.frame is not None:
            one = _with_file(one, frame=one.frame, folder=out)
        done.append(one)
        if on_symbol is not None:
            on_symbol(one)
    return Fetched(symbols=tuple(done))


def _with_file(one: FetchedSymbol, *, frame: pd.DataFrame, folder: Path) -> FetchedSymbol:
    written = write_symbol(frame, symbol=one.symbol, folder=folder, whole=one.state.is_good)
    if written.file is not None:
        return replace(one, file=written.file)
    return replace(
        one,
        state=FetchState.NOT_WRITTEN if one.state.is_good else one.state,
        said=" ".join(text for text in (one.said, written.said) if text),
        advice=" ".join(text for text in (one.advice, written.advice) if text),
    )


class _Paced:
    """Leaves Yahoo a pause between one symbol and the next."""

    def __init__(self, download: Downloader, pauses: Pauses) -> None:
        self._download = download
        self._pauses = pauses
        self._last = ""

    def download(self, symbol: str, *, start: date | None, end: date | None) -> pd.DataFrame | None:
        if self._last not in {"", symbol}:
            self._pauses.sleep(self._pauses.between_seconds)
        self._last = symbol
        return self._download.download(symbol, start=start, end=end)


def _one(
    data: DataSection, *, yahoo: Yahoo, adjusted: bool, may_ask: bool
) -> tuple[FetchedSymbol, bool | None]:
    """Give one symbol, and whether Yahoo was silent; None where it was not asked."""
    yahoo = replace(yahoo, today=yahoo.day)
    try:
        obtained = obtain(data, yahoo=yahoo, any_age=False, may_ask=may_ask)
    except PricesError as error:
        refused = FetchedSymbol(
            symbol=data.symbol, state=FetchState.REFUSED, said=error.message, advice=error.advice
        )
        return refused, False
    state, copy = obtained.state, obtained.copy
    one = FetchedSymbol(
        symbol=data.symbol, state=state, said=obtained.said, advice=obtained.advice, notes=obtained.notes
    )
    unasked = state in {FetchState.KEPT, FetchState.NOT_ASKED} or not may_ask
    silent = None if unasked else state in {FetchState.NO_ANSWER, FetchState.OFFLINE}
    if copy is None:
        return one, silent
    try:
        prices = prices_of(copy, data, notes=obtained.notes, yahoo=yahoo)
    except PricesError as error:
        said = " ".join(text for text in (obtained.said, error.message) if text)
        return replace(
            one, state=FetchState.REFUSED, said=said, advice=error.advice, fetched=copy.fetched
        ), silent
    frame = _frame(copy, prices, adjusted=adjusted)
    return replace(one, prices=prices, frame=frame, notes=prices.notes, fetched=copy.fetched), silent


def _frame(copy: Copy, prices: Prices, *, adjusted: bool) -> pd.DataFrame:
    frame = copy.frame.rename(columns=COLUMNS).loc[prices.dates].rename_axis(index="date")
    if adjusted:
        scaled = {name: prices.frame[name] for name in ("open", "high", "low", "close") if prices.has(name)}
        # A reader knows by it that these are adjusted.
        frame = frame.assign(**scaled, adj_close=prices.frame["close"])
    if "volume" in frame.columns and frame["volume"].notna().all():
        frame = frame.astype({"volume": "int64"})
    return frame
