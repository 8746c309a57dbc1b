"""Whatever the bytes: valid prices or a PricesError, never anything else."""

from __future__ import annotations

import gzip
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtester.errors import PricesError
from backtester.prices import Prices, read_prices
from backtester.recipe.sections import DataSection

QUIET = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])

CELLS = st.one_of(
    st.sampled_from(
        ["", "1", "10.5", "11", "1,000", "$5", "-", "nan", "inf", "1e308", "5e-324", "0", "-1", "é", '"']
    ),
    st.sampled_from(
        ["2020-01-02", "03/04/2020", "2020-02-30", "1577836800", "20200102", "2020-01-02T00:00:00Z"]
    ),
    st.floats(min_value=0.01, max_value=1e6).map(repr),
    st.dates(min_value=date(1990, 1, 1), max_value=date(2030, 1, 1)).map(str),
    st.text(max_size=6),
)
HEADERS = st.sampled_from(
    ["Date", "Open", "High", "Low", "Close", "Adj Close", "Volume", "Symbol", "", "x", "Time"]
)


def check(content: bytes, *, name: str = "prices.csv", source: str = "csv") -> Prices | None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(content)
        data = DataSection.model_validate({"source": source, "path": name})
        try:
            prices = read_prices(data, folder=Path(folder), today=date(2024, 6, 28))
        except PricesError:
            return None
    values = prices.frame.to_numpy()
    assert len(prices) > 0
    assert "close" in prices.frame.columns
    assert prices.dates.is_monotonic_increasing
    assert prices.dates.is_unique
    assert np.isfinite(values).all()
    assert (prices.frame.drop(columns="volume", errors="ignore").to_numpy() > 0).all()
    assert (values >= 0).all()
    return prices


@QUIET
@given(st.binary(max_size=300))
def test_any_bytes_are_prices_or_an_error(content):
    check(content)
    check(b"Date,Close\n" + content)
    check(b"\xff\xfe" + content)


@QUIET
@given(st.binary(max_size=100))
def test_any_compressed_bytes_are_prices_or_an_error(content):
    check(content, name="prices.csv.gz")
    check(gzip.compress(b"Date,Close\n" + content), name="prices.csv.gz")
    check(gzip.compress(content)[: len(content)], name="prices.csv.gz")


@QUIET
@given(st.binary(max_size=300))
def test_any_bytes_named_parquet_are_an_error(content):
    assert check(content, name="prices.parquet", source="parquet") is None
    assert check(b"PAR1" + content + b"PAR1", name="prices.parquet", source="parquet") is None


@QUIET
@given(
    st.lists(HEADERS, min_size=2, max_size=7, unique=True),
    st.lists(st.lists(CELLS, min_size=1, max_size=7), max_size=6),
    st.sampled_from([",", ";", "\t"]),
)
def test_any_table_is_prices_or_an_error(header, rows, delimiter):
    lines = [header, *(row[: len(header)] + ["1"] * (len(header) - len(row)) for row in rows)]
    text = "\n".join(delimiter.join(cells) for cells in lines)
    check(text.encode("utf-8", errors="replace"))


@QUIET
@given(st.lists(st.floats(min_value=1e-300, max_value=1e300), min_size=2, max_size=8), st.data())
def test_any_numbers_are_prices_or_an_error(closes, data):
    adjusted = data.draw(st.lists(st.floats(min_value=1e-300, max_value=1e300), min_size=8, max_size=8))
    rows = [
        f"2020-01-{i + 1:02d},{close!r},{adj!r}"
        for i, (close, adj) in enumerate(zip(closes, adjusted, strict=False))
    ]
    check(("Date,Close,Adj Close\n" + "\n".join(rows)).encode())


@QUIET
@given(
    st.dates(min_value=date(1990, 1, 1), max_value=date(2020, 1, 1)),
    st.permutations(range(12)),
    st.sampled_from(["%Y-%m-%d", "%Y/%m/%d", "%d %b %Y", "%Y%m%d"]),
)
def test_order_and_form_of_dates_never_change_the_bars(first, order, form):
    days = [date.fromordinal(first.toordinal() + i) for i in range(12)]
    rows = [f"{day:{form}},{100 + i}" for i, day in enumerate(days)]
    prices = check("\n".join(["Date,Close", *(rows[i] for i in order)]).encode())
    assert prices is not None
    assert [day.date() for day in prices.dates] == days
    assert prices.column("close").tolist() == [100.0 + i for i in range(12)]
