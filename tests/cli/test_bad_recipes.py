"""Every recipe of the catalogue through the program: exit code, message, and what is left behind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from backtester.errors import RecipeError
from backtester.recipe.toml import format_table, format_value
from tests.catalogue import held, ids_of
from tests.cli.conftest import Program, Told
from tests.prices.conftest import clean_rows, csv_text
from tests.recipe.test_problems import CASES

CHEAP: dict[str, Any] = {
    "folds": {"train": 60, "test": 30},
    "model": {"kind": "last_return"},
    "verdict": {"draws": 199},
}
STRATEGY = """\
from backtester.backtest import ForecastStrategy


class Mine(ForecastStrategy):
    def target_exposure(self, forecast):
        return {answer}


class Other(Mine):
    pass
"""


def toml(mapping: Mapping[str, Any]) -> str:
    keys = [
        f"{key} = {format_value(value)}\n" for key, value in mapping.items() if not isinstance(value, dict)
    ]
    tables = [format_table(key, values=value) for key, value in mapping.items() if isinstance(value, dict)]
    return "".join([*keys, *tables])


def write(folder: Path, *, recipe: Mapping[str, Any], **files: str) -> None:
    (folder / "mine.toml").write_text(toml(recipe))
    (folder / "walk.csv").write_text(csv_text(clean_rows()))
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)


def run(program: Program, *options: str | Path) -> Told:
    return program("run", "mine.toml", "--csv", "walk.csv", *options)


def refused(told: Told, *, code: int = 4) -> str:
    assert told.code == code, told.err
    assert told.out == ""
    assert told.err.count("error: ") == 1
    return told.err


# --- refused, exit 4


@pytest.mark.parametrize("case", held(case for case in CASES if ids_of(case)))
def test_a_faulty_key_ends_the_program_with_4_its_message_and_nothing_written(case, program):
    mapping, expected = CASES[case]
    write(program.folder, recipe=mapping)
    before = program.left
    assert expected in refused(run(program))
    assert program.left == before


def test_all_problems_of_a_file_are_told_at_once_each_on_its_line(program):
    chosen = ["C01", "C02", "C08", "C22"]
    merged: dict[str, Any] = {}
    for case in chosen:
        for section, keys in CASES[case][0].items():
            merged.setdefault(section, {}).update(keys)
    write(program.folder, recipe=merged)
    told = refused(run(program)).splitlines()
    assert "recipe mine: 4 problems" in told[1]
    assert sorted(line.strip() for line in told[2:6]) == sorted(CASES[case][1] for case in chosen)


SYNTAX = {
    "C23_bracket": ("seed = 3\n[model\n", "(at line 2, column 7)"),
    "C23_text_without_end": ('[data]\nsymbol = "SPY\n', "(at line 2, column 14)"),
    "C23_no_value": ("seed = 3\n\n[model]\nunits =\n", "(at line 4, column 8)"),
}


@pytest.mark.parametrize("case", held(SYNTAX))
def test_what_is_no_toml_is_told_with_line_and_column(case, program):
    text, where = SYNTAX[case]
    write(program.folder, recipe={})
    (program.folder / "mine.toml").write_text(text)
    before = program.left
    message = refused(run(program))
    assert "mine.toml: is not TOML" in message
    assert where in message
    assert program.left == before


# id -> the keys to change, the file code.py, the words of the message
CODE: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "C11_no_such_file": ({"strategy": {"kind": "cod.py:Mine"}}, "", ["no file", "cod.py", "'code.py'"]),
    "C12_no_such_class": (
        {"strategy": {"kind": "code.py:Mina"}},
        STRATEGY.format(answer="1.0"),
        ["code.py", "'Mina'", "'Mine'", "Mine, Other"],
    ),
    "C13_raises_on_import": (
        {"strategy": {"kind": "code.py:Mine"}},
        "import math\n\nmath.sqrt(-1)\n",
        ["code.py, line 3: ValueError"],
    ),
    "C17_no_such_module": (
        {"model": {"kind": "no_such_package_here:build"}},
        "",
        ["no_such_package_here:build", "No module named"],
    ),
    "C17_no_such_file": ({"model": {"kind": "cod.py:build"}}, "", ["no file", "cod.py", "'code.py'"]),
}


@pytest.mark.parametrize("case", held(CODE))
def test_user_code_that_cannot_be_loaded_ends_with_4_and_nothing_written(case, program):
    keys, code, said = CODE[case]
    write(program.folder, recipe=CHEAP | keys, code=code)
    before = program.left
    message = refused(run(program))
    assert [part for part in said if part not in message] == [], message
    assert program.left == before


BUILDER = """
import keras

def build(input_shape):
    return keras.Sequential([keras.Input({input}), keras.layers.Flatten(), keras.layers.Dense({units})])
"""
SHAPES = {
    "C19_output": ({"input": "input_shape", "units": 2}, "maps (None, 4, 1) to (None, 2)"),
    "C19_input": ({"input": "(7, 1)", "units": 1}, "maps (None, 7, 1) to (None, 1)"),
}


@pytest.mark.parametrize("case", held(SHAPES))
def test_a_network_of_another_shape_is_refused_with_both_shapes(case, program):
    from backtester.models.networks import build_checked, user_builder
    from backtester.recipe import ReferenceModel
    from backtester.references import load_reference

    settings, said = SHAPES[case]
    (program.folder / "code.py").write_text(BUILDER.format(**settings))
    model = ReferenceModel(kind="code.py:build", lookback=4)
    builder = user_builder(
        load_reference(model.kind, folder=program.folder), model=model, folder=program.folder
    )
    with pytest.raises(RecipeError) as error:
        build_checked(builder, input_shape=(4, 1), name=model.kind)
    assert said in error.value.message
    assert "it must map (None, 4, 1) to (None, 1)" in error.value.message


@pytest.mark.slow
@pytest.mark.catalogue("C19")
def test_a_network_of_another_shape_ends_the_program_before_anything_is_written(program):
    recipe = CHEAP | {"model": {"kind": "code.py:build", "lookback": 4}, "execution": {"workers": 1}}
    write(program.folder, recipe=recipe, code=BUILDER.format(input="input_shape", units=2))
    before = program.left
    message = refused(run(program, "--set", f"execution.store={program.folder.parent / 'store'}"))
    assert "(None, 4, 1) to (None, 2)" in message
    assert program.left == before


# --- accepted


@pytest.mark.catalogue("C14")
def test_a_strategy_that_never_trades_ends_with_0_a_warning_and_inconclusive(program):
    write(
        program.folder,
        recipe=CHEAP | {"strategy": {"kind": "code.py:Mine"}},
        code=STRATEGY.format(answer="0.0"),
    )
    told = run(program)
    assert told.code == 0, told.err
    assert "warning: " in told.err
    assert "never traded" in told.err
    assert "nconclusive" in told.out


@pytest.mark.catalogue("C16")
def test_an_exposure_that_is_no_number_stops_the_run_and_leaves_no_figures(program):
    write(
        program.folder,
        recipe=CHEAP | {"strategy": {"kind": "code.py:Mine"}},
        code=STRATEGY.format(answer='float("nan")'),
    )
    before = program.left
    told = run(program)
    assert "Strategy Mine asked for an exposure of nan at the close of 2020-0" in refused(told)
    assert "train" not in told.err
    assert program.left == before


@pytest.mark.catalogue("C21")
def test_a_batch_of_more_than_all_samples_is_accepted_with_a_note(program):
    write(program.folder, recipe=CHEAP | {"model": {"kind": "lstm", "lookback": 5}})
    told = program("plan", "mine.toml", "--csv", "walk.csv", "--quick", "--set", "training.batch_size=5000")
    assert told.code == 0, told.err
    assert "training.batch_size = 5000 is more than the training samples of 2 of 2 folds" in told.err
    assert program("plan", "mine.toml", "--csv", "walk.csv", "--quick").err == ""


HOSTILE = "../../<script>alert(1)</script> 株 Größe"
FILE = "..mine <b>.toml"


@pytest.fixture(scope="module")
def outer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run whose folder, recipe, prices, symbol and title are named as a foe would."""
    import backtester

    outer = tmp_path_factory.mktemp("outer")
    folder = outer / "Größe 株"
    folder.mkdir()
    data = {"source": "csv", "path": "Kurse ü.csv", "symbol": HOSTILE}
    write(folder, recipe=CHEAP | {"data": data, "report": {"title": HOSTILE}})
    (folder / "mine.toml").rename(folder / FILE)
    (folder / "walk.csv").rename(folder / "Kurse ü.csv")
    backtester.run(folder / FILE, out=folder / "out")
    return outer


def run_in(folder: Path) -> Path:
    (directory,) = (folder / "out").iterdir()
    return directory


@pytest.mark.catalogue("C25", "C28")
def test_names_that_lead_elsewhere_write_nothing_outside(outer):
    (inner,) = outer.iterdir()
    assert sorted(path.name for path in inner.iterdir()) == sorted([FILE, "Kurse ü.csv", "out"])
    assert run_in(inner).name.startswith("mine")
    assert "株" in run_in(inner).name
    assert not [path for path in outer.parent.rglob("*alert*") if outer not in path.parents]


@pytest.mark.catalogue("C28", "C29")
def test_a_script_in_a_title_or_symbol_is_text_on_every_page(outer):
    directory = run_in(next(outer.iterdir()))
    pages = sorted(directory.glob("*.html"))
    assert len(pages) >= 2
    for page in pages:
        text = page.read_text()
        assert "<script>alert(1)" not in text, page.name
        assert "alert(1)" in text, page.name
        assert "株 Größe" in text, page.name
    assert json.loads((directory / "summary.json").read_text())["symbols"] == [HOSTILE]


# --- the place for the output


@pytest.fixture
def ran(outer: Path, program: Program) -> Path:
    """The finished run, in the program's folder."""
    shutil.copytree(next(outer.iterdir()), program.folder, dirs_exist_ok=True)
    return run_in(program.folder)


def again(program: Program) -> Told:
    return program("run", FILE, "--out", "out")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.catalogue("C26")
def test_the_same_run_is_taken_up_again_and_not_computed(ran, program):
    before = contents(ran)
    told = again(program)
    assert told.code == 0, told.err
    assert "answered before; nothing is computed" in told.err
    assert contents(ran) == before


@pytest.mark.catalogue("C26")
@pytest.mark.parametrize("other", ["a thesis", "a run of another question"])
def test_a_place_that_holds_something_else_is_refused_and_left_alone(other, ran, program):
    if other == "a thesis":
        shutil.rmtree(ran)
        ran.mkdir()
        (ran / "thesis.txt").write_text("mine")
    else:
        manifest = json.loads((ran / "run.json").read_text())
        (ran / "run.json").write_text(json.dumps(manifest | {"question_sha256": "0" * 64}))
    before = contents(program.folder)
    message = refused(again(program))
    assert "holds something else than a run of this recipe on these prices" in message
    assert ran.name in message
    assert contents(program.folder) == before


@pytest.mark.catalogue("C27")
@pytest.mark.parametrize("place", ["the run's own", "the folder of runs"])
def test_a_file_in_the_place_of_the_output_is_refused_and_left_alone(place, ran, program):
    in_the_way = ran if place == "the run's own" else ran.parent
    shutil.rmtree(in_the_way)
    in_the_way.write_text("mine")
    before = contents(program.folder)
    message = refused(again(program))
    assert "is a file" in message
    assert in_the_way.name in message
    assert contents(program.folder) == before
