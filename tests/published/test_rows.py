"""Which rows train, which are forecast, and from what."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from backtester.errors import PricesError
from backtester.published import Rows
from backtester.recipe import PublishedSection

DAYS = pd.bdate_range("2020-01-01", periods=10)
PRICES = np.arange(100.0, 110.0)


def rows(lookback: int = 2, *, n: int = 10, **section: object) -> Rows:
    return Rows.of(
        PRICES[:n],
        dates=DAYS[:n],
        section=PublishedSection.model_validate({"train": 7} | section),
        lookback=lookback,
        source_name="ten.csv",
    )


AGAIN = {"order": "newest_first", "train": 9, "test": "again", "test_rows": 6}


def test_the_rest_is_forecast_by_windows_that_reach_back_into_training():
    split = rows()
    assert split.train_targets.tolist() == [2, 3, 4, 5, 6]
    assert split.test_targets.tolist() == [7, 8, 9]
    assert split.actual.tolist() == [107.0, 108.0, 109.0]
    assert split.last_price.tolist() == [106.0, 107.0, 108.0]
    for name in ("in_training", "in_inputs", "straddles", "watched", "later", "reversed"):
        assert not np.any(getattr(split, name)), name
    assert split.scored.all()


@pytest.mark.parametrize(("share", "n_train"), [(0.65, 7), (0.7, 7), (0.71, 8)])
def test_a_share_of_the_rows_is_rounded_up(share, n_train):
    assert rows(train=share).n_train == n_train


def test_a_whole_share_is_not_pushed_up_by_its_last_bit():
    prices, days = np.arange(1.0, 101.0), pd.bdate_range("2020-01-01", periods=100)
    assert 0.07 * 100 > 7
    split = Rows.of(prices, dates=days, section=PublishedSection(train=0.07), lookback=2, source_name="x")
    assert split.n_train == 7


def test_validation_is_the_last_part_of_the_training_samples():
    split = rows(validation=0.4)
    assert split.train_targets.tolist() == [2, 3, 4]
    assert split.validation_targets.tolist() == [5, 6]


def test_newest_first_turns_time_around():
    split = rows(order="newest_first")
    assert split.actual.tolist() == [102.0, 101.0, 100.0]
    assert split.last_price.tolist() == [103.0, 102.0, 101.0]
    assert split.days(split.test_targets).tolist() == DAYS[[2, 1, 0]].tolist()
    assert split.later.all()


def test_a_second_reading_forecasts_the_same_rows_across_a_seam():
    split = rows(**AGAIN)
    assert split.actual.tolist() == [109.0, 108.0, 107.0, 106.0, 105.0, 104.0]
    # the row before the first is the last of the first reading: the oldest
    assert split.last_price.tolist() == [100.0, 109.0, 108.0, 107.0, 106.0, 105.0]
    assert split.straddles.tolist() == [True, True, False, False, False, False]
    # targets of the training are rows 2..8, its windows hold rows 0..7
    assert split.in_training.tolist() == [False, False, True, True, True, True]
    assert split.in_inputs.all()
    # the first window holds the two oldest sessions alone
    assert split.later.tolist() == [False, True, True, True, True, True]
    # beyond the seam lies no neighbour, whose price could stand for the first
    assert split.scored.tolist() == [False, True, True, True, True, True]


def test_a_row_that_is_watched_is_not_one_that_trains():
    split = rows(**AGAIN | {"validation": 0.4})
    assert (split.train_targets.tolist(), split.validation_targets.tolist()) == ([2, 3, 4, 5], [6, 7, 8])
    assert split.in_training.tolist() == [False, False, True, True, True, True]
    later = rows(**AGAIN | {"validation": 0.4, "test_rows": 10})
    assert later.in_training.tolist() == [False, False, *[True] * 4, *[False] * 4]
    assert later.watched.tolist() == [*[False] * 6, True, True, True, False]
    # the last window that trains holds rows 3 and 4
    assert later.in_inputs.tolist() == [*[True] * 5, *[False] * 5]


def test_a_second_reading_in_the_order_of_time_has_a_seam_and_is_not_reversed():
    split = rows(**AGAIN | {"order": "oldest_first"})
    assert not split.reversed
    assert split.later.tolist() == split.straddles.tolist() == [True, True, *[False] * 4]


@pytest.mark.parametrize(
    "section",
    [{"train": 10}, {"train": 11}, {"train": 3, "validation": 0.5}, AGAIN | {"test_rows": 11}],
)
def test_rows_that_do_not_fit_are_refused_with_their_numbers(section):
    with pytest.raises(PricesError, match=r"ten.csv: 10 rows do not fit \[published\]"):
        rows(**section)
