"""Files far too large for daily bars: refused early, in little memory."""

from __future__ import annotations

import gzip
import itertools
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

pytestmark = pytest.mark.slow

GIB = 1 << 30
N_ROWS = 5_000_000
MOST_MEMORY = 2 * GIB
MOST_SECONDS = 30.0  # of processor time: the clock depends on what else runs
HEADER = "Date,Open,High,Low,Close,Volume\n"
BAR = ",100.25,100.50,100.00,100.30,12345\n"
READ = """
import resource, sys
from pathlib import Path
from backtester.errors import PricesError
from backtester.prices import read_prices
from backtester.recipe.sections import DataSection
folder, name, *symbol = sys.argv[1:]
data = {"source": "parquet" if name.endswith(".parquet") else "csv", "path": name}
if symbol:
    data["symbol"] = symbol[0]
try:
    print(len(read_prices(DataSection.model_validate(data), folder=Path(folder))), "bars, accepted")
except PricesError as error:
    print(error.exit_code, error)
usage = resource.getrusage(resource.RUSAGE_SELF)
# Not ru_maxrss, which takes in what the process that forked this one had.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) * 1024, usage.ru_utime + usage.ru_stime)
"""


class Reading(NamedTuple):
    said: str
    memory: int
    seconds: float


def read_apart(path: Path, *symbol: str) -> Reading:
    """Read in a process of its own, whose memory and time are its alone."""
    command = [sys.executable, "-c", READ, str(path.parent), path.name, *symbol]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    *said, used = done.stdout.splitlines()
    memory, seconds = used.split()
    return Reading(" ".join(said), int(memory), float(seconds))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for 2 GB, which does not outlive its test."""
    free = shutil.disk_usage(tmp_path).free
    if free < 3 * GIB:
        pytest.skip(f"needs 3 GB of disk, {free / GIB:.1f} are free")
    yield tmp_path
    shutil.rmtree(tmp_path)


def write(path: Path, blocks: Iterable[str]) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(itertools.chain([HEADER], blocks))
    return path


def sessions(n_days: int) -> list[str]:
    return (np.datetime64("1975-01-01") + np.arange(n_days)).astype(str).tolist()


def minutes() -> Iterator[str]:
    times = [f" {9 + minute // 60:02d}:{minute % 60:02d}:00{BAR}" for minute in range(30, 420)]
    for day in sessions(N_ROWS // len(times) + 1):
        yield "".join(day + time for time in times)


@pytest.mark.catalogue("D89")
def test_d89_five_million_bars_of_one_minute_are_refused_as_intraday(place):
    said, memory, seconds = read_apart(write(place / "minutes.csv", minutes()))
    print(f"{N_ROWS} rows: {seconds:.1f} s, {memory / GIB:.2f} GiB")
    assert said.startswith("3 minutes.csv: 390 bars on 1975-01-01: these are intraday bars")
    assert said.endswith("Give one bar for each day.")
    assert memory < MOST_MEMORY
    assert seconds < MOST_SECONDS


@pytest.mark.catalogue("D89")
def test_d89_five_million_daily_rows_are_refused_with_advice(place):
    days = sessions(N_ROWS // 500)
    blocks = ("".join(f"{day}{BAR}" for day in days) for _ in range(500))
    said, memory, seconds = read_apart(write(place / "days.csv", blocks))
    assert said.startswith("3 days.csv: 50 bars on 1975-01-01: these are intraday bars, or several symbols")
    assert memory < MOST_MEMORY
    assert seconds < MOST_SECONDS


@pytest.mark.catalogue("D89")
def test_d89_five_million_rows_of_many_symbols_are_refused_with_advice(place):
    days = sessions(N_ROWS // 500)
    path = place / "market.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER.replace("Date", "Symbol,Date"))
        for number in range(500):
            file.write("".join(f"S{number},{day}{BAR}" for day in days))
    said, memory, seconds = read_apart(path, "S7")
    assert said.startswith("3 market.csv has more than 500000 rows")
    assert said.endswith("Give one bar for each day, of one symbol.")
    assert memory < MOST_MEMORY
    assert seconds < MOST_SECONDS


@pytest.mark.catalogue("D89")
def test_d89_five_million_rows_of_parquet_are_refused_as_intraday(place):
    stamps = np.datetime64("1975-01-01T00:00:00") + np.arange(N_ROWS).astype("timedelta64[m]")
    path = place / "minutes.parquet"
    pd.DataFrame({"date": stamps, "close": np.linspace(1.0, 2.0, N_ROWS)}).to_parquet(path)
    said, memory, seconds = read_apart(path)
    assert said.startswith("3 minutes.parquet: 1440 bars on 1975-01-01: these are intraday bars")
    assert memory < MOST_MEMORY
    assert seconds < MOST_SECONDS


@pytest.mark.catalogue("F30")
def test_f30_a_file_of_2_gb_is_refused_in_little_memory(place):
    path = write(place / "large.csv", minutes())
    block = path.read_bytes()[len(HEADER) :]
    with path.open("ab") as file:
        while file.tell() < 2 * GIB:
            file.write(block)
    said, memory, seconds = read_apart(path)
    print(f"{path.stat().st_size / GIB:.1f} GiB: {seconds:.1f} s, {memory / GIB:.2f} GiB")
    assert said.startswith("3 large.csv: 390 bars on 1975-01-01: these are intraday bars")
    assert memory < MOST_MEMORY
    assert seconds < MOST_SECONDS


@pytest.mark.catalogue("F30")
def test_f30_two_gb_after_good_rows_are_refused_with_the_line(place):
    path = write(place / "hole.csv", (f"{day}{BAR}" for day in sessions(100)))
    with path.open("ab") as file:
        file.truncate(2 * GIB)  # a hole: zeros that take no room
    said, memory, _ = read_apart(path)
    assert said.startswith("3 hole.csv: line 102 holds NUL bytes")
    assert memory < MOST_MEMORY // 2


@pytest.mark.catalogue("F30")
def test_f30_a_line_of_2_gb_packed_small_is_refused(place):
    path = place / "packed.csv.gz"
    part = gzip.compress(b"1" * (1 << 24))
    path.write_bytes(gzip.compress(HEADER.encode()) + part * 128)
    said, memory, _ = read_apart(path)
    assert said.startswith("3 packed.csv.gz: line 2 is longer than 100000 characters")
    assert memory < MOST_MEMORY // 2
