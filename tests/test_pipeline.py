"""The whole chain, with real worker processes and a real network."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import backtester
from backtester.errors import LockedError, PricesError, RecipeError, UserCodeError
from backtester.metrics import sharpe
from backtester.run_directory import DATA_FILES, lock_directory
from backtester.walkforward import Progress
from tests.markets import ar1, ar1_best_sharpe, random_walk

SMALL = {
    "seed": 3,
    "folds": {"train": 120, "test": 40},
    "model": {"kind": "lstm", "lookback": 5, "units": [4]},
    "training": {"epochs": 3, "patience": 2},
    "strategy": {"kind": "long_short"},
    "execution": {"workers": 1},
    "verdict": {"draws": 199},
}
FREE = {"broker.commission_bp": 0.0, "broker.slippage_bp": 0.0}


@pytest.fixture(scope="module")
def walk() -> pd.DataFrame:
    return random_walk(300, seed=5).frame


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def done(walk: pd.DataFrame, place: Path) -> backtester.Run:
    return backtester.run(SMALL, prices=walk, out=place / "a", changes=store_in(place / "store"))


def store_in(folder: Path) -> dict[str, str]:
    return {"execution.store": str(folder), "data.symbol": "RW"}


def test_run_directory_holds_every_file(done: backtester.Run):
    assert {path.name for path in done.directory.iterdir()} == {
        *DATA_FILES,
        "run.json",
        "index.html",
        "tearsheet_buy_and_hold.html",
        "tearsheet_last_price.html",
        "SHA256SUMS",
        ".lock",
    }


def test_checksums_are_those_of_all_files(done: backtester.Run):
    lines = (done.directory / "SHA256SUMS").read_text().splitlines()
    listed = {line.split("  ")[1] for line in lines}
    assert listed == {path.name for path in done.directory.iterdir()} - {"SHA256SUMS", ".lock"}
    for line in lines:
        digest, name = line.split("  ")
        assert hashlib.sha256((done.directory / name).read_bytes()).hexdigest() == digest


def test_summary_has_the_keys_that_scripts_rely_on(done: backtester.Run):
    summary = done.summary
    assert summary["symbols"] == ["RW"]
    assert summary["folds"] == 5
    assert summary["out_of_sample"] == {
        "start": f"{done.prices.index[121]:%Y-%m-%d}",
        "end": f"{done.prices.index[-1]:%Y-%m-%d}",
        "bars": 179,
    }
    assert {"rmse", "rmse_last_price", "rmse_ratio", "mae", "u2", "r2_oos", "hit_rate", "hit_rate_n"} <= set(
        summary["forecast"]
    )
    assert list(summary["strategies"]) == sorted(["strategy", "buy_and_hold", "last_price", "last_return"])
    for figures in summary["strategies"].values():
        assert {
            "total_return",
            "cagr",
            "volatility",
            "sharpe",
            "max_drawdown",
            "turnover",
            "trades",
            "exposure",
            "costs",
        } <= set(figures)
    sha = hashlib.sha256((done.directory / "forecasts.csv").read_bytes()).hexdigest()
    assert summary["forecasts_sha256"] == sha


def test_headline_figures_follow_from_the_files(done: backtester.Run):
    for name, figures in done.summary["strategies"].items():
        returns = done.returns[name].to_numpy()
        assert figures["total_return"] == pytest.approx(np.prod(1 + returns) - 1, abs=1e-12)
        if figures["sharpe"] is not None:
            assert figures["sharpe"] == pytest.approx(sharpe(returns, periods_per_year=252))
        assert figures["exposure"] == pytest.approx(done.exposures[name].mean())
    scored = done.forecasts.dropna(subset=["actual"])
    came = scored["last_price"] * np.exp(scored["actual"])
    rmse = np.sqrt(np.mean((scored["forecast_price"] - came) ** 2))
    last = np.sqrt(np.mean((scored["last_price"] - came) ** 2))
    assert done.summary["forecast"]["rmse_ratio"] == pytest.approx(rmse / last)


def test_fold_returns_multiply_to_the_whole(done: backtester.Run):
    for name in ("strategy", "buy_and_hold"):
        growth = np.prod([1 + fold[f"return_{name}"] for fold in done.summary["folds_table"]])
        assert growth - 1 == pytest.approx(done.summary["strategies"][name]["total_return"])


def test_last_price_stays_in_cash_and_has_no_sharpe(done: backtester.Run):
    figures = done.summary["strategies"]["last_price"]
    assert (done.returns["last_price"] == 0).all()
    assert figures["sharpe"] is None
    assert figures["final_equity"] == 100_000
    assert figures["trades"] == 0


def test_buy_and_hold_starts_at_the_strategys_first_possible_fill_and_pays(done: backtester.Run):
    held = done.orders[done.orders["strategy"] == "buy_and_hold"]
    assert held["decided"].tolist() == [done.prices.index[120]]
    assert held["filled"].tolist() == [done.prices.index[121]]
    assert held["commission"].iloc[0] > 0
    assert done.returns.index[0] == done.prices.index[121]
    assert done.returns.index[-1] == done.prices.index[-1]


def test_manifest_says_what_was_asked_and_holds_no_folder(done: backtester.Run, place: Path):
    text = (done.directory / "run.json").read_text()
    manifest = json.loads(text)
    assert manifest["state"] == "done"
    assert manifest["recipe"]["model"]["units"] == [4]
    assert [fold["state"] for fold in manifest["folds"]] == ["done"] * 5
    assert len({fold["members"][0]["seed"] for fold in manifest["folds"]}) == 5
    assert all(fold["train_end"] < fold["validation_start"] for fold in manifest["folds"])
    assert all(fold["validation_end"] < fold["test_start"] for fold in manifest["folds"])
    timing = manifest["timing"]
    assert timing["folds_trained"] == 5
    assert timing["workers"] == 1
    assert timing["wall_seconds"] > timing["training_seconds"]
    assert str(place) not in text
    assert str(Path.home()) not in text.replace('"/"', "")


RUN_AGAIN = """
import sys, json, pandas as pd, backtester
recipe, prices, out, store = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
frame = pd.read_parquet(prices)
changes = {"execution.store": store, "data.symbol": "RW", "execution.workers": 2}
print(backtester.run(recipe, prices=frame, out=out, changes=changes).directory)
"""


@pytest.mark.catalogue("F26")
def test_the_same_question_in_another_process_with_other_workers_gives_the_same_bytes(
    done: backtester.Run, walk: pd.DataFrame, tmp_path: Path
):
    walk.to_parquet(tmp_path / "walk.parquet")
    arguments = [json.dumps(SMALL), "walk.parquet", "runs", "store"]
    odd = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "123"}
    result = subprocess.run(
        [sys.executable, "-c", RUN_AGAIN, *arguments],
        cwd=tmp_path,
        env=os.environ | odd,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    other = tmp_path / result.stdout.strip()
    assert other.name == done.directory.name
    for name in DATA_FILES:
        assert (other / name).read_bytes() == (done.directory / name).read_bytes(), name


def test_asking_again_computes_nothing(done: backtester.Run, walk: pd.DataFrame, place: Path):
    before = {path.name: path.stat().st_mtime_ns for path in done.directory.iterdir()}
    told: list[Progress] = []
    listener = backtester.api.Listener(progress=told.append)
    again = backtester.run(
        SMALL, prices=walk, out=place / "a", changes=store_in(place / "store"), listener=listener
    )
    assert again.directory == done.directory
    assert told == []
    assert {path.name: path.stat().st_mtime_ns for path in done.directory.iterdir()} == before


def test_a_new_title_draws_the_page_again_and_nothing_else(
    done: backtester.Run, walk: pd.DataFrame, place: Path
):
    before = done.summary["forecasts_sha256"]
    changes = {**store_in(place / "store"), "report.title": "A <new> title"}
    again = backtester.run(SMALL, prices=walk, out=place / "a", changes=changes)
    assert again.directory == done.directory
    assert again.summary["forecasts_sha256"] == before
    assert "A &lt;new&gt; title" in again.page.read_text()


def test_other_costs_and_thresholds_train_nothing(done: backtester.Run, walk: pd.DataFrame, place: Path):
    changes = {
        **store_in(place / "store"),
        "broker.commission_bp": 20.0,
        "strategy.kind": "long_or_cash",
        "strategy.threshold_bp": 1.0,
    }
    other = backtester.run(SMALL, prices=walk, out=place / "a", changes=changes)
    assert other.directory != done.directory
    assert other.record.manifest["timing"]["folds_trained"] == 0
    assert other.record.manifest["timing"]["folds_reused"] == 5
    assert (other.directory / "forecasts.csv").read_bytes() == (done.directory / "forecasts.csv").read_bytes()
    assert other.returns["strategy"].tolist() != done.returns["strategy"].tolist()


def test_another_seed_gives_other_forecasts(done: backtester.Run, walk: pd.DataFrame, place: Path):
    changes = {**store_in(place / "store"), "seed": 4}
    other = backtester.run(SMALL, prices=walk, out=place / "a", changes=changes)
    assert other.summary["forecasts_sha256"] != done.summary["forecasts_sha256"]


def test_a_directory_in_use_is_locked(walk: pd.DataFrame, place: Path):
    changes = {**store_in(place / "store"), "broker.cash": 5.0}
    directory = place / "locked" / backtester.ask(SMALL, prices=walk, changes=changes).directory_name
    directory.mkdir(parents=True)
    with lock_directory(directory), pytest.raises(LockedError, match="in use"):
        backtester.run(SMALL, prices=walk, out=place / "locked", changes=changes)


def test_nothing_is_written_when_the_question_is_refused(walk: pd.DataFrame, tmp_path: Path):
    (tmp_path / "mine.py").write_text("def build(input_shape):\n    return 1 / 0\n")
    for changes, error in (
        ({"folds.train": 500}, PricesError),
        ({"strategy.kind": "no_such"}, RecipeError),
        ({"strategy.kind": str(tmp_path / "mine.py:Missing")}, RecipeError),
        ({"model.kind": str(tmp_path / "mine.py:build")}, UserCodeError),
    ):
        with pytest.raises(error):
            backtester.run(
                SMALL, prices=walk, out=tmp_path / "runs", changes={**store_in(tmp_path), **changes}
            )
        assert not (tmp_path / "runs").exists(), changes


@pytest.mark.parametrize("kind", ["last_price", "last_return", "mean_return"])
def test_a_baseline_can_be_the_model(walk: pd.DataFrame, place: Path, kind: str):
    model = {"kind": kind}
    run = backtester.run(
        SMALL | {"model": model}, prices=walk, out=place / "b", changes=store_in(place / "store")
    )
    assert run.record.manifest["timing"]["folds_trained"] == 0
    assert {fold["state"] for fold in run.record.manifest["folds"]} == {"done"}
    if kind == "last_price":
        assert run.summary["forecast"]["rmse_ratio"] == 1.0
        assert "never left cash" in run.answer
        assert run.page.exists()
    if kind == "last_return":
        pd.testing.assert_series_equal(run.returns["strategy"], run.returns["last_return"], check_names=False)


BUILDER = """
import keras

def build(input_shape, *, units):
    build.calls = getattr(build, "calls", 0) + 1
    if build.calls == 4:
        raise ValueError("the fourth is one too many")
    layers = [keras.Input(input_shape), keras.layers.LSTM(units), keras.layers.Dense(1)]
    return keras.Sequential(layers)
"""


@pytest.mark.catalogue("F18")
def test_a_failing_fold_is_told_kept_apart_and_repaired_alone(walk: pd.DataFrame, tmp_path: Path):
    model_file = tmp_path / "mine.py"
    model_file.write_text(BUILDER)
    model = {"kind": f"{model_file}:build", "lookback": 5, "parameters": {"units": 3}}
    recipe = SMALL | {"model": model}
    run = backtester.run(recipe, prices=walk, out=tmp_path / "runs", changes=store_in(tmp_path / "s"))
    manifest = run.record.manifest
    assert manifest["state"] == "incomplete"
    assert [fold["state"] for fold in manifest["folds"]] == ["done", "done", "failed", "done", "done"]
    assert "mine.py, line 7: ValueError: the fourth is one too many" in manifest["folds"][2]["reason"]
    assert run.forecasts["forecast"].isna().sum() == 40
    fold = run.forecasts[run.forecasts["fold"] == 2]
    assert (run.exposures["strategy"].loc[fold["origin"].iloc[2] : fold["origin"].iloc[-1]] == 0).all()
    assert "the fourth is one too many" in run.page.read_text()
    assert str(tmp_path) not in run.page.read_text() + (run.directory / "run.json").read_text()


FRAGILE = """
from pathlib import Path
import numpy as np

class Fragile:
    def __init__(self, *, flag):
        self.flag = Path(flag)

    def fit(self, X, y):
        if self.flag.exists() and y.mean() < float(self.flag.read_text()):
            raise OSError("the license server is away")
        self.mean = y.mean()

    def predict(self, X):
        return np.full(len(X), self.mean)
"""


def test_after_the_cause_is_repaired_only_the_failed_folds_are_trained(walk: pd.DataFrame, tmp_path: Path):
    (tmp_path / "mine.py").write_text(FRAGILE)
    flag = tmp_path / "flag"
    model = {"kind": f"{tmp_path / 'mine.py'}:Fragile", "parameters": {"flag": str(flag)}}
    asked = {"prices": walk, "out": tmp_path / "runs", "changes": store_in(tmp_path / "s")}
    target = {"scaler": "none"}
    recipe = SMALL | {"model": model, "target": target}
    flag.write_text("0.0")
    broken = backtester.run(recipe, **asked)
    n_failed = sum(fold["state"] == "failed" for fold in broken.record.manifest["folds"])
    assert 0 < n_failed < 5
    flag.unlink()
    repaired = backtester.run(recipe, **asked)
    assert repaired.directory == broken.directory
    assert repaired.record.manifest["state"] == "done"
    assert repaired.record.manifest["timing"]["folds_trained"] == n_failed
    assert repaired.record.manifest["timing"]["folds_reused"] == 5 - n_failed
    assert repaired.forecasts["forecast"].notna().all()


@pytest.mark.catalogue("F16")
def test_a_diverging_network_costs_its_folds_and_never_gives_a_forecast(walk: pd.DataFrame, tmp_path: Path):
    training = {"epochs": 5, "optimizer": "sgd", "learning_rate": 10.0, "patience": 0}
    model = {"kind": "lstm", "lookback": 5, "units": [4], "activation": "relu"}
    recipe = SMALL | {"model": model, "training": training}
    run = backtester.run(recipe, prices=walk, out=tmp_path, changes=store_in(tmp_path / "s"))
    failed = [fold for fold in run.record.manifest["folds"] if fold["state"] == "failed"]
    assert failed
    assert "became" in failed[0]["reason"]
    rows = run.forecasts[run.forecasts["fold"] == failed[0]["index"]]
    assert rows["forecast"].isna().all()


def test_recipe_file_reference_and_symbol_are_plain_in_the_directory_name(walk: pd.DataFrame, tmp_path: Path):
    asked = backtester.ask(SMALL, prices=walk, changes={"data.symbol": "../../Ünïcode <b>"})
    assert "/" not in asked.directory_name
    assert ".." not in asked.directory_name
    assert "Ünïcode" in asked.directory_name


def test_a_frame_is_named_by_its_symbol(walk: pd.DataFrame, tmp_path: Path):
    run = backtester.run(SMALL | {"model": {"kind": "last_return"}}, prices=walk, symbol="MINE", out=tmp_path)
    assert run.summary["symbols"] == ["MINE"]
    assert run.directory.name.startswith("recipe-MINE-")


def test_results_are_frames_and_figures(done: backtester.Run):
    assert list(done.table.columns) == ["strategy", "buy_and_hold", "last_price", "last_return"]
    assert "equity" in done.figures
    assert done.answer in done._repr_html_().replace("&#x27;", "'")
    reopened = backtester.open_run(done.directory)
    pd.testing.assert_frame_equal(reopened.forecasts, done.forecasts)


def test_network_earns_what_an_autoregressive_market_offers(tmp_path: Path):
    """The chain from features to fills loses little of what is there to be found."""
    prices = ar1(1300, seed=0, phi=0.4).frame
    changes = {**FREE, "strategy.kind": "long_short", **store_in(tmp_path / "store")}
    run = backtester.run("lstm", prices=prices, out=tmp_path, changes=changes)
    assert run.summary["strategies"]["strategy"]["sharpe"] > 0.75 * ar1_best_sharpe(0.4)
    assert run.summary["forecast"]["r2_oos"] > 0.08


def test_random_walk_shows_nothing(tmp_path: Path):
    prices = random_walk(1500, seed=0).frame
    changes = {**FREE, "strategy.kind": "long_short", **store_in(tmp_path / "store")}
    run = backtester.run("lstm", prices=prices, out=tmp_path, changes=changes)
    assert 0.99 < run.summary["forecast"]["rmse_ratio"] < 1.02
    years = run.summary["out_of_sample"]["bars"] / 252
    assert abs(run.summary["strategies"]["strategy"]["sharpe"]) < 2.6 / np.sqrt(years)
