"""What is kept over many days of asking: parts, splits, midnight, bad replies, and two programs at once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from backtester.errors import PricesError, UsageError
from backtester.prices import Fetched, FetchedSymbol, FetchState, NoteKind, Pauses, Yahoo, fetch, fetch_symbol
from backtester.prices import yahoo as yahoo_module
from backtester.prices.cache import unpacked
from tests.prices.conftest import without_privilege
from tests.prices.stand_in import bars

TODAY = date(2020, 6, 17)
"""The day after the last of the 120 bars from 2020-01-01 on."""
FIRST = date(2020, 1, 1)
ROOT = Path(__file__).parents[2]
Reply = pd.DataFrame | Exception | None


@dataclass
class Told:
    """In Yahoo's place: gives each reply once and the last for ever, cut to the span asked for."""

    replies: list[Reply]
    last_session: date | None = None
    asked: list[tuple[date | None, date | None]] = field(default_factory=list)

    def download(self, symbol: str, *, start: date | None, end: date | None) -> pd.DataFrame | None:
        self.asked.append((start, end))
        reply = self.replies[min(len(self.asked), len(self.replies)) - 1]
        if not isinstance(reply, pd.DataFrame):
            raise reply or RuntimeError("no idea")
        days = reply.index
        after = days >= pd.Timestamp(start or days.min())
        frame = reply[after & (days <= pd.Timestamp(end or days.max()))]
        frame.attrs = {"last_session": self.last_session}
        return frame


class Asker:
    """Fetches KO with one cache, on whatever day."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder / "cache"
        self.told = Told([])

    def yahoo(self, *replies: Reply, today: date | None = TODAY, last: date | None = None) -> Yahoo:
        self.told = Told(list(replies), last_session=last)
        pauses = Pauses(sleep=lambda _seconds: None)
        return Yahoo(download=self.told, cache=self.cache, today=today, pauses=pauses)

    def __call__(
        self, *replies: Reply, today: date = TODAY, last: date | None = None, **settings: object
    ) -> FetchedSymbol:
        return self.list(*replies, today=today, last=last, **settings)["KO"]

    def list(
        self, *replies: Reply, today: date = TODAY, last: date | None = None, **settings: object
    ) -> Fetched:
        return fetch("KO", yahoo=self.yahoo(*replies, today=today, last=last), **settings)

    @property
    def kept(self) -> bytes:
        return (self.cache / "KO.parquet").read_bytes()


@pytest.fixture
def ask(tmp_path: Path) -> Asker:
    return Asker(tmp_path)


# --- the end of an answer


@pytest.mark.parametrize("n_lost", [1, 9])
def test_an_answer_that_lacks_the_last_sessions_is_a_part(n_lost: int, ask: Asker):
    last = date(2020, 6, 16)
    one = ask(bars().iloc[:-n_lost], last=last)
    assert one.state is FetchState.PARTIAL
    assert "Yahoo's last session is 2020-06-16." in one.said
    assert len(ask(bars(), last=last).prices) == 120  # and so is asked for again on the same day


def test_an_answer_without_the_session_that_goes_on_lacks_those_before_it_too(ask: Asker):
    one = ask(bars().iloc[:-5], today=date(2020, 6, 16), last=date(2020, 6, 16))
    assert one.state is FetchState.PARTIAL
    assert "no bar came of 2020-06-16, Yahoo's last session." in one.said
    assert ask(bars(), today=date(2020, 6, 16), last=date(2020, 6, 16)).state is FetchState.FETCHED


@pytest.mark.parametrize(
    ("today", "last", "end"),
    [
        (
            date(2020, 6, 15),
            date(2020, 6, 15),
            None,
        ),  # a Monday's session goes on, the one before is Friday's
        (date(2020, 6, 14), date(2020, 6, 14), None),  # a time of trade on a Sunday
        (date(2020, 6, 17), date(2020, 6, 16), date(2020, 5, 31)),  # the span ends on a Sunday before
        (date(2020, 9, 1), date(2020, 6, 16), None),  # delisted
    ],
)
def test_an_answer_that_reaches_the_last_session_is_whole(
    today: date, last: date, end: date | None, ask: Asker
):
    assert ask(bars().loc[: str(last)], today=today, last=last, end=end).state is FetchState.FETCHED


# --- splits and dividends

SPLIT = pd.Timestamp("2021-03-10")
LATER = date(2021, 6, 1)


def after_split(frame: pd.DataFrame, *, day: pd.Timestamp = SPLIT) -> pd.DataFrame:
    """The service after a split of 4 to 1: it tells all of the past for shares of after it."""
    frame = frame.copy()
    frame.iloc[:, :5] /= 4.0
    frame.loc[day, "Stock Splits"] = 4.0
    return frame


def whole(n_bars: int = 369) -> pd.DataFrame:
    """Bars to 2021-05-31, with a split of 2 to 1 in August 2020 that is in all prices."""
    frame = bars(n_bars)
    frame.loc["2020-08-10", "Stock Splits"] = 2.0
    return frame


def test_a_split_is_told_from_those_that_a_copy_of_an_old_span_held_when_it_was_fetched(ask: Asker):
    ask(whole(), today=date(2021, 2, 1), start=FIRST, end=date(2020, 5, 29))
    one = ask(after_split(whole()), today=LATER, start=FIRST)
    assert one.state is FetchState.ADJUSTED
    assert "a split of 4 to 1 (every price × 0.25) on 2021-03-10" in one.said


@pytest.mark.parametrize("was_in", [False, True], ids=["before it", "after it"])
def test_a_split_on_the_day_of_fetching_is_taken_both_ways(was_in: bool, ask: Asker):
    before = after_split(whole()) if was_in else whole()
    ask(before.loc[:SPLIT], today=SPLIT.date(), start=FIRST)
    one = ask(after_split(whole()), today=LATER, start=FIRST)
    assert one.state is (FetchState.FETCHED if was_in else FetchState.ADJUSTED)


def test_a_split_of_a_session_that_goes_on_explains_the_past_before_it(ask: Asker):
    ask(whole().loc[: SPLIT - pd.Timedelta(days=5)], today=date(2021, 3, 6))
    one = ask(after_split(whole().loc[:SPLIT]), today=SPLIT.date())
    assert one.state is FetchState.ADJUSTED


def test_nothing_is_claimed_of_splits_after_the_end_of_what_was_asked_for(ask: Asker):
    end = date(2020, 5, 29)
    ask(whole(), today=date(2021, 2, 1), start=date(2020, 2, 3), end=end)
    one = ask(after_split(whole()), today=LATER, start=FIRST, end=end)
    assert one.state is FetchState.CHANGED
    assert "no split or dividend explains it" not in one.said
    assert "ratio 0.25), each column by the same ratio on all bars. A split or dividend since may" in one.said
    assert "what was asked for ends on 2020-05-29" in one.said


# --- parts, bad replies and midnight


def doubled(frame: pd.DataFrame) -> pd.DataFrame:
    """Two different bars of one date."""
    return pd.concat([frame, frame.iloc[[40]] * 1.01])


def test_a_bad_second_reply_does_not_lose_the_part_that_came_first(ask: Asker):
    one = ask(bars().iloc[60:], doubled(bars()), start=FIRST)
    assert (one.state, len(one.prices), len(ask.told.asked)) == (FetchState.PARTIAL, 60, 2)


def test_a_bad_reply_leaves_a_good_copy_in_use(ask: Asker):
    ask(bars())
    kept = ask.kept
    one = ask(doubled(bars()), today=date(2020, 6, 18))
    assert (one.state, len(one.prices)) == (FetchState.REFUSED, 120)
    assert one.said == ("Yahoo sent two different bars of 'KO' on 2020-02-26. The copy of 2020-06-17 stays.")
    assert ask.kept == kept


def run_warnings(ask: Asker, *replies: Reply) -> tuple[int, str]:
    """How many bars a run gets, and what it is warned of."""
    prices = fetch_symbol("KO", start=FIRST, end=date(2020, 6, 16), yahoo=ask.yahoo(*replies))
    return len(prices), "\n".join(note.text for note in prices.notes if note.kind is NoteKind.WARNING)


def test_a_run_asks_again_for_a_part_and_has_it_where_nothing_comes(ask: Asker):
    n_bars, warned = run_warnings(ask, bars().iloc[60:])
    assert n_bars == 60
    assert "Yahoo seems to have sent a part of 'KO': prices start on 2020-03-25" in warned
    n_bars, warned = run_warnings(ask, None)
    assert n_bars == 60
    assert "the copy fetched on 2020-06-17 is used" in warned
    n_bars, warned = run_warnings(ask, doubled(bars()))
    assert n_bars == 60
    assert "two different bars" in warned
    assert run_warnings(ask, bars()) == (120, "")
    assert run_warnings(ask, None) == (120, "")
    assert ask.told.asked == []


def test_midnight_between_asking_and_keeping_is_no_day_that_the_copy_claims(
    ask: Asker, monkeypatch: pytest.MonkeyPatch
):
    class Clock:
        moments = iter([datetime(2020, 6, 16, 23, 59, 59, tzinfo=UTC)])

        @classmethod
        def now(cls, _zone: object) -> datetime:
            return next(cls.moments, datetime(2020, 6, 17, 0, 0, 1, tzinfo=UTC))

    monkeypatch.setattr(yahoo_module, "datetime", Clock)
    span = {"start": FIRST, "end": date(2020, 6, 16)}
    assert len(fetch_symbol("KO", **span, yahoo=ask.yahoo(bars(), today=None))) == 119
    assert unpacked(ask.kept, symbol="KO").fetched == date(2020, 6, 16)
    assert len(fetch_symbol("KO", **span, yahoo=ask.yahoo(bars(), today=None))) == 120


def test_a_copy_that_cannot_be_read_is_said_and_not_replaced(readable_by_all: Path):
    os.chmod(readable_by_all, 0o777)
    ask = Asker(readable_by_all)
    with without_privilege():
        ask(bars())
        path = ask.cache / "KO.parquet"
        path.chmod(0)
        one = ask(bars(), refresh=True)
        assert one.state is FetchState.REFUSED
        assert one.said == (
            "The copy of Yahoo's prices KO.parquet in the cache folder cannot be read (Permission denied)."
        )
        assert ask.told.asked == []
        with pytest.raises(PricesError, match="cannot be read"):
            fetch_symbol("KO", yahoo=ask.yahoo(bars()))
        path.chmod(0o600)
        assert ask(None).state is FetchState.KEPT


def test_where_the_history_is_shorter_the_file_to_move_is_named(ask: Asker):
    ask(bars())
    one = ask(bars().iloc[5:], refresh=True)
    assert one.state is FetchState.PARTIAL
    assert "move KO.parquet out of the cache folder" in one.advice
    (ask.cache / "KO.parquet").rename(ask.cache / "away")
    assert len(ask(bars().iloc[5:], refresh=True).prices) == 115


def test_one_day_is_a_span_and_one_that_ends_before_it_starts_is_none(ask: Asker):
    day = date(2020, 3, 2)
    one = ask(bars(), start=day, end=day)
    assert (one.state, len(one.prices)) == (FetchState.FETCHED, 1)
    with pytest.raises(UsageError, match="2020-03-02 is after the end 2020-02-28"):
        ask(bars(), start=day, end=date(2020, 2, 28))


def test_a_known_part_is_not_all_that_was_asked_for_where_yahoo_is_silent(ask: Asker):
    ask(bars().iloc[60:], start=FIRST)
    one = ask(None, start=FIRST)
    assert (one.state, len(one.prices)) == (FetchState.NO_ANSWER, 60)
    assert one.said.endswith(
        "the copy fetched on 2020-06-17 is used, which ends on 2020-06-16 and seems to be a part."
    )


# --- two programs at once


class Meanwhile(Told):
    """Another program keeps a copy while this one waits for its answer."""

    def __init__(self, frame: pd.DataFrame, other: Callable[[], object]) -> None:
        super().__init__([frame])
        self.other = other

    def download(self, symbol: str, *, start: date | None, end: date | None) -> pd.DataFrame | None:
        if not self.asked:
            self.other()
        return super().download(symbol, start=start, end=end)


def test_of_two_programs_at_once_neither_loses_what_the_other_kept(ask: Asker):
    yahoo = ask.yahoo(bars())
    early, late = {"start": FIRST, "end": date(2020, 3, 31)}, {"start": date(2020, 3, 2)}
    slow = Meanwhile(bars(), lambda: fetch("KO", **early, yahoo=yahoo))
    mine = fetch("KO", **late, yahoo=Yahoo(download=slow, cache=ask.cache, today=TODAY, pauses=yahoo.pauses))
    assert mine["KO"].state is FetchState.FETCHED
    assert slow.asked == [(date(2020, 3, 2), None), (FIRST, None)]
    assert len(ask(None, start=FIRST).prices) == 120


def test_what_another_program_kept_meanwhile_is_not_asked_for_again(ask: Asker):
    yahoo = ask.yahoo(bars())
    slow = Meanwhile(bars(), lambda: fetch("KO", yahoo=yahoo))
    mine = fetch("KO", yahoo=Yahoo(download=slow, cache=ask.cache, today=TODAY, pauses=yahoo.pauses))
    assert (mine["KO"].state, len(slow.asked)) == (FetchState.KEPT, 1)


SCRIPT = """
import sys, time
from datetime import date
from pathlib import Path
from backtester.prices import Pauses, Yahoo, fetch
from tests.prices.stand_in import bars
folder, start = Path(sys.argv[1]), date.fromisoformat(sys.argv[2])
class Together:
    def download(self, symbol, *, start, end):
        (folder / f"{start}-{symbol}").touch()
        give_up = time.monotonic() + 30
        while len(list(folder.glob(f"*-{symbol}"))) < 2 and time.monotonic() < give_up:
            time.sleep(0.001)
        return bars().loc[str(start) : str(end) if end else None]
end = None if start.month == 3 else date(2020, 3, 31)
yahoo = Yahoo(
    download=Together(), cache=folder / "cache", today=date(2020, 6, 17), pauses=Pauses(sleep=lambda _: None)
)
fetch([f"S{n}" for n in range(20)], start=start, end=end, yahoo=yahoo)
"""


def test_two_processes_with_two_spans_keep_both(ask: Asker, tmp_path: Path):
    processes = [
        subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path), start], cwd=ROOT)
        for start in ("2020-01-01", "2020-03-02")
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    fetched = fetch([f"S{n}" for n in range(20)], start=FIRST, yahoo=ask.yahoo(None))
    assert {(one.state, one.figures["rows"]) for one in fetched.symbols} == {(FetchState.KEPT, 120)}
