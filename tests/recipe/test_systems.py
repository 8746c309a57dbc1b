"""The well-known systems as recipes: what their sources say, and that they ask a sound question at once."""

from __future__ import annotations

from pathlib import Path

import pytest

import backtester
from backtester.errors import RecipeError
from backtester.published import read_published
from backtester.recipe import ScalerKind, Source, load_recipe, parse_overrides
from backtester.shipped import builtin_folder
from tests.markets import random_walk

SYSTEMS = ("lstm50", "bidirectional", "nifty50", "csv-early-stopping", "stacked")
SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_runs_in_both_modes_on_bundled_prices(name):
    asked = backtester.ask(name)
    recipe = load_recipe(name).recipe
    assert recipe.data.source is Source.SAMPLE
    assert recipe.published is not None
    assert recipe.published.source
    assert asked.joint is not None
    assert recipe.features.columns == ("close",)
    assert recipe.features.scaler is recipe.target.scaler is ScalerKind.MINMAX


# What the sources say, and where they say nothing ("ours"), what is written into the recipe: whole, so that
# no default that moves can move a system. Adam is Keras' own: a rate of 0.001.
TRAINING = {
    "epochs": 50,
    "batch_size": 32,
    "learning_rate": 0.001,
    "optimizer": "adam",
    "loss": "mse",
    "patience": 0,
    "members": 1,
    "warm_start": False,
}
PUBLISHED = {
    "column": "close",
    "order": "oldest_first",
    "train": 0.8,
    "test": "rest",
    "test_rows": 0,
    "scaler_rows": "all",
    "validation": 0.0,
    "validation_on_test": False,
    "seeds": 1,
    "scores": {},
    "scored_until": None,
    "scored_rows": {},
    "scored_column": "close",
    "scored_order": "oldest_first",
    "scored_test": "rest",
}
FOLDS = {"train": 750, "test": 63, "scheme": "rolling", "phase": 0, "validation": 0.0, "embargo": 0}
LSTM = {"kind": "lstm", "lookback": 20, "units": [50], "dropout": 0.0, "activation": "relu"}
SETTINGS: dict[str, dict[str, dict[str, object]]] = {
    # the layers, epochs and batches are the source's; lookback and split are ours
    "lstm50": {"model": LSTM, "training": TRAINING, "published": PUBLISHED, "folds": FOLDS},
    "bidirectional": {
        "model": {
            "kind": "bidirectional",
            "lookback": 30,
            "filters": 32,
            "kernel": 3,
            "units": [64, 64, 64],
            "dense": [32],
        },
        "training": TRAINING | {"loss": "huber"},
        "published": PUBLISHED
        | {
            "train": 0.95,
            "validation_on_test": True,
            "scores": {"META": 6.415, "GOOG": 2.829},
            "scored_until": "2023-02-16",
            "scored_rows": {"META": [2705, 135], "GOOG": [4657, 232]},
        },
        "folds": FOLDS | {"train": 504, "test": 252},
    },
    "nifty50": {
        "model": LSTM
        | {
            "lookback": 60,
            "units": [50, 50, 50, 50],
            "dropout": [0.2, 0.25, 0.25, 0.25],
            "activation": "tanh",
        },
        "training": TRAINING | {"epochs": 100},
        "published": PUBLISHED
        | {"column": "open", "order": "newest_first", "train": 720, "test": "again", "test_rows": 300},
        "folds": FOLDS | {"train": 378, "test": 252},
    },
    # windows, split and patience are the source's; epochs, batches and the tenth for validation are ours
    "csv-early-stopping": {
        "model": LSTM,
        "training": TRAINING | {"epochs": 100, "patience": 5},
        "published": PUBLISHED | {"validation": 0.1},
        "folds": FOLDS | {"validation": 0.1},
    },
    # the two layers are the source's, all else is ours
    "stacked": {
        "model": LSTM | {"units": [50, 50], "activation": "tanh"},
        "training": TRAINING,
        "published": PUBLISHED,
        "folds": FOLDS | {"test": 126},
    },
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_setting_of_a_system_is_as_its_source_has_it_or_as_is_said_to_be_ours(name):
    recipe = load_recipe(name).recipe.model_dump(mode="json")
    told = {section: recipe[section] for section in SETTINGS[name]}
    told["published"] = {key: value for key, value in recipe["published"].items() if key != "source"}
    assert told == SETTINGS[name]
    assert (recipe["target"]["kind"], recipe["target"]["horizon"]) == ("close", 1)


@pytest.mark.parametrize(
    ("name", "days", "words"),
    [
        ("lstm50", 63, "each quarter"),
        ("bidirectional", 252, "each year"),
        ("nifty50", 252, "each year"),
        ("csv-early-stopping", 63, "each quarter"),
        ("stacked", 126, "each half-year"),
    ],
)
def test_a_recipe_says_how_often_it_retrains(name, days, words):
    file = builtin_folder("recipes") / f"{name}.toml"
    head = " ".join(line.lstrip("# ") for line in file.read_text().split("[data]")[0].splitlines())
    assert load_recipe(name).recipe.folds.test == days
    assert f"retrained {words}." in head


# ---- a file of dates and prices alone ----

WITHOUT_OPENS = "data.column=Price", "broker.fill=next_close", "target.horizon=2"


def two_columns(folder: Path, *, n: int) -> Path:
    closes = random_walk(n, seed=5).frame["close"].rename("Price")
    closes.to_csv(folder / "two.csv", index_label="Date")
    return folder / "two.csv"


def test_the_command_for_a_file_without_opens_is_the_one_that_is_told(tmp_path):
    command = " ".join(f"--set {change}" for change in WITHOUT_OPENS)
    told = f"backtester run csv-early-stopping --csv prices.csv {command}"
    root = Path(__file__).resolve().parents[2]
    for page in (builtin_folder("recipes") / "csv-early-stopping.toml",
                 root / "docs" / "systems" / "csv-early-stopping.md"):  # fmt: skip
        assert told in page.read_text()
    file = two_columns(tmp_path, n=900)
    with pytest.raises(RecipeError, match="needs opening prices"):
        backtester.ask("csv-early-stopping", prices=file, changes={"data.column": "Price"})
    asked = backtester.ask("csv-early-stopping", prices=file, changes=parse_overrides(WITHOUT_OPENS))
    assert asked.joint is not None


@pytest.mark.slow
def test_a_file_of_dates_and_prices_alone_runs_in_both_modes(tmp_path):
    cheap = {"training.epochs": 1, "execution.workers": 1, "verdict.draws": 199}
    places = {"execution.store": str(tmp_path / "store"), "execution.registry": str(tmp_path / "trials")}
    run = backtester.run(
        "csv-early-stopping",
        prices=two_columns(tmp_path, n=900),
        out=tmp_path,
        changes=parse_overrides(WITHOUT_OPENS) | cheap | places,
    )
    assert run.record.manifest["state"] == "done"
    record = read_published(run.directory)
    assert record is not None
    assert (record["test"]["rows"], record["walk_forward"]["horizon"]) == (180, 2)
    assert ", the close one row ahead: RMSE" in record["sentence"]
    assert "; walk-forward, the close 2 sessions ahead: RMSE" in record["sentence"]
    page = (run.directory / "index.html").read_text()
    assert "180 forecasts of the close, one row ahead" in page
    assert "of the close, 2 sessions ahead" in page


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public price files are not beside this checkout")
@pytest.mark.parametrize(
    ("symbol", "samples", "n_test", "last_price", "score"),
    [("META", 2540, 135, 5.710, 6.415), ("GOOG", 4395, 232, 2.714, 2.829)],
)
def test_the_study_is_split_as_published(symbol, samples, n_test, last_price, score):
    """Source: counts and RMSE of the last price, worked out from the same files by other means."""
    published = backtester.ask("bidirectional", prices=SHARED / f"{symbol}.csv").published
    assert published is not None
    rows = published.rows
    assert (len(rows.train_targets), len(rows.test_targets)) == (samples, n_test)
    errors = rows.actual - rows.last_price
    assert round(float((errors**2).mean() ** 0.5), 3) == last_price
    assert published.score(symbol) == score


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public price files are not beside this checkout")
@pytest.mark.parametrize(
    "changes",
    [
        {"published.train": 0.8},
        {"published.column": "open"},
        {"published.order": "newest_first"},
        {"data.start": "2015-01-02"},
        {"published.test": "again", "published.test_rows": 135},
    ],
    ids=str,
)
def test_a_score_does_not_stand_beside_another_split_of_the_studys_own_file(changes):
    published = backtester.ask("bidirectional", prices=SHARED / "META.csv", changes=changes).published
    assert published is not None
    assert published.score("META") is None


def test_a_published_score_does_not_stand_beside_bundled_prices():
    published = backtester.ask("bidirectional").published
    assert published is not None
    assert published.score("GOOG") is None


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public price files are not beside this checkout")
def test_an_export_that_is_newest_first_is_put_in_order_and_read_backwards_as_published():
    asked = backtester.ask("nifty50", prices=SHARED / "NIFTY50_newest_first.csv")
    assert [note.text for note in asked.prices.notes if "newest first" in note.text]
    assert asked.prices.dates.is_monotonic_increasing
    assert asked.published is not None
    rows = asked.published.rows
    assert (len(rows.train_targets), len(rows.test_targets)) == (660, 300)
    assert (int(rows.in_training.sum()), int(rows.straddles.sum())) == (240, 60)
    # the neighbouring row's open, on the rows that were trained on
    errors = rows.actual - rows.last_price
    assert round(float((errors[rows.in_training] ** 2).mean() ** 0.5)) == 145
    # the row at the seam alone, 7,530 points off, would make 457 of it
    assert rows.scored.tolist() == [False, *[True] * 299]
    assert round(float((errors[rows.scored] ** 2).mean() ** 0.5), 1) == 140.9
    assert round(float((errors**2).mean() ** 0.5), 1) == 456.9
