"""Newer prices beside those of a run."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from backtester.errors import PricesError
from backtester.forecasting.newer import with_newer_bars
from backtester.prices import Prices
from tests.markets import random_walk

ALL = random_walk(60, seed=1)


def cut(*, start: int = 0, stop: int = 60) -> Prices:
    return replace(ALL, frame=ALL.frame.iloc[start:stop], source_name="newer.csv")


def changed(prices: Prices, *, bar: int, column: str, factor: float) -> Prices:
    frame = prices.frame.copy()
    frame.loc[frame.index[bar], column] *= factor
    return replace(prices, frame=frame)


def test_the_later_bars_are_appended_and_the_runs_own_are_kept_to_the_last_bit():
    own, rounded = cut(stop=50), cut()
    rounded = replace(rounded, frame=rounded.frame * (1 + 1e-7))
    found, notes = with_newer_bars(own, newer=rounded)
    assert len(found) == 60
    np.testing.assert_array_equal(found.frame.iloc[:50], own.frame)
    np.testing.assert_array_equal(found.frame.iloc[50:], rounded.frame.iloc[50:])
    assert notes == ()


def test_newer_prices_may_begin_later_than_the_run():
    found, _ = with_newer_bars(cut(stop=50), newer=cut(start=45))
    pd.testing.assert_frame_equal(found.frame, ALL.frame, check_freq=False)


@pytest.mark.parametrize("column", ["open", "close"])
def test_the_first_date_that_differs_is_named(column: str):
    newer = changed(changed(cut(), bar=20, column=column, factor=1.01), bar=30, column=column, factor=1.01)
    with pytest.raises(
        PricesError, match=rf"first on {ALL.dates[20]:%Y-%m-%d}: {column} .*\(2 of 50"
    ) as error:
        with_newer_bars(cut(stop=50), newer=newer)
    assert "by one factor" not in error.value.advice


def test_a_history_adjusted_for_a_later_dividend_is_told_as_such():
    newer = cut()
    newer = replace(newer, frame=newer.frame.assign(**{c: newer.frame[c] * 0.99 for c in newer.frame}))
    with pytest.raises(PricesError, match="50 of 50 common bars differ") as error:
        with_newer_bars(cut(stop=50), newer=newer)
    assert "a dividend or split since" in error.value.advice


def test_another_volume_is_noted_and_the_runs_own_is_used():
    newer = changed(cut(), bar=49, column="volume", factor=2.0)
    found, (note,) = with_newer_bars(cut(stop=50), newer=newer)
    assert f"The volume of 1 common bars differs, first on {ALL.dates[49]:%Y-%m-%d}" in note.text
    assert found.column("volume")[49] == ALL.column("volume")[49]


@pytest.mark.parametrize("bar", [10, 48])
def test_a_session_that_one_of_them_lacks_is_named(bar: int):
    whole, holed = cut(), replace(cut(), frame=ALL.frame.drop(ALL.dates[bar]))
    with pytest.raises(PricesError, match=f"{ALL.dates[bar]:%Y-%m-%d} is a session in the run, not in newer"):
        with_newer_bars(cut(stop=50), newer=holed)
    own = replace(holed, frame=holed.frame.iloc[:49])
    with pytest.raises(PricesError, match=r"is a session in newer\.csv, not in the run"):
        with_newer_bars(own, newer=whole)


def test_prices_that_end_before_the_run_are_refused():
    with pytest.raises(PricesError, match="before the run's last bar"):
        with_newer_bars(cut(stop=50), newer=cut(stop=40))


def test_prices_that_begin_after_the_run_cannot_be_compared_and_are_refused():
    with pytest.raises(PricesError, match="after the run's last bar"):
        with_newer_bars(cut(stop=50), newer=cut(start=52))


def test_prices_without_a_column_of_the_run_are_refused():
    newer = replace(cut(), frame=ALL.frame.drop(columns="open"))
    with pytest.raises(PricesError, match="has no column 'open'"):
        with_newer_bars(cut(stop=50), newer=newer)
