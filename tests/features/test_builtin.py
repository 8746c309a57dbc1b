from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backtester.features import describe_features, feature_matrix, feature_names

# Every feature in every form, with parameters that fit into 90 bars.
COLUMNS = (
    "close",
    "day_of_week",
    "high",
    "log_return",
    "low",
    "ma_ratio(5)",
    "ma_ratio(3, 10)",
    "macd(4, 9, 3)",
    "open",
    "range",
    "return(7)",
    "rsi(6)",
    "volatility(8)",
    "volume",
    "volume_change",
)
LEVELS = ("open", "high", "low", "close")


def values_of(prices, *columns):
    return feature_matrix(prices, columns, folder=Path()).values


def only(prices, column):
    return values_of(prices, column)[:, 0]


def test_every_registered_feature_is_held_to_these_tests():
    assert {name.split("(")[0] for name in COLUMNS} == {kind.name for kind in describe_features()}
    assert feature_names(COLUMNS) == COLUMNS


@pytest.mark.parametrize("column", COLUMNS)
def test_no_feature_changes_when_the_prices_are_cut_at_any_bar(walk, make_prices, column):
    full = only(walk, column)
    for n_known in range(1, len(walk) + 1):
        cut = only(make_prices(walk.frame.iloc[:n_known]), column)
        np.testing.assert_array_equal(cut, full[:n_known], err_msg=f"cut after bar {n_known - 1}")


@pytest.mark.parametrize("column", COLUMNS)
def test_no_feature_changes_when_the_future_changes(walk, make_prices, column):
    full = only(walk, column)
    for n_known in (1, 10, 45, 89):
        frame = walk.frame.copy()
        frame.iloc[n_known:] *= 3.0
        changed = only(make_prices(frame), column)
        np.testing.assert_array_equal(changed[:n_known], full[:n_known])


@pytest.mark.parametrize("column", [name for name in COLUMNS if name not in LEVELS])
def test_no_feature_but_the_raw_levels_depends_on_the_level_of_prices(walk, make_prices, column):
    frame = walk.frame.copy()
    frame[list(LEVELS)] *= 0.37
    np.testing.assert_allclose(only(make_prices(frame), column), only(walk, column), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("column", COLUMNS)
def test_the_warm_up_is_as_documented(walk, column):
    kind = next(kind for kind in describe_features() if kind.name == column.split("(")[0])
    numbers = [int(part) for part in column[len(kind.name) :].strip("()").split(",") if part]
    known = dict.fromkeys(kind.parameters) | dict(zip(kind.parameters, numbers, strict=False))
    assert feature_matrix(walk, [column], folder=Path()).warmup == eval(kind.warmup, {}, known)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("log_return", [np.nan, np.log(2), -np.log(2), np.log(4)]),
        ("return(2)", [np.nan, np.nan, 0.0, 1.0]),
        ("ma_ratio(2)", [np.nan, 4 / 3 - 1, 2 / 3 - 1, 8 / 5 - 1]),
        ("ma_ratio(1, 2)", [np.nan, 4 / 3 - 1, 2 / 3 - 1, 8 / 5 - 1]),
        # Two log returns a and b have the standard deviation |a - b| / sqrt(2).
        ("volatility(2)", [np.nan, np.nan, 2 * np.log(2) / np.sqrt(2), 3 * np.log(2) / np.sqrt(2)]),
        # Rises 2, 0, 6 and falls 0, 2, 0: averages 1 and 1, then (1 + 6) / 2 and (1 + 0) / 2.
        ("rsi(2)", [np.nan, np.nan, 50.0, 87.5]),
        ("close", [2.0, 4.0, 2.0, 8.0]),
        ("day_of_week", [0.0, 1.0, 2.0, 3.0]),
    ],
)
def test_values_by_hand(of_closes, column, expected):
    np.testing.assert_allclose(only(of_closes(2, 4, 2, 8), column), expected, rtol=1e-14)


def test_range_and_volume_change_by_hand(make_prices):
    index = pd.bdate_range("2024-01-01", periods=2, name="date")
    frame = pd.DataFrame(
        {"high": [4.0, 6.0], "low": [2.0, 6.0], "close": [3.0, 6.0], "volume": [10.0, 5.0]}, index=index
    )
    values = values_of(make_prices(frame), "range", "volume_change")
    np.testing.assert_allclose(values, [[np.log(2), np.nan], [0.0, np.log(0.5)]])


def test_rsi_by_wilders_recursion(walk):
    n, close = 6, walk.column("close")
    change = np.diff(close)
    rise, fall = np.maximum(change, 0.0), np.maximum(-change, 0.0)
    averages = [(rise[:n].mean(), fall[:n].mean())]
    for up, down in zip(rise[n:], fall[n:], strict=True):
        averages.append((((n - 1) * averages[-1][0] + up) / n, ((n - 1) * averages[-1][1] + down) / n))
    expected = [100.0 * up / (up + down) for up, down in averages]
    np.testing.assert_allclose(only(walk, "rsi(6)")[n:], expected, rtol=1e-12)


def test_rsi_of_a_price_that_never_moves_is_in_the_middle_and_at_the_ends_where_it_only_rises_or_falls(
    of_closes,
):
    assert only(of_closes(5, 5, 5, 5), "rsi(2)")[2:].tolist() == [50.0, 50.0]
    assert only(of_closes(1, 2, 3, 4), "rsi(2)")[2:].tolist() == [100.0, 100.0]
    assert only(of_closes(4, 3, 2, 1), "rsi(2)")[2:].tolist() == [0.0, 0.0]


def test_macd_by_its_recursion(walk):
    def average(values, n):
        found = [values[0]]
        for value in values[1:]:
            found.append(found[-1] + 2.0 / (n + 1) * (value - found[-1]))
        return np.array(found)

    close = walk.column("close")
    line = average(close, 4) - average(close, 9)
    expected = (line - average(line, 3)) / close
    np.testing.assert_allclose(only(walk, "macd(4, 9, 3)")[10:], expected[10:], rtol=1e-9, atol=1e-14)


def test_volatility_of_a_flat_stretch_is_zero_and_nothing_else(walk):
    values = only(walk, "volatility(4)")
    assert values[44:48].tolist() == [0.0] * 4
    assert (values[48:] > 1e-6).all()
