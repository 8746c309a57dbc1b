"""One symbol from Yahoo or from its kept copy: what is asked, what is kept, what is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum

from backtester.errors import PricesError, StorageError
from backtester.prices.answers import Judged, lost_to, span_notes, yahoo_note
from backtester.prices.asking import Asked, ask
from backtester.prices.assembling import assemble
from backtester.prices.cache import Copy, copy_name, load_copy, packed, replacing, unpacked
from backtester.prices.frames import frame_to_raw
from backtester.prices.restated import find_restated
from backtester.prices.table import Note, NoteKind, Prices
from backtester.prices.yahoo import Yahoo
from backtester.recipe.sections import DataSection, Source

__all__ = ["FetchState", "Obtained", "fetch_prices", "fetch_symbol", "obtain", "prices_of"]

_EVENTS = ("Dividends", "Stock Splits")
_REFRESH = "To take the new series whole: `refresh = true` in [data], or --refresh."
_AGAIN = "Check the network; if Yahoo limits requests, try again later."
_AT_ONCE = 5
"""So often may another process keep the same symbol while Yahoo is asked."""


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
    NOT_WRITTEN = "not written"
    """The prices are there, and another file is where theirs would be."""
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
    notes = obtained.notes
    if obtained.said and not any(obtained.said in note.text for note in notes):
        notes = (*notes, yahoo_note(NoteKind.WARNING, obtained.said, symbol=data.symbol))
    return prices_of(obtained.copy, data, notes=notes, yahoo=yahoo)


def prices_of(copy: Copy, data: DataSection, *, notes: tuple[Note, ...], yahoo: Yahoo) -> Prices:
    """Check the bars of a copy, and adjust them.

    Raises
    ------
    PricesError : they cannot be right
    """
    frame = copy.frame.drop(columns=[name for name in _EVENTS if name in copy.frame.columns])
    raw = frame_to_raw(frame, name=data.symbol, symbol=data.symbol)
    spans = [
        note
        for note, text in span_notes(copy, start=data.start, end=data.end)
        if not any(text in other.text for other in notes)
    ]
    raw = raw.with_notes((*notes, *spans))
    return assemble(raw, data, source=data.source.value, sha256=copy.sha256, today=yahoo.day)


def obtain(data: DataSection, *, yahoo: Yahoo, any_age: bool, may_ask: bool = True) -> Obtained:
    """Take the kept copy, or ask Yahoo and keep what is good.

    Parameters
    ----------
    any_age : a kept copy that holds the span is taken, however old, unless it is known for a part; else
        Yahoo is asked unless it is of today
    may_ask : False: Yahoo gave no answer to others, and is left alone

    Raises
    ------
    PricesError : the copy is damaged or cannot be read
    """
    # Read once: midnight may come while Yahoo is asked.
    yahoo = replace(yahoo, today=yahoo.day)
    for _ in range(_AT_ONCE):
        obtained = _obtain_once(data, yahoo=yahoo, any_age=any_age, may_ask=may_ask)
        if obtained is not None:
            return obtained
    raise PricesError(
        f"The copy of {data.symbol!r} is replaced by other processes all the time.",
        advice="Run one of them at a time.",
    )


def _obtain_once(data: DataSection, *, yahoo: Yahoo, any_age: bool, may_ask: bool) -> Obtained | None:
    """Take the copy or ask; None where another process kept one while Yahoo was asked."""
    content = load_copy(data.symbol, cache=yahoo.folder)
    old = _kept(content, data)
    usable = None
    if old is not None and not data.refresh and old.covers(data.start, end=data.end, today=yahoo.day):
        usable = old
        if (any_age and old.complete) or old.is_fresh(end=data.end, today=yahoo.day):
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
    try:
        asked = ask(data.symbol, yahoo, start=start, end=end, old=old)
    except PricesError as error:
        refused = f"{error.message}{_still(old)}"
        return Obtained(state=FetchState.REFUSED, copy=usable, said=refused, advice=error.advice)
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
    kept = _Kept(content=content, copy=old, usable=usable)
    return _keep(copy, judged=asked.judged, short=asked.short, kept=kept, refresh=data.refresh, yahoo=yahoo)


def _kept(content: bytes | None, data: DataSection) -> Copy | None:
    if content is None:
        return None
    try:
        return unpacked(content, symbol=data.symbol)
    except PricesError:
        if data.refresh:
            return None
        raise


def _unasked(usable: Copy | None) -> Obtained:
    said = "Yahoo was not asked, as it gave no answer for the symbols before"
    if usable is None:
        return Obtained(state=FetchState.NOT_ASKED, said=f"{said}.", advice=_AGAIN)
    return _offline(usable, said=said, of_a_part=FetchState.NOT_ASKED)


def _offline(usable: Copy, *, said: str, of_a_part: FetchState) -> Obtained:
    last = usable.frame.index[-1].date()
    text = f"{said}; the copy fetched on {usable.fetched} is used, which ends on {last}"
    text += "." if usable.complete else " and seems to be a part."
    note = yahoo_note(NoteKind.WARNING, text, symbol=usable.symbol)
    state = FetchState.OFFLINE if usable.complete else of_a_part
    return Obtained(
        state=state, copy=usable, said=text, advice="" if usable.complete else _AGAIN, notes=(note,)
    )


def _without_rows(asked: Asked, *, usable: Copy | None, old: Copy | None, data: DataSection) -> Obtained:
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
        return _offline(usable, said=said, of_a_part=FetchState.NO_ANSWER)
    return Obtained(state=FetchState.NO_ANSWER, said=f"{said}.{_still(old)}", advice=_AGAIN)


def _still(copy: Copy | None) -> str:
    return "" if copy is None else f" The copy of {copy.fetched} stays."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    content: bytes | None  # of the file, also where it is damaged
    copy: Copy | None
    usable: Copy | None


def _keep(
    copy: Copy, *, judged: Judged, short: tuple[str, ...], kept: _Kept, refresh: bool, yahoo: Yahoo
) -> Obtained | None:
    """Keep what came, unless the kept copy knows better; None where another process kept one meanwhile."""
    old = kept.copy
    if short and old is not None and lost_to(copy.frame, old=old):
        return Obtained(
            state=FetchState.PARTIAL,
            copy=kept.usable,
            said=f"Yahoo sent a part of {copy.symbol!r}: {' '.join(short)}{_still(old)}",
            advice="Ask again later. If the history is really shorter now, move "
            f"{copy_name(copy.symbol)} out of the cache folder{_place(yahoo)}: --refresh does not take less.",
        )
    until = copy.end if copy.end is not None and copy.end < yahoo.day else None
    restated = None if old is None else find_restated(copy.frame, old=old, whole=judged.whole, until=until)
    if restated is not None and not refresh:
        return Obtained(
            state=FetchState.ADJUSTED if restated.adjusted else FetchState.CHANGED,
            copy=kept.usable,
            said=f"{restated.said}{_still(old)}",
            advice=_REFRESH,
        )
    saved = _saved(copy, kept=kept, aside=restated is not None, yahoo=yahoo)
    if saved is None:
        return None
    copy, more = saved
    notes = (*judged.notes, *more)
    if not short:
        return Obtained(state=FetchState.FETCHED, copy=copy, notes=notes)
    return Obtained(
        state=FetchState.PARTIAL,
        copy=copy,
        said=f"Yahoo seems to have sent a part of {copy.symbol!r}: {' '.join(short)}",
        advice="What came is kept, and asked for again the next time.",
        notes=notes,
    )


def _place(yahoo: Yahoo) -> str:
    # Without the folders above it: messages go to the report, which shows no home folder.
    return f" ({yahoo.folder.parent.name}/{yahoo.folder.name})" if yahoo.cache is None else ""


def _saved(copy: Copy, *, kept: _Kept, aside: bool, yahoo: Yahoo) -> tuple[Copy, list[Note]] | None:
    content = packed(copy)
    copy = replace(copy, sha256=hashlib.sha256(content).hexdigest())
    notes: list[Note] = []
    try:
        with replacing(kept.content, symbol=copy.symbol, cache=yahoo.folder) as replacement:
            if replacement is None:
                return None
            if aside and kept.copy is not None:
                name = replacement.put_aside(kept.copy)
                text = f"the copy of {kept.copy.fetched} is kept as {name}."
                notes.append(yahoo_note(NoteKind.INFO, text, symbol=copy.symbol))
            replacement.save(content)
    except StorageError:
        # Without the path: notes go to the report, which shows no home folder.
        text = "no copy could be kept, as the cache folder cannot be written."
        notes.append(yahoo_note(NoteKind.WARNING, text, symbol=copy.symbol))
    return copy, notes
