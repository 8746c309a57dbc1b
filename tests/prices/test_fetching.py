"""Lists of symbols, asked of a service on this machine through yfinance itself."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backtester.errors import UsageError
from backtester.prices import (
    Fetched,
    FetchState,
    Pauses,
    Yahoo,
    Yfinance,
    fetch,
    fetch_symbol,
    read_prices,
    read_symbols,
)
from backtester.prices.symbols import file_stem
from backtester.recipe.sections import DataSection
from tests.prices.stand_in import StandIn, bars, chart, serving, session_to

TODAY = date(2020, 6, 17)
"""The day after the last of the service's 120 bars."""
FIRST = date(2020, 1, 1)
TOO_MANY = (429, b"Too Many Requests")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def _yfinance_away_from_the_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    import yfinance

    yfinance.set_tz_cache_location(str(tmp_path_factory.mktemp("yfinance")))


AFTER_TENSORFLOW = """
import sys
import tensorflow
import backtester
from backtester.network_library import load_network_library

{first}
from tests.prices.stand_in import session_to

reply = session_to({port}).get("http://127.0.0.1/getcrumb", impersonate="chrome")
print(reply.status_code, reply.text)
"""


@pytest.mark.parametrize(
    "first",
    [
        "load_network_library()",
        "backtester.run({'model': {'kind': 'mean_return'}}, sample='SPY', out=sys.argv[1])",
    ],
    ids=["itself", "after a run with tear sheets"],
)
def test_it_reaches_the_service_although_tensorflow_was_there_first(
    first: str, service: StandIn, tmp_path: Path
):
    code = AFTER_TENSORFLOW.format(first=first, port=service.port)
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert ran.stdout.endswith("200 crumb\n"), ran.stderr[-2000:]


def test_a_network_library_that_was_loaded_wrongly_is_said(client: Client):
    def fails(*_: object, **__: object) -> None:
        raise OSError("Failed to setopt 1022 1, curl: (48) . See https://curl.se/libcurl")

    client.download.download = fails
    state, text = said(client())
    assert state == "no answer"
    assert "another curl was loaded before" in text
    assert client.waits == [2.0]  # not the long ones


@pytest.fixture
def service() -> Iterator[StandIn]:
    with serving(StandIn(series={"KO": bars()})) as service:
        yield service


class Client:
    """Fetches from the service; remembers how long it would have waited."""

    def __init__(self, service: StandIn, folder: Path) -> None:
        self.service = service
        self.cache = folder / "cache"
        self.waits: list[float] = []
        self.download = Yfinance(session=session_to(service.port), timeout_seconds=0.8)

    def __call__(self, *symbols: str, today: date = TODAY, **settings: object) -> Fetched:
        self.waits.clear()
        self.service.asked.clear()
        yahoo = Yahoo(
            download=self.download, cache=self.cache, today=today, pauses=Pauses(sleep=self.waits.append)
        )
        return fetch(symbols or ("KO",), yahoo=yahoo, **settings)

    @property
    def kept(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.cache.glob("*")}


@pytest.fixture
def client(service: StandIn, tmp_path: Path) -> Client:
    return Client(service, tmp_path)


def said(fetched: Fetched) -> tuple[str, str]:
    (one,) = fetched.symbols
    return one.state.value, one.said


def notes(fetched: Fetched) -> str:
    return "\n".join(note.text for one in fetched.symbols for note in one.notes)


def always(reply: tuple[int, bytes]) -> Callable[[str, int], tuple[int, bytes]]:
    return lambda _symbol, _n: reply


# --- what comes, and what is missing of it


def test_all_that_the_service_has_arrives(client: Client, service: StandIn):
    service.series["KO"].loc["2020-03-02", "Dividends"] = 0.41
    service.series["KO"].loc["2020-05-04", "Stock Splits"] = 2.0
    one = client()["ko"]
    assert one.state is FetchState.FETCHED
    assert list(one.frame) == ["open", "high", "low", "close", "adj_close", "volume", "dividends", "splits"]
    assert np.array_equal(one.frame.to_numpy(), service.series["KO"].to_numpy())
    assert (one.frame.index == service.series["KO"].index).all()


@pytest.mark.parametrize("n_refused", [3, 6])
def test_three_refusals_for_too_many_requests_are_waited_out(
    n_refused: int, client: Client, service: StandIn
):
    # yfinance asks twice in each attempt: 3 refused requests are two attempts, 6 are three.
    service.misbehave = lambda _symbol, n: TOO_MANY if n <= n_refused else None
    assert said(client()) == ("fetched", "")
    assert client.waits == [2.0, 6.0, 18.0][: -(-n_refused // 2) - (n_refused == 3)]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (TOO_MANY, "too many requests (HTTP 429)"),
        ((0, b""), "timed out"),
        ((200, b""), "not Yahoo's (empty, cut off, or a page of words)"),
        ((200, b'{"chart": {"result": [{"meta"'), "not Yahoo's (empty, cut off, or a page of words)"),
        ((500, b"<html>Will be back</html>"), "not Yahoo's (empty, cut off, or a page of words)"),
        ((503, b'{"finance": {"error": {"code": "Unavailable"}}}'), "an empty reply"),
        ((200, b'{"chart": {"result": [], "error": null}}'), "an empty reply"),
    ],
    ids=["429", "time-out", "nothing", "cut off", "page", "unavailable", "empty"],
)
def test_an_answer_that_is_none_is_said_and_costs_nothing(
    reply: tuple[int, bytes], words: str, client: Client, service: StandIn
):
    client(start=FIRST)
    kept = client.kept
    service.misbehave = always(reply)
    state, text = said(client(refresh=True))
    assert state == "no answer"
    assert text.startswith("Yahoo gave no prices of 'KO' in 4 attempts: ")
    assert words in text
    assert text.endswith("The copy of 2020-06-17 stays.")
    assert client.waits == [2.0, 6.0, 18.0]
    assert client.kept == kept
    service.misbehave = lambda _symbol, _n: None
    assert said(client(refresh=True)) == ("fetched", "")


def test_a_bad_answer_is_not_remembered_by_yfinance(client: Client, service: StandIn):
    service.misbehave = lambda _symbol, n: (500, b"<html>") if n <= 2 else None
    assert said(client(start=FIRST, end=date(2020, 6, 1))) == ("fetched", "")


def test_a_dead_line_is_said(tmp_path: Path):
    with serving(StandIn()) as gone:
        client = Client(gone, tmp_path)
    state, text = said(client(out=tmp_path / "out"))
    assert state == "no answer"
    assert "in 2 attempts: no connection" in text
    assert client.waits == [2.0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("symbol", "words"), [("NIX", "Check the symbol"), ("BRK.B", "with a dash")])
def test_an_unknown_symbol_is_asked_once(symbol: str, words: str, client: Client):
    one = client(symbol)[symbol]
    assert one.state is FetchState.EMPTY
    assert one.said == f"Yahoo has no prices of '{symbol}' from the first session to today."
    assert words in one.advice
    assert client.waits == []


def cut(service: StandIn, rows: slice | np.ndarray) -> None:
    """Send these rows only, with what is said about the symbol as it was."""
    whole = service.series["KO"]
    last = int((whole.index[-1] + pd.Timedelta("9h30min")).tz_localize("America/New_York").timestamp())
    content = chart("KO", whole.iloc[rows], first=str(whole.index[0].date()), last=last)
    service.misbehave = always((200, content))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (slice(60, None), "prices start on 2020-03-25, asked was 2020-01-01."),
        (slice(60), "prices end on 2020-03-24, Yahoo's last session is 2020-06-16."),
        (slice(1, None, 2), "60 bars on 119 weekdays from 2020-01-02 to 2020-06-16."),
    ],
    ids=["second half", "first half", "every other"],
)
def test_half_the_rows_are_said_kept_and_asked_for_again(
    rows: slice, words: str, client: Client, service: StandIn
):
    cut(service, rows)
    fetched = client(start=FIRST)
    assert said(fetched) == ("partial", f"Yahoo seems to have sent a part of 'KO': {words}")
    assert (len(fetched["KO"].prices), service.asked) == (60, ["KO", "KO"])
    service.misbehave = lambda _symbol, _n: None
    whole = client(start=FIRST)
    assert (said(whole), len(whole["KO"].prices), service.asked) == (("fetched", ""), 120, ["KO"])


def test_of_two_parts_the_larger_is_kept(client: Client, service: StandIn):
    whole = service.series["KO"]
    parts = [chart("KO", whole.iloc[:n_rows], first="2020-01-01", last=1_592_337_600) for n_rows in (90, 60)]
    service.misbehave = lambda _symbol, n: (200, parts[(n - 1) % 2])
    assert len(client(start=FIRST)["KO"].prices) == 90
    client.cache = client.cache / "other"
    parts.reverse()
    assert len(client(start=FIRST)["KO"].prices) == 90


def test_a_session_that_was_not_over_is_asked_for_when_it_is(client: Client, service: StandIn):
    span = {"start": FIRST, "end": date(2020, 6, 16)}
    yahoo = Yahoo(download=client.download, cache=client.cache, today=date(2020, 6, 16))
    assert len(fetch_symbol("KO", **span, yahoo=yahoo)) == 119
    assert len(fetch_symbol("KO", **span, yahoo=replace(yahoo, today=TODAY))) == 120


def test_a_copy_never_loses_what_it_had_to_a_shorter_question(client: Client, service: StandIn):
    client(start=FIRST)
    later = client(start=date(2020, 3, 2), today=date(2020, 6, 18))
    assert said(later) == ("fetched", "")
    assert str(later["KO"].prices.dates[0].date()) == "2020-03-02"
    assert len(client(start=FIRST, today=date(2020, 6, 18))["KO"].prices) == 120
    assert service.asked == []


@pytest.mark.parametrize(
    "rows",
    [slice(60, None), slice(60), slice(None, None, 2), slice(-1), np.r_[0:20, 60:120]],
    ids=["late", "early", "thin", "last", "hole"],
)
@pytest.mark.parametrize("refresh", [False, True])
def test_a_part_never_takes_the_place_of_a_kept_copy(
    rows: slice, refresh: bool, client: Client, service: StandIn
):
    client(start=FIRST)
    kept = client.kept
    cut(service, rows)
    fetched = client(start=FIRST, refresh=refresh, today=date(2020, 6, 18))
    state, text = said(fetched)
    assert state == "partial"
    assert "of the copy of 2020-06-17" in text or "in the copy of 2020-06-17" in text
    assert client.kept == kept
    assert (fetched["KO"].prices is None) == refresh


def test_a_new_listing_and_a_delisting_are_no_parts(client: Client, service: StandIn):
    fetched = client(start=date(2015, 1, 2), today=date(2020, 9, 1))
    assert said(fetched) == ("fetched", "")
    assert "prices start on 2020-01-01, its first session, asked was 2015-01-02." in notes(fetched)
    assert "prices end on 2020-06-16, its last session, asked was 2020-09-01." in notes(fetched)


def test_a_first_session_that_did_not_come_is_said(client: Client, service: StandIn):
    service.first_sessions["KO"] = "1962-01-02"
    assert said(client())[1].endswith("prices start on 2020-01-01, Yahoo's first session is 1962-01-02.")


def test_the_session_of_today_is_left_out_until_it_is_over(client: Client):
    fetched = client(today=date(2020, 6, 16))
    assert str(fetched["KO"].prices.dates[-1].date()) == "2020-06-15"
    assert "the last bar, 2020-06-16, is of a session that goes on, and left out." in notes(fetched)
    assert str(client()["KO"].prices.dates[-1].date()) == "2020-06-16"


@pytest.mark.parametrize("blank", [np.nan, 0.0], ids=["null", "zero"])
def test_rows_without_any_price_are_left_out_and_named(blank: float, client: Client, service: StandIn):
    service.series["KO"].iloc[50, :6] = blank
    fetched = client()
    assert len(fetched["KO"].prices) == 119
    assert "1 row(s) without any price are left out: 2020-03-11." in notes(fetched)


def test_many_rows_without_any_price_are_a_part(client: Client, service: StandIn):
    service.series["KO"].iloc[50:55, :6] = np.nan
    assert said(client())[1].endswith("5 of 120 rows came without any price.")


def test_a_price_that_cannot_be_right_is_refused_by_its_date(client: Client, service: StandIn):
    service.series["KO"].iloc[50, 3] = -1.0
    state, text = said(client())
    assert (state, "2020-03-11" in text) == ("refused", True)


# --- a past that is told differently


def changed(service: StandIn, change: Callable[[pd.DataFrame], pd.DataFrame], *, n_more: int = 20) -> None:
    """The service as it is a month later: 20 more bars, and a change to all of them."""
    service.series["KO"] = change(bars(120 + n_more).assign(**_old_prices(service.series["KO"], n_more)))


def _old_prices(frame: pd.DataFrame, n_more: int) -> dict[str, np.ndarray]:
    more = np.linspace(1.001, 1.02, n_more)
    return {name: np.append(frame[name], frame[name].iloc[-1] * more) for name in ("Close", "Adj Close")} | {
        "Open": np.append(frame["Open"], frame["Close"].iloc[-1] * more),
        "High": np.append(frame["High"], frame["Close"].iloc[-1] * more * 1.01),
        "Low": np.append(frame["Low"], frame["Close"].iloc[-1] * more * 0.99),
    }


LATER = date(2020, 7, 15)


def test_more_bars_on_the_same_past_are_taken(client: Client, service: StandIn):
    client()
    changed(service, lambda frame: frame)
    fetched = client(today=LATER)
    assert said(fetched) == ("fetched", "")
    assert len(fetched["KO"].prices) == 140
    assert list(client.kept) == ["KO.parquet"]


def restate(frame: pd.DataFrame) -> pd.DataFrame:
    frame.iloc[40:100, :5] *= 1.001
    return frame


def test_a_changed_past_is_said_and_the_copy_stays_until_refresh(client: Client, service: StandIn):
    client()
    kept = client.kept
    was = service.series["KO"]["Open"].iloc[40]
    changed(service, restate)
    fetched = client(today=LATER)
    state, text = said(fetched)
    assert state == "changed"
    assert text == (
        "Yahoo restated the past of 'KO': 60 bars differ from the copy of 2020-06-17, the first on "
        f"2020-02-26 (Open from {was:.6g} to {was * 1.001:.6g}: ratio 1.001), all by the same ratio, "
        "and no split or dividend explains it. The copy of 2020-06-17 stays."
    )
    assert "--refresh" in fetched["KO"].advice
    assert client.kept == kept
    assert len(fetched["KO"].prices) == 120
    taken = client(today=LATER, refresh=True)
    assert said(taken) == ("fetched", "")
    assert taken["KO"].prices.column("open")[40] == pytest.approx(was * 1.001)
    aside = {name: content for name, content in client.kept.items() if "@2020-06-17" in name}
    assert list(aside.values()) == list(kept.values())


def split(frame: pd.DataFrame) -> pd.DataFrame:
    frame.iloc[:130, :5] /= 4.0
    frame.iloc[130:, :5] /= 4.0
    frame.iloc[130, 7] = 4.0
    return frame


def pay(frame: pd.DataFrame) -> pd.DataFrame:
    frame.iloc[130, 6] = 9.0
    frame.iloc[:130, 4] *= 1.0 - 9.0 / frame["Close"].iloc[129]
    return frame


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (split, r"for a split of 4 to 1 \(every price × 0.25\) on 2020-07-01: all bars"),
        (pay, r"for dividends \(adjusted closes × 0.99\d+\) on 2020-07-01: all bars"),
        (lambda frame: pay(split(frame)), r"a split of 4 to 1 .* and dividends \(adjusted closes × 0.2\d+\)"),
    ],
    ids=["split", "dividend", "both"],
)
def test_an_adjustment_for_a_split_or_dividend_is_told_apart(
    change: Callable[[pd.DataFrame], pd.DataFrame], words: str, client: Client, service: StandIn
):
    before = client()["KO"].prices.frame["close"].pct_change().iloc[1:]
    kept = client.kept
    changed(service, change)
    fetched = client(today=LATER)
    assert fetched["KO"].state is FetchState.ADJUSTED
    assert pytest.approx(before, abs=1e-9) == fetched["KO"].prices.frame["close"].pct_change().iloc[1:]
    assert re.search(words, fetched["KO"].said)
    assert fetched["KO"].said.endswith("the returns stay the same. The copy of 2020-06-17 stays.")
    assert client.kept == kept
    after = client(today=LATER, refresh=True)["KO"].prices.frame["close"].pct_change().iloc[1:120]
    assert after.to_numpy() == pytest.approx(before.to_numpy(), abs=1e-9)


def test_a_split_that_explains_only_a_part_is_a_changed_past(client: Client, service: StandIn):
    client()
    changed(service, lambda frame: restate(split(frame)))
    assert said(client(today=LATER))[0] == "changed"


# --- lists


def several(service: StandIn, n_symbols: int) -> list[str]:
    names = [f"S{number}" for number in range(n_symbols)]
    service.series |= {name: bars(60, seed=number) for number, name in enumerate(names)}
    return names


def test_what_is_kept_and_of_today_is_not_asked_again(client: Client, service: StandIn):
    names = several(service, 4)
    service.misbehave = lambda symbol, _n: TOO_MANY if symbol == "S2" else None
    first = client(*names)
    assert [one.state.value for one in first.symbols] == ["fetched", "fetched", "no answer", "fetched"]
    assert [one.symbol for one in first.failed] == ["S2"]
    service.misbehave = lambda _symbol, _n: None
    again = client(*names)
    assert [one.state.value for one in again.symbols] == ["kept", "kept", "fetched", "kept"]
    assert service.asked == ["S2"]
    tomorrow = client(*names, today=date(2020, 6, 18))
    assert {one.state.value for one in tomorrow.symbols} == {"fetched"}


def test_a_span_that_is_over_is_never_asked_again(client: Client, service: StandIn):
    client(start=FIRST, end=date(2020, 5, 29))
    assert said(client(start=FIRST, end=date(2020, 5, 29), today=date(2024, 1, 2))) == ("kept", "")
    assert service.asked == []


def test_offline_the_copy_is_used_with_its_date(client: Client, service: StandIn):
    client()
    service.misbehave = always((0, b""))
    fetched = client(today=date(2020, 6, 19))
    assert said(fetched) == (
        "offline",
        "Yahoo gave no prices of 'KO' in 4 attempts: timed out; the copy fetched on 2020-06-17 is used, "
        "which ends on 2020-06-16.",
    )
    assert (len(fetched["KO"].prices), fetched["KO"].fetched) == (120, TODAY)
    assert fetched.failed == ()


def test_offline_a_copy_that_is_too_short_is_no_answer(client: Client, service: StandIn):
    client(start=date(2020, 3, 2))
    kept = client.kept
    service.misbehave = always(TOO_MANY)
    assert said(client(start=FIRST))[0] == "no answer"
    assert client.kept == kept


def test_after_three_symbols_without_an_answer_the_others_are_not_asked(client: Client, service: StandIn):
    names = several(service, 6)
    client("S5")
    service.misbehave = always(TOO_MANY)
    fetched = client(*names, today=date(2020, 6, 18))
    assert [one.state.value for one in fetched.symbols] == 3 * ["no answer"] + 2 * ["not asked"] + ["offline"]
    assert set(service.asked) == {"S0", "S1", "S2"}
    assert len(fetched["S5"].prices) == 60


def test_there_is_a_pause_between_symbols_and_none_for_kept_ones(client: Client, service: StandIn):
    names = several(service, 3)
    client(*names)
    assert client.waits == [0.5, 0.5]
    client(*names)
    assert client.waits == []


def test_each_symbol_is_fetched_once_and_told_at_once(client: Client, service: StandIn):
    several(service, 2)
    told: list[str] = []
    fetched = client("s0", "S1", "S0", on_symbol=lambda one: told.append(one.symbol))
    assert told == ["S0", "S1"]
    assert list(fetched.table.index) == ["S0", "S1"]
    assert list(fetched.prices) == ["S0", "S1"]
    assert list(fetched.table["rows"]) == [60, 60]


SCRIPT = """
import sys, time
from datetime import date
from pathlib import Path
from backtester.prices import Pauses, Yahoo, fetch
from tests.prices.stand_in import bars
class Slow:
    def download(self, symbol, *, start, end):
        return bars(seed=int(symbol[1:]))
pauses = Pauses(sleep=lambda _: None)
yahoo = Yahoo(download=Slow(), cache=Path(sys.argv[1]) / "cache", today=date(2020, 6, 17), pauses=pauses)
fetch([f"S{n}" for n in range(500)], yahoo=yahoo, out=Path(sys.argv[1]) / "out")
"""


def test_kill_9_in_the_middle_of_500_symbols_loses_none_that_was_fetched(tmp_path: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    cache = tmp_path / "cache"
    give_up = time.monotonic() + 60
    while len(list(cache.glob("S*.parquet"))) < 25 and time.monotonic() < give_up:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    n_kept = len(list(cache.glob("S*.parquet")))
    assert 25 <= n_kept < 500
    asked: list[str] = []

    class Counting:
        def download(self, symbol: str, *, start: date | None, end: date | None) -> pd.DataFrame:
            asked.append(symbol)
            return bars(seed=int(symbol[1:]))

    yahoo = Yahoo(download=Counting(), cache=cache, today=TODAY, pauses=Pauses(sleep=lambda _: None))
    names = [f"S{number}" for number in range(n_kept + 5)]
    fetched = fetch(names, yahoo=yahoo, out=tmp_path / "out")
    assert fetched.failed == ()
    assert asked == names[n_kept:]
    assert len(list((tmp_path / "out").glob("S*.csv"))) == n_kept + 5


# --- files


def test_a_file_reads_back_to_the_same_bars(client: Client, service: StandIn, tmp_path: Path):
    service.series["KO"].loc["2020-04-01", "Dividends"] = 9.0
    service.series["KO"].loc[:"2020-03-31", "Adj Close"] *= 0.991
    one = client(out=tmp_path / "out")["KO"]
    assert one.file == tmp_path / "out" / "KO.csv"
    header = "date,open,high,low,close,adj_close,volume,dividends,splits"
    assert one.file.read_text().splitlines()[0] == header
    data = DataSection(source="csv", path="KO.csv", symbol="KO")
    again = read_prices(data, folder=tmp_path / "out", today=TODAY)
    pd.testing.assert_frame_equal(again.frame, one.prices.frame, check_exact=True)


def test_adjusted_files_have_adjusted_prices(client: Client, service: StandIn, tmp_path: Path):
    service.series["KO"].loc["2020-04-01", "Dividends"] = 9.0
    service.series["KO"].loc[:"2020-03-31", "Adj Close"] *= 0.991
    one = client(out=tmp_path, adjusted=True)["KO"]
    written = pd.read_csv(one.file, index_col="date")
    for name in ("open", "high", "low", "close"):
        assert np.array_equal(written[name], one.prices.column(name))
    assert np.array_equal(written["adj_close"], written["close"])


@pytest.mark.parametrize(
    "content",
    [b"my own notes\n", b"Date,Close\n2020-01-02,1\n", b"", b"\xff" * 2000],
    ids=["notes", "prices", "empty", "binary"],
)
def test_a_file_of_someone_else_stays_and_the_symbol_is_not_as_asked_for(
    content: bytes, client: Client, tmp_path: Path
):
    (tmp_path / "KO.csv").write_bytes(content)
    one = client(out=tmp_path)["KO"]
    assert (one.state, one.file, len(one.prices)) == (FetchState.NOT_WRITTEN, None, 120)
    assert one.said == "KO.csv is there already and was not written by this command: it stays."
    assert (tmp_path / "KO.csv").read_bytes() == content


def test_a_folder_or_a_pipe_of_that_name_stays(client: Client, tmp_path: Path):
    os.mkfifo(tmp_path / "KO.csv")
    assert client(out=tmp_path)["KO"].state is FetchState.NOT_WRITTEN
    (tmp_path / "out" / "KO.csv").mkdir(parents=True)
    assert client(out=tmp_path / "out")["KO"].state is FetchState.NOT_WRITTEN


def test_a_part_never_takes_the_place_of_a_file_with_more_rows(
    client: Client, service: StandIn, tmp_path: Path
):
    whole = client(start=FIRST, out=tmp_path)["KO"].file
    written = whole.read_bytes()
    client.cache = tmp_path / "another"
    cut(service, slice(60, None))
    one = client(start=FIRST, out=tmp_path)["KO"]
    assert (one.state, one.file, len(one.prices)) == (FetchState.PARTIAL, None, 60)
    assert one.said.endswith("KO.csv has 120 rows, more than the 60 of now: it stays.")
    assert whole.read_bytes() == written
    service.misbehave = lambda _symbol, _n: None
    assert client(start=date(2020, 3, 2), out=tmp_path)["KO"].file == whole  # less was asked for
    assert len(pd.read_csv(whole)) == 77


def test_what_is_no_price_is_not_written(client: Client, service: StandIn, tmp_path: Path):
    several(service, 2)
    service.series["S0"].iloc[30:, :5] /= 2.0  # a split that Yahoo forgot
    fetched = client("S0", "S1", out=tmp_path / "out")
    assert [one.state.value for one in fetched.symbols] == ["refused", "fetched"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["S1.csv"]
    assert "S0.parquet" in client.kept


@pytest.mark.parametrize(
    "symbol", ["../x", "a/b", "^GSPC", "EURUSD=X", ".", "..", "ß", "X" * 300, "A@2020-01-01"]
)
def test_a_symbol_is_a_safe_and_its_own_file_name(symbol: str, tmp_path: Path):
    path = tmp_path / f"{file_stem(symbol)}.csv"
    path.write_text("x")
    assert path.parent.resolve() == path.resolve().parent
    others = {"X", "A", "B", "GSPC", "X" * 299, "X" * 301, "A%402020-01-01"}
    assert file_stem(symbol) not in {file_stem(other) for other in others}
    assert "@" not in file_stem(symbol)


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("SPY\nmsft\n", ("SPY", "MSFT")),
        ("\ufeffSPY, MSFT; KO\t^GSPC # four\n# a remark\nSPY\n", ("SPY", "MSFT", "KO", "^GSPC")),
        ('Security,Symbol,Sector\n"3M, Inc.",MMM,Industry\nA. O. Smith,AOS,Industry\n', ("MMM", "AOS")),
        ("Ticker\nKO\n", ("KO",)),
    ],
    ids=["lines", "mixed", "table", "column"],
)
def test_a_list_is_read(text: str, symbols: tuple[str, ...], tmp_path: Path):
    (tmp_path / "list.txt").write_text(text)
    assert read_symbols(tmp_path / "list.txt") == symbols


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "names no symbol"),
        (b"# nothing\n", "names no symbol"),
        (b"PK\x03\x04", "a zip archive"),
        (b"<html><body>", "HTML"),
        (b"caf\xe9 \xff", "no UTF-8"),
        (b"Name\n" + b"X" * 41, "too long"),
        (b"Symbol\n" + b"X" * 200_000, "no list of symbols: field larger than field limit"),
    ],
)
def test_what_is_no_list_is_refused(content: bytes, words: str, tmp_path: Path):
    (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(UsageError, match=words):
        read_symbols(tmp_path / "list.txt")


@pytest.mark.parametrize(
    "symbols", [[], [""], ["A B"], ["A\nB"], ['"A"'], ["X" * 41], ["A\u202eB"], ["A\u200f"], ["A\x9b"]]
)
def test_what_cannot_be_a_symbol_is_refused_before_anything_is_asked(symbols: list[str], tmp_path: Path):
    with pytest.raises(UsageError):
        fetch(symbols, yahoo=Yahoo(cache=tmp_path / "cache"))
    assert list(tmp_path.iterdir()) == []


class Sends:
    """Gives a frame as it is."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame

    def download(self, symbol: str, *, start: date | None, end: date | None) -> pd.DataFrame:
        return self.frame


def sent(frame: pd.DataFrame, tmp_path: Path) -> Fetched:
    yahoo = Yahoo(download=Sends(frame), cache=tmp_path, today=TODAY, pauses=Pauses(sleep=lambda _: None))
    return fetch(["KO"], refresh=True, yahoo=yahoo)


def test_a_row_that_came_twice_is_kept_once(tmp_path: Path):
    frame = bars()
    fetched = sent(pd.concat([frame, frame.iloc[[40]]]), tmp_path)
    assert said(fetched) == ("fetched", "")
    assert "1 row(s) came twice" in notes(fetched)
    assert len(fetched["KO"].prices) == 120


def test_two_different_bars_of_a_date_are_refused_and_the_copy_stays(tmp_path: Path):
    sent(bars(), tmp_path)
    kept = (tmp_path / "KO.parquet").read_bytes()
    state, text = said(sent(pd.concat([bars(), bars().iloc[[40]] * 1.01]), tmp_path))
    assert (state, text) == (
        "refused",
        "Yahoo sent two different bars of 'KO' on 2020-02-26. The copy of 2020-06-17 stays.",
    )
    assert (tmp_path / "KO.parquet").read_bytes() == kept


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame.set_axis(frame.index + pd.Timedelta(days=400), axis=0), "after today"),
        (lambda frame: frame.reset_index(drop=True), "no dates"),
        (lambda frame: frame.drop(columns="Close"), "no closes"),
        (lambda frame: frame.assign(Open="free"), "Open that is not a number"),
        (lambda frame: frame.assign(**dict.fromkeys(frame.columns[:6], np.nan)), "none of them finished"),
    ],
)
def test_what_is_no_table_of_prices_is_refused(
    change: Callable[[pd.DataFrame], pd.DataFrame], words: str, tmp_path: Path
):
    state, text = said(sent(change(bars()), tmp_path))
    assert state == "refused"
    assert words in text
    assert list(tmp_path.iterdir()) == []
