import re
from pathlib import Path

import numpy as np
import pytest

from backtester.errors import RecipeError, UserCodeError
from backtester.features import feature_matrix


@pytest.fixture
def mine(tmp_path):
    """Write a user's file with one function `f` of the price frame; its body is given."""

    def write(*body):
        lines = [
            "import numpy as np",
            "import pandas as pd",
            "def f(prices):",
            *(f"    {line}" for line in body),
        ]
        (tmp_path / "mine.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return tmp_path

    return write


def user_failure(prices, folder):
    with pytest.raises(UserCodeError) as caught:
        feature_matrix(prices, ["close", "mine.py:f"], folder=folder)
    return str(caught.value)


def test_the_matrix_has_the_columns_in_order_and_the_longest_warm_up(walk, tmp_path):
    matrix = feature_matrix(walk, ["close", "volatility(5)", "log_return"], folder=tmp_path)
    assert matrix.names == ("close", "volatility(5)", "log_return")
    assert matrix.values.shape == (90, 3)
    assert matrix.values.dtype == np.float64
    assert matrix.warmup == 5
    np.testing.assert_array_equal(matrix.values[:, 0], walk.column("close"))
    assert np.isnan(matrix.values[4]).tolist() == [False, True, False]
    assert np.isfinite(matrix.values[5:]).all()


def test_the_matrix_is_read_only(walk, tmp_path):
    with pytest.raises(ValueError, match="read-only"):
        feature_matrix(walk, ["close"], folder=tmp_path).values[0, 0] = 0.0


def test_on_fewer_bars_than_the_warm_up_all_rows_are_warm_up(of_closes, tmp_path):
    matrix = feature_matrix(of_closes(1, 2, 3), ["close", "volatility(20)", "macd(3, 6, 2)"], folder=tmp_path)
    assert matrix.warmup == 3


@pytest.mark.parametrize(
    ("column", "absent"),
    [("range", "high"), ("open", "open"), ("volume", "volume"), ("volume_change", "volume")],
)
@pytest.mark.catalogue("D26")
def test_d26_a_feature_whose_price_column_is_absent_is_refused_by_name(of_closes, tmp_path, column, absent):
    with pytest.raises(RecipeError) as caught:
        feature_matrix(of_closes(1, 2, 3), [column], folder=tmp_path)
    expected = f"feature '{column}' needs the column '{absent}', which the prices lack (they have close)."
    assert caught.value.message == expected


@pytest.mark.parametrize("column", ["volume", "volume_change"])
@pytest.mark.catalogue("D80")
def test_d80_volume_features_are_refused_where_volume_is_0_throughout(walk, make_prices, tmp_path, column):
    frame = walk.frame.assign(volume=0.0)
    with pytest.raises(RecipeError, match="needs the column 'volume', which is 0 on every bar"):
        feature_matrix(make_prices(frame), [column], folder=tmp_path)


def test_a_change_of_volume_from_0_is_refused_with_the_first_date(walk, make_prices, tmp_path):
    frame = walk.frame.copy()
    frame.iloc[[7, 9], frame.columns.get_loc("volume")] = 0.0
    with pytest.raises(RecipeError, match=r"'volume' above 0, and it is 0 on 2 bars, first on 2024-01-10\."):
        feature_matrix(make_prices(frame), ["volume_change"], folder=tmp_path)
    assert feature_matrix(make_prices(frame), ["volume"], folder=tmp_path).values[7, 0] == 0.0


def test_a_users_function_stands_in_the_same_list(walk, mine):
    folder = mine('return prices["open"] / prices["close"].shift(1) - 1')
    matrix = feature_matrix(walk, ["mine.py:f", "close"], folder=folder)
    assert matrix.names == ("mine.py:f", "close")
    assert matrix.warmup == 1
    expected = walk.column("open")[1:] / walk.column("close")[:-1] - 1
    np.testing.assert_array_equal(matrix.values[1:, 0], expected)


def test_the_example_of_the_page_is_a_feature(walk, tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "features.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    matrix = feature_matrix(
        walk, ["log_return", "volatility(20)", "ma_ratio(10, 50)", "mine.py:gap"], folder=tmp_path
    )
    assert matrix.warmup == 49
    assert np.isfinite(matrix.values[1:, 3]).all()


def test_a_users_function_may_give_integers_booleans_and_missing_leading_values(walk, mine):
    folder = mine('return (prices["close"].diff() > 0).astype("boolean").where(np.arange(len(prices)) > 1)')
    matrix = feature_matrix(walk, ["mine.py:f"], folder=folder)
    assert matrix.warmup == 2
    assert set(matrix.values[2:, 0]) == {0.0, 1.0}


def test_a_users_function_gets_a_copy_of_the_price_columns_alone(walk, make_prices, mine):
    prices = make_prices(walk.frame.assign(adj_close=1.0))
    before = prices.frame.copy()
    folder = mine(
        'assert list(prices) == ["open", "high", "low", "close", "volume"]',
        "prices[:] = 0.0",
        'return prices["close"]',
    )
    assert feature_matrix(prices, ["mine.py:f", "close"], folder=folder).values[:, 1].min() > 0.0
    assert prices.frame.equals(before)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            ["x = 1", 'return prices["hihg"]'],
            "feature 'mine.py:f': mine.py, line 5: KeyError: 'hihg'",
        ),
        (['return prices["close"].to_numpy()'], "feature 'mine.py:f' gave ndarray, not a pandas Series."),
        (["return prices"], "gave DataFrame, not a pandas Series."),
        (["pass"], "gave NoneType, not a pandas Series."),
        (
            ['return prices["close"].rolling(3).mean().dropna()'],
            "gave a series on another index: 88 rows, the prices have 90.",
        ),
        (
            ['return prices["close"].sort_index(ascending=False)'],
            "90 rows, the prices have 90; first difference at 2024-01-01, where it has 2024-05-03",
        ),
        (
            ['return prices["close"].shift(-1)'],
            "feature 'mine.py:f' is NaN after its warm-up on 1 bars, first on 2024-05-03.",
        ),
        (
            ['return prices["close"].where(prices["close"] != prices["close"].iloc[3])'],
            "is NaN after its warm-up on 1 bars, first on 2024-01-04.",
        ),
        (
            ['x = prices["close"].copy()', "x.iloc[[4, 9]] = np.inf", "return x"],
            "feature 'mine.py:f' is infinite on 2 bars, first on 2024-01-05.",
        ),
        (["return prices.index.to_series()"], "gave values of type datetime64"),
        (['return prices["close"].astype(str)'], "gave values of type str, not real numbers."),
        (['return prices["close"] * 1j'], "gave values of type complex128, not real numbers."),
        (["import sys", "sys.exit()"], "mine.py, line 5: SystemExit"),
    ],
)
def test_a_users_function_that_fails_is_told_by_name_and_first_date(walk, mine, body, expected):
    message = user_failure(walk, mine(*body))
    assert expected in message
    assert "Traceback" not in message


def test_a_reference_to_something_that_is_no_function_is_refused(walk, tmp_path):
    (tmp_path / "mine.py").write_text("f = 3\n")
    assert "feature 'mine.py:f' is of type int, not a function." in user_failure(walk, tmp_path)


def test_a_missing_file_is_refused(walk, tmp_path):
    with pytest.raises(RecipeError, match="there is no file"):
        feature_matrix(walk, ["mine.py:f"], folder=tmp_path)


def test_cutting_the_prices_uncovers_a_planted_look_ahead(walk, make_prices, mine):
    """The test of the named features can fail: it finds a centred mean."""
    folder = mine('return prices["close"].rolling(5, center=True, min_periods=1).mean()')
    full = feature_matrix(walk, ["mine.py:f"], folder=folder).values
    cut = feature_matrix(make_prices(walk.frame.iloc[:50]), ["mine.py:f"], folder=folder).values
    assert np.flatnonzero(cut[:, 0] != full[:50, 0]).tolist() == [48, 49]
