from typing import Any

import pytest

from backtester.summary import answer_of


def summary(*, strategy: dict[str, Any], ratio: float | None = 1.01) -> dict[str, Any]:
    holding = {"trades": 1, "total_return": 0.5, "cagr": 0.1, "sharpe": 0.8}
    return {
        "forecast": {"rmse_ratio": ratio},
        "baselines": {"mean_return": {"rmse_ratio": 0.999}},
        "strategies": {"strategy": holding | strategy, "buy_and_hold": holding},
    }


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        (
            {"total_return": 0.7, "cagr": 0.14},
            "after costs the strategy made more than buy-and-hold, 14.0% a year (Sharpe 0.80) against "
            "10.0% a year (Sharpe 0.80).",
        ),
        (
            {"total_return": -0.1, "cagr": -0.02, "sharpe": -0.2},
            "after costs the strategy made less than buy-and-hold, -2.0% a year (Sharpe -0.20) against "
            "10.0% a year (Sharpe 0.80).",
        ),
        ({}, "after costs the strategy made as much as buy-and-hold, 10.0% a year (Sharpe 0.80)."),
        (
            {"trades": 0, "total_return": 0.0, "cagr": 0.0, "sharpe": None},
            "the strategy never left cash, while buy-and-hold made 10.0% a year (Sharpe 0.80).",
        ),
        (
            {"total_return": -0.5, "cagr": -0.2, "sharpe": None},
            "after costs the strategy made less than buy-and-hold, -20.0% a year against "
            "10.0% a year (Sharpe 0.80).",
        ),
    ],
    ids=["more", "less", "always long", "cash", "one bar"],
)
def test_answer_says_what_the_strategy_made_beside_holding(strategy: dict[str, Any], said: str):
    assert answer_of(summary(strategy=strategy)).endswith(f"; {said}")


def test_answer_says_where_there_is_no_forecast():
    assert answer_of(summary(strategy={}, ratio=None)).startswith("There is no forecast to score; ")
