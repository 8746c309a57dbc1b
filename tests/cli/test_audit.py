"""The audit as its users meet it: planted leaks in their own code, edited runs, published splits."""

import contextlib
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import backtester
from tests.audit.workers import workers
from tests.cli.conftest import Program
from tests.markets import random_walk

OWN = """
import sys
import numpy as np
import backtrader as bt
import pandas as pd
from backtester.backtest import ForecastStrategy


def momentum(prices):
    return prices["close"].pct_change(5)


def peek(prices):
    return np.log(prices["close"]).diff().shift(-1).fillna(0.0)


def draw(prices):
    return pd.Series(np.random.normal(size=len(prices)), index=prices.index)


class Honest(ForecastStrategy):
    def target_exposure(self, forecast):
        return 1.0 if self.data.close[0] > self.data.close[-1] else 0.0


class Prophet(bt.Strategy):
    def start(self):
        frame = sys._getframe()
        while "market" not in frame.f_locals:
            frame = frame.f_back
        self.later = frame.f_locals["market"].line("close").tolist()

    def next(self):
        at = len(self) - 1
        ahead = self.later[at : at + 5]
        if ahead and ahead[-1] > self.data.close[0] and not self.position:
            self.buy(size=1)
        elif self.position and (not ahead or ahead[-1] < self.data.close[0]):
            self.close()


class Sized(ForecastStrategy):
    def __init__(self):
        self.ours = self.broker.size_for
        self.broker.size_for = self.by_the_close

    def by_the_close(self, exposure, *, data):
        return self.ours(exposure, data=data) * (1.0 if data.close[0] > data.open[0] else 0.5)

    def target_exposure(self, forecast):
        return 1.0 if forecast > 0 else 0.0


class Dice(bt.Strategy):
    def next(self):
        if np.random.random() < 0.5:
            self.buy(size=1)
        else:
            self.close()


class Rich(bt.Strategy):
    def start(self):
        self.broker.setcommission(commission=0.0)

    def next(self):
        self.buy(size=1)


class Mean:
    def fit(self, inputs, targets):
        self.mean = targets.mean()

    def predict(self, inputs):
        return np.full(len(inputs), self.mean)


class Mixing(Mean):
    def predict(self, inputs):
        return inputs[:, -1] - inputs[:, -1].mean()


class Ahead(Mean):
    def predict(self, inputs):
        return np.roll(inputs[:, -1], -1)


class Random(Mean):
    def fit(self, inputs, targets):
        self.mean = np.random.default_rng().normal()


def normalised(input_shape):
    import keras

    layers = [keras.Input(input_shape), keras.layers.Flatten(), keras.layers.BatchNormalization()]
    return keras.Sequential([*layers, keras.layers.Dense(1)])


def centred(input_shape):
    import keras

    less_mean = keras.layers.Lambda(lambda rows: rows - keras.ops.mean(rows, axis=0, keepdims=True))
    return keras.Sequential(
        [keras.Input(input_shape), keras.layers.Flatten(), less_mean, keras.layers.Dense(1)]
    )
"""
RECIPE = """
[data]
source = "csv"
path = "walk.csv"
symbol = "RW"
[folds]
train = 120
test = 60
[features]
columns = ["own.py:momentum"]
[model]
kind = "sklearn.linear_model:Ridge"
lookback = 5
[strategy]
kind = "own.py:Honest"
[execution]
executor = "serial"
store = "store"
registry = "registry"
[verdict]
draws = 199
"""


@pytest.fixture
def place(program: Program, monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.setattr("backtester.audit.fits.open_executor", workers)
    (program.folder / "own.py").write_text(OWN)
    (program.folder / "mine.toml").write_text(RECIPE)
    random_walk(300, seed=1).frame.to_csv(program.folder / "walk.csv")
    return program


def run_in(folder: Path, **changes: object) -> Path:
    with contextlib.chdir(folder):
        (folder / "own.py").write_text(OWN)
        (folder / "mine.toml").write_text(RECIPE)
        random_walk(300, seed=1).frame.to_csv(folder / "walk.csv")
        return backtester.run("mine.toml", out=folder / "out", changes=changes).directory


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose code is clean."""
    return run_in(tmp_path_factory.mktemp("audited"))


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that sees the future, and was let go on."""
    changes = {"features.columns": ["own.py:peek"], "audit.on_leak": "report"}
    return run_in(tmp_path_factory.mktemp("leaking"), **changes)


def test_clean_code_of_ones_own_passes(place: Program):
    told = place("audit", "mine.toml", "--cuts", "30")
    assert (told.code, "LEAK" in told.out) == (0, False)
    assert "Nothing that was looked at sees the future." in told.out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("features.columns=own.py:peek", "own.py:peek' sees 1 bar ahead, first on 2000-01-03"),
        ("strategy.kind=own.py:Prophet", "orders of strategy"),
        ("strategy.kind=own.py:Sized", "own.py:Sized' see within its own bar"),
    ],
)
def test_a_run_of_code_that_sees_the_future_is_refused_and_leaves_nothing(
    place: Program, change: str, said: str
):
    before = place.left
    told = place("run", "mine.toml", "--set", change, "--out", "out")
    assert told.code == 5
    assert said in told.err
    assert place.left == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("features.columns=own.py:draw", "own.py:draw' is not reproducible: computed twice"),
        ("strategy.kind=own.py:Dice", "own.py:Dice' is not reproducible: traded twice"),
        ("strategy.kind=own.py:Rich", "changes the terms of its account (setcommission)"),
    ],
)
def test_a_run_of_code_that_cannot_be_repeated_is_refused(place: Program, change: str, said: str):
    before = place.left
    told = place("run", "mine.toml", "--set", change, "--out", "out")
    assert told.code == 4
    assert said in told.err
    assert place.left == before


@pytest.mark.parametrize(
    ("model", "code", "said"),
    [
        ("Mixing", 5, "has other forecasts"),
        ("Ahead", 5, "has other forecasts"),
        ("Random", 4, "is not reproducible: fold 0 trained twice"),
    ],
)
@pytest.mark.parametrize("test", [60, pytest.param(128, marks=pytest.mark.slow)])
def test_a_model_that_mixes_the_rows_it_predicts_is_found(
    place: Program, model: str, code: int, said: str, test: int
):
    changes = ("--set", f"model.kind=own.py:{model}", "--set", f"folds.test={test}")
    told = place("audit", "mine.toml", "--cuts", "4", *changes)
    assert told.code == code
    assert said in told.err


@pytest.mark.slow
@pytest.mark.parametrize(("network", "code"), [("normalised", 0), ("centred", 5)])
def test_a_network_that_takes_the_mean_of_what_it_predicts_is_found(place: Program, network: str, code: int):
    told = place("audit", "mine.toml", "--cuts", "4", "--set", f"model.kind=own.py:{network}")
    assert told.code == code, told.out + told.err
    assert "skipped" not in told.out
    assert ("has other forecasts" in told.err) == (code == 5)


def test_a_leaking_run_says_so_everywhere(leaking: Path, program: Program):
    run = leaking
    record = backtester.open_run(run)
    (leak,) = json.loads((run / "run.json").read_text())["leaks"]
    assert leak["subject"] == "feature 'own.py:peek'"
    assert record.verdict["answer"] == "inconclusive"
    assert record.verdict["decided_by"] == "leak"
    assert "nothing here is evidence, as feature 'own.py:peek' sees 1 bar ahead" in record.verdict["sentence"]
    page = (run / "index.html").read_text()
    assert page.index("Something sees the future") < page.index('class="verdict inconclusive"')
    told = program("runs", run.parent)
    assert "[leak]" in told.out
    (program.folder / "own.py").write_text(OWN)
    told = program("forecast", run)
    assert "feature 'own.py:peek' sees 1 bar ahead" in " ".join(told.out.split())


@pytest.mark.slow
def test_a_leaking_answer_is_refused_unless_leaks_are_allowed_again(place: Program):
    asked = ("run", "mine.toml", "--set", "features.columns=own.py:peek", "--out", "out")
    assert place(*asked).code == 5
    assert place(*asked, "--allow-leaks").code == 0
    told = place(*asked)
    assert told.code == 5
    assert "own.py:peek' sees 1 bar ahead" in told.err
    assert "was run with --allow-leaks" in told.err
    assert place(*asked, "--allow-leaks").code == 0


@pytest.mark.slow
def test_a_comparison_with_a_leaking_run_says_so(leaking: Path, finished: Path, program: Program):
    page = program.folder / "compared.html"
    assert program("compare", leaking, finished, "--out", page).code == 0
    assert "no evidence" in page.read_text()


@pytest.mark.slow
def test_a_clean_run_has_no_leaks_in_its_manifest(finished: Path):
    assert json.loads((finished / "run.json").read_text())["leaks"] == []
    assert "sees the future" not in (finished / "index.html").read_text()


def copy_of(finished: Path, folder: Path) -> Path:
    """The run again, beside its code."""
    run = folder / finished.name
    run.mkdir()
    for file in finished.iterdir():
        (run / file.name).write_bytes(file.read_bytes())
    return run


def edited(run: Path, name: str, *, change, sums: bool) -> None:
    frame = pd.read_csv(run / name)
    change(frame)
    before = hashlib.sha256((run / name).read_bytes()).hexdigest()
    frame.to_csv(run / name, index=False)
    if sums:
        after = hashlib.sha256((run / name).read_bytes()).hexdigest()
        text = (run / "SHA256SUMS").read_text()
        (run / "SHA256SUMS").write_text(text.replace(before, after))


def better(frame: pd.DataFrame) -> None:
    frame["forecast"] = frame["forecast"].mask(frame["fold"] == 0, frame["actual"])


def at_the_close(frame: pd.DataFrame) -> None:
    frame.loc[3, "filled"] = frame.loc[3, "decided"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "change", "sums", "code", "said"),
    [
        ("forecasts.csv", better, True, 5, "the run's forecasts: fold 0 trained again forecasts"),
        ("orders.csv", at_the_close, True, 5, "sees within its own bar"),
        ("orders.csv", at_the_close, False, 5, "it fills in the bar that decided it"),
        ("returns.csv", lambda frame: frame.__setitem__("strategy", 0.01), False, 8, "returns.csv"),
    ],
)
def test_an_edited_run_is_found(finished, place: Program, name, change, sums, code, said):
    run = copy_of(finished, place.folder)
    edited(run, name, change=change, sums=sums)
    told = place("audit", run, "--cuts", "8", "--folds", "1")
    assert told.code == code
    assert said in told.err


@pytest.mark.slow
def test_an_honest_run_passes(finished: Path, place: Program):
    told = place("audit", copy_of(finished, place.folder), "--cuts", "8", "--folds", "2")
    assert told.code == 0, told.err
    assert "clean   the run's forecasts: 2 folds trained again" in told.out


PUBLISHED = (
    "--set",
    "features.columns=close",
    "--set",
    "features.scaler=minmax",
    "--set",
    "training.patience=0",
)


def published(place: Program, *keys: str, train: str = "0.8"):
    changes = [part for key in (f"train={train}", *keys) for part in ("--set", f"published.{key}")]
    return place("audit", "mine.toml", "--cuts", "4", *PUBLISHED, *changes)


def test_the_flaws_of_a_published_split_are_named(place: Program):
    told = published(place, "order=newest_first", "test=again", "test_rows=40", "validation_on_test=true")
    assert told.code == 5
    for said in ("time runs backwards", "windows across a seam", "the test was trained on"):
        assert f"LEAK    as published: {said}" in told.out
    assert "note    as published: validation is the test" in told.out
    assert "note    as published: one split" in told.out
    # 300 rows, of which 240 train; of the first 40 of them the network's lookback are no targets
    assert "the test was trained on: 35 of 40 rows that are forecast are targets" in told.err
    assert "Nothing of the test beside it sees the future." in told.err


def test_a_scaler_that_saw_the_test_is_a_leak_where_it_changes_anything(place: Program):
    rising = random_walk(300, seed=1).frame
    rising.mul(1.01 ** np.arange(300), axis=0).to_csv(place.folder / "walk.csv")
    told = published(place, "scaler_rows=all")
    assert (told.code, "LEAK    as published: the scaler saw the test" in told.out) == (5, True)
    told = published(place, "scaler_rows=train")
    assert (told.code, "scaler" in told.out) == (0, False)


def test_the_published_system_on_the_nifty_is_named_for_what_it_is(place: Program, shared_data: Path):
    file = shared_data / "NIFTY50_newest_first.csv"
    if not file.is_file():
        pytest.skip(f"{file} is not here")
    told = place("audit", "nifty50", "--csv", file, "--cuts", "4")
    assert told.code == 5
    assert "299 of 300 forecasts are made from sessions after the one" in told.err
    assert "240 of 300 rows that are forecast are targets of the training" in told.err
    told = place("audit", "nifty50", "--csv", file, "--cuts", "4", "--json")
    leaks = {check["subject"]: check["leak"] for check in json.loads(told.out)["checks"] if check["leak"]}
    found = {
        name.removeprefix("as published: "): (leak["n_bars"], leak["first"]) for name, leak in leaks.items()
    }
    assert found == {
        "time runs backwards": (299, "2020-07-24"),
        "the test was trained on": (240, "2020-07-24"),
        "the test was seen in training": (60, "2021-07-12"),
        "windows across a seam": (60, "2021-07-12"),
    }


def test_the_second_reading_of_a_file_in_the_order_of_time_is_a_seam_and_does_not_run_backwards(
    place: Program,
):
    told = published(place, "test=again", "test_rows=40")
    assert told.code == 5
    assert "LEAK    as published: windows across a seam" in told.out
    assert "backwards" not in told.out + told.err


def test_a_single_split_is_a_note(place: Program):
    told = place("audit", "mine.toml", "--cuts", "4", "--set", "folds.scheme=single")
    assert told.code == 0
    assert 'note    folds.scheme = "single": the model is trained once' in told.out


def test_the_audit_as_json(place: Program):
    told = place("audit", "mine.toml", "--cuts", "4", "--json", "--set", "features.columns=own.py:peek")
    found = json.loads(told.out)
    assert told.code == 5
    (leak,) = [check["leak"] for check in found["checks"] if "own.py:peek" in check["subject"]]
    assert (leak["reach"], leak["reach_words"], leak["first"]) == (1, "1 bar ahead", "2000-01-03")


def test_a_run_from_a_run_that_leaks_leaks_again(leaking: Path, program: Program):
    (program.folder / "own.py").write_text(OWN)
    told = program("run", "--from", leaking, "--out", "again", "--set", "audit.on_leak=refuse")
    assert told.code == 5
    assert not (program.folder / "again").exists()
