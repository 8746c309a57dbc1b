"""The calibration: that it runs the real judgement on markets that are what they claim, and what it found."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

import backtester
from backtester.prices import Prices, prices_from_frame
from benchmarks.calibration import measure
from benchmarks.calibration_forecaster import LeastSquares
from benchmarks.calibration_markets import MARKETS, N_BARS, prices_of, recipe_of
from benchmarks.calibration_matrix import TESTS, Null, bounds, outcome_of
from benchmarks.calibration_page import draw_search, tables
from benchmarks.calibration_run import fit_forecasts, judge_run, question_of
from benchmarks.calibration_search import SEARCH, search_once

DOCS = Path(__file__).parents[1] / "docs"
DRAWS = 199


def prices(kind: str, *, index: int = 0) -> Prices:
    return prices_from_frame(prices_of(MARKETS[kind], key=kind, index=index), symbol=kind)


def recipe(kind: str, *, index: int = 0) -> dict:
    return recipe_of(MARKETS[kind], key=kind, index=index, draws=DRAWS)


def test_the_forecaster_is_a_regression_on_the_last_returns():
    rng = np.random.default_rng(1)
    last, noise = rng.normal(size=(200, 2)), rng.normal(size=200)
    fitted = LeastSquares()
    fitted.fit(last, 0.5 + last @ [0.3, -0.2] + 0.01 * noise)
    np.testing.assert_allclose(
        fitted.predict(np.eye(2)) - fitted.predict(np.zeros((1, 2))), [0.3, -0.2], atol=0.01
    )


@pytest.mark.parametrize("bar", [1000, 1700])
def test_another_future_changes_no_forecast_made_before(bar: int):
    before = prices_of(MARKETS["ar1"], key="ar1", index=0)
    other = before.copy()
    after = before.index[bar + 1 :]
    other.loc[after, ["open", "high", "low", "close"]] *= np.linspace(1.1, 3.0, len(after))[:, None]
    tables = [
        fit_forecasts(question_of(recipe("ar1"), prices=prices_from_frame(frame, symbol="X"))).frame
        for frame in (before, other)
    ]
    known = (tables[0]["origin"] <= before.index[bar]).to_numpy()
    assert known.sum() == bar - 750 + 1
    pd.testing.assert_series_equal(tables[0]["forecast"][known], tables[1]["forecast"][known])
    assert (tables[0]["forecast"][~known] != tables[1]["forecast"][~known]).mean() > 0.9


def test_what_is_judged_in_memory_is_what_a_run_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        "backtester.pipeline.write_report", lambda record: (record.directory / "index.html").touch()
    )
    done = backtester.run(
        recipe("ar1_costs"),
        prices=prices_of(MARKETS["ar1_costs"], key="ar1_costs", index=0),
        symbol="ar1_costs",
        out=tmp_path / "runs",
        changes={"execution.registry": str(tmp_path / "trials"), "execution.store": str(tmp_path / "store")},
    )
    question = question_of(recipe("ar1_costs"), prices=prices("ar1_costs"))
    run = judge_run(question, forecasts=fit_forecasts(question))
    assert [row["answer"] for row in run.verdict["questions"]] == [
        row["answer"] for row in done.verdict["questions"]
    ]
    mine, its = flat(run.judgement), flat(done.judgement)
    assert mine.keys() == its.keys()
    # the names of recipe and prices, that is
    names = {".search.table.0.recipe", ".search.table.0.trial"}
    assert {name for name in mine if not same(mine[name], its[name])} == names


def flat(value: object, *, name: str = "") -> dict[str, object]:
    items = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    )
    if items is None:
        return {name: value}
    return {key: leaf for part, item in items for key, leaf in flat(item, name=f"{name}.{part}").items()}


def same(mine: object, its: object) -> bool:
    """Text and nothing as they are; numbers but for rounding, as a run trades with Backtrader's own loop."""
    numbers = isinstance(mine, int | float) and isinstance(its, int | float)
    return mine == pytest.approx(its, rel=1e-6, abs=1e-9) if numbers else mine == its


@pytest.mark.parametrize("kind", MARKETS)
def test_markets_are_what_they_claim(kind: str):
    """Over all days of 40 markets, within four standard errors."""
    market = MARKETS[kind]
    frames = [prices_of(market, key=kind, index=index) for index in range(40)]
    returns = np.array([frame["close"].pct_change().to_numpy()[1:] for frame in frames])
    mean, sd, n = returns.mean(), returns.std(), returns.size
    assert len(frames[0]) == N_BARS
    assert sd == pytest.approx(0.01, rel=0.03)
    phi = {"ar1": 0.2, "ar1_costs": 0.2, "consumed": 0.1}.get(kind, 0.0)
    error = sd / np.sqrt(n) * (1 + phi) / np.sqrt(1 - phi**2)
    assert abs(mean - market.drift / np.sqrt(252) * 0.01) < 4 * error
    lagged = np.mean((returns[:, 1:] - mean) * (returns[:, :-1] - mean)) / sd**2
    wilder = 3.0 if kind == "clusters" else 1.0  # products of neighbours vary more
    assert abs(lagged - phi) < 4 * wilder / np.sqrt(n)
    assert market.signal == (phi > 0.0)


def test_what_is_a_null_depends_on_the_test():
    nulls = {
        name: {kind: test.null(market) for kind, market in MARKETS.items()} for name, test in TESTS.items()
    }
    assert nulls["clark_west_mean"]["drift"] is Null.YES
    assert nulls["clark_west_last_price"]["drift"] is Null.NO  # a rising price is told from a flat one
    assert nulls["probabilistic_sharpe"]["drift_held"] is Null.NO  # its Sharpe ratio is above 0
    assert nulls["question_forecast"]["consumed"] is Null.NO  # there is something to forecast
    assert nulls["question_money"]["consumed"] is Null.YES  # and nothing to earn
    exact = {name for name, row in nulls.items() if Null.EXACT in row.values()}
    assert exact == {name for name in TESTS if "ledoit" in name or "interval" in name}
    assert all(nulls["verdict"][kind] is Null.NO for kind in ("ar1", "ar1_costs"))


def test_a_regularity_is_found_and_a_walk_is_not():
    found = [outcome_of("ar1", index=index, draws=DRAWS) for index in range(4)]
    walked = [outcome_of("walk", index=index, draws=DRAWS) for index in range(4)]
    assert [row.found["first_three"] for row in found] == [True] * 4
    assert {row.answers["verdict"] for row in walked} <= {"no", "inconclusive"}


def test_the_answer_does_not_depend_on_the_number_of_workers():
    asked = {"markets": 2, "searches": 1, "draws": DRAWS, "kinds": ("walk", "clusters")}
    answers = [measure(workers=workers, **asked) for workers in (1, 2)]
    for answer in answers:
        del answer["seconds"], answer["workers"]
    assert answers[0] == answers[1]


def test_the_best_of_twenty_looks_better_alone_than_among_them():
    row = search_once(0, draws=DRAWS)
    assert len(SEARCH) == 20
    assert 0 < row["alone"] <= row["adjusted"] <= 1
    assert row["naive"] <= row["deflated"]


def test_bounds_are_those_of_400_markets_at_one_in_twenty():
    assert bounds(400) == pytest.approx((0.022, 0.078), abs=5e-4)


@pytest.fixture(scope="module")
def measured() -> dict:
    return json.loads((DOCS / "calibration.json").read_text())


def test_the_measured_calibration_is_the_whole_one_and_misses_only_what_the_page_says(measured: dict):
    assert measured["markets_of_each_kind"] == 400
    assert measured["search"]["repetitions"] == 100
    assert list(measured["markets"]) == list(MARKETS)
    assert list(measured["matrix"]) == list(TESTS)
    # each about the end of an interval that makes a strategy look worse than holding, never better
    assert {miss.split(" on ")[0] for miss in measured["missed"]} == {
        "sharpe_interval_below",
        "mean_interval_below",
    }
    assert len(measured["missed"]) == 3
    assert "**Three cells fall short**" in (DOCS / "calibration.md").read_text()


def test_the_page_shows_the_measured_figures(measured: dict):
    page = (DOCS / "calibration.md").read_text()
    assert [name for name, table in tables(measured).items() if table not in page] == []


def test_the_picture_shows_the_measured_figures(measured: dict, tmp_path: Path):
    draw_search(measured, path=tmp_path / "search.svg")
    drawn, kept = (path.read_text() for path in (tmp_path / "search.svg", DOCS / "images" / "search.svg"))
    told = re.findall(r"\d+ of 100 below 5 %", kept)
    assert len(told) == 3
    assert told == re.findall(r"\d+ of 100 below 5 %", drawn)


@pytest.mark.slow
def test_two_dozen_markets_of_each_kind_reject_no_more_than_luck_allows():
    # Over a hundred cells, each may exceed what a test at the upper bound does once in 10,000.
    _, allowed = bounds(400)
    answer = measure(markets=24, searches=0, draws=DRAWS, workers=2)
    nulls = {
        (name, kind): round(24 * cell["rate"])
        for name, row in answer["matrix"].items()
        for kind, cell in row.items()
        if cell["null"] != Null.NO
    }
    pooled = {name: [found for (test, _), found in nulls.items() if test == name] for name in TESTS}
    assert {cell: found for cell, found in nulls.items() if found > binom.ppf(0.9999, 24, allowed)} == {}
    assert {
        name: found
        for name, found in pooled.items()
        if sum(found) > binom.ppf(0.9999, 24 * len(found), allowed)
    } == {}
    assert answer["matrix"]["question_forecast"]["ar1"]["rate"] >= 0.8
    assert all(answer["matrix"]["first_three"][kind]["rate"] <= 0.05 for kind in ("drift", "drift_held"))
