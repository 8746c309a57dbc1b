"""What Yahoo may answer, through the program: exit code, message, and what is kept."""

from __future__ import annotations

import json
from collections.abc import Callable

import pandas as pd
import pytest

from backtester.prices import fetching
from tests.cli.conftest import Program, Told
from tests.prices.conftest import HEADER, clean_rows
from tests.prices.test_yahoo import Answer, StandIn, log_error, none, yahoo

RECIPE = """
[data]
start = 2020-01-01
end = 2020-06-16
[folds]
train = 60
test = 30
[model]
kind = "last_return"
"""
EARLIER = ("--set", "data.end=2020-05-19")
Ask = Callable[..., tuple[Told, StandIn]]


def sent() -> pd.DataFrame:
    """A frame as yfinance gives it."""
    frame = pd.DataFrame(clean_rows(), columns=HEADER.split(","))
    frame = frame.set_index(pd.DatetimeIndex(pd.to_datetime(frame.pop("Date")), name="Date")).astype(float)
    frame.columns = pd.MultiIndex.from_product([frame.columns, ["MINE"]], names=["Price", "Ticker"])
    return frame


@pytest.fixture
def ask(program: Program, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """The program's plan of a symbol, with these answers in Yahoo's place."""
    (program.folder / "mine.toml").write_text(RECIPE)

    def ask(*answers: Answer, options: tuple[str, ...] = ()) -> tuple[Told, StandIn]:
        service = StandIn(list(answers))
        monkeypatch.setattr(fetching, "Yahoo", lambda: yahoo(service, program.folder / "cache"))
        return program("plan", "mine.toml", "--yahoo", "MINE", "--quick", "--json", *options), service

    return ask


def kept(program: Program) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (program.folder / "cache").glob("*")}


@pytest.mark.catalogue("D94")
def test_an_unfinished_last_bar_is_left_out_with_a_note(ask):
    frame = sent()
    frame.iloc[-1, 3] = float("nan")
    told, _ = ask(lambda: frame)
    assert told.code == 0, told.err
    assert "repair: " in told.err
    assert "the last bar, 2020-06-16, is unfinished" in told.err
    assert json.loads(told.out)["bars"] == 119


@pytest.mark.catalogue("D95")
def test_an_empty_frame_ends_with_3_and_nothing_is_kept(ask, program):
    told, service = ask(pd.DataFrame)
    assert (told.code, told.out) == (3, "")
    assert "Yahoo has no prices of 'MINE'" in told.err
    assert len(service.calls) == 1
    assert kept(program) == {}


@pytest.mark.catalogue("D96")
def test_a_shorter_span_is_a_warning_with_both_dates(ask):
    told, _ = ask(lambda: sent().iloc[12:-12])
    assert told.code == 0, told.err
    for first, second in (("2020-01-17", "2020-01-01"), ("2020-05-29", "2020-06-16")):
        (line,) = [line for line in told.err.splitlines() if first in line]
        assert line.startswith("warning: ")
        assert second in line


@pytest.mark.catalogue("D97")
@pytest.mark.parametrize("answer", [none, log_error], ids=["none", "empty and an error in the log"])
def test_a_throttled_download_ends_with_3_after_four_attempts(answer, ask, program):
    told, service = ask(answer)
    assert (told.code, told.out) == (3, "")
    assert "in 4 attempts" in told.err
    assert len(service.calls) == 4
    assert kept(program) == {}


@pytest.mark.catalogue("D98")
def test_a_restated_past_ends_with_3_and_its_first_date_until_it_is_taken_whole(ask, program):
    assert ask(lambda: sent().iloc[:100], options=EARLIER)[0].code == 0
    before = kept(program)
    restated = sent()
    restated.iloc[40:, :5] *= 1.001
    told, _ = ask(lambda: restated)
    assert (told.code, told.out) == (3, "")
    assert "first on 2020-02-26" in told.err
    assert "--refresh" in told.err
    assert kept(program) == before
    whole, _ = ask(lambda: restated, options=("--set", "data.refresh=true"))
    assert whole.code == 0, whole.err
    assert json.loads(whole.out)["bars"] == 120
    again, service = ask(lambda: pytest.fail("not asked"))
    assert again.code == 0
    assert json.loads(again.out)["bars"] == 120
    assert service.calls == []
