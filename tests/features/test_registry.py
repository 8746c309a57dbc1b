import doctest
import re
from pathlib import Path

import pytest

from backtester.errors import RecipeError
from backtester.features import describe_features, feature_names, registry

PAGE = Path(__file__).parents[2] / "docs" / "features.md"


def refusal(*columns):
    with pytest.raises(RecipeError) as caught:
        feature_names(columns)
    return caught.value


def test_names_are_given_in_one_spelling_and_in_order():
    written = ["log_return", " volatility( 20 )", "macd(12,26,9)", "ma_ratio(5)", "mine.py:gap ", "range()"]
    assert feature_names(written) == (
        "log_return",
        "volatility(20)",
        "macd(12, 26, 9)",
        "ma_ratio(5)",
        "mine.py:gap",
        "range",
    )


@pytest.mark.parametrize(
    ("column", "suggestion"),
    [("volatilty(20)", "volatility"), ("log_retrun", "log_return"), ("RSI(14)", "rsi")],
)
def test_an_unknown_feature_is_refused_with_the_nearest_and_the_list(column, suggestion):
    error = refusal(column)
    assert error.message == f"features.columns: there is no feature '{column}'. Did you mean '{suggestion}'?"
    for kind in describe_features():
        assert kind.usage in error.advice


@pytest.mark.parametrize("column", ["", "volatility(20", "volatility 20", "(20)", "close + open", "_ln"])
def test_what_is_no_feature_name_is_refused(column):
    assert refusal(column).message.startswith(f"features.columns: there is no feature '{column}'.")


@pytest.mark.parametrize(
    ("column", "message", "advice"),
    [
        ("volatility", "'volatility' has 0 parameters", "Write volatility(n)."),
        ("log_return(1)", "'log_return(1)' has 1 parameters", "Write log_return."),
        ("macd(12, 26)", "has 2 parameters", "Write macd(fast, slow, signal)."),
        ("ma_ratio(1, 2, 3)", "has 3 parameters", "Write ma_ratio(n) or ma_ratio(n, m)."),
        ("volatility(1)", "out of range", "a whole number of bars from 2 to"),
        ("rsi(0)", "out of range", "from 1 to"),
        ("rsi(-3)", "out of range", "Write rsi(n)"),
        ("rsi(2.5)", "out of range", "whole number"),
        ("rsi(n)", "out of range", "whole number"),
        ("rsi(,)", "has 2 parameters", "Write rsi(n)."),
        ("rsi(²)", "out of range", "whole number"),
        ("rsi(99999999999)", "out of range", "to 100000"),
        ("macd(26, 12, 9)", "fast must be less than slow", "Write macd"),
        ("ma_ratio(5, 5)", "n must be less than m", "Write ma_ratio"),
    ],
)
def test_wrong_parameters_are_refused_with_the_form(column, message, advice):
    error = refusal(column)
    assert message in error.message
    assert column in error.message
    assert advice in error.advice


def test_the_same_feature_twice_is_refused_in_any_spelling():
    assert refusal("rsi(14)", "close", "rsi( 14 )").message == "features.columns names 'rsi(14)' twice."


def test_no_feature_at_all_is_refused():
    assert refusal().message == "features.columns is empty."


def test_the_names_of_the_plan_are_all_there():
    assert [kind.name for kind in describe_features()] == [
        "close",
        "day_of_week",
        "high",
        "log_return",
        "low",
        "ma_ratio",
        "macd",
        "open",
        "range",
        "return",
        "rsi",
        "volatility",
        "volume",
        "volume_change",
    ]


def test_the_page_has_every_feature_in_every_form_and_no_other():
    rows = [
        line.split("|")[1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    listed = {form for row in rows for form in re.findall(r"`([^`]+)`", row)}
    assert listed == {form for kind in describe_features() for form in kind.usage.split(" or ")}


def test_the_examples_are_true():
    assert doctest.testmod(registry).failed == 0
