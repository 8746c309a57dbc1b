"""``backtester fetch`` as a process, with a service on this machine in Yahoo's place."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.prices.stand_in import StandIn, bars, serving

ROOT = Path(__file__).parents[2]
# The program itself, but for the session, the time it waits, and the calendar.
PROGRAM = """
import sys
from datetime import date
from backtester.cli import main
from backtester.prices import Pauses, Yahoo, Yfinance, fetched
from tests.prices.stand_in import session_to

download = Yfinance(session=session_to(int(sys.argv.pop(1))), timeout_seconds=2.0)
pauses = Pauses(sleep=lambda _seconds: None)
fetched.Yahoo = lambda: Yahoo(download=download, today=date(2020, 6, 17), pauses=pauses)
main()
"""


@pytest.fixture
def service() -> Iterator[StandIn]:
    with serving(StandIn(series={"KO": bars(), "PG": bars(seed=5)})) as service:
        yield service


def run(service: StandIn, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(service.port), "fetch", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(cwd / "cache"), "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_list_is_fetched_told_and_taken_up_again(service: StandIn, tmp_path: Path):
    (tmp_path / "list.txt").write_text("KO\nPG # soap\nNIX\n")
    service.misbehave = lambda symbol, _n: (429, b"Too Many Requests") if symbol == "PG" else None
    result = run(service, "--list", "list.txt", "--out", "dataset", cwd=tmp_path)
    assert result.returncode == 3, result.stderr
    assert [path.name for path in (tmp_path / "dataset").iterdir()] == ["KO.csv"]
    assert "[1/3] KO  fetched  120 bars  2020-01-01 to 2020-06-16" in result.stderr
    assert "2 of 3 symbols are not as asked for." in result.stderr
    assert "Traceback" not in result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["symbol", "state", "rows", "span"]
    assert lines[1].split() == ["KO", "fetched", "120", "2020-01-01", "to", "2020-06-16"]
    assert "too many requests (HTTP 429)" in " ".join(result.stdout.split())
    assert lines[-1] == "1 of 3 as asked for; 1 CSV file(s) in dataset"
    assert max(len(line) for line in lines) <= 120

    service.misbehave = lambda _symbol, _n: None
    service.asked.clear()
    again = run(service, "KO", "PG", "--out", "dataset", "--json", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout)
    assert [(one["symbol"], one["state"]) for one in told["symbols"]] == [("KO", "kept"), ("PG", "fetched")]
    assert told["failed"] == 0
    assert service.asked == ["PG"]
    assert "[1/2] KO  kept of 2020-06-17  120 bars" in again.stderr


def test_a_changed_past_names_the_command_that_takes_it(service: StandIn, tmp_path: Path):
    assert run(service, "KO", "--end", "2020-05-29", cwd=tmp_path).returncode == 0
    written = (tmp_path / "prices" / "KO.csv").read_bytes()
    service.series["KO"].iloc[40:60, :5] *= 1.01
    result = run(service, "KO", cwd=tmp_path)
    assert result.returncode == 3
    assert "the first on 2020-02-26 (Open from" in result.stderr
    assert "To take a changed past: backtester fetch --refresh KO\n" in result.stderr
    assert (tmp_path / "prices" / "KO.csv").read_bytes() == written


def test_the_command_for_a_changed_past_asks_for_the_same_and_is_quoted(service: StandIn, tmp_path: Path):
    service.series["M&M.NS"] = service.series.pop("KO")
    assert run(service, "M&M.NS", "--end", "2020-05-29", cwd=tmp_path).returncode == 0
    service.series["M&M.NS"].iloc[40:60, :5] *= 1.01
    options = ("--start", "2020-01-01", "--end", "2020-06-16", "--out", "my data", "--adjusted")
    result = run(service, "M&M.NS", *options, cwd=tmp_path)
    assert result.returncode == 3
    command = (
        "backtester fetch --refresh --start 2020-01-01 --end 2020-06-16 --out 'my data' --adjusted 'M&M.NS'"
    )
    assert f"To take a changed past: {command}\n" in result.stderr
    assert run(service, *shlex.split(command)[2:], cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "No symbol is named"),
        (("KO", "--interval", "1h"), 2, "only 1d is there"),
        (("KO", "--start", "yesterday"), 2, "not a date"),
        (("KO", "--start", "2020-01-03", "--end", "2020-01-02"), 2, "is after the end 2020-01-02"),
        (("--list", "absent.txt"), 3, "absent.txt"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_command_line_says_why_and_writes_nothing(
    arguments: tuple[str, ...], code: int, words: str, tmp_path: Path
):
    result = subprocess.run(
        [sys.executable, "-m", "backtester.cli", "fetch", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == code, result.stderr
    assert words in result.stderr
    assert list(tmp_path.iterdir()) == []
