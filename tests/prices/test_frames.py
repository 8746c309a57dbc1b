"""pandas frames given from Python."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from backtester.errors import PricesError
from backtester.prices import Adjustment, prices_from_frame
from backtester.recipe.sections import DataSection

TODAY = date(2024, 6, 28)


@pytest.fixture
def frame(clean) -> pd.DataFrame:
    return clean.frame


def test_a_frame_with_dates_as_index_is_taken_as_it_is(frame):
    prices = prices_from_frame(frame, symbol="MINE", today=TODAY)
    pd.testing.assert_frame_equal(prices.frame, frame, check_exact=True)
    assert (prices.symbol, prices.source, prices.adjustment) == ("MINE", "frame", Adjustment.UNKNOWN)


def test_a_frame_with_a_date_column_gives_the_same_bars(frame):
    expected = prices_from_frame(frame, symbol="MINE", today=TODAY)
    column = frame.rename(columns=str.title).reset_index(names="Date")
    assert prices_from_frame(column, symbol="MINE", today=TODAY).sha256 == expected.sha256


def test_a_column_named_date_wins_over_the_index(frame):
    shifted = frame.set_axis((frame.index + pd.Timedelta(days=1)).rename(None)).assign(date=frame.index)
    assert prices_from_frame(shifted, symbol="MINE", today=TODAY).dates.equals(frame.index)


def test_two_levels_of_columns_are_reduced_to_the_symbol(frame):
    both = pd.concat({"AAA": frame, "BBB": frame * 2.0}, axis=1)
    for table in (both, both.swaplevel(axis=1)):
        prices = prices_from_frame(table, symbol="BBB", today=TODAY)
        np.testing.assert_array_equal(prices.column("close"), 2.0 * frame["close"])


@pytest.mark.catalogue("D23")
def test_D23_two_levels_without_the_symbol_are_refused(frame):
    both = pd.concat({"AAA": frame, "BBB": frame}, axis=1)
    with pytest.raises(PricesError, match="2 symbols: 'AAA', 'BBB'"):
        prices_from_frame(both, symbol="CCC", today=TODAY)


@pytest.mark.catalogue("D42")
def test_D42_a_time_zone_gives_the_local_date(frame):
    tokyo = frame.tz_localize("Asia/Tokyo")
    assert prices_from_frame(tokyo, symbol="MINE", today=TODAY).dates.equals(frame.index)


def test_the_callers_frame_is_neither_changed_nor_shared(frame):
    given = frame.copy()
    prices = prices_from_frame(given, symbol="MINE", today=TODAY)
    pd.testing.assert_frame_equal(given, frame)
    given.iloc[0, 0] = -1.0
    assert prices.column("open")[0] == frame["open"].iloc[0]


def test_32_bit_floats_are_widened_exactly(frame):
    narrow = frame.astype("float32")
    prices = prices_from_frame(narrow, symbol="MINE", today=TODAY)
    np.testing.assert_array_equal(prices.column("close"), narrow["close"].to_numpy().astype(float))


def test_the_span_of_the_section_is_used(frame):
    data = DataSection(start=date(2020, 2, 3), end=date(2020, 2, 7))
    assert len(prices_from_frame(frame, symbol="MINE", data=data, today=TODAY)) == 5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.iloc[:0], "no rows"),
        (lambda frame: frame.drop(columns="close"), "no Close"),
        (lambda frame: frame.reset_index(drop=True), "no date column"),
        (
            lambda frame: frame.replace(frame["close"].iloc[3], np.nan),
            r"row 4 \(2020-01-06\): close '' is blank",
        ),
        (lambda frame: frame.replace(frame["close"].iloc[3], np.inf), "not finite"),
        (lambda frame: frame.astype({"close": object}).replace(frame["close"].iloc[3], "x"), "close 'x'"),
        (
            lambda frame: pd.concat([frame, frame.iloc[:1] * 1.001]),
            r"row 121 \(2020-01-01\) differs from row 1",
        ),
    ],
)
def test_the_checks_are_those_of_a_file(change, said, frame):
    with pytest.raises(PricesError, match=said):
        prices_from_frame(change(frame), symbol="MINE", today=TODAY)
