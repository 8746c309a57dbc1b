"""One symbol from Yahoo or from its kept copy, with a stand-in for whatever downloads."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from pyarrow import parquet

from backtester.errors import PricesError
from backtester.prices import Adjustment, NoteKind, Pauses, Prices, Yahoo, fetch_symbol, read_prices
from backtester.recipe.sections import DataSection

TODAY = date(2020, 6, 17)
START, END = date(2020, 1, 1), date(2020, 6, 16)
Answer = Callable[[], "pd.DataFrame | None"]


@dataclass
class StandIn:
    """Answers each call by the next answer, the last one for ever."""

    answers: list[Answer]
    calls: list[tuple[str, date | None, date | None]] = field(default_factory=list)

    def download(self, symbol: str, *, start: date | None, end: date | None) -> pd.DataFrame | None:
        self.calls.append((symbol, start, end))
        return self.answers[min(len(self.calls), len(self.answers)) - 1]()


def yahoo(download: StandIn, cache: Path, *, today: date = TODAY) -> Yahoo:
    return Yahoo(download=download, cache=cache, today=today, pauses=Pauses(sleep=lambda _seconds: None))


@pytest.fixture
def sent(rows) -> pd.DataFrame:
    """A frame as yfinance gives it: two levels of columns, naive dates."""
    frame = pd.DataFrame(rows, columns=["Date", "Open", "High", "Low", "Close", "Adj Close", "Volume"])
    frame = frame.set_index(pd.DatetimeIndex(pd.to_datetime(frame.pop("Date")), name="Date")).astype(float)
    frame.columns = pd.MultiIndex.from_product([frame.columns, ["MINE"]], names=["Price", "Ticker"])
    return frame


def get(download: StandIn, cache: Path, **settings: object) -> Prices:
    return fetch_symbol("MINE", **{"start": START, "end": END, **settings}, yahoo=yahoo(download, cache))


def texts(prices: Prices, kind: NoteKind) -> list[str]:
    return [note.text for note in prices.notes if note.kind is kind]


def log_error() -> pd.DataFrame:
    logging.getLogger("yfinance").error("['MINE']: YFRateLimitError('Too Many Requests.')")
    return pd.DataFrame()


def test_what_is_fetched_is_checked_and_adjusted(sent, clean, tmp_path):
    prices = get(StandIn([lambda: sent]), tmp_path)
    pd.testing.assert_frame_equal(prices.frame, clean.frame, check_exact=True)
    assert (prices.symbol, prices.source, prices.adjustment) == ("MINE", "yahoo", Adjustment.ADJUSTED)


def test_the_kept_copy_answers_without_a_network(sent, tmp_path):
    first = get(StandIn([lambda: sent]), tmp_path)
    offline = StandIn([log_error])
    data = DataSection(source="yahoo", symbol="MINE", start=START, end=END)
    later = yahoo(offline, tmp_path, today=date(2021, 1, 4))
    again = read_prices(data, folder=tmp_path, yahoo=later)
    assert offline.calls == []
    assert (again.sha256, again.source_sha256) == (first.sha256, first.source_sha256)
    assert "the copy fetched on 2020-06-17 is used" in texts(again, NoteKind.INFO)[0]


def test_a_shorter_span_is_cut_from_the_kept_copy(sent, tmp_path):
    download = StandIn([lambda: sent])
    get(download, tmp_path)
    assert str(get(download, tmp_path, start=date(2020, 3, 2)).dates[0].date()) == "2020-03-02"
    assert len(download.calls) == 1


def test_a_longer_span_is_fetched_whole(sent, tmp_path):
    download = StandIn([lambda: sent.loc["2020-03-02":], lambda: sent])
    get(download, tmp_path, start=date(2020, 3, 2))
    assert len(get(download, tmp_path)) == 120
    assert download.calls == [("MINE", date(2020, 3, 2), END), ("MINE", START, END)]


def test_a_damaged_copy_is_refused_until_refreshed(sent, tmp_path):
    get(StandIn([lambda: sent]), tmp_path)
    path = tmp_path / "MINE.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(PricesError, match=r"MINE\.parquet is damaged") as error:
        get(StandIn([lambda: sent]), tmp_path)
    assert "refresh" in error.value.advice
    assert len(get(StandIn([lambda: sent]), tmp_path, refresh=True)) == 120


def test_a_copy_without_its_record_is_refused(sent, tmp_path):
    get(StandIn([lambda: sent]), tmp_path)
    pd.read_parquet(tmp_path / "MINE.parquet").iloc[:60].to_parquet(tmp_path / "MINE.parquet")
    with pytest.raises(PricesError, match=r"MINE\.parquet is damaged"):
        get(StandIn([lambda: sent]), tmp_path)


def test_a_copy_is_one_file_that_says_when_and_how_it_came(sent, tmp_path):
    sent.attrs = {"settings": {"library": "yfinance 1.7.0", "auto_adjust": False}}
    get(StandIn([lambda: sent]), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["MINE.parquet"]
    record = json.loads(parquet.read_schema(tmp_path / "MINE.parquet").metadata[b"backtester"])["record"]
    assert record["fetched"] == "2020-06-17"
    assert (record["start"], record["end"]) == ("2020-01-01", "2020-06-16")
    assert record["settings"] == {"library": "yfinance 1.7.0", "auto_adjust": False}


def test_a_symbol_never_leaves_the_cache_folder(sent, tmp_path):
    cache = tmp_path / "inner" / "cache"
    fetch_symbol("../../x/..", start=START, end=END, yahoo=yahoo(StandIn([lambda: sent]), cache))
    assert {path.parent for path in tmp_path.rglob("*") if path.is_file()} == {cache}


def test_an_unwritable_cache_is_a_warning(sent, tmp_path):
    (tmp_path / "file").write_text("in the way")
    prices = get(StandIn([lambda: sent]), tmp_path / "file")
    assert len(prices) == 120
    assert "no copy could be kept" in texts(prices, NoteKind.WARNING)[0]
    assert str(tmp_path) not in texts(prices, NoteKind.WARNING)[0]


@pytest.mark.catalogue("D94")
def test_D94_an_unfinished_last_bar_is_left_out(sent, clean, tmp_path):
    unfinished = sent.copy()
    unfinished.iloc[-1, 3] = float("nan")
    prices = get(StandIn([lambda: unfinished]), tmp_path)
    assert prices.frame.equals(clean.frame.iloc[:-1])
    assert "the last bar, 2020-06-16, is unfinished" in texts(prices, NoteKind.REPAIR)[0]


@pytest.mark.catalogue("D57")
def test_D57_a_missing_price_before_the_last_bar_is_refused(sent, tmp_path):
    sent.iloc[50, 3] = float("nan")
    with pytest.raises(PricesError, match=r"MINE: row 51 \(2020-03-11\): Close '' is blank"):
        get(StandIn([lambda: sent]), tmp_path)


@pytest.mark.catalogue("D95")
def test_D95_an_empty_frame_is_refused_at_once(tmp_path):
    download = StandIn([pd.DataFrame])
    with pytest.raises(PricesError, match="Yahoo has no prices of 'MINE'"):
        get(download, tmp_path)
    assert len(download.calls) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.catalogue("D96")
def test_D96_a_shorter_span_than_asked_is_told_with_both_dates(sent, tmp_path):
    prices = get(StandIn([lambda: sent.iloc[15:-15]]), tmp_path)
    assert texts(prices, NoteKind.WARNING) == [
        "Yahoo, MINE: Yahoo seems to have sent a part of 'MINE': prices start on 2020-01-22, asked was "
        "2020-01-01. prices end on 2020-05-26, asked was 2020-06-16."
    ]


def none() -> None:
    return None


def fail() -> pd.DataFrame:
    raise RuntimeError("no idea")


@pytest.mark.parametrize(
    ("answer", "said"), [(none, "no answer"), (log_error, "Too Many Requests"), (fail, "no idea")]
)
@pytest.mark.catalogue("D97")
def test_D97_a_throttled_download_is_refused_after_four_attempts(answer, said, tmp_path):
    download = StandIn([answer])
    with pytest.raises(PricesError, match=f"in 4 attempts: .*{said}"):
        get(download, tmp_path)
    assert len(download.calls) == 4


@pytest.mark.catalogue("D97")
def test_D97_a_later_attempt_may_succeed(sent, tmp_path):
    assert len(get(StandIn([none, log_error, lambda: sent]), tmp_path)) == 120


@pytest.mark.catalogue("D97")
def test_D97_yfinances_own_messages_stay_off_the_terminal(tmp_path, caplog):
    with pytest.raises(PricesError):
        get(StandIn([log_error]), tmp_path)
    assert caplog.text == ""


@pytest.mark.catalogue("D98")
def test_D98_a_restated_past_is_refused_with_its_first_date(sent, clean, tmp_path):
    get(StandIn([lambda: sent.iloc[:100]]), tmp_path, end=date(2020, 5, 19))
    restated = sent.copy()
    restated.iloc[40:, :5] *= 1.001
    with pytest.raises(
        PricesError, match=r"restated the past of 'MINE': 60 bars .* first on 2020-02-26"
    ) as error:
        get(StandIn([lambda: restated]), tmp_path)
    assert "--refresh" in error.value.advice
    assert len(get(StandIn([log_error]), tmp_path, end=date(2020, 5, 19))) == 100


@pytest.mark.catalogue("D98")
def test_D98_refresh_takes_the_new_series_whole(sent, tmp_path):
    get(StandIn([lambda: sent]), tmp_path)
    restated = sent * 1.001
    fresh = get(StandIn([lambda: restated]), tmp_path, refresh=True)
    kept = get(StandIn([log_error]), tmp_path)
    assert fresh.sha256 == kept.sha256
    assert fresh.column("close")[0] == pytest.approx(sent["Adj Close"].iloc[0, 0] * 1.001)


@pytest.mark.catalogue("D98")
def test_D98_a_bar_missing_in_the_new_series_is_a_restated_past(sent, tmp_path):
    get(StandIn([lambda: sent.iloc[:100]]), tmp_path, end=date(2020, 5, 19))
    with pytest.raises(PricesError, match="first on 2020-01-31"):
        get(StandIn([lambda: sent.drop(sent.index[22])]), tmp_path)


@pytest.mark.catalogue("D98")
def test_D98_the_noise_of_32_bit_floats_is_no_restatement(sent, tmp_path):
    get(StandIn([lambda: sent.iloc[:100]]), tmp_path, end=date(2020, 5, 19))
    assert len(get(StandIn([lambda: sent * (1 + 1e-7)]), tmp_path)) == 120


def test_a_confirmed_jump_can_be_fetched(sent, tmp_path):
    sent.iloc[60:, :5] /= 2.0
    with pytest.raises(PricesError, match="2020-03-25"):
        get(StandIn([lambda: sent]), tmp_path)
    assert len(get(StandIn([log_error]), tmp_path, confirmed_jumps=[date(2020, 3, 25)])) == 120


def test_yfinance_is_not_imported_before_it_is_asked():
    code = "import sys, backtester.prices; sys.exit('yfinance' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
