"""One symbol from Yahoo or from its kept copy: what is asked, what is kept, what is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum

from backtester.errors import PricesError, StorageError
from backtester.prices.answers import Judged, judge, lost_to, span_notes, yahoo_note
from backtester.prices.assembling import assemble
from backtester.prices.cache import Copy, load_copy, packed, put_aside, save_copy
from backtester.prices.frames import frame_to_raw
from backtester.prices.restated import find_restated
from backtester.prices.table import Note, NoteKind, Prices
from backtester.prices.yahoo import Answer, Yahoo, Yfinance, ask_once
from backtester.recipe.sections import DataSection, Source

__all__ = ["FetchState", "Obtained", "fetch_prices", "fetch_symbol", "obtain", "prices_of"]

_EVENTS = ("Dividends", "Stock Splits")
_REFRESH = "To take the new series whole: `refresh = true` in [data], or --refresh."
_AGAIN = "Check the network; if Yahoo limits requests, try again later."


class FetchState(Enum):
    """What became of a symbol."""

    FETCHED = "fetched"
    KEPT = "kept"
    """A copy that is new enough; Yahoo was not asked."""
    OFFLINE = "offline"
    """Yahoo gave no answer, and an older copy holds the span."""
    PARTIAL = "partial"
    CHANGED = "changed"
    ADJUSTED = "adjusted"
    EMPTY = "empty"
    NO_ANSWER = "no answer"
    NOT_ASKED = "not asked"
    REFUSED = "refused"

    @property
    def is_good(self) -> bool:
        """Whether all that was asked for is there."""
        return self in {FetchState.FETCHED, FetchState.KEPT, FetchState.OFFLINE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Obtained:
    """What there is of one symbol, and what was wrong.

    Parameters
    ----------
    copy : holds the span asked for; None where none does
    said, advice : what was wrong, and what to do about it
    notes : what was left out, and which copy this is
    """

    state: FetchState
    copy: Copy | None = None
    said: str = ""
    advice: str = ""
    notes: tuple[Note, ...] = ()


def fetch_symbol(
    symbol: str,
    *,
    start: date | None = None,
    end: date | None = None,
    refresh: bool = False,
    confirmed_jumps: Collection[date] = (),
    yahoo: Yahoo | None = None,
) -> Prices:
    """Fetch one symbol's adjusted prices from Yahoo, or take the kept copy.

    Parameters
    ----------
    start, end : span, both included; None: from the first session, to the last
    refresh : ask Yahoo although there is a copy, and take the new series whole
    confirmed_jumps : dates of large overnight moves that are real
    yahoo : how Yahoo is asked, and where its copies lie

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
    return fetch_prices(data, yahoo=yahoo)


def fetch_prices(data: DataSection, *, yahoo: Yahoo | None = None) -> Prices:
    """Fetch what a recipe's section asks for; see fetch_symbol."""
    yahoo = yahoo or Yahoo()
    obtained = obtain(data, yahoo=yahoo, any_age=True)
    if obtained.copy is None:
        raise PricesError(obtained.said, advice=obtained.advice)
    return prices_of(obtained.copy, data, notes=obtained.notes, yahoo=yahoo)


def prices_of(copy: Copy, data: DataSection, *, notes: tuple[Note, ...], yahoo: Yahoo) -> Prices:
    """Check the bars of a copy, and adjust them.

    Raises
    ------
    PricesError : they cannot be right
    """
    frame = copy.frame.drop(columns=[name for name in _EVENTS if name in copy.frame.columns])
    raw = frame_to_raw(frame, name=data.symbol, symbol=data.symbol)
    raw = raw.with_notes((*notes, *span_notes(copy, start=data.start, end=data.end)))
    return assemble(raw, data, source=data.source.value, sha256=copy.sha256, today=yahoo.day)


def obtain(data: DataSection, *, yahoo: Yahoo, any_age: bool, may_ask: bool = True) -> Obtained:
    """Take the kept copy, or ask Yahoo and keep what is good.

    Parameters
    ----------
    any_age : a kept copy that holds the span is taken, however old; else Yahoo is asked unless it is
        of today
    may_ask : False: Yahoo gave no answer to others, and is left alone

    Raises
    ------
    PricesError : the copy is damaged, or what came is no table of prices
    """
    old = _kept(data, yahoo=yahoo)
    usable = None
    if old is not None and not data.refresh and old.covers(data.start, end=data.end, today=yahoo.day):
        usable = old
        if any_age or old.is_fresh(end=data.end, today=yahoo.day):
            said = yahoo_note(
                NoteKind.INFO, f"the copy fetched on {old.fetched} is used.", symbol=data.symbol
            )
            return Obtained(state=FetchState.KEPT, copy=old, notes=(said,))
    if not may_ask:
        return _unasked(usable)
    start, end = data.start, data.end
    if old is not None:
        # The union of both spans: a copy never loses what it had.
        start = None if start is None or old.start is None else min(start, old.start)
        end = None if end is None or old.end is None else max(end, old.end)
    asked = _ask(data.symbol, yahoo, start=start, end=end, old=old)
    if asked.judged is None:
        return _without_rows(asked, usable=usable, old=old, data=data)
    copy = Copy(
        symbol=data.symbol,
        frame=asked.judged.frame,
        fetched=yahoo.day,
        start=start,
        end=end,
        complete=not asked.short,
        first_session=asked.answer.first_session,
        last_session=asked.answer.last_session,
        settings=asked.answer.settings,
    )
    return _keep(copy, asked=asked, old=old, usable=usable, refresh=data.refresh, yahoo=yahoo)


def _kept(data: DataSection, *, yahoo: Yahoo) -> Copy | None:
    try:
        return load_copy(data.symbol, cache=yahoo.folder)
    except PricesError:
        if data.refresh:
            return None
        raise


def _unasked(usable: Copy | None) -> Obtained:
    said = "Yahoo was not asked, as it gave no answer for the symbols before"
    if usable is None:
        return Obtained(state=FetchState.NOT_ASKED, said=f"{said}.", advice=_AGAIN)
    return _offline(usable, said=said)


def _offline(usable: Copy, *, said: str) -> Obtained:
    last = usable.frame.index[-1].date()
    text = f"{said}; the copy fetched on {usable.fetched} is used, which ends on {last}."
    note = yahoo_note(NoteKind.WARNING, text, symbol=usable.symbol)
    return Obtained(state=FetchState.OFFLINE, copy=usable, said=text, notes=(note,))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    answer: Answer
    judged: Judged | None
    short: tuple[str, ...]
    n_attempts: int


def _ask(symbol: str, yahoo: Yahoo, *, start: date | None, end: date | None, old: Copy | None) -> _Asked:
    """Ask until Yahoo answers; a part is asked for once more, and the larger part taken."""
    download = yahoo.download or Yfinance()
    answer = Answer(answered=False, said="no answer")
    best: _Asked | None = None
    n_attempts = 0
    for wait in (0.0, *yahoo.pauses.again_seconds):
        if wait:
            yahoo.pauses.sleep(wait)
        n_attempts += 1
        answer = ask_once(symbol, download, start=start, end=end)
        if not answer.answered:
            if not answer.connected and n_attempts > 1:
                break
            continue
        if answer.frame is None:
            break
        judged = judge(answer, symbol=symbol, start=start, end=end, today=yahoo.day)
        short = (*judged.short, *(lost_to(judged.frame, old=old) if old else ()))
        asked = _Asked(answer=answer, judged=judged, short=short, n_attempts=n_attempts)
        if not short:
            return asked
        if best is not None:
            return max(best, asked, key=_n_rows)
        best = asked
    return best or _Asked(answer=answer, judged=None, short=(), n_attempts=n_attempts)


def _n_rows(asked: _Asked) -> int:
    return 0 if asked.judged is None else len(asked.judged.frame)


def _without_rows(asked: _Asked, *, usable: Copy | None, old: Copy | None, data: DataSection) -> Obtained:
    if asked.answer.answered:
        dash = " (share classes are written with a dash there)" if "." in data.symbol else ""
        return Obtained(
            state=FetchState.EMPTY,
            copy=usable,
            said=f"Yahoo has no prices of {data.symbol!r} from {data.start or 'the first session'} "
            f"to {data.end or 'today'}.{_still(old)}",
            advice=f"Check the symbol at Yahoo{dash}, and the span.",
        )
    said = f"Yahoo gave no prices of {data.symbol!r} in {asked.n_attempts} attempts: {asked.answer.said}"
    if usable is not None:
        return _offline(usable, said=said)
    return Obtained(state=FetchState.NO_ANSWER, said=f"{said}.{_still(old)}", advice=_AGAIN)


def _still(copy: Copy | None) -> str:
    return "" if copy is None else f" The copy of {copy.fetched} stays."


def _keep(
    copy: Copy, *, asked: _Asked, old: Copy | None, usable: Copy | None, refresh: bool, yahoo: Yahoo
) -> Obtained:
    """Keep what came, unless the kept copy knows better."""
    notes = asked.judged.notes if asked.judged is not None else ()
    if asked.short and old is not None and lost_to(copy.frame, old=old):
        return Obtained(
            state=FetchState.PARTIAL,
            copy=usable,
            said=f"Yahoo sent a part of {copy.symbol!r}: {' '.join(asked.short)}{_still(old)}",
            advice="Ask again later. If the history is really shorter now, move the copy away.",
        )
    restated = None if old is None else find_restated(copy.frame, old=old)
    if restated is not None and not refresh:
        return Obtained(
            state=FetchState.ADJUSTED if restated.adjusted else FetchState.CHANGED,
            copy=usable,
            said=f"{restated.said}{_still(old)}",
            advice=_REFRESH,
        )
    copy, more = _saved(copy, instead_of=old if restated is not None else None, yahoo=yahoo)
    notes = (*notes, *more)
    if not asked.short:
        return Obtained(state=FetchState.FETCHED, copy=copy, notes=notes)
    return Obtained(
        state=FetchState.PARTIAL,
        copy=copy,
        said=f"Yahoo seems to have sent a part of {copy.symbol!r}: {' '.join(asked.short)}",
        advice="What came is kept, and asked for again the next time.",
        notes=notes,
    )


def _saved(copy: Copy, *, instead_of: Copy | None, yahoo: Yahoo) -> tuple[Copy, list[Note]]:
    content = packed(copy)
    copy = replace(copy, sha256=hashlib.sha256(content).hexdigest())
    notes: list[Note] = []
    try:
        if instead_of is not None:
            name = put_aside(instead_of, cache=yahoo.folder)
            text = f"the copy of {instead_of.fetched} is kept as {name}."
            notes.append(yahoo_note(NoteKind.INFO, text, symbol=copy.symbol))
        save_copy(content, symbol=copy.symbol, cache=yahoo.folder)
    except StorageError:
        # Without the path: notes go to the report, which shows no home folder.
        text = "no copy could be kept, as the cache folder cannot be written."
        notes.append(yahoo_note(NoteKind.WARNING, text, symbol=copy.symbol))
    return copy, notes
