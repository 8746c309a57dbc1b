"""The section ``[published]``, and the models that came with it."""

from __future__ import annotations

import pytest

from backtester.recipe import BidirectionalModel, LstmModel, Order, PublishedSection, load_recipe
from tests.recipe.conftest import Make, Problems

SHARE = "a share of the rows, above 0, below 1, or a number of rows, at least 2"


def test_a_recipe_has_no_published_mode_unless_it_says_so(make: Make):
    assert make({}).published is None
    assert make({"published": {}}).published == PublishedSection()


def test_a_key_set_on_top_gives_a_recipe_the_published_mode(make: Make):
    assert make({}, ["published.order=newest_first"]).published == PublishedSection(order=Order.NEWEST_FIRST)
    assert make({}, ["published.scores.META=6.4"]).published == PublishedSection(scores={"META": 6.4})


@pytest.mark.parametrize("rows", [True, 0, 1, -0.5, 1.0, 1.5, "0.95"])
def test_the_rows_that_train_are_a_share_or_a_number(rows, problems: Problems):
    (found,) = problems({"published": {"train": rows}})
    assert found.endswith(f": must be {SHARE}.")


@pytest.mark.parametrize(
    ("mapping", "text"),
    [
        (
            {"published": {"test": "again"}},
            'published.test_rows = 0: must be above 0 with published.test = "again".',
        ),
        (
            {"published": {"test_rows": 300}},
            'published.test_rows = 300: must be left out with published.test = "rest".',
        ),
        (
            {"published": {"validation_on_test": True}},
            "training.patience = 5: must be 0 with published.validation_on_test = true, or the rows that are "
            "forecast choose the network.",
        ),
        (
            {"published": {"validation_on_test": True, "validation": 0.1}, "training": {"patience": 0}},
            "published.validation = 0.1: must be 0 with validation_on_test = true.",
        ),
        (
            {"published": {"train": 20}},
            "published.train = 20: must be more rows than model.lookback = 20.",
        ),
        (
            {"published": {}, "model": {"kind": "last_price"}},
            'model.kind = "last_price": learns nothing, and [published] trains it; leave that section out.',
        ),
        (
            {"published": {"test": "again", "test_rows": 1}},
            'published.test_rows = 1: must be at least 2 with published.test = "again": the first row '
            "has no row before it to be scored by.",
        ),
        (
            {"published": {"scored_rows": {"META": [2705, 135]}}},
            'published.scored_rows: "META" has no score in published.scores.',
        ),
        (
            {"published": {"scores": {"META": 6.4}, "scored_rows": {"META": [2705]}}},
            "published.scored_rows = { META = [2705] } (item 2): must be a table of two numbers of rows, all "
            "and those forecast, by symbol.",
        ),
        ({"published": {"scores": {"META": -1.0}}}, None),
        ({"published": {"sedes": 3}}, "published.sedes = 3: unknown key. Did you mean 'seeds'?"),
        (
            {"published": 3},
            "published = 3: must be a table, [published], with keys such as published.source.",
        ),
        (
            {"data": {"column": "Adj Close"}},
            "data.column = 'Adj Close': chooses a column of a file; data.source is \"sample\".",
        ),
        (
            {"model": {"units": [8, 8], "dropout": [0.1, 0.2, 0.3]}},
            "model.dropout = [0.1, 0.2, 0.3]: must be one number, or as many as the 2 of model.units.",
        ),
        (
            {"model": {"units": [8, 8], "dropout": [0.1, 1.0]}},
            "model.dropout = [0.1, 1.0] (item 2): must be a number, at least 0, below 1, or an array of one "
            "for each layer.",
        ),
        (
            {"model": {"kind": "bidirectional", "lookback": 2}},
            "model.kernel = 3: must not be above model.lookback = 2.",
        ),
    ],
)
def test_what_does_not_fit_is_said(mapping, text, problems: Problems):
    (found,) = problems(mapping)
    assert text is None or found == text


def test_a_dropout_is_one_for_all_layers_or_one_for_each(make: Make):
    one = make({"model": {"units": [8, 8], "dropout": 0.2}}).model
    each = make({"model": {"units": [8, 8], "dropout": [0.2, 0.25]}}).model
    assert isinstance(one, LstmModel)
    assert isinstance(each, LstmModel)
    assert (one.dropouts, each.dropouts) == ((0.2, 0.2), (0.2, 0.25))


def test_the_bidirectional_model_is_by_default_that_of_its_source(make: Make):
    assert make({"model": {"kind": "bidirectional"}}).model == BidirectionalModel(
        kind="bidirectional", lookback=30, filters=32, kernel=3, units=(64, 64, 64), dense=(32,)
    )


def test_the_default_recipe_keeps_its_question_without_the_published_mode():
    assert load_recipe("lstm").recipe.published is None
