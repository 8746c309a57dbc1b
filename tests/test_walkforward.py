import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backtester.forecasters import ForecasterCache
from backtester.forecasts import FORECAST_COLUMNS
from backtester.models import BASELINES
from backtester.models.forecaster import Weights
from backtester.prices import Prices
from backtester.store import FoldStore
from backtester.tasks import Problem, Task, TaskFailure, TaskResult
from backtester.walkforward import (
    Progress,
    baseline_table,
    forecast_table,
    open_work,
    walk_forward,
)
from tests.markets import ar1, random_walk
from tests.questions import RIDGE, SMALL_LSTM, InProcess, forecasts_of, question


@pytest.fixture
def store(tmp_path: Path) -> FoldStore:
    return FoldStore(folder=tmp_path / "store")


def cut(prices: Prices, *, n_bars: int) -> Prices:
    return dataclasses.replace(prices, frame=prices.frame.iloc[:n_bars])


def test_every_test_bar_has_one_forecast_made_before_its_target(store: FoldStore):
    prices = random_walk(300, seed=1)
    table, _ = forecasts_of(question(prices, target={"horizon": 3}), store=store)
    frame = table.frame
    assert tuple(frame.columns) == FORECAST_COLUMNS
    assert frame["origin"].tolist() == prices.dates[120:].tolist()
    assert frame["forecast"].notna().all()
    assert frame["target_date"].tolist()[:-3] == prices.dates[123:].tolist()
    assert frame["target_date"].iloc[-3:].isna().all()
    assert frame["actual"].iloc[-3:].isna().all()
    close = prices.column("close")
    np.testing.assert_array_equal(frame["actual"][:-3], np.log(close[123:] / close[120:-3]))
    np.testing.assert_array_equal(frame["last_price"], close[120:])
    np.testing.assert_array_equal(frame["forecast_price"], close[120:] * np.exp(frame["forecast"]))
    assert (frame["seed"] == 7).all()
    assert frame["fold"].tolist() == [i // 30 for i in range(180)]


@pytest.mark.parametrize("model", [RIDGE, SMALL_LSTM], ids=["ridge", "lstm"])
def test_forecasts_up_to_a_cut_are_the_same_bytes_without_the_bars_after_it(
    model: dict[str, object], store: FoldStore
):
    """The promise of no look-ahead: features, scalers, early stopping, weights, predictions."""
    prices, forecasters = random_walk(260, seed=2), ForecasterCache()
    sections = {
        "model": model,
        "features": {"columns": ["log_return", "volatility(5)", "rsi(5)", "macd(3, 6, 4)"]},
        "training": {"epochs": 3, "patience": 1},
    }
    whole, _ = forecasts_of(question(prices, **sections), store=store, forecasters=forecasters)
    rng = np.random.default_rng(3)
    borders = [fold * 30 + 120 + shift for fold in range(1, 4) for shift in (1, 2, 29)]
    cuts = sorted({*borders, *rng.integers(122, 260, size=14).tolist()})
    assert len(cuts) >= 20
    for n_bars in cuts:
        asked = question(cut(prices, n_bars=n_bars), **sections)
        table, _ = forecasts_of(asked, store=store, forecasters=forecasters)
        known = ["symbol", "origin", "horizon", "fold", "seed", "forecast", "last_price"]
        pd.testing.assert_frame_equal(
            table.frame[known], whole.frame[known].iloc[: n_bars - 120], check_exact=True
        )


@pytest.mark.parametrize(
    "sections",
    [
        {"target": {"horizon": 5}, "folds": {"train": 120, "test": 30, "validation": 0}},
        {"target": {"horizon": 3, "kind": "close", "scaler": "minmax"}, "features": {"scaler": "minmax"}},
        {"folds": {"train": 120, "test": 30, "scheme": "expanding", "embargo": 7, "phase": 11}},
        {"folds": {"train": "6M", "test": "6W"}},
        {"folds": {"train": 120, "test": 30, "scheme": "single", "validation": 0}},
        {"model": {"kind": "last_return"}, "target": {"horizon": 4}},
        {"model": {"kind": "mean_return"}, "target": {"horizon": 4}},
    ],
    ids=["horizon", "close", "expanding", "calendar", "single", "last_return", "mean_return"],
)
def test_no_setting_lets_the_bars_after_a_cut_into_the_forecasts_before_it(
    sections: dict[str, object], store: FoldStore
):
    prices = random_walk(260, seed=2)

    def forecasts(n_bars: int) -> pd.Series:
        asked = question(cut(prices, n_bars=n_bars), **sections)
        if asked.problem.model.kind in BASELINES:
            kind = asked.problem.model.kind
            return baseline_table(asked.problem, kind=kind, dates=asked.prices.dates).by_origin
        return forecasts_of(asked, store=store)[0].by_origin

    whole = forecasts(260)
    for n_bars in (150, 151, 180, 181, 203, 259):
        known = forecasts(n_bars)
        assert known.index[-1] == prices.dates[n_bars - 1]
        pd.testing.assert_series_equal(known, whole[: len(known)], check_exact=True)


def test_forecasts_up_to_t_do_not_change_when_only_the_future_does(store: FoldStore):
    prices = random_walk(260, seed=2)
    changed = prices.frame.copy()
    changed.iloc[200:, :4] *= 1.7
    other = dataclasses.replace(prices, frame=changed)
    first, _ = forecasts_of(question(prices), store=store)
    second, _ = forecasts_of(question(other), store=store)
    assert first.by_origin[:80].tolist() == second.by_origin[:80].tolist()
    assert first.by_origin[81:].tolist() != second.by_origin[81:].tolist()


def test_network_forecasts_what_can_be_forecast(store: FoldStore):
    prices = ar1(900, seed=1, phi=0.6)
    model = {"kind": "sklearn.linear_model:LinearRegression", "lookback": 1}
    sections = {"folds": {"train": 500, "test": 100}}
    table, _ = forecasts_of(question(prices, model=model, **sections), store=store)
    today = np.diff(np.log(prices.column("close")))[499:]
    np.testing.assert_allclose(table.frame["forecast"], 0.6 * today, atol=0.005)


def test_members_are_averaged_and_their_spread_kept(store: FoldStore):
    asked = question(
        random_walk(200, seed=1),
        model=SMALL_LSTM,
        training={"epochs": 1, "members": 3, "patience": 0},
    )
    table, done = forecasts_of(asked, store=store)
    assert done == [Task(fold=fold, member=member) for fold in range(3) for member in range(3)]
    results = [store.read(key, task=task) for task, key in open_work(asked.problem, store=store).keys.items()]
    first_fold = np.stack([r.forecast for r in results if isinstance(r, TaskResult) and r.task.fold == 0])
    assert len({tuple(member) for member in first_fold.tolist()}) == 3
    np.testing.assert_array_equal(table.frame["forecast"][:30], first_fold.mean(axis=0))
    np.testing.assert_array_equal(table.frame["forecast_sd"][:30], first_fold.std(axis=0, ddof=1))


def test_nothing_is_trained_twice(store: FoldStore):
    prices = random_walk(300, seed=1)
    first, trained = forecasts_of(question(prices), store=store)
    again, trained_again = forecasts_of(question(prices, broker={"commission_bp": 9}), store=store)
    assert len(trained) == 6
    assert trained_again == []
    assert first.sha256 == again.sha256


def test_a_damaged_entry_is_said_and_that_fold_alone_trained_again(store: FoldStore):
    asked = question(random_walk(300, seed=1))
    first, _ = forecasts_of(asked, store=store)
    key = open_work(asked.problem, store=store).keys[Task(fold=4, member=0)]
    store.path(key).write_bytes(b"walkforward fold 2\nnonsense")
    work = open_work(asked.problem, store=store)
    assert ["fold 4 was damaged" in note.text for note in work.notes] == [True]
    again, trained = forecasts_of(asked, store=store)
    assert trained == [Task(fold=4, member=0)]
    assert first.sha256 == again.sha256


class Failing(InProcess):
    def run(
        self, tasks: Sequence[Task], *, initial: Mapping[Task, Weights]
    ) -> Iterator[TaskResult | TaskFailure]:
        for outcome in super().run(tasks, initial=initial):
            if outcome.task.fold == 2:
                yield TaskFailure(task=outcome.task, reason="the training loss became nan")
            else:
                yield outcome


def run_failing(problem: Problem, *, store: FoldStore, told: list[Progress]) -> object:
    return walk_forward(
        problem,
        work=open_work(problem, store=store),
        store=store,
        executor=Failing(problem),
        on_progress=told.append,
        started=0.0,
    )


def test_failed_fold_has_no_forecast_and_the_others_do(store: FoldStore):
    prices, told = random_walk(300, seed=1), list[Progress]()
    problem = question(prices).problem
    result = run_failing(problem, store=store, told=told)
    table = forecast_table(problem, outcomes=result.outcomes, dates=prices.dates)
    missing = table.frame["forecast"].isna()
    assert table.frame["fold"][missing].unique().tolist() == [2]
    assert missing.sum() == 30
    assert [outcome.reason for outcome in result.outcomes if outcome.failures] == [
        "the training loss became nan"
    ]
    assert [(p.done, p.total, p.fold) for p in told] == [(i + 1, 6, i) for i in range(6)]
    assert [p.failed for p in told] == [i == 2 for i in range(6)]
    assert [task.fold for task in open_work(problem, store=store).missing] == [2]


def test_baselines_forecast_at_the_same_origins(store: FoldStore):
    prices = random_walk(300, seed=1)
    asked = question(prices)
    table, _ = forecasts_of(asked, store=store)
    for kind in ("last_price", "last_return", "mean_return"):
        baseline = baseline_table(asked.problem, kind=kind, dates=prices.dates)
        columns = ["symbol", "origin", "target_date", "fold", "actual", "last_price"]
        pd.testing.assert_frame_equal(baseline.frame[columns], table.frame[columns])
        assert baseline.frame["forecast"].notna().all()


WARM = {"model": SMALL_LSTM, "training": {"epochs": 1, "patience": 0, "warm_start": True}}


def test_a_warm_start_begins_from_the_weights_of_the_fold_before(store: FoldStore):
    prices, forecasters = random_walk(240, seed=1), ForecasterCache()
    warm, _ = forecasts_of(question(prices, **WARM), store=store, forecasters=forecasters)
    cold_sections = WARM | {"training": {"epochs": 1, "patience": 0}}
    cold, _ = forecasts_of(question(prices, **cold_sections), store=store, forecasters=forecasters)
    assert warm.by_origin[:30].tolist() == cold.by_origin[:30].tolist()
    assert warm.by_origin[30:].tolist() != cold.by_origin[30:].tolist()


def test_a_warm_start_goes_on_from_the_store_with_the_same_bytes(store: FoldStore, tmp_path: Path):
    asked = question(random_walk(240, seed=1), **WARM)
    whole, _ = forecasts_of(asked, store=store)
    keys = open_work(asked.problem, store=store).keys
    part = FoldStore(folder=tmp_path / "part")
    for task in list(keys)[:2]:
        kept = store.read(keys[task], task=task)
        assert isinstance(kept, TaskResult)
        part.write(keys[task], kept)
    again, trained = forecasts_of(asked, store=part)
    assert [task.fold for task in trained] == [2, 3]
    assert again.sha256 == whole.sha256


def test_a_warm_start_does_not_go_on_from_a_failed_fold(store: FoldStore):
    prices = random_walk(240, seed=1)
    problem = question(prices, **WARM).problem
    result = run_failing(problem, store=store, told=[])
    assert [outcome.reason for outcome in result.outcomes] == [
        "",
        "",
        "the training loss became nan",
        "the fold whose weights it begins from failed",
    ]
    assert any("Warm start" in note.text for note in result.notes)


def test_a_warm_start_sees_no_future(store: FoldStore):
    prices, forecasters = random_walk(240, seed=1), ForecasterCache()
    whole, _ = forecasts_of(question(prices, **WARM), store=store, forecasters=forecasters)
    for n_bars in (121, 150, 151, 170):
        asked = question(cut(prices, n_bars=n_bars), **WARM)
        table, _ = forecasts_of(asked, store=store, forecasters=forecasters)
        assert table.by_origin.tolist() == whole.by_origin[: n_bars - 120].tolist()
