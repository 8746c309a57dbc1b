"""Parquet files."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from backtester.errors import PricesError
from tests.catalogue import held

NAMES = ["Date", "Open", "High", "Low", "Close", "Adj Close", "Volume"]


@pytest.fixture
def table(rows) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=NAMES)
    frame[NAMES[1:]] = frame[NAMES[1:]].astype(float)
    return frame


@pytest.mark.parametrize(
    "case", held(["D90_timestamps", "D90_dates", "D90_text", "D93_index", "D93_index_with_zone"])
)
def test_dates_are_found_in_a_column_or_in_the_index(case, table, clean, read, tmp_path):
    stamps = pd.to_datetime(table["Date"])
    if case == "D90_timestamps":
        table["Date"] = stamps
    elif case == "D90_dates":
        table["Date"] = [date.fromisoformat(text) for text in table["Date"]]
    elif case == "D93_index":
        table = table.drop(columns="Date").set_index(pd.DatetimeIndex(stamps, name=None))
    elif case == "D93_index_with_zone":
        table = table.drop(columns="Date").set_index(pd.DatetimeIndex(stamps).tz_localize("Asia/Tokyo"))
    table.to_parquet(tmp_path / "prices.parquet")
    prices = read.read("prices.parquet", source="parquet")
    pd.testing.assert_frame_equal(prices.frame, clean.frame, check_exact=True)
    assert prices.source == "parquet"


@pytest.mark.catalogue("D91")
def test_D91_a_damaged_file_is_refused(table, read, tmp_path):
    path = tmp_path / "prices.parquet"
    table.to_parquet(path)
    content = bytearray(path.read_bytes())
    for damaged in (
        content[: len(content) // 2],
        content[:40] + bytes(len(content) - 80) + content[-40:],
        b"PAR1",
    ):
        with pytest.raises(PricesError, match=r"prices\.parquet: the Parquet file is damaged"):
            read(bytes(damaged), name="prices.parquet", source="parquet")


@pytest.mark.catalogue("D91")
def test_D91_text_is_not_parquet(read):
    with pytest.raises(PricesError, match="not a Parquet file") as error:
        read("Date,Close\n", name="prices.parquet", source="parquet")
    assert 'source = "csv"' in error.value.advice


@pytest.mark.catalogue("D04")
def test_D04_parquet_given_as_csv_is_told(table, read, tmp_path):
    table.to_parquet(tmp_path / "prices.csv")
    with pytest.raises(PricesError, match="Parquet data") as error:
        read.read("prices.csv")
    assert 'source = "parquet"' in error.value.advice


@pytest.mark.catalogue("D92")
def test_D92_without_dates(table, read, tmp_path):
    table.drop(columns="Date").to_parquet(tmp_path / "prices.parquet")
    with pytest.raises(PricesError, match="no date column"):
        read.read("prices.parquet", source="parquet")


@pytest.mark.catalogue("D57")
def test_D57_a_missing_close_is_told_by_row_and_date(table, read, tmp_path):
    table.loc[4, "Close"] = None
    table.to_parquet(tmp_path / "prices.parquet")
    with pytest.raises(PricesError, match=r"row 5 \(2020-01-07\): Close '' is blank"):
        read.read("prices.parquet", source="parquet")


@pytest.mark.catalogue("D02")
def test_D02_no_rows(table, read, tmp_path):
    table.iloc[:0].to_parquet(tmp_path / "prices.parquet")
    with pytest.raises(PricesError, match="no rows"):
        read.read("prices.parquet", source="parquet")


def test_a_text_that_is_no_text_is_damage(read, tmp_path):
    path = tmp_path / "broken.parquet"
    frame = pd.DataFrame({"date": ["2020-01-02", "2020-01-03"], "close": [1.0, 2.0]})
    frame.to_parquet(path, compression=None)
    path.write_bytes(path.read_bytes().replace(b"2020-01-02", b"\x80020-01-02"))
    with pytest.raises(PricesError, match=r"broken\.parquet: the Parquet file is damaged"):
        read.read("broken.parquet", source="parquet")
