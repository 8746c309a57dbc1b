"""`data.column`: any column of a file as the close."""

from __future__ import annotations

import numpy as np
import pytest

from backtester.errors import PricesError
from tests.prices.conftest import HEADER, Reader, clean_rows, csv_text


def test_a_column_of_any_name_serves_as_close(read: Reader):
    rows = clean_rows()
    text = csv_text(rows, header=HEADER.replace("Close,Adj Close", "Last Trade,Other"))
    prices = read(text, column="Last Trade")
    assert np.array_equal(prices.column("close"), [float(row[4]) for row in rows])
    assert prices.has("open")
    assert any("'Last Trade' serves as close" in note.text for note in prices.notes)


def test_the_header_is_found_whatever_its_case(read: Reader):
    text = csv_text([[row[0], row[4]] for row in clean_rows()], header="Date,Settle")
    assert len(read(text, column="settle")) == 120


def test_a_column_beside_the_close_takes_its_place_and_leaves_the_adjustment_out(read: Reader):
    rows = clean_rows()
    prices = read(csv_text(rows), column="Open")
    opens = [float(row[1]) for row in rows]
    assert np.array_equal(prices.column("close"), opens)
    assert np.array_equal(prices.column("open"), opens)
    assert prices.adjustment.value == "unknown"
    assert any("columns ignored: 'Close', 'Adj Close'" in note.text for note in prices.notes)


def test_the_close_by_name_is_the_close_as_ever(read: Reader):
    text = csv_text(clean_rows())
    assert read(text, column="Close").sha256 == read(text).sha256


@pytest.mark.parametrize("column", ["Settle", "Date", "Volume"])
def test_a_column_that_holds_no_prices_is_refused_with_those_that_there_are(column, read: Reader):
    with pytest.raises(PricesError, match=f"data.column = '{column}' names no column of prices; the columns"):
        read(csv_text(clean_rows()), column=column)


def test_the_adjusted_close_is_chosen_by_its_own_key(read: Reader):
    with pytest.raises(PricesError, match="is the adjusted close") as caught:
        read(csv_text(clean_rows()), column="Adj Close")
    assert 'price = "adjusted"' in caught.value.advice


def test_a_header_that_is_there_twice_is_refused(read: Reader):
    text = csv_text(
        [[*row[:5], row[4], row[6]] for row in clean_rows()], header="Date,Open,High,Low,P,P,Volume"
    )
    with pytest.raises(PricesError, match="is there twice"):
        read(text, column="P")
