"""A forecast from a run directory, as its users ask for it."""

import contextlib
import hashlib
import json
import math
import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import backtester
from backtester.cli.app import app
from backtester.errors import PricesError, RecipeError, RunDirectoryError, StorageError, UsageError
from backtester.forecasting.telling import forecast_text
from backtester.prices import read_prices, write_csv
from backtester.run_directory import write_checksums
from tests.markets import ar1
from tests.questions import InProcess

WHOLE = ar1(520, seed=3, phi=0.3)
LAST = WHOLE.dates[499].date()
RECIPE = {
    "folds": {"train": 200, "test": 100, "validation": 0.0},
    "model": {"kind": "sklearn.linear_model:Ridge", "lookback": 3},
    "verdict": {"draws": 199},
}


@contextlib.contextmanager
def opened_here(_: object, *, problem: Any, tasks: Any) -> Iterator[InProcess]:
    """An executor without a process of its own; where there is a task."""
    yield InProcess(problem) if tasks else SimpleNamespace(run=lambda *_, **__: iter(()), n_workers=0)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("forecast")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            "backtester.pipeline.write_report", lambda record: (record.directory / "index.html").touch()
        )
        for where in ("pipeline", "forecasting.latest"):
            patched.setattr(f"backtester.{where}.open_executor", opened_here)
        yield folder


def made(place: Path, recipe: dict[str, Any], *, n_bars: int = 500, **changes: Any) -> backtester.Run:
    where = {
        "execution.store": str(place / "store"),
        "execution.registry": str(place / "trials"),
        "execution.workers": 1,
    }
    return backtester.run(
        recipe,
        prices=WHOLE.frame.iloc[:n_bars],
        symbol="AR",
        out=place / "runs",
        changes={**where, **changes},
    )


@pytest.fixture(scope="module")
def ridge(place: Path) -> backtester.Run:
    return made(place, RECIPE)


@pytest.fixture(scope="module")
def drift(place: Path) -> backtester.Run:
    return made(place, {**RECIPE, "model": {"kind": "mean_return"}})


def asked(run: Any, **given: Any) -> Any:
    """Ask with the store of the run, which its files do not name."""
    directory = run if isinstance(run, Path) else run.directory
    changes = {"execution.store": str(directory.parents[1] / "store"), **given.pop("changes", {})}
    return backtester.forecast(run, changes=changes, **{"today": LAST, **given})


def files_of(run: backtester.Run) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in run.directory.iterdir()
        if path.is_file()
    }


@pytest.fixture(scope="module")
def coming(ridge: backtester.Run) -> Any:
    return asked(ridge)


def test_the_next_session_is_forecast_with_its_interval(ridge: backtester.Run, coming: Any):
    assert coming.origin == LAST
    assert coming.target == f"the next session after {LAST.isoformat()}"
    assert coming.price == pytest.approx(coming.last_price * math.exp(coming.log_return))
    lower, upper = coming.interval
    assert lower < coming.log_return < upper
    assert coming.window == (WHOLE.dates[299].date(), WHOLE.dates[498].date())
    assert coming.accuracy.n == len(ridge.forecasts) - 1
    assert coming.accuracy.rmse_ratio == pytest.approx(ridge.summary["forecast"]["rmse_ratio"], rel=0.02)
    assert coming.verdict == ridge.verdict["sentence"]


def test_the_coverage_is_counted_on_the_runs_own_forecasts_before_their_outcome(coming: Any):
    told = coming.table
    ok = told["held"].notna()
    inside = (told["actual"] >= told["lower"]) & (told["actual"] <= told["upper"])
    assert (inside[ok] == (told.loc[ok, "held"] == 1.0)).all()
    # of 300 origins 100 are waited for, and the last one's outcome is not known
    assert coming.coverage().n == ok.sum() == 300 - 100 - 1
    assert 0.84 < coming.coverage().share < 0.96


def test_asking_again_trains_nothing_and_gives_the_same(ridge: backtester.Run, coming: Any):
    again = asked(ridge.directory)
    assert (again.trained, again.reused) == (0, 1)
    assert {**again.as_dict(), "training": None} == {**coming.as_dict(), "training": None}


def test_the_run_directory_is_left_as_it_was(ridge: backtester.Run):
    before = files_of(ridge)
    asked(ridge)
    assert files_of(ridge) == before


def test_newer_bars_from_a_file_are_forecast_from(ridge: backtester.Run, tmp_path: Path):
    write_csv(WHOLE, path=tmp_path / "newer.csv")
    found = asked(ridge, prices=tmp_path / "newer.csv", today=WHOLE.dates[-1].date())
    assert found.origin == WHOLE.dates[-1].date()
    assert len(found.forecasts) == 320
    own = ridge.forecasts["forecast"].to_numpy()
    np.testing.assert_array_equal(found.forecasts.frame["forecast"].iloc[:300], own)
    frame = asked(ridge, prices=WHOLE.frame.iloc[400:], today=WHOLE.dates[-1].date())
    assert frame.log_return == pytest.approx(found.log_return)


@pytest.fixture
def copied(ridge: backtester.Run, place: Path) -> Iterator[Path]:
    """A copy of the run, to be changed; beside it, so that its store is found."""
    yield Path(shutil.copytree(ridge.directory, place / "runs" / "copied"))
    shutil.rmtree(place / "runs" / "copied")


def cut(run: Path) -> None:
    path = run / "forecasts.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:150]))


def perfect(run: Path) -> None:
    table = pd.read_csv(run / "forecasts.csv")
    table.assign(forecast=table["actual"]).to_csv(run / "forecasts.csv", index=False)


def praised(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    summary["verdict"]["sentence"] = "Yes: it earns money."
    (run / "summary.json").write_text(json.dumps(summary))


@pytest.mark.parametrize(
    ("damage", "name"), [(cut, "forecasts.csv"), (perfect, "forecasts.csv"), (praised, "summary.json")]
)
def test_a_file_of_the_run_that_was_changed_is_refused(copied: Path, damage: Any, name: str):
    damage(copied)
    with pytest.raises(StorageError, match=f"{name}: is not the file that the run wrote"):
        asked(copied)


def test_a_folder_without_a_run_is_told_as_such(place: Path):
    with pytest.raises(RunDirectoryError, match="no run here"):
        asked(place / "runs")


def test_origins_without_a_forecast_are_laid_to_failed_folds_only_where_the_run_says_so(copied: Path):
    path, manifest = copied / "forecasts.csv", json.loads((copied / "run.json").read_text())
    table = pd.read_csv(path)
    blank = table["fold"] == 1
    table.assign(forecast=table["forecast"].mask(blank)).to_csv(path, index=False)
    write_checksums(copied)
    lost = f"{blank.sum()} earlier origins have no forecast, although no fold of theirs failed"
    notes = asked(copied).notes
    assert any(lost in note for note in notes)
    assert not any("as their folds failed" in note for note in notes)
    manifest["folds"][1]["state"] = "failed"
    (copied / "run.json").write_text(json.dumps(manifest))
    notes = asked(copied).notes
    assert any(f"{blank.sum()} earlier origins have no forecast, as their folds failed" in n for n in notes)
    assert not any("although" in note for note in notes)


def test_a_leak_of_the_run_stands_above_how_good_its_forecasts_were(copied: Path, ridge: backtester.Run):
    manifest = json.loads((copied / "run.json").read_text())
    sentence = "feature mine.py:tomorrow sees later rows"
    (copied / "run.json").write_text(json.dumps({**manifest, "leaks": [{"sentence": sentence}]}))
    found = asked(copied)
    assert found.as_dict()["leaks"] == [sentence]
    told = forecast_text(found.as_dict(), width=200)
    assert told.index("How good such forecasts were") < told.index(sentence) < told.index("RMSE")
    assert "leak" not in forecast_text(asked(ridge).as_dict(), width=200)


def test_how_the_runs_file_was_read_says_how_the_next_file_is_and_nothing_else(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path, data = tmp_path / "own.csv", {"source": "csv", "symbol": "AR"}
    table = WHOLE.frame.rename(columns={"close": "Last"}).assign(Date=[f"{d:%d/%m/%Y}" for d in WHOLE.dates])
    table.iloc[:500].to_csv(path, index=False)
    own = {**data, "path": str(path), "date_format": "%d/%m/%Y", "column": "Last"}
    where = {"execution.store": str(place / "store"), "execution.registry": str(place / "trials")}
    run = backtester.run(
        {**RECIPE, "model": {"kind": "mean_return"}, "data": own}, out=place / "runs", changes=where
    )
    assert asked(run).origin == LAST
    table.to_csv(tmp_path / "newer.csv", index=False)
    asked_on = {"today": WHOLE.dates[-1].date()}
    monkeypatch.setattr("backtester.forecasting.asking.read_prices", lambda data, *, folder: _seen(data))
    assert {
        (found.origin, found.log_return)
        for given in ({"prices": WHOLE.frame}, {"yahoo": "AR"}, {"prices": tmp_path / "newer.csv"})
        if (found := asked(run, **given, **asked_on))
    } == {(WHOLE.dates[-1].date(), asked(run, prices=WHOLE.frame, **asked_on).log_return)}


def _seen(data: Any) -> Any:
    """Prices from Yahoo without a download, where they are asked for as Yahoo has them."""
    if data.source.value == "yahoo":
        assert (data.column, data.date_format) == ("", "")
        return WHOLE
    return read_prices(data, folder=Path())


def test_the_new_file_is_read_as_it_is_told(ridge: backtester.Run, tmp_path: Path):
    days = [f"{day:%d/%m/%Y}" for day in WHOLE.dates[400:]]
    table = WHOLE.frame.iloc[400:].rename(columns={"close": "Last"}).assign(day=days)
    table.rename(columns={"day": "Date"}).to_csv(tmp_path / "newer.csv", index=False)
    changes = {"data.date_format": "%d/%m/%Y", "data.column": "Last"}
    found = asked(ridge, prices=tmp_path / "newer.csv", changes=changes, today=WHOLE.dates[-1].date())
    assert found.origin == WHOLE.dates[-1].date()
    with pytest.raises(PricesError):
        asked(ridge, prices=tmp_path / "newer.csv")
    with pytest.raises(RecipeError, match=r"data\.date_format"):
        asked(ridge, prices=tmp_path / "newer.csv", changes={"data.date_format": 3})
    with pytest.raises(UsageError, match=r"data\.column.* none is named"):
        asked(ridge, changes={"data.column": "Last"})
    with pytest.raises(RecipeError, match="another run"):
        asked(ridge, prices=tmp_path / "newer.csv", changes={"data.price": "raw"})


def test_a_file_without_a_newer_bar_is_said(ridge: backtester.Run, coming: Any):
    found = asked(ridge, prices=WHOLE.frame.iloc[:500])
    assert any("no newer bar" in note for note in found.notes)
    assert found.log_return == coming.log_return


def test_other_prices_are_refused_with_the_first_date_that_differs(ridge: backtester.Run):
    other = WHOLE.frame.copy()
    other.iloc[77:] *= 1.1
    with pytest.raises(PricesError, match=f"first on {WHOLE.dates[77]:%Y-%m-%d}"):
        asked(ridge, prices=other)


def test_prices_from_the_future_are_refused(ridge: backtester.Run):
    dates = pd.DatetimeIndex([*WHOLE.dates[:519], pd.Timestamp("2200-01-03")])
    with pytest.raises(PricesError, match="2200"):
        asked(ridge, prices=WHOLE.frame.set_axis(dates))


def test_too_few_outcomes_give_no_interval_and_say_so(ridge: backtester.Run):
    found = asked(ridge, level=0.99)
    assert found.interval is None
    assert found.no_interval == (
        "No honest 99% interval can be given: of 1000 outcomes that it needs, 299 are known."
    )
    assert found.as_dict()["interval"]["lower"] is None
    assert "No honest 99% interval" in forecast_text(found.as_dict(), width=200)


def test_five_sessions_ahead_are_told_as_such(place: Path):
    run = made(
        place, {**RECIPE, "model": {"kind": "mean_return"}, "target": {"horizon": 5}}, **{"folds.train": 100}
    )
    found = asked(run, level=0.5)
    assert found.target == f"5 sessions after {LAST.isoformat()}"
    assert found.intervals.n_scores[-1] == 395
    assert found.interval is not None
    assert asked(run).interval is None  # at nine in ten 500 outcomes are needed, as they overlap


def test_a_single_split_is_noted(place: Path):
    run = made(place, RECIPE, **{"folds.scheme": "single"})
    assert any("single split" in note for note in asked(run).notes)


def test_members_give_a_spread(place: Path):
    run = made(place, RECIPE, **{"training.members": 2, "folds.test": 300})
    found = asked(run)
    assert found.sd == 0.0  # Ridge knows no seed
    assert "standard deviation of its members 0.00%" in forecast_text(found.as_dict(), width=200)


def test_a_baseline_is_forecast_without_a_network(drift: backtester.Run):
    found = asked(drift)
    assert found.window is None
    assert (found.trained, found.reused) == (0, 0)
    assert found.log_return == pytest.approx(
        math.log(WHOLE.frame["close"].iloc[499] / WHOLE.frame["close"].iloc[0]) / 499
    )
    assert "buys" not in forecast_text(found.as_dict())


def test_old_prices_and_an_unfinished_session_are_noted(drift: backtester.Run):
    old = asked(drift, today=date(2030, 1, 1)).notes
    assert any("days ago" in note for note in old)
    assert any("not final" in note for note in asked(drift, today=LAST).notes)
    assert asked(drift, today=WHOLE.dates[501].date()).notes == ()


@pytest.mark.parametrize("level", [0.0, 0.4, 1.0, 1.5, math.nan])
def test_a_level_that_is_none_is_refused(drift: backtester.Run, level: float):
    with pytest.raises(UsageError, match="level"):
        asked(drift, level=level)


def test_two_sources_of_prices_are_refused(drift: backtester.Run):
    with pytest.raises(UsageError, match="Two sources"):
        asked(drift, prices=WHOLE.frame, yahoo="AR")


def test_a_key_that_would_make_another_run_is_refused(drift: backtester.Run):
    with pytest.raises(RecipeError, match="another run"):
        asked(drift, changes={"model.lookback": 4})


def test_a_ticker_is_fetched_anew_by_the_runs_settings(
    drift: backtester.Run, monkeypatch: pytest.MonkeyPatch
):
    seen = []

    def read(data: Any, *, folder: Path) -> Any:
        seen.append(data)
        return WHOLE

    monkeypatch.setattr("backtester.forecasting.asking.read_prices", read)
    assert asked(drift, yahoo="^AR").origin == WHOLE.dates[-1].date()
    assert (seen[0].source.value, seen[0].symbol, seen[0].refresh, seen[0].end) == (
        "yahoo",
        "^AR",
        True,
        None,
    )


def told_by(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    store = Path(arguments[0]).parents[1] / "store"
    app(["forecast", *arguments, "--set", f"execution.store={store}"], standalone_mode=False)
    return capsys.readouterr().out


@pytest.mark.parametrize("columns", ["40", "80", "140"])
def test_the_terminal_is_told_all_that_counts(
    ridge: backtester.Run,
    columns: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("COLUMNS", columns)
    text = told_by(str(ridge.directory), capsys=capsys)
    assert max(map(len, text.splitlines())) <= int(columns)
    flat = " ".join(text.split())
    assert flat.startswith(f"AR, recipe: the next session after {LAST.isoformat()}")
    for part in ("last close", "90% interval", "at the next open", "RMSE", "right direction", "they held"):
        assert part in flat


def test_as_json_every_key_is_documented(ridge: backtester.Run, capsys: pytest.CaptureFixture[str]):
    told = json.loads(told_by(str(ridge.directory), "--level", "0.8", "--json", capsys=capsys))
    assert told["interval"]["level"] == 0.8
    page = (Path(__file__).parents[2] / "docs" / "forecast.md").read_text()
    keys = set(told)
    for value in told.values():
        keys |= set(value) if isinstance(value, dict) else set()
    documented = set(re.findall(r"`(\w+)`", page))
    assert keys - documented - set(ridge.summary["forecast"]) == set()


@pytest.mark.slow
def test_real_workers_train_the_latest_window_once(tmp_path: Path):
    where = {"execution.store": str(tmp_path / "store"), "execution.registry": str(tmp_path / "trials")}
    run = backtester.run(RECIPE, prices=WHOLE.frame, symbol="AR", out=tmp_path / "runs", changes=where)
    once, again = asked(run), asked(run, changes={"execution.executor": "serial"})
    assert (once.trained, again.trained, again.reused) == (1, 0, 1)
    assert once.log_return == again.log_return
