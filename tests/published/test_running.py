"""Both modes of a recipe in one run: the files, their place in the store, a failure of either."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import backtester
from backtester.cli import main
from backtester.errors import RecipeError, StorageError
from backtester.pipeline import Listener
from backtester.planning import plan_of, plan_text
from backtester.published import JointProblem, price_text
from backtester.run_directory import check_files
from backtester.tasks import BESIDE, Task, task_key
from tests.markets import random_walk
from tests.questions import RIDGE, question

N_TRAIN = 240
MAPPING: dict[str, Any] = {
    "seed": 3,
    "folds": {"train": 120, "test": 60, "validation": 0.0},
    "features": {"columns": ["close"], "scaler": "minmax"},
    "target": {"kind": "close", "scaler": "minmax"},
    "model": RIDGE,
    "training": {"patience": 0},
    "execution": {"workers": 1},
    "verdict": {"draws": 199},
    "published": {"source": "a tutorial", "train": 0.8, "seeds": 2, "scores": {"RW": 9.0}},
}
# Learns from the folds, and fails on the longer published split.
FAILING = """
class Fails:
    def __init__(self):
        pass

    def fit(self, x, y):
        if len(y) > 200:
            raise ValueError("too much to learn")
        self.mean_ = y.mean()
        return self

    def predict(self, x):
        return [self.mean_] * len(x)
"""


@pytest.fixture(scope="module", autouse=True)
def _without_pages() -> Iterator[None]:
    """Leave the pages out: drawing them is most of a run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "backtester.pipeline.write_report",
            lambda record: (record.directory / "index.html").write_text("a page"),
        )
        yield


@pytest.fixture(scope="module")
def walk() -> pd.DataFrame:
    return random_walk(300, seed=5).frame


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


def run_in(place: Path, mapping: dict[str, Any], *, walk: pd.DataFrame, **changes: Any) -> backtester.Run:
    kept = {"execution.store": str(place / "store"), "execution.registry": str(place / "trials")}
    return backtester.run(mapping, prices=walk, out=place, changes={"data.symbol": "RW", **kept, **changes})


@pytest.fixture(scope="module")
def done(walk: pd.DataFrame, place: Path) -> backtester.Run:
    return run_in(place, MAPPING, walk=walk)


@pytest.fixture(scope="module")
def record(done: backtester.Run) -> dict[str, Any]:
    return json.loads((done.directory / "published.json").read_text())


def test_the_run_leaves_both_files_under_its_checksums(done: backtester.Run):
    sums = (done.directory / "SHA256SUMS").read_text()
    for name in ("published.json", "published.csv"):
        digest = hashlib.sha256((done.directory / name).read_bytes()).hexdigest()
        assert f"{digest}  {name}\n" in sums


def test_the_scores_follow_from_the_table(done: backtester.Run, record: dict[str, Any]):
    table = pd.read_csv(done.directory / "published.csv")
    assert len(table) == record["test"]["rows"] == 60
    assert (record["train"]["rows"], record["train"]["samples"]) == (N_TRAIN, N_TRAIN - 5)
    last = np.sqrt(np.mean((table["actual"] - table["last_price"]) ** 2))
    assert record["last_price"]["rmse"] == pytest.approx(last)
    for number, seed in enumerate(record["seeds"], start=1):
        rmse = np.sqrt(np.mean((table["actual"] - table[f"forecast_{number}"]) ** 2))
        assert seed["rmse"] == pytest.approx(rmse)
        assert seed["ratio"] == pytest.approx(rmse / last)
    closes = done.prices["close"].to_numpy()
    assert table["actual"].to_numpy() == pytest.approx(closes[N_TRAIN:])
    assert table["last_price"].to_numpy() == pytest.approx(closes[N_TRAIN - 1 : -1])
    assert record["published_rmse"] == 9.0


def test_the_sentence_puts_both_modes_and_the_last_price_side_by_side(
    done: backtester.Run, record: dict[str, Any]
):
    forecast = done.summary["forecast"]
    mean, naive = record["rmse"]["mean"], record["last_price"]["rmse"]
    assert record["sentence"] == (
        "As published (one split, scaler fitted on all rows): "
        f"RMSE {price_text(mean)} (mean of 2 networks), last price {price_text(naive)}; walk-forward: "
        f"RMSE {price_text(forecast['rmse'])}, last price {price_text(forecast['rmse_last_price'])}."
    )


def test_the_walk_forward_and_its_trial_are_those_without_the_published_mode(
    done: backtester.Run, walk: pd.DataFrame, place: Path
):
    alone = {key: value for key, value in MAPPING.items() if key != "published"}
    other = run_in(place / "alone", alone, walk=walk)
    assert other.directory.name != done.directory.name
    for name in ("forecasts.csv", "returns.csv", "variants.csv", "orders.csv", "summary.json", "trials.csv"):
        mine, theirs = (run.directory.joinpath(name).read_text() for run in (done, other))
        assert mine.replace(done.directory.name, "") == theirs.replace(other.directory.name, ""), name
    assert not (other.directory / "published.json").exists()
    kept = [path.read_bytes() for path in (place / "trials").rglob("*") if path.is_file()]
    assert kept
    assert not any(b"published." in content for content in kept)


def test_the_second_run_computes_nothing(done: backtester.Run, walk: pd.DataFrame, place: Path):
    before = {path.name: path.stat().st_mtime_ns for path in done.directory.iterdir()}
    said: list[str] = []
    again = backtester.run(
        MAPPING,
        prices=walk,
        out=place,
        changes={
            "data.symbol": "RW",
            "execution.store": str(place / "store"),
            "execution.registry": str(place / "trials"),
        },
        listener=Listener(step=said.append),
    )
    assert said[-1] == "This question was answered before; nothing is computed."
    assert {path.name: path.stat().st_mtime_ns for path in again.directory.iterdir()} == before


def test_a_changed_or_lost_published_file_is_not_taken_for_the_answer(walk: pd.DataFrame, tmp_path: Path):
    made = run_in(tmp_path, MAPPING, walk=walk)
    content = (made.directory / "published.csv").read_bytes()
    (made.directory / "published.csv").write_bytes(content.replace(b"False", b"True", 1))
    with pytest.raises(StorageError, match=r"published\.csv: is not the file that the run wrote"):
        check_files(made.directory)
    (made.directory / "published.csv").unlink()
    run_in(tmp_path, MAPPING, walk=walk)  # from the store
    assert (made.directory / "published.csv").read_bytes() == content


@pytest.fixture(scope="module")
def broken(walk: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe's folder whose published networks fail."""
    folder = tmp_path_factory.mktemp("broken")
    (folder / "mine.py").write_text(FAILING)
    (folder / "prices.csv").write_text(walk.to_csv(index_label="date"))
    recipe = {**MAPPING, "model": {"kind": "mine.py:Fails", "lookback": 5}}
    recipe["execution"] = {"workers": 1, "store": str(folder / "store"), "registry": str(folder / "trials")}
    recipe["data"] = {"source": "csv", "path": "prices.csv", "symbol": "RW"}
    from backtester.recipe import as_toml, recipe_from_mapping

    (folder / "broken.toml").write_text(as_toml(recipe_from_mapping(recipe, name="b", folder=folder).recipe))
    return folder


def test_a_failed_published_mode_costs_itself_alone_and_exit_9(
    broken: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(
        "sys.argv", ["backtester", "run", str(broken / "broken.toml"), "--out", str(broken / "out")]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 9
    told = capsys.readouterr().err
    assert "2 of 2 networks of the published mode failed" in told
    assert "too much to learn" in told
    assert "The test beside it is whole." in told
    (directory,) = (broken / "out").iterdir()
    made = backtester.open_run(directory)
    assert made.record.manifest["state"] == "incomplete"
    assert made.record.manifest["published"]["failed"] == 2
    assert {fold["state"] for fold in made.record.manifest["folds"]} == {"done"}
    assert made.forecasts["forecast"].notna().all()
    record = json.loads((directory / "published.json").read_text())
    assert (record["seeds"], record["rmse"], record["ratio"]) == ([], None, None)
    assert len(record["failures"]) == 2
    assert str(broken) not in record["failures"][0]["reason"]
    assert "no network was trained" in record["sentence"]
    check_files(directory)


def test_a_plan_counts_the_networks_of_both_modes(walk: pd.DataFrame):
    asked = backtester.ask(MAPPING, prices=walk, changes={"data.symbol": "RW"})
    plan = plan_of(asked)
    assert (plan["networks"], plan["published"]) == (3, 2)
    assert (
        "As published: 2 more networks, each on 235 samples of one split, to forecast 60 rows."
        in plan_text(asked, width=80)
    )


def joint(**sections: Any) -> JointProblem:
    asked = question(random_walk(300, seed=5), published={"seeds": 2}, **sections)
    assert asked.joint is not None
    return asked.joint


def test_published_networks_begin_first_and_have_seeds_of_their_own():
    both = joint()
    tasks = both.tasks()
    assert tasks[:2] == (Task(fold=BESIDE, member=0), Task(fold=BESIDE, member=1))
    assert tasks[2:] == both.walk_forward.tasks()
    assert len({task.seed(both) for task in tasks}) == len(tasks)


def test_the_folds_are_found_in_the_store_with_or_without_the_published_mode():
    both = joint()
    for task in both.walk_forward.tasks():
        assert task_key(both, task) == task_key(both.walk_forward, task)
    assert len({task_key(both, task) for task in both.tasks()}) == len(both.tasks())


def test_a_network_of_several_features_cannot_be_published():
    with pytest.raises(RecipeError, match=r"\[published\] reads one series"):
        joint(features={"columns": ["close", "log_return"]})


def test_a_series_that_the_prices_lack_is_refused():
    closes = random_walk(300, seed=5).frame[["close"]]
    changes = {"published.column": "open", "target.horizon": 2, "broker.fill": "next_close"}
    with pytest.raises(RecipeError, match=r'published\.column = "open"'):
        backtester.ask(MAPPING, prices=closes, changes=changes)
