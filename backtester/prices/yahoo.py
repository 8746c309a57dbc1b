"""Prices from Yahoo, by yfinance, with a kept copy: fetched once, read ever after, also offline."""

from __future__ import annotations

import hashlib
import logging
import time
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from backtester.errors import PricesError, StorageError
from backtester.prices.assembling import assemble, latest_date_on_earth
from backtester.prices.cache import Copy, default_cache, load_copy, packed, save_copy
from backtester.prices.columns import normalized
from backtester.prices.frames import flat_columns, frame_to_raw
from backtester.prices.table import Note, NoteKind, Prices
from backtester.recipe.sections import DataSection, Source

__all__ = ["Downloader", "fetch", "fetch_prices", "fetch_symbol"]

WAITS_SECONDS = (2.0, 8.0)
"""Pauses before the second and the third attempt; after that it is an error."""
SPAN_BUSINESS_DAYS = 10
RESTATED = 1e-5
"""Relative: Yahoo's adjusted closes come as 32-bit floats, which differ by 1e-7 from call to call."""
_PRICES = ("open", "high", "low", "close", "adjclose")


class Downloader(Protocol):
    """The seam to Yahoo."""

    def download(self, symbol: str, *, start: date | None, end: date | None) -> pd.DataFrame | None:
        """Give daily bars from start to end, both included, unadjusted; None or empty on failure."""
        ...


class _Yfinance:
    """The real thing. ``yfinance.download`` never raises: its frame is judged by the caller."""

    def download(self, symbol: str, *, start: date | None, end: date | None) -> pd.DataFrame | None:
        import yfinance

        with warnings.catch_warnings():
            # yfinance 1.7 calls pandas in ways that pandas 3 deprecates: nothing a user can mend.
            warnings.simplefilter("ignore", DeprecationWarning)
            frame: pd.DataFrame | None = yfinance.download(
                symbol,
                start=start,
                end=None if end is None else end + timedelta(days=1),
                # An end alone would give yfinance's default, the month before it.
                period="max" if start is None else None,
                auto_adjust=False,
                progress=False,
                threads=False,
            )
        return frame


def fetch(
    symbols: Sequence[str],
    *,
    start: date | None = None,
    end: date | None = None,
    refresh: bool = False,
    cache: Path | None = None,
    download: Downloader | None = None,
    today: date | None = None,
) -> tuple[Prices, ...]:
    """Fetch several symbols, one after the other; see fetch_symbol."""
    return tuple(
        fetch_symbol(
            symbol, start=start, end=end, refresh=refresh, cache=cache, download=download, today=today
        )
        for symbol in symbols
    )


def fetch_symbol(
    symbol: str,
    *,
    start: date | None = None,
    end: date | None = None,
    refresh: bool = False,
    confirmed_jumps: Collection[date] = (),
    cache: Path | None = None,
    download: Downloader | None = None,
    today: date | None = None,
) -> Prices:
    """Fetch one symbol's adjusted prices from Yahoo, or take the kept copy.

    Parameters
    ----------
    start, end : span, both included; None: from the first session, to the last
    refresh : ask Yahoo although there is a copy, and take the new series whole
    confirmed_jumps : dates of large overnight moves that are real
    cache : folder of the copies; None: in the user's cache directory
    download : how to ask Yahoo; None: by yfinance
    today : last possible session; None: the clock's

    Raises
    ------
    PricesError : nothing came, the past was restated, or the prices cannot be right
    """
    data = DataSection(
        source=Source.YAHOO,
        symbol=symbol,
        start=start,
        end=end,
        refresh=refresh,
        confirmed_jumps=tuple(confirmed_jumps),
    )
    return fetch_prices(data, cache=cache, download=download, today=today)


def fetch_prices(
    data: DataSection, *, cache: Path | None, download: Downloader | None, today: date | None
) -> Prices:
    """Fetch what a recipe's section asks for; see fetch_symbol."""
    today = today or latest_date_on_earth()
    folder = cache or default_cache()
    notes: list[Note] = []
    copy = None if data.refresh else load_copy(data.symbol, cache=folder)
    if copy is None or not copy.covers(data.start, end=data.end):
        copy = _refetch(
            data, old=copy, folder=folder, download=download or _Yfinance(), today=today, notes=notes
        )
    else:
        notes.append(_note(NoteKind.INFO, f"the copy fetched on {copy.fetched} is used.", symbol=data.symbol))
    notes += _span_notes(copy, data)
    raw = frame_to_raw(copy.frame, name=data.symbol, symbol=data.symbol)
    raw = raw.with_notes(notes)
    return assemble(raw, data, source=data.source.value, sha256=copy.sha256, today=today)


def _note(kind: NoteKind, text: str, *, symbol: str) -> Note:
    return Note(kind=kind, text=f"Yahoo, {symbol}: {text}")


def _refetch(
    data: DataSection, *, old: Copy | None, folder: Path, download: Downloader, today: date, notes: list[Note]
) -> Copy:
    start, end = data.start, data.end
    if old is not None:
        # The union of both spans: a copy never loses what it had.
        start = None if start is None or old.start is None else min(start, old.start)
        end = None if end is None or old.end is None else max(end, old.end)
    frame = _ask(data.symbol, download, start=start, end=end)
    frame, unfinished = _without_unfinished(frame, data.symbol)
    notes += unfinished
    if old is not None:
        _check_restated(old, frame, symbol=data.symbol)
    content = packed(frame)
    copy = Copy(frame=frame, fetched=today, start=start, end=end, sha256=hashlib.sha256(content).hexdigest())
    try:
        save_copy(copy, symbol=data.symbol, cache=folder, content=content)
    except StorageError:
        # Without the path: notes go to the report, which shows no home folder.
        text = "no copy could be kept, as the cache folder cannot be written."
        notes.append(_note(NoteKind.WARNING, text, symbol=data.symbol))
    return copy


def _ask(symbol: str, download: Downloader, *, start: date | None, end: date | None) -> pd.DataFrame:
    """Ask until there are rows; an empty answer without an error in the log is an answer."""
    reason, failure = "no answer", None
    for wait in (0.0, *WAITS_SECONDS):
        time.sleep(wait)
        with _yfinance_log() as log:
            try:
                frame = download.download(symbol, start=start, end=end)
            except Exception as error:
                # Whatever a download raises is no answer: tell it in our words once the attempts are spent.
                frame, failure, reason = None, error, str(error)
        if frame is not None and len(frame):
            return _with_session_dates(flat_columns(frame, name=f"Yahoo, {symbol}", symbol=symbol), symbol)
        if frame is not None and not log:
            raise PricesError(
                f"Yahoo has no prices of {symbol!r} from {start or 'the first session'} to {end or 'today'}.",
                advice="Check the symbol at Yahoo, and the span.",
            )
        reason = "; ".join(dict.fromkeys(log)) or reason
    n_attempts = 1 + len(WAITS_SECONDS)
    raise PricesError(
        f"Yahoo gave no prices of {symbol!r} in {n_attempts} attempts: {' '.join(reason.split())[:200]}.",
        advice="Check the network and the symbol; if Yahoo limits requests, try again later.",
    ) from failure


def _with_session_dates(frame: pd.DataFrame, symbol: str) -> pd.DataFrame:
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex):
        raise PricesError(f"Yahoo's answer for {symbol!r} has no dates.", advice="Try again later.")
    return frame if index.tz is None else frame.set_axis(index.tz_localize(None), axis=0)


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(level=logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextmanager
def _yfinance_log() -> Iterator[list[str]]:
    """Collect yfinance's error messages, its only sign of failure, and keep them off the terminal."""
    logger = logging.getLogger("yfinance")
    collector, others, propagate = _Collector(), logger.handlers[:], logger.propagate
    logger.handlers[:], logger.propagate = [collector], False
    try:
        yield collector.messages
    finally:
        logger.handlers[:], logger.propagate = others, propagate


def _price_columns(frame: pd.DataFrame) -> list[str]:
    return [column for column in frame.columns if normalized(str(column)) in _PRICES]


def _without_unfinished(frame: pd.DataFrame, symbol: str) -> tuple[pd.DataFrame, list[Note]]:
    last = frame.iloc[-1][_price_columns(frame)]
    if not last.isna().any():
        return frame, []
    if len(frame) == 1:
        raise PricesError(
            f"Yahoo sent one bar of {symbol!r}, without prices.", advice="Ask for a longer span."
        )
    text = f"the last bar, {_day(frame, -1)}, is unfinished (no price yet) and left out."
    return frame.iloc[:-1], [_note(NoteKind.REPAIR, text, symbol=symbol)]


def _day(frame: pd.DataFrame, position: int) -> date:
    day: date = pd.Timestamp(frame.index[position]).date()
    return day


def _check_restated(old: Copy, frame: pd.DataFrame, *, symbol: str) -> None:
    """Refuse a new series that tells the past differently.

    Raises
    ------
    PricesError : the first date that differs
    """
    columns = [column for column in _price_columns(old.frame) if column in frame.columns]
    before, after = old.frame[columns], frame.loc[: old.frame.index[-1], columns]
    missing = before.index.difference(after.index).append(
        after.index[after.index >= before.index[0]].difference(before.index)
    )
    common = before.index.intersection(after.index)
    was, now = before.loc[common].to_numpy(dtype=np.float64), after.loc[common].to_numpy(dtype=np.float64)
    changed = common[~np.isclose(now, was, rtol=RESTATED, atol=0.0, equal_nan=True).all(axis=1)]
    restated = missing.append(changed)
    if len(restated):
        raise PricesError(
            f"Yahoo restated the past of {symbol!r}: {len(restated)} bars differ from the copy "
            f"of {old.fetched}, "
            f"the first on {restated.min().date()}.",
            advice="To take the new series whole: `refresh = true` in [data], or --refresh.",
        )


def _span_notes(copy: Copy, data: DataSection) -> list[Note]:
    first, last = _day(copy.frame, 0), _day(copy.frame, -1)
    end = min(data.end or copy.fetched, copy.fetched)
    texts = []
    if data.start is not None and np.busday_count(data.start, first) > SPAN_BUSINESS_DAYS:
        texts.append(f"prices start on {first}, asked was {data.start}.")
    if np.busday_count(last, end) > SPAN_BUSINESS_DAYS:
        texts.append(f"prices end on {last}, asked was {end}.")
    return [_note(NoteKind.WARNING, text, symbol=data.symbol) for text in texts]
