"""The seam to Yahoo: how it is asked once, and what its silence means.

``yfinance.download`` never raises and says the same of a dead symbol, a full pipe and a missing network.
Its ``Ticker.history`` with exceptions not hidden tells these apart, and names the symbol's first and last
session; whatever comes is judged by ``answers.py`` all the same.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from backtester.errors import PricesError
from backtester.network_library import load_network_library
from backtester.prices.cache import default_cache
from backtester.prices.columns import normalized
from backtester.prices.frames import flat_columns

__all__ = [
    "PRICE_NAMES",
    "Answer",
    "Downloader",
    "Pauses",
    "Yahoo",
    "Yfinance",
    "ask_once",
]

PRICE_NAMES = ("Open", "High", "Low", "Close", "Adj Close")
_NAMES = {normalized(name): name for name in (*PRICE_NAMES, "Volume", "Dividends", "Stock Splits")}


class Downloader(Protocol):
    """Whatever brings bars."""

    def download(self, symbol: str, *, start: date | None, end: date | None) -> pd.DataFrame | None:
        """Give daily bars from start to end, both included, unadjusted; None or empty on failure.

        In ``attrs`` there may be ``first_session`` and ``last_session``, dates of the symbol's whole
        history, and ``settings``, what was asked in which words.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """How long to wait.

    Parameters
    ----------
    again_seconds : before the second and each later attempt; after the last it is an error
    between_seconds : between one symbol and the next
    sleep : waits so many seconds
    """

    again_seconds: tuple[float, ...] = (2.0, 6.0, 18.0)
    between_seconds: float = 0.5
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True, kw_only=True)
class Yahoo:
    """How Yahoo is asked, and where its copies lie.

    Parameters
    ----------
    download : what brings the bars; None: yfinance
    cache : folder of the copies; None: in the user's cache directory
    today : the session that is not finished yet; None: the date in UTC. No exchange is still open when
        its date has passed in UTC.
    pauses : between attempts and between symbols
    """

    download: Downloader | None = None
    cache: Path | None = None
    today: date | None = None
    pauses: Pauses = field(default_factory=Pauses)

    @property
    def folder(self) -> Path:
        """Where the copies lie."""
        return self.cache or default_cache()

    @property
    def day(self) -> date:
        """The date of the session that is not finished yet."""
        return self.today or datetime.now(UTC).date()


class Yfinance:
    """The real thing.

    Parameters
    ----------
    session : of curl_cffi; None: yfinance's own
    timeout_seconds : for one request
    """

    def __init__(self, *, session: object = None, timeout_seconds: float = 20.0) -> None:
        self._session = session
        self._timeout_seconds = timeout_seconds

    def download(self, symbol: str, *, start: date | None, end: date | None) -> pd.DataFrame | None:
        """Give daily bars; raises what yfinance and its network library raise."""
        load_network_library()
        import yfinance
        from yfinance.data import YfData

        # It keeps answers about the past in memory, also bad ones: a second attempt would see the first.
        YfData.cache_get.cache_clear()
        ticker = yfinance.Ticker(symbol, session=self._session)
        settings = {"interval": "1d", "auto_adjust": False, "actions": True, "repair": False, "keepna": True}
        with warnings.catch_warnings(), _errors_raised(yfinance):
            # yfinance 1.7 calls pandas in ways that pandas 3 deprecates: nothing a user can mend.
            warnings.simplefilter("ignore", DeprecationWarning)
            frame: pd.DataFrame = ticker.history(
                start=start,
                end=None if end is None else end + timedelta(days=1),
                # An end alone would give yfinance's default, the month before it.
                period="max" if start is None else None,
                timeout=self._timeout_seconds,
                **settings,
            )
            about = ticker.get_history_metadata()
        frame.attrs = {
            "first_session": _date(about.get("firstTradeDate")),
            "last_session": _date(about.get("regularMarketTime")),
            "settings": {"library": f"yfinance {yfinance.__version__}", **settings}
            | {key: about.get(key) for key in ("currency", "exchangeTimezoneName", "instrumentType")},
        }
        return frame


@contextmanager
def _errors_raised(yfinance: Any) -> Iterator[None]:
    debug = yfinance.config.debug
    hidden = debug.hide_exceptions
    debug.hide_exceptions = False
    try:
        yield
    finally:
        debug.hide_exceptions = hidden


def _date(moment: object) -> date | None:
    return moment.date() if isinstance(moment, pd.Timestamp) and not pd.isna(moment) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one request brought.

    Parameters
    ----------
    frame : of naive dates and float64 columns under yfinance's names; None where there are no rows
    answered : whether Yahoo answered at all; asking again may help where it did not
    connected : False where there was no way to it; waiting long does not help then
    said : why there are no rows
    """

    frame: pd.DataFrame | None = None
    answered: bool = True
    connected: bool = True
    said: str = ""
    first_session: date | None = None
    last_session: date | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


def ask_once(symbol: str, download: Downloader, *, start: date | None, end: date | None) -> Answer:
    """Ask for one symbol's bars; whatever goes wrong is an answer in words.

    Raises
    ------
    PricesError : rows came that are no table of prices
    """
    with _yfinance_log() as log:
        try:
            frame = download.download(symbol, start=start, end=end)
        except Exception as error:
            # Whatever a download raises is no answer: tell it in our words.
            return _failure(error)
    if frame is None or not len(frame):
        said = _short("; ".join(dict.fromkeys(log)))
        return Answer(answered=frame is not None and not said, said=said or "no answer")
    about = frame.attrs
    return Answer(
        frame=_standard(frame, symbol),
        first_session=about.get("first_session"),
        last_session=about.get("last_session"),
        settings=about.get("settings", {}),
    )


def _failure(error: Exception) -> Answer:
    kinds = {kind.__name__ for kind in type(error).__mro__}
    text = _short(str(error).split(" See https://")[0])
    # For an unknown symbol yfinance may go on to ask for more about it, and meets HTTP 404 there.
    unknown = getattr(getattr(error, "response", None), "status_code", None) == 404
    if unknown or "YFTzMissingError" in kinds or getattr(error, "yahoo_reason", None):
        return Answer(said=text)
    if "curl: (48)" in text:
        said = (
            f"the network library cannot work in this Python, where another curl was loaded before ({text})"
        )
        return Answer(answered=False, connected=False, said=said)
    if "YFPricesMissingError" in kinds:
        said = "an empty reply"
    elif "YFRateLimitError" in kinds:
        said = "too many requests (HTTP 429)"
    elif kinds & {"Timeout", "TimeoutError"}:
        said = "timed out"
    elif kinds & {"DNSError", "ConnectionError"}:
        return Answer(answered=False, connected=False, said=f"no connection ({text})")
    elif kinds & {"JSONDecodeError", "KeyError", "IndexError", "TypeError", "AttributeError"}:
        said = "an answer that is not Yahoo's (empty, cut off, or a page of words)"
    else:
        said = text or type(error).__name__
    return Answer(answered=False, said=said)


def _short(text: str) -> str:
    return " ".join(text.split())[:160].rstrip(".")


def _standard(frame: pd.DataFrame, symbol: str) -> pd.DataFrame:
    """Naive dates, one level of columns, yfinance's names, float64."""
    frame = flat_columns(frame, name=f"Yahoo, {symbol}", symbol=symbol)
    index = frame.index
    if not isinstance(index, pd.DatetimeIndex):
        raise PricesError(f"Yahoo's answer for {symbol!r} has no dates.", advice="Try again later.")
    # The local date as written is the session's, never the UTC date.
    index = (index if index.tz is None else index.tz_localize(None)).normalize().rename("Date")
    columns: dict[str, np.ndarray[Any, Any]] = {}
    for position, header in enumerate(frame.columns):
        name = _NAMES.get(normalized(str(header)))
        if name is not None:
            columns[name] = _numbers(frame.iloc[:, position], symbol=symbol, name=name)
    if "Close" not in columns:
        raise PricesError(f"Yahoo's answer for {symbol!r} has no closes.", advice="Try again later.")
    ordered = {name: columns[name] for name in _NAMES.values() if name in columns}
    return pd.DataFrame(ordered, index=index)


def _numbers(column: pd.Series, *, symbol: str, name: str) -> np.ndarray[Any, Any]:
    try:
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise PricesError(
            f"Yahoo's answer for {symbol!r} has a {name} that is not a number.", advice="Try again later."
        ) from error


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(level=logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextmanager
def _yfinance_log() -> Iterator[Sequence[str]]:
    """Collect yfinance's error messages, at times its only sign of failure, off the terminal."""
    collector = _Collector()
    loggers = [logging.getLogger(name) for name in ("yfinance", "bs4")]
    before = [(logger.handlers[:], logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers[:], logger.propagate = [collector], False
    try:
        yield collector.messages
    finally:
        for logger, (handlers, propagate) in zip(loggers, before, strict=True):
            logger.handlers[:], logger.propagate = handlers, propagate
