"""Misprints that each row by itself does not show: its neighbours do."""

from __future__ import annotations

from datetime import date

import pytest

from backtester.errors import PricesError
from backtester.prices import NoteKind, read_prices
from backtester.recipe.sections import DataSection
from tests.prices.conftest import csv_text

HIGH, LOW, CLOSE, ADJUSTED = 2, 3, 4, 5


def told(prices, words):
    return [note.text for note in prices.notes if words in note.text]


def scaled(rows, at, column, factor):
    rows[at][column] = f"{float(rows[at][column]) * factor:.4f}"
    return rows


@pytest.mark.catalogue("D66")
@pytest.mark.parametrize(("column", "factor"), [(HIGH, 10.0), (LOW, 0.1)])
def test_a_high_or_low_at_ten_times_the_price_is_refused(read, rows, column, factor):
    with pytest.raises(PricesError, match=r"line 52 \(2020-03-11\) (High|Low) .* far from open"):
        read(csv_text(scaled(rows, 50, column, factor)))


def test_a_confirmed_date_may_have_such_a_high(read, rows):
    prices = read(csv_text(scaled(rows, 50, HIGH, 10.0)), confirmed_jumps=[date(2020, 3, 11)])
    (text,) = told(prices, "far from open and close")
    assert text.endswith(", confirmed.")


def test_a_volume_in_place_of_the_high_is_refused(read, rows):
    for row in rows:
        row[HIGH], row[6] = row[6], row[HIGH]
    with pytest.raises(PricesError, match="120 rows cannot be used, the first five"):
        read(csv_text(rows))


@pytest.mark.parametrize(("factor", "named"), [(1.04, 0), (1.12, 1), (1.6, 1)])
def test_a_high_is_named_that_is_far_beyond_those_around_it(read, rows, factor, named):
    # The bars around have a range of about 1 %: five of them, and at least 5 %, are named.
    prices = read(csv_text(scaled(rows, 50, HIGH, factor)))
    assert len(told(prices, "1 high(s) or low(s) far from open and close: line 52")) == named


def test_without_both_high_and_low_only_the_fixed_limit_is_known(read, rows):
    rows = [[row[0], row[HIGH], row[CLOSE]] for row in scaled(rows, 50, HIGH, 1.3)]
    prices = read(csv_text(rows, header="Date,High,Close"))
    assert told(prices, "far from open and close") == []


@pytest.mark.parametrize("column", [CLOSE, ADJUSTED])
def test_a_close_that_does_not_fit_its_adjusted_close_is_named(read, rows, column):
    prices = read(csv_text(scaled(rows, 30, column, 1.003)))
    (text,) = told(prices, "for one bar alone")
    assert "in 1 bar(s): line 32 (2020-02-12) Close '" in text
    assert [note.kind for note in prices.notes if note.text == text] == [NoteKind.WARNING]


def test_a_dividend_and_the_rounding_of_the_file_are_no_misprints(read, rows):
    # Half of the factors are 0.98; with one decimal a factor of 1,000 is rounded by up to 0.01 %.
    rounded = [
        [row[0], *(f"{float(cell):.1f}" for cell in row[1:ADJUSTED]), f"{float(row[ADJUSTED]):.1f}", row[6]]
        for row in rows
    ]
    assert told(read(csv_text(rows)), "for one bar alone") == []
    assert told(read(csv_text(rounded), name="rounded.csv"), "for one bar alone") == []


def test_an_adjusted_close_as_large_as_numbers_are_is_refused(read, rows):
    rows[30][ADJUSTED] = "1e308"
    with pytest.raises(PricesError, match=r"the adjusted open is not finite|overnight"):
        read(csv_text(rows))


def test_a_session_that_is_missing_is_counted_among_the_weekdays_without_a_bar(read, rows):
    assert told(read(csv_text(rows)), "weekdays have no bar") == []
    text = told(read(csv_text(rows[:40] + rows[41:])), "weekdays have no bar")
    assert text == ["prices.csv: 1 of 120 weekdays have no bar: holidays, or sessions that are missing."]


def test_a_market_of_all_days_is_not_counted_by_weekdays(read, rows):
    days = [f"2020-{1 + at // 28:02d}-{1 + at % 28:02d}" for at in range(100)]
    lines = [[day, row[CLOSE]] for day, row in zip(days, rows, strict=False) if day != "2020-02-11"]
    assert told(read(csv_text(lines, header="Date,Close")), "weekdays have no bar") == []


@pytest.mark.parametrize(
    ("symbol", "named"), [("SPY", 0), ("AAPL", 1), ("GOOG", 0), ("INTC", 0), ("SP500", 0)]
)
def test_of_the_samples_only_the_flash_crash_is_named(tmp_path, symbol, named):
    prices = read_prices(DataSection(source="sample", symbol=symbol), folder=tmp_path)
    far = told(prices, "far from open and close")
    assert len(far) == named
    assert all("(2010-05-06) Low" in text for text in far)
    assert told(prices, "for one bar alone") == []
