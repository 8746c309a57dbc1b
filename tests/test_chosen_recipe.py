"""The benchmark that chooses a recipe: what chose it and what it is then held to are kept apart."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks import chosen_recipe
from benchmarks.chosen_recipe import best_of, measure, scored

DAYS = pd.bdate_range("2020-01-01", periods=100)


def forecasts(days: pd.DatetimeIndex, *, off: np.ndarray | float) -> pd.DataFrame:
    """The price rises from 100 by 1 a day; the last price is off by 1, the forecast by so much."""
    came = 101.0 + np.arange(len(days))
    last = came - 1.0
    return pd.DataFrame(
        {
            "target_date": days,
            "actual": np.log(came / last),
            "last_price": last,
            "forecast_price": came + off,
        }
    )


def test_the_best_is_the_lowest_of_those_that_have_a_ratio():
    assert best_of({"a": None, "b": 1.01, "c": 0.99, "d": float("nan")}) == "c"
    assert best_of({"a": None}) is None


def test_forecasts_are_scored_in_prices_beside_the_last_price():
    figures = scored(forecasts(DAYS[:4], off=np.array([3.0, -3.0, 3.0, -3.0])))
    assert figures == {
        "rmse": pytest.approx(3.0),
        "rmse_last_price": pytest.approx(1.0),
        "rmse_ratio": pytest.approx(3.0),
        "n": 4,
    }
    assert scored(forecasts(DAYS[:0], off=0.0))["rmse_ratio"] is None


def fake(monkeypatch: pytest.MonkeyPatch, *, ratios: dict[str, float | None]) -> list[dict[str, Any]]:
    """Runs that are off by 0.5 until the 95th day, and by 2 after it."""
    asked: list[dict[str, Any]] = []
    names = iter(ratios)

    def run(recipe: str, *, prices: Path, changes: dict[str, Any], out: Path) -> Any:
        asked.append(changes)
        name = next(names, "")
        off = np.where(np.arange(len(DAYS)) < 95, 0.5, 2.0)
        figures = {"forecast": {"rmse_ratio": ratios.get(name)}}
        return SimpleNamespace(summary=figures, forecasts=forecasts(DAYS, off=off))

    monkeypatch.setattr(chosen_recipe.backtester, "run", run)
    prices = SimpleNamespace(prices=SimpleNamespace(dates=DAYS))
    monkeypatch.setattr(chosen_recipe.backtester, "ask", lambda *_, **__: prices)
    return asked


def test_the_days_that_chose_the_recipe_and_those_held_out_are_scored_apart(monkeypatch, tmp_path):
    ratios = dict(zip(chosen_recipe.CANDIDATES, (1.2, None, 0.9, 1.1, 1.0), strict=True))
    asked = fake(monkeypatch, ratios=ratios)
    found = measure(tmp_path / "x.csv", folder=tmp_path)
    assert found["chosen"] == list(chosen_recipe.CANDIDATES)[2]
    assert {changes.get("data.end") for changes in asked[:5]} == {DAYS[94].date()}
    assert "data.end" not in asked[5]
    assert (found["chosen_on"]["n"], found["chosen_on"]["rmse_ratio"]) == (95, pytest.approx(0.5))
    assert (found["held_out"]["n"], found["held_out"]["rmse_ratio"]) == (5, pytest.approx(2.0))
    assert found["whole"]["n"] == 100


def test_where_no_candidate_has_a_ratio_none_is_chosen(monkeypatch, tmp_path):
    fake(monkeypatch, ratios=dict.fromkeys(chosen_recipe.CANDIDATES))
    found = measure(tmp_path / "x.csv", folder=tmp_path)
    assert found["chosen"] is None
    assert "held_out" not in found
