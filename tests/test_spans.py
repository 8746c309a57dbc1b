import doctest

import pandas as pd
import pytest

from backtester import spans
from backtester.errors import RecipeError
from backtester.spans import CalendarSpan, read_span


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (1, 1),
        ("3Y", CalendarSpan(months=36, days=0)),
        ("18M", CalendarSpan(months=18, days=0)),
        ("6w", CalendarSpan(months=0, days=42)),
        (" 90D ", CalendarSpan(months=0, days=90)),
    ],
)
def test_bars_and_calendar_spans_are_read(setting, expected):
    assert read_span("folds.train", setting) == expected


@pytest.mark.parametrize(
    "setting", [0, -3, True, 2.5, "many", "", "3", "0Y", "Y", "-3Y", "1.5Y", "3Q", None, "201Y"]
)
@pytest.mark.catalogue("C02")
def test_c02_c06_anything_else_is_refused_with_key_value_and_what_is_allowed(setting):
    with pytest.raises(RecipeError) as caught:
        read_span("folds.test", setting)
    assert caught.value.message.startswith(f"folds.test = {setting!r} is ")
    assert caught.value.advice.startswith("Allowed: a number of bars from 1 on")


def test_months_are_counted_from_the_first_date_so_that_month_ends_do_not_drift():
    month = CalendarSpan(months=1, days=0)
    ends = [(pd.Timestamp("2024-01-31") + month.times(n)).date().isoformat() for n in range(4)]
    assert ends == ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]


def test_the_examples_are_true():
    assert doctest.testmod(spans).failed == 0
