from __future__ import annotations

import json
import tomllib
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtester.recipe import (
    BaselineModel,
    DataSection,
    ExecutionSection,
    FeaturesSection,
    FoldsSection,
    LongShort,
    LstmModel,
    Recipe,
    ReferenceModel,
    ReferenceStrategy,
    ReportSection,
    Threshold,
    as_mapping,
    as_toml,
    question_sha256,
    recipe_from_mapping,
    shareable_mapping,
    shareable_text,
    trial_sha256,
)

# tab and newline are the control characters that a recipe may hold
shown = st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("\t\n")
bp = st.floats(min_value=0.0, max_value=1e6)
parameters = st.dictionaries(
    st.text(),
    st.recursive(
        st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
        max_leaves=5,
    ),
    max_size=3,
)
models = st.one_of(
    st.builds(
        LstmModel,
        lookback=st.integers(1, 500),
        units=st.lists(st.integers(1, 99), min_size=1, max_size=8),
        dropout=st.floats(0.0, 1.0, exclude_max=True),
    ),
    st.builds(BaselineModel, kind=st.sampled_from(["last_price", "last_return", "mean_return"])),
    st.builds(ReferenceModel, kind=st.just("mine.py:build"), parameters=parameters),
)
strategies = st.one_of(
    st.builds(LongShort, kind=st.just("long_short"), threshold_bp=bp),
    st.builds(Threshold, kind=st.just("threshold"), enter_bp=bp, exit_bp=bp.map(lambda value: -value)),
    st.builds(ReferenceStrategy, kind=st.just("module:Class"), parameters=parameters),
)
recipes = st.builds(
    Recipe,
    seed=st.integers(0, 2**31 - 1),
    data=st.builds(
        DataSection,
        symbol=st.text(shown, min_size=1, max_size=20),
        path=st.text(shown, max_size=20),
        start=st.none() | st.dates(max_value=date(2000, 1, 1)),
        end=st.none() | st.dates(min_value=date(2000, 1, 2)),
        confirmed_jumps=st.lists(st.dates(), max_size=3),
    ),
    folds=st.builds(FoldsSection, train=st.integers(1200, 9999) | st.sampled_from(["3Y", "18M", "6W"])),
    model=models,
    strategy=strategies,
    report=st.builds(ReportSection, title=st.text(shown, max_size=30)),
)


def loaded(mapping: dict[str, object]) -> Recipe:
    return recipe_from_mapping(mapping, name="mine", folder=Path()).recipe


@given(recipes)
def test_a_recipe_written_as_toml_loads_to_the_same_recipe(recipe):
    assert loaded(tomllib.loads(as_toml(recipe))) == recipe


@given(recipes)
def test_a_recipe_written_as_json_loads_to_the_same_recipe(recipe):
    assert loaded(json.loads(json.dumps(as_mapping(recipe), allow_nan=False))) == recipe


def test_the_toml_text_holds_every_key_that_is_set():
    written = tomllib.loads(as_toml(Recipe()))
    expected = as_mapping(Recipe())
    expected["data"] = {key: value for key, value in expected["data"].items() if value is not None}
    assert written == expected


HERE = Recipe(
    data=DataSection(source="csv", path="/machine/prices/spy.csv", symbol="SPY"),
    features=FeaturesSection(columns=["log_return", "/machine/mine.py:momentum"]),
    model=ReferenceModel(
        kind="/machine/models/mine.py:build", parameters={"weights": ["/machine/w.npz"], "name": "a/b"}
    ),
    strategy=ReferenceStrategy(kind="package.module:Class"),
    execution=ExecutionSection(store="/machine/store", registry="/machine/trials"),
    report=ReportSection(directory="/machine/reports"),
)


def test_a_published_message_names_files_and_no_folder_of_the_machine():
    text = "model.kind = '/machine/models/mine.py:build': the builder failed: mine.py, line 7: ValueError: no"
    assert shareable_text(text, recipe=HERE) == text.replace("/machine/models/", "")


def test_the_published_recipe_names_files_and_no_folder_of_the_machine():
    published = shareable_mapping(HERE)
    assert "machine" not in json.dumps(published)
    assert published["data"]["path"] == "spy.csv"
    assert published["features"]["columns"] == ["log_return", "mine.py:momentum"]
    assert published["model"]["kind"] == "mine.py:build"
    assert published["model"]["parameters"] == {"weights": ["w.npz"], "name": "a/b"}
    assert published["strategy"]["kind"] == "package.module:Class"
    assert published["report"]["directory"] == "reports"


def question(recipe: Recipe, *, bars: str = "b", code: dict[str, str] | None = None) -> str:
    return question_sha256(recipe, bars_sha256=bars, code_sha256s=code or {})


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("execution", {"executor": "serial", "workers": 3, "store": "elsewhere", "registry": "x"}),
        ("report", {"directory": "elsewhere", "title": "Another"}),
        ("stress", {"seeds": 3, "symbols": ["prices"]}),
        ("audit", {"on_leak": "report", "cuts": 200}),
        ("data", {"source": "parquet", "path": "b.parquet", "refresh": True, "on_bad_row": "drop"}),
        ("data", {"start": "2005-01-03", "end": "2010-01-04", "confirmed_jumps": ["2008-10-13"]}),
    ],
)
def test_what_changes_no_figure_is_not_part_of_the_question(section, values):
    assert question(loaded({section: values})) == question(Recipe())


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("data", {"symbol": "AAPL"}),
        ("data", {"periods_per_year": 365}),
        ("folds", {"phase": 1}),
        ("features", {"scaler": "minmax"}),
        ("target", {"horizon": 2}),
        ("model", {"units": [51]}),
        ("training", {"members": 2}),
        ("strategy", {"max_exposure": 0.5}),
        ("broker", {"slippage_bp": 2.0}),
        ("verdict", {"smallest_sharpe": 0.5}),
    ],
)
def test_what_changes_a_figure_is_part_of_the_question(section, values):
    assert question(loaded({section: values})) != question(Recipe())
    assert question(loaded({"seed": 8})) != question(Recipe())


def test_judging_by_other_thresholds_is_another_question_and_the_same_trial():
    strict = loaded({"verdict": {"level": 0.01}})
    code = {"mine.py:build": "1"}
    assert question(strict, code=code) != question(Recipe(), code=code)
    assert trial_sha256(strict, bars_sha256="b", code_sha256s=code) == trial_sha256(
        Recipe(), bars_sha256="b", code_sha256s=code
    )
    other = loaded({"broker": {"slippage_bp": 2.0}})
    assert trial_sha256(other, bars_sha256="b", code_sha256s=code) != trial_sha256(
        Recipe(), bars_sha256="b", code_sha256s=code
    )


def test_the_published_mode_is_another_question_and_the_same_trial():
    with_score = loaded({"published": {"scores": {"META": 6.415}}})
    assert question(with_score) != question(Recipe())
    assert question(with_score) != question(loaded({"published": {}}))
    assert trial_sha256(with_score, bars_sha256="b", code_sha256s={}) == trial_sha256(
        Recipe(), bars_sha256="b", code_sha256s={}
    )


def test_a_recipe_without_the_published_mode_does_not_speak_of_it():
    assert "published" not in as_mapping(Recipe())
    assert "published" not in as_toml(Recipe())
    recipe = loaded({"published": {"train": 0.8, "scores": {"A B": 1.5}}, "model": {"dropout": [0.25]}})
    assert Recipe.model_validate(as_mapping(recipe)) == recipe


def test_bars_and_code_are_part_of_the_question():
    hashes = {
        question(Recipe()),
        question(Recipe(), bars="c"),
        question(Recipe(), code={"mine.py:build": "1"}),
        question(Recipe(), code={"mine.py:build": "2"}),
    }
    assert len(hashes) == 4


def test_the_same_files_in_another_folder_ask_the_same_question():
    there = Recipe.model_validate_json(HERE.model_dump_json().replace("/machine/mine", "/other/mine"))
    there = there.model_copy(
        update={"model": there.model.model_copy(update={"kind": "/other/models/mine.py:build"})}
    )
    code = {"/machine/mine.py:momentum": "1", "/machine/models/mine.py:build": "2"}
    code_there = {"/other/mine.py:momentum": "1", "/other/models/mine.py:build": "2"}
    assert question(there, code=code_there) == question(HERE, code=code)


def test_the_question_of_the_default_recipe_stays_the_same():
    """Run directories are found by it: a new value here moves everyone's."""
    assert question(Recipe()) == "889f56daac1da1399e5423459866d0c659400c7c82000e6855fc626b90212654"


def test_dates_a_day_apart_are_written_exactly():
    start = date(2005, 1, 3)
    recipe = Recipe(data=DataSection(start=start, end=start + timedelta(days=1)))
    assert as_mapping(recipe)["data"]["start"] == "2005-01-03"
    assert "start = 2005-01-03\nend = 2005-01-04\n" in as_toml(recipe)


def test_two_files_of_one_name_are_told_apart_by_their_place():
    one, other = {"a/f.py:x": "1", "b/f.py:x": "2"}, {"b/f.py:x": "2", "a/f.py:x": "1"}
    recipe = Recipe(features={"columns": ["a/f.py:x", "b/f.py:x"]})
    swapped = Recipe(features={"columns": ["b/f.py:x", "a/f.py:x"]})
    assert question(recipe, code=one) != question(swapped, code=other)


@pytest.mark.parametrize(
    ("text", "shared"),
    [
        ("No such file: '/Users/me/my prices/levels.csv'", "No such file: 'levels.csv'"),
        ("at /Users/me/a.csv: bad, /Users/me/b.py:S (/opt/x/y)", "at a.csv: bad, b.py:S (y)"),
        ("x=/opt/b/c.csv, file:///Users/me/q.csv", "x=c.csv, q.csv"),
        ("{home} is empty", "~ is empty"),
        ("{home}/a.csv", "a.csv"),
        ("{here}/my folder/own.py", "my folder/own.py"),
        ("a / b and/or 2020/01/02 https://a.b/c /x", "a / b and/or 2020/01/02 https://a.b/c /x"),
    ],
)
def test_a_message_names_files_without_their_folders(text, shared, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.chdir(tmp_path)
    assert shareable_text(text.format(home=tmp_path / "me", here=tmp_path), recipe=Recipe()) == shared
