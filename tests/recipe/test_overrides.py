from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from backtester.errors import RecipeError, UsageError
from backtester.recipe import BaselineModel, LongShort, LstmModel, ReferenceStrategy, parse_overrides


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    current = tmp_path / "current"
    current.mkdir()
    monkeypatch.chdir(current)
    return current


@pytest.mark.parametrize(
    ("assignment", "key", "value"),
    [
        ("model.units=25", "model.units", 25),
        ("model.units=[25, 10]", "model.units", [25, 10]),
        ("broker.fractional=true", "broker.fractional", True),
        ("data.start=2005-01-03", "data.start", date(2005, 1, 3)),
        ('data.symbol="x"', "data.symbol", "x"),
        ("data.symbol=AAPL", "data.symbol", "AAPL"),
        ("data.symbol=7203", "data.symbol", "7203"),
        ("data.symbol=nan", "data.symbol", "nan"),
        ("folds.train=3Y", "folds.train", "3Y"),
        ("report.title=a = b", "report.title", "a = b"),
        ("report.title=", "report.title", ""),
        ("report.title=1\nx = 2", "report.title", "1\nx = 2"),
        (" model.units = 25 ", "model.units", 25),
        ("seed=3", "seed", 3),
        ("model.parameters.alpha=0.5", "model.parameters.alpha", 0.5),
    ],
)
def test_a_value_is_read_as_toml_and_else_as_text(assignment, key, value):
    assert parse_overrides([assignment]) == {key: value}


def test_the_last_assignment_to_a_key_holds():
    assert parse_overrides(["seed=1", "seed=2"]) == {"seed": 2}


def test_all_unknown_keys_are_told_with_the_nearest_known_one():
    with pytest.raises(RecipeError) as caught:
        parse_overrides(["model.unit=3", "trainig.epochs=3", "epochs=3"])
    assert caught.value.message.split("\n") == [
        "model.unit = 3: unknown key. Did you mean 'units'?",
        "[trainig]: unknown section. Did you mean 'training'?",
        "epochs = 3: unknown key outside a section; it belongs to [training].",
    ]


@pytest.mark.parametrize("assignment", ["model.units", "=3", " =3"])
def test_an_assignment_without_key_or_equals_sign_is_a_usage_error(assignment):
    with pytest.raises(UsageError, match=r"section\.key=value"):
        parse_overrides([assignment])


def test_a_lone_text_instead_of_a_list_is_refused():
    with pytest.raises(UsageError, match="must be a list"):
        parse_overrides("seed=3")


def test_a_single_value_for_an_array_is_an_array_of_one(make):
    recipe = make(
        {}, ["model.units=25", "features.columns=close", "data.confirmed_jumps=2020-03-16", "seed=3"]
    )
    assert recipe.model == LstmModel(units=(25,))
    assert recipe.features.columns == ("close",)
    assert recipe.data.confirmed_jumps == (date(2020, 3, 16),)
    assert recipe.seed == 3


def test_an_override_wins_over_the_recipe_and_leaves_the_rest(make):
    recipe = make({"model": {"units": [8], "lookback": 30}}, ["model.units=[25, 10]"])
    assert recipe.model == LstmModel(units=(25, 10), lookback=30)


@pytest.mark.parametrize(
    "overrides", [{"model.units": [9], "seed": 4}, {"model": {"units": [9]}, "seed": 4}, {"model.units": 9}]
)
def test_overrides_may_be_a_mapping_by_key_or_by_section(make, overrides):
    assert make({"model": {"lookback": 30}}, overrides).model == LstmModel(units=(9,), lookback=30)


def test_a_problem_in_an_override_is_listed_with_those_of_the_recipe(problems):
    found = problems({"model": {"dropout": 2.0}}, ["model.unit=3"])
    assert found == [
        "model.dropout = 2.0: must be a number, at least 0, below 1, or an array of one for each layer.",
        "model.unit = 3: unknown key. Did you mean 'units'?",
    ]


def test_a_new_kind_drops_the_keys_that_only_the_old_kind_knows(make):
    recipe = make({"model": {"kind": "lstm", "units": [8], "lookback": 30}}, ["model.kind=last_return"])
    assert recipe.model == BaselineModel(kind="last_return", lookback=30)


def test_a_new_kind_is_dropped_to_when_the_recipe_names_no_kind(make):
    recipe = make({"strategy": {"threshold_bp": 3.0}}, ["strategy.kind=long_short"])
    assert recipe.strategy == LongShort(kind="long_short", threshold_bp=3.0)


def test_a_new_kind_still_refuses_overrides_that_it_does_not_know(problems):
    found = problems({}, ["model.kind=last_return", "model.units=3"])
    assert found == ['model.units = 3: unknown key for kind = "last_return"; known keys: kind, lookback.']


def test_a_new_kind_still_refuses_what_no_kind_knows(problems):
    found = problems({"model": {"lookbak": 3}}, ["model.kind=last_return"])
    assert found == ["model.lookbak = 3: unknown key. Did you mean 'lookback'?"]


def test_a_new_reference_does_not_inherit_the_parameters_of_the_old_one(make, here):
    recipe = make(
        {"strategy": {"kind": "old.py:Old", "parameters": {"a": 1}, "max_exposure": 0.5}},
        ["strategy.kind=new.py:New", "strategy.parameters.b=2"],
    )
    assert recipe.strategy == ReferenceStrategy(
        kind=f"{here / 'new.py'}:New", parameters={"b": 2}, max_exposure=0.5
    )


def test_the_same_kind_again_keeps_all_keys(make):
    assert make({"model": {"units": [8]}}, ["model.kind=lstm"]).model == LstmModel(units=(8,))


def test_an_unknown_kind_is_the_only_problem(problems):
    [line] = problems({"model": {"units": [8]}}, ["model.kind=lstn"])
    assert line.endswith("Did you mean 'lstm'?")


def test_files_in_overrides_start_at_the_current_folder(here):
    assert parse_overrides(
        [
            "data.path=prices.csv",
            "model.kind=models/mine.py:build",
            "strategy.kind=package.module:Class",
            'features.columns=["close", "mine.py:range"]',
        ]
    ) == {
        "data.path": str(here / "prices.csv"),
        "model.kind": f"{here / 'models/mine.py'}:build",
        "strategy.kind": "package.module:Class",
        "features.columns": ["close", f"{here / 'mine.py'}:range"],
    }


def test_files_in_a_mapping_of_overrides_start_at_the_current_folder_too(make, here):
    recipe = make({"data": {"path": "a.csv"}}, {"data.path": "b.csv"})
    assert recipe.data.path == str(here / "b.csv")


def test_files_in_the_recipe_stay_as_written(make, here):
    assert make({"data": {"source": "csv", "path": "a.csv"}}, ["seed=3"]).data.path == "a.csv"


def test_an_absolute_file_in_an_override_stays_as_it_is(here):
    path = str(here.parent / "elsewhere.csv")
    assert parse_overrides([f"data.path={path}"]) == {"data.path": path}


def test_a_new_kind_repairs_an_unknown_one(make):
    recipe = make({"model": {"kind": "lstn", "lookback": 30}}, ["model.kind=lstm"])
    assert recipe.model == LstmModel(lookback=30)


def test_an_override_repairs_a_section_that_is_no_table(make):
    assert make({"model": "lstm"}, ["model.kind=lstm", "model.units=8"]).model == LstmModel(units=(8,))
