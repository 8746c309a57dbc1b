"""100,000 examples: any file gives valid prices or a PricesError, any settings give folds or an error.

The examples are the same on every machine with the same version of hypothesis (`derandomize`).
"""

from __future__ import annotations

import gzip
import os
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from backtester.errors import PricesError, RecipeError
from backtester.folds import Folds, Part, make_folds
from backtester.prices import Prices, read_prices
from backtester.recipe.sections import DataSection, Scheme
from tests.prices.conftest import HEADER, clean_rows

pytestmark = pytest.mark.slow

N_BYTES, N_PACKED, N_PARQUET, N_TABLES, N_CHANGED, N_FOLDS = 20_000, 5_000, 5_000, 20_000, 20_000, 30_000
TODAY = date(2024, 6, 28)
PRICES = ["open", "high", "low", "close"]
DONE: Counter[str] = Counter()


def examples(n_examples: int) -> Callable[[Any], Any]:
    return settings(
        max_examples=n_examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any")


def read_or_refuse(content: bytes, folder: Path, *, name: str = "prices.csv", **data: Any) -> Prices | None:
    """Valid prices, or None where they are refused; any other exception is a failure."""
    # a plain write, in place: a new file for each of so many examples would take most of the time
    with open(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    section = DataSection.model_validate({"source": "csv", "path": name, **data})
    try:
        prices = read_prices(section, folder=folder, today=TODAY)
    except PricesError:
        return None
    frame = prices.frame
    values = frame.to_numpy()
    assert len(frame) > 0
    assert "close" in frame.columns
    assert prices.dates.is_monotonic_increasing
    assert prices.dates.is_unique
    assert prices.dates.tz is None
    assert prices.dates[-1].date() <= TODAY
    assert np.isfinite(values).all()
    assert (values >= 0).all()
    assert (frame[[name for name in PRICES if name in frame.columns]].to_numpy() > 0).all()
    return prices


CELLS = ["", "1", "10.5", "11", "1,000", "1.000,5", "$5", "-", "nan", "inf", "1e308", "5e-324", "0", "-1"]
CELLS += ["é", '"', "2020-01-02", "03/04/2020", "2020-02-30", "1577836800", "20200102", "\x00", "SPY"]
CELLS += ["2020-01-02T00:00:00Z", "2020-01-02 00:00:00-05:00", "1 Jan 2020", "١٢", "1_000", "0x10", "1e9999"]
NAMES = [
    "Date",
    "Open",
    "High",
    "Low",
    "Close",
    "Adj Close",
    "Volume",
    "Symbol",
    "",
    "x",
    "Time",
    "date",
    "\ufeffDate",
]
HEADS = [
    b"",
    b"Date,Close\n",
    b"\xff\xfe",
    b"Date;Open;Close\n2020-01-02;1;1\n",
    b"Date,Close\n2020-01-02,1\n",
]
ROWS = clean_rows(12)
DATA = st.fixed_dictionaries(
    {},
    optional={
        "on_bad_row": st.sampled_from(["refuse", "drop"]),
        "price": st.sampled_from(["adjusted", "raw"]),
        "symbol": st.sampled_from(["SPY", "é", "x"]),
        "column": st.sampled_from(["Close", "Open", "Adj Close", "x", "\u202e"]),
        "date_format": st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%Y%m%d", "%d %b %Y"]),
        "start": st.sampled_from([date(2020, 1, 3), date(1700, 1, 1)]),
        "end": st.sampled_from([date(2020, 2, 3), date(2261, 1, 1)]),
    },
)


def calendars() -> list[pd.DatetimeIndex]:
    """Up to 120 sessions with weekends, holidays and a long gap."""
    chance = np.random.default_rng(8)
    found = []
    for n_bars in [0, 1, 2, 3, 5, 8, 13, 20, 30, 40, 50, 60, 80, 100, 120] * 3:
        steps = chance.choice([1, 2, 3, 4, 40], p=[0.7, 0.1, 0.15, 0.04, 0.01], size=n_bars)
        start = np.datetime64("1999-12-30") + int(chance.integers(70))
        found.append(pd.DatetimeIndex(start + np.cumsum(steps).astype("timedelta64[D]")))
    return found


CALENDARS = calendars()
LENGTHS = st.one_of(
    st.integers(1, 60),
    st.sampled_from(["5D", "1W", "3w", "1M", "2M", " 6M", "1Y", "30D", "45D"]),
    st.sampled_from([0, -1, 10**30, True, "", "many", "0D", "30Y", "99999Y", "999999D", "1.5M", "-1W", "١Y"]),
)
FOLDS = st.fixed_dictionaries(
    {
        "train": LENGTHS,
        "test": LENGTHS,
        "validation": st.sampled_from([0, 0, 0.1, 0.25, 0.5, 1e-9, -0.1, 0.6, float("nan"), float("inf")]),
        "scheme": st.sampled_from(Scheme),
        "embargo": st.sampled_from([0, 0, 1, 2, 5, 19, -1, 10**20]),
        "phase": st.sampled_from([0, 0, 1, 2, 7, -1, 10**20]),
    }
)
SIZES = st.tuples(st.integers(1, 30), st.integers(1, 10), st.integers(0, 10))


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    frame = pd.DataFrame([row[:5] for row in ROWS], columns=HEADER.split(",")[:5])
    path = tmp_path_factory.mktemp("parquet") / "prices.parquet"
    frame.astype(dict.fromkeys(HEADER.split(",")[1:5], float)).to_parquet(path, index=False)
    return path.read_bytes()


@examples(N_BYTES)
@given(content=st.binary(max_size=200), head=st.sampled_from(HEADS))
def test_any_bytes(folder, content, head):
    DONE["bytes"] += 1
    read_or_refuse(head + content, folder)


@examples(N_PACKED)
@given(content=st.binary(max_size=100), cut=st.integers(0, 200), flipped=st.integers(0, 200))
def test_any_packed_bytes(folder, content, cut, flipped):
    DONE["packed"] += 1
    packed = bytearray(gzip.compress(b"Date,Close\n" + content, compresslevel=1, mtime=0))
    packed[flipped % len(packed)] ^= flipped
    read_or_refuse(bytes(packed[: len(packed) - cut % 40]), folder, name="prices.csv.gz")


@examples(N_PARQUET)
@given(content=st.binary(max_size=100), at=st.integers(0, 10_000), mask=st.integers(0, 255))
def test_any_bytes_in_a_parquet_file(folder, parquet, content, at, mask):
    DONE["parquet"] += 1
    changed = bytearray(parquet)
    at %= len(changed)
    changed[at : at + len(content)] = content
    changed[-1 - at] ^= mask
    read_or_refuse(bytes(changed), folder, name="prices.parquet", source="parquet")


@examples(N_TABLES)
@given(
    header=st.lists(st.sampled_from(NAMES), min_size=1, max_size=7),
    rows=st.lists(st.lists(st.sampled_from(CELLS), min_size=1, max_size=7), max_size=5),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    even=st.booleans(),
    data=DATA,
)
def test_any_table_of_text(folder, header, rows, delimiter, even, data):
    DONE["tables"] += 1
    if even:
        rows = [(row * len(header))[: len(header)] for row in rows]
    text = "\n".join(delimiter.join(cells) for cells in [header, *rows])
    read_or_refuse(text.encode(), folder, **data)


@examples(N_CHANGED)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 6), st.sampled_from(CELLS)), min_size=1, max_size=4
    ),
    order=st.sampled_from([1, -1]),
    ending=st.sampled_from(["\n", "\r\n", "\r", ",\n", "\n\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-7", "utf-32"]),
    data=DATA,
)
def test_any_change_of_a_clean_file(folder, changes, order, ending, encoding, data):
    DONE["changed"] += 1
    lines = [HEADER.split(","), *(list(row) for row in ROWS[::order])]
    for row, column, cell in changes:
        lines[row][column] = cell
    text = ending.join(",".join(cells) for cells in lines) + ending
    read_or_refuse(text.encode(encoding), folder, **data)


@examples(N_FOLDS)
@given(calendar=st.sampled_from(CALENDARS), chosen=FOLDS, sizes=SIZES)
def test_any_settings_of_folds(calendar, chosen, sizes):
    DONE["folds"] += 1
    lookback, horizon, warmup = sizes
    try:
        folds = make_folds(calendar, **chosen)
    except (PricesError, RecipeError):
        return
    assert isinstance(folds, Folds)
    assert len(folds) >= 1
    tested = folds[0].test.start
    for fold in folds:
        assert 0 <= fold.train.start < fold.train.stop == fold.validation.start <= fold.validation.stop
        assert fold.test.start - fold.validation.stop == chosen["embargo"]
        assert fold.test.start == tested < fold.test.stop  # the test spans tile the bars
        tested = fold.test.stop
        try:
            parts = [
                fold.origins(part, lookback=lookback, horizon=horizon, warmup=warmup)
                for part in (Part.TRAIN, Part.VALIDATION)
            ]
        except RecipeError:
            continue
        for origins, bars in zip(parts, (fold.train, fold.validation), strict=True):
            if len(origins):
                assert bars.start <= origins[0]
                assert origins[-1] + horizon < bars.stop  # purged: no label reaches into a later part
        assert parts[0][0] - lookback + 1 >= fold.train.start + warmup
    assert tested == len(calendar)


def test_the_examples_are_as_many_as_promised():
    if len(DONE) < 6:
        pytest.skip("counts the examples of the tests above: run the whole file")
    assert sum(DONE.values()) >= 100_000, DONE
