"""What Yahoo sent, judged before it is kept: unfinished, blank and doubled rows, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from backtester.errors import PricesError
from backtester.prices.cache import Copy
from backtester.prices.raw import listed
from backtester.prices.table import Note, NoteKind
from backtester.prices.yahoo import PRICE_NAMES, Answer

__all__ = ["Judged", "judge", "lost_to", "price_columns", "span_notes", "yahoo_note"]

SPAN_BUSINESS_DAYS = 10
"""How far bars may stay behind a date that need not be a session: no exchange is closed for longer."""
ROWS_PARTIAL = 0.6
"""Bars per weekday below which an answer is a part: no exchange is closed on two days in five."""
ROWS_FEW = 0.9
ROWS_LEAST_WEEKDAYS = 20
BLANK_SHARE = 0.01
LOST_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An answer with what is wrong with it.

    Parameters
    ----------
    frame : ascending, unique dates of finished sessions; no row without any price
    whole : all that came, ascending, unique dates: a session that goes on may bring a split
    notes : what was left out
    short : why this looks like a part of what there is; empty where it does not
    """

    frame: pd.DataFrame
    whole: pd.DataFrame
    notes: tuple[Note, ...]
    short: tuple[str, ...]


def yahoo_note(kind: NoteKind, text: str, *, symbol: str) -> Note:
    """A note on what Yahoo sent."""
    return Note(kind=kind, text=f"Yahoo, {symbol}: {text}")


def price_columns(frame: pd.DataFrame) -> list[str]:
    """The columns with prices, in yfinance's names."""
    return [name for name in PRICE_NAMES if name in frame.columns]


def judge(answer: Answer, *, symbol: str, start: date | None, end: date | None, today: date) -> Judged:
    """Clean an answer, and say what is missing of the span asked for.

    Parameters
    ----------
    today : the session that is not finished yet

    Raises
    ------
    PricesError : a date with two different bars, bars after today, or no bar that can be used
    """
    if answer.frame is None:
        raise PricesError(f"Yahoo has no prices of {symbol!r}.", advice="Check the symbol at Yahoo.")
    whole, repairs = _sorted(answer.frame, symbol=symbol)
    frame, more = _finished(whole, symbol=symbol, today=today)
    repairs += more
    n_bars = len(frame)
    frame, blank = _without_blank(frame)
    if blank:
        repairs.append(f"{len(blank)} row(s) without any price are left out: {listed(blank, joint=', ')}.")
    if frame.empty:
        raise PricesError(
            f"Yahoo sent {len(answer.frame)} bar(s) of {symbol!r}, none of them finished and with prices.",
            advice="Ask for a longer span, or try again tomorrow.",
        )
    spans = _spans(answer, frame, start=start, end=end, today=today)
    short = [text for text, explained in spans if not explained]
    if not short and not _reaches_today(answer, whole, end=end, today=today):
        short.append(f"no bar came of {answer.last_session}, Yahoo's last session.")
    short += _few_rows(frame, below=ROWS_PARTIAL)
    if len(blank) > BLANK_SHARE * n_bars:
        short.append(f"{len(blank)} of {n_bars} rows came without any price.")
    notes = tuple(yahoo_note(NoteKind.REPAIR, text, symbol=symbol) for text in repairs)
    return Judged(frame=frame, whole=whole, notes=notes, short=tuple(short))


def _sorted(frame: pd.DataFrame, *, symbol: str) -> tuple[pd.DataFrame, list[str]]:
    repairs = []
    if not frame.index.is_monotonic_increasing:
        frame = frame.sort_index(kind="stable")
        repairs.append("the rows are sorted by date.")
    if frame.index.is_unique:
        return frame, repairs
    kept = frame[~frame.reset_index().duplicated().to_numpy()]
    if not kept.index.is_unique:
        day = kept.index[kept.index.duplicated()][0].date()
        raise PricesError(
            f"Yahoo sent two different bars of {symbol!r} on {day}.", advice="Ask again later: --refresh."
        )
    return kept, [*repairs, f"{len(frame) - len(kept)} row(s) came twice with the same values; one is kept."]


def _finished(frame: pd.DataFrame, *, symbol: str, today: date) -> tuple[pd.DataFrame, list[str]]:
    """Leave out the session of today, which goes on, and a last bar that lacks a price."""
    dates = frame.index.to_numpy().astype("datetime64[D]")
    if len(dates) and dates[-1] > np.datetime64(today + timedelta(days=1)):
        raise PricesError(
            f"Yahoo sent a bar of {symbol!r} on {dates[-1]}, after today, {today}.", advice="Check the clock."
        )
    repairs = []
    going_on = dates >= np.datetime64(today)
    if going_on.any():
        frame = frame[~going_on]
        repairs.append(f"the last bar, {dates[-1]}, is of a session that goes on, and left out.")
    if len(frame) and frame.iloc[-1][price_columns(frame)].isna().any():
        repairs.append(f"the last bar, {_day(frame, -1)}, is unfinished (no price yet) and left out.")
        frame = frame.iloc[:-1]
    return frame, repairs


def _without_blank(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    prices = frame[price_columns(frame)]
    blank = (prices.isna() | (prices == 0)).all(axis=1).to_numpy(dtype=bool)
    if not blank.any():
        return frame, []
    return frame[~blank], [str(day.date()) for day in frame.index[blank]]


def _day(frame: pd.DataFrame, position: int) -> date:
    day: date = pd.Timestamp(frame.index[position]).date()
    return day


def _late(expected: date, found: date) -> bool:
    return bool(np.busday_count(expected, found) > SPAN_BUSINESS_DAYS)


def _spans(
    about: Answer | Copy, frame: pd.DataFrame, *, start: date | None, end: date | None, today: date
) -> Iterable[tuple[str, bool]]:
    """Where the bars do not reach, and whether the symbol's own first and last session explain it."""
    first, last = _day(frame, 0), _day(frame, -1)
    listing, trading = about.first_session, about.last_session
    begin = start or listing
    if begin is not None and _late(begin, first):
        explained = listing is not None and not _late(listing, first)
        asked = f"asked was {start}" if start else f"Yahoo's first session is {listing}"
        yield f"prices start on {first}{', its first session' if explained else ''}, {asked}.", explained
    until = min(end or today, today)
    if trading is not None and last < _weekday(trading) < today and (end is None or trading <= end):
        yield f"prices end on {last}, Yahoo's last session is {trading}.", False
    elif _late(last, until):
        explained = trading is not None and last >= _weekday(trading)
        yield (
            f"prices end on {last}{', its last session' if explained else ''}, asked was {until}.",
            explained,
        )


def _reaches_today(answer: Answer, whole: pd.DataFrame, *, end: date | None, today: date) -> bool:
    """Whether a session that goes on, where there is one, is in the answer; those before it then are."""
    trading = answer.last_session
    if trading is None or _weekday(trading) < today or (end is not None and end < trading):
        return True
    return _day(whole, -1) >= _weekday(trading)


def _weekday(day: date) -> date:
    """That day, or the Friday before: on a weekend Yahoo may name a time without a bar of its own."""
    return day - timedelta(days=max(0, day.weekday() - 4))


def _few_rows(frame: pd.DataFrame, *, below: float) -> list[str]:
    first, last = _day(frame, 0), _day(frame, -1)
    n_weekdays = int(np.busday_count(first, last + timedelta(days=1)))
    if n_weekdays < ROWS_LEAST_WEEKDAYS or len(frame) >= below * n_weekdays:
        return []
    return [f"{len(frame)} bars on {n_weekdays} weekdays from {first} to {last}."]


def span_notes(copy: Copy, *, start: date | None, end: date | None) -> tuple[tuple[Note, str], ...]:
    """Warn of bars that are not there although they were asked for: each note, and its text alone."""
    texts = [text for text, _ in _spans(copy, copy.frame, start=start, end=end, today=copy.fetched)]
    texts += _few_rows(copy.frame, below=ROWS_FEW)
    return tuple((yahoo_note(NoteKind.WARNING, text, symbol=copy.symbol), text) for text in texts)


def lost_to(frame: pd.DataFrame, *, old: Copy) -> tuple[str, ...]:
    """What the kept copy has and the answer has not: where it is much, the answer is a part."""
    first, last = _day(frame, 0), _day(frame, -1)
    kept = old.frame.index
    lost = []
    if first > _day(old.frame, 0):
        lost.append(f"prices start on {first}, those of the copy of {old.fetched} on {_day(old.frame, 0)}.")
    if last < _day(old.frame, -1):
        lost.append(f"prices end on {last}, those of the copy of {old.fetched} on {_day(old.frame, -1)}.")
    n_lost = len(kept.difference(frame.index))
    if n_lost > LOST_SHARE * len(kept):
        lost.append(f"{n_lost} of the {len(kept)} bars in the copy of {old.fetched} are missing.")
    return tuple(lost)
