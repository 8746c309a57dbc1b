from __future__ import annotations

import pytest

from backtester.reporting import words


def test_a_missing_figure_is_a_dash_in_every_format():
    formats = (words.number, words.percent, words.count, words.times, words.money)
    assert [write(value) for write in formats for value in (None, float("nan"))] == ["–"] * 10


def test_a_rounded_zero_has_no_sign():
    assert [words.percent(-0.0001), words.number(-0.001), words.percent(-0.001)] == ["0.0%", "0.00", "-0.1%"]


def test_the_page_gets_typographic_signs():
    assert [words.minus(text) for text in ("-3.1%", "12.0x", "-1.5x", "–", "-", "max")] == [
        "−3.1%",
        "12.0×",
        "−1.5×",
        "–",
        "-",
        "max",
    ]


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (None, "no forecast"),
        (1.0, "as much as"),
        (1.000001, "as much as"),
        (0.98, "2.00% less"),
        (1.02, "2.00% more"),
    ],
)
def test_the_ratio_is_said_in_words(ratio, said):
    assert said in words.ratio_sentence(ratio)


def test_only_a_built_in_strategy_is_described():
    assert words.strategy_words({"kind": "long_or_cash", "threshold_bp": 5.0}) == (
        "long above 5 bp of forecast, else in cash"
    )
    assert words.strategy_words({"kind": "mine.py:{Class}"}) == ""
