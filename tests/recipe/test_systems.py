"""The well-known systems as recipes: what their sources say, and that they ask a sound question at once."""

from __future__ import annotations

from pathlib import Path

import pytest

import backtester
from backtester.recipe import ForecastRows, Order, ScalerKind, Source, load_recipe

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


def test_the_settings_that_sources_give_are_kept():
    told = {name: load_recipe(name).recipe for name in SYSTEMS}
    training = {
        name: (recipe.training.epochs, recipe.training.batch_size, recipe.training.loss)
        for name, recipe in told.items()
    }
    assert training["lstm50"] == (50, 32, "mse")
    assert training["bidirectional"] == (50, 32, "huber")
    assert training["nifty50"] == (100, 32, "mse")
    assert told["csv-early-stopping"].training.patience == 5
    assert [told[name].model.lookback for name in ("bidirectional", "nifty50", "csv-early-stopping")] == [
        30,
        60,
        20,
    ]
    published = told["nifty50"].published
    assert published is not None
    assert (published.order, published.train) == (Order.NEWEST_FIRST, 720)
    assert (published.test, published.test_rows) == (ForecastRows.AGAIN, 300)


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


def test_a_published_score_does_not_stand_beside_bundled_prices():
    published = backtester.ask("bidirectional").published
    assert published is not None
    assert published.score("GOOG") is None


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public price files are not beside this checkout")
def test_an_export_that_is_newest_first_is_put_in_order_and_read_backwards_as_published():
    asked = backtester.ask("nifty50", prices=SHARED / "NIFTY50_newest_first.csv")
    assert any("newest first" in note.text or "order" in note.text for note in asked.prices.notes)
    assert asked.prices.dates.is_monotonic_increasing
    assert asked.published is not None
    rows = asked.published.rows
    assert (len(rows.train_targets), len(rows.test_targets)) == (660, 300)
    assert (int(rows.in_training.sum()), int(rows.straddles.sum())) == (240, 60)
    # the neighbouring row's open, on the rows that were trained on
    errors = (rows.actual - rows.last_price)[rows.in_training]
    assert round(float((errors**2).mean() ** 0.5)) == 145
