"""The latest window: what is trained, and what is not."""

import contextlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from backtester.errors import FoldsFailedError
from backtester.forecasters import ForecasterCache
from backtester.forecasting.latest import (
    Latest,
    forecast_latest,
    latest_fold,
    latest_problem,
    needed_work,
)
from backtester.models.forecaster import FitReport
from backtester.prices import Prices
from backtester.question import Question
from backtester.store import FoldStore
from backtester.tasks import Task, TaskFailure, TaskResult, TaskRunner
from backtester.walkforward import baseline_table, open_work
from tests.markets import ar1
from tests.questions import SMALL_LSTM, InProcess, forecasts_of, question

N = 220
WHOLE = ar1(N, seed=4, phi=0.3)


def first(n_bars: int) -> Prices:
    return replace(WHOLE, frame=WHOLE.frame.iloc[:n_bars])


@pytest.fixture
def store(tmp_path: Path) -> FoldStore:
    return FoldStore(folder=tmp_path / "store")


def latest_of(
    asked: Question,
    *,
    record: Any,
    store: FoldStore,
    monkeypatch: pytest.MonkeyPatch,
    failing: tuple[int, ...] = (),
) -> tuple[Latest, list[Task]]:
    """Forecast with an executor in this process; the folds named fail."""
    done: list[Task] = []

    class Executor(InProcess):
        def run(self, tasks: Any, *, initial: Any) -> Any:
            for task in tasks:
                done.append(task)
                if task.fold in failing:
                    yield TaskFailure(task=task, reason="it diverged")
                else:
                    yield from super().run([task], initial=initial)

    @contextlib.contextmanager
    def opened(_: object, *, problem: Any, tasks: Any) -> Any:
        yield Executor(problem)

    monkeypatch.setattr("backtester.forecasting.latest.open_executor", opened)
    found = forecast_latest(
        asked, record=record, store=store, step=lambda _: None, on_progress=lambda _: None
    )
    return found, done


def record_of(asked: Question, *, store: FoldStore) -> Any:
    table, _ = forecasts_of(asked, store=store)
    folds = [{"index": fold.index, "state": "done"} for fold in asked.problem.folds]
    return SimpleNamespace(forecasts=table.frame, prices=asked.prices.frame, manifest={"folds": folds})


@pytest.mark.parametrize(
    ("folds", "window"),
    [
        ({"train": 120, "test": 30}, slice(99, 219)),
        ({"train": 120, "test": 30, "phase": 7}, slice(99, 219)),
        ({"train": 120, "test": 30, "embargo": 5}, slice(94, 214)),
        ({"train": 120, "test": 30, "scheme": "expanding"}, slice(0, 219)),
        ({"train": 120, "test": 30, "scheme": "single"}, slice(99, 219)),
    ],
)
def test_the_latest_window_ends_before_the_last_bar_and_tests_that_bar_alone(folds: Any, window: slice):
    asked = question(first(N), folds=folds)
    fold = latest_fold(asked)
    assert fold.training_window == window
    assert fold.test == slice(N - 1, N)
    assert fold.index == len(asked.problem.folds)
    assert len(fold.validation.indices(N)) == 3
    assert fold.validation.stop - fold.validation.start == round(0.1 * (window.stop - window.start))


def test_a_window_in_months_is_counted_back_from_the_last_bar():
    fold = latest_fold(question(first(N), folds={"train": "6M", "test": "1M"}))
    start = WHOLE.dates[N - 1] - np.timedelta64(6 * 31, "D")
    assert fold.training_window.stop == N - 1
    assert 0 <= (WHOLE.dates[fold.train.start] - start).days <= 7


def test_a_run_whose_last_fold_tests_the_last_bar_alone_has_its_latest_fold_already():
    asked = question(first(211))  # the last fold tests bar 210
    assert latest_fold(asked) == asked.problem.folds[-1]
    assert latest_problem(asked) is asked.problem


def test_only_the_latest_window_is_trained_and_the_second_time_nothing(
    store: FoldStore, monkeypatch: pytest.MonkeyPatch
):
    asked = question(first(N), training={"epochs": 2, "patience": 0, "members": 2})
    record = record_of(asked, store=store)
    found, done = latest_of(asked, record=record, store=store, monkeypatch=monkeypatch)
    n_folds = len(asked.problem.folds)
    assert [(task.fold, task.member) for task in done] == [(n_folds, 0), (n_folds, 1)]
    assert (found.trained, found.reused) == (2, 0)
    again, done = latest_of(asked, record=record, store=store, monkeypatch=monkeypatch)
    assert (done, again.trained, again.reused) == ([], 0, 2)
    assert again.forecasts.sha256 == found.forecasts.sha256


def test_the_forecast_is_that_of_the_network_of_the_latest_window_and_the_others_are_the_runs(
    store: FoldStore, monkeypatch: pytest.MonkeyPatch
):
    asked = question(first(N))
    record = record_of(asked, store=store)
    found, _ = latest_of(asked, record=record, store=store, monkeypatch=monkeypatch)
    problem = latest_problem(asked)
    runner = TaskRunner(problem, forecasters=ForecasterCache())
    (expected,) = runner.run(Task(fold=len(problem.folds) - 1, member=0)).forecast
    frame = found.forecasts.frame
    assert frame["forecast"].iloc[-1] == expected != record.forecasts["forecast"].iloc[-1]
    np.testing.assert_array_equal(frame["forecast"].iloc[:-1], record.forecasts["forecast"].iloc[:-1])
    assert frame["origin"].is_unique
    assert frame["origin"].iloc[-1] == asked.prices.dates[-1]


def test_bars_that_came_since_are_forecast_as_walk_forward_would_have(
    store: FoldStore, monkeypatch: pytest.MonkeyPatch
):
    record = record_of(question(first(190)), store=store)
    asked = question(first(N))
    found, done = latest_of(asked, record=record, store=store, monkeypatch=monkeypatch)
    # of folds 0 to 3, tested from 120, 150, 180 and 210, the last two test bars from 190 on
    assert [task.fold for task in done] == [2, 3, 4]
    walked, _ = forecasts_of(asked, store=store)
    np.testing.assert_array_equal(
        found.forecasts.frame["forecast"].iloc[:-1], walked.frame["forecast"].iloc[:-1]
    )
    np.testing.assert_array_equal(found.forecasts.frame["actual"], walked.frame["actual"])


def test_the_runs_own_forecasts_are_taken_even_where_its_folds_left_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked = question(first(N))
    record = record_of(asked, store=FoldStore(folder=tmp_path / "one"))
    _, done = latest_of(
        asked, record=record, store=FoldStore(folder=tmp_path / "other"), monkeypatch=monkeypatch
    )
    assert len(done) == 1


def test_a_warm_start_begins_from_the_last_fold_and_trains_back_to_one_that_is_kept(tmp_path: Path):
    asked = question(first(N), model=SMALL_LSTM, training={"epochs": 1, "patience": 0, "warm_start": True})
    empty = FoldStore(folder=tmp_path / "empty")
    problem = latest_problem(asked)
    work = needed_work(problem, store=empty, n_known=N)
    assert [task.fold for task in work.missing] == list(range(len(problem.folds)))
    kept = FoldStore(folder=tmp_path / "kept")
    for task, key in open_work(asked.problem, store=kept).keys.items():
        report = FitReport(epochs=1, loss=(1.0,), validation_loss=())
        kept.write(key, TaskResult(task=task, seed=1, forecast=np.zeros(30), report=report))
    work = needed_work(problem, store=kept, n_known=N)
    last = len(asked.problem.folds)
    assert [task.fold for task in work.missing] == [last]
    assert [result.task.fold for result in work.stored] == [last - 1]


def test_a_failed_fit_of_the_latest_window_is_an_error_with_its_reason(
    store: FoldStore, monkeypatch: pytest.MonkeyPatch
):
    asked = question(first(N))
    record = record_of(asked, store=store)
    with pytest.raises(FoldsFailedError, match="latest window has no forecast: it diverged"):
        latest_of(asked, record=record, store=store, monkeypatch=monkeypatch, failing=(4,))


def test_a_run_whose_last_fold_failed_still_gets_a_forecast_and_the_hole_is_counted(
    store: FoldStore, monkeypatch: pytest.MonkeyPatch
):
    asked = question(first(N))
    record = record_of(asked, store=store)
    record.forecasts.loc[record.forecasts["fold"] == 3, "forecast"] = np.nan
    record.manifest["folds"][3]["state"] = "failed"
    found, done = latest_of(asked, record=record, store=store, monkeypatch=monkeypatch)
    assert (found.failed, found.missing) == (9, 0)  # ten origins of which the last is forecast anew
    assert not np.isnan(found.forecasts.frame["forecast"].iloc[-1])
    assert len(done) == 1


@pytest.mark.parametrize("kind", ["last_price", "mean_return"])
def test_a_baseline_trains_nothing(kind: str, store: FoldStore, monkeypatch: pytest.MonkeyPatch):
    asked = question(first(N), model={"kind": kind})
    table = baseline_table(asked.problem, kind=kind, dates=asked.prices.dates)
    record = SimpleNamespace(forecasts=table.frame, prices=asked.prices.frame)
    found, done = latest_of(asked, record=record, store=store, monkeypatch=monkeypatch)
    assert (done, found.fold, found.trained) == ([], None, 0)
    assert found.forecasts.sha256 == table.sha256


def test_ten_days_ahead_the_latest_window_learns_no_target_beyond_its_end(store: FoldStore):
    asked = question(first(N), target={"horizon": 10})
    problem = latest_problem(asked)
    origins = problem.samples(len(problem.folds) - 1).train.origins
    assert origins[-1] + 10 < problem.folds[-1].train.stop <= N - 1
