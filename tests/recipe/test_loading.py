from __future__ import annotations

from pathlib import Path

import pytest

from backtester.errors import RecipeError
from backtester.recipe import LstmModel, PublishedSection, Recipe, load_recipe, recipe_from_mapping
from backtester.shipped import builtin_folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(name_or_path: str | Path) -> str:
    with pytest.raises(RecipeError) as caught:
        load_recipe(name_or_path)
    return str(caught.value)


@pytest.mark.parametrize("path", sorted(builtin_folder("recipes").glob("*.toml")), ids=lambda path: path.stem)
def test_every_built_in_recipe_is_sound_and_loads_by_name(path, here):
    loaded = load_recipe(path.stem)
    assert (loaded.name, loaded.folder) == (path.stem, here)


def test_the_default_recipe_writes_out_every_default():
    assert load_recipe("lstm").recipe == Recipe()
    written = builtin_folder("recipes").joinpath("lstm.toml").read_text(encoding="utf-8")
    sections = {name: type(section) for name, section in Recipe() if name != "seed"}
    for name, section in (sections | {"published": PublishedSection}).items():
        for key in section.model_fields:
            assert f"\n{key} = " in written or f"\n# {key} = " in written, f"{name}.{key}"


@pytest.mark.parametrize("absolute", [True, False])
def test_a_file_is_loaded_with_its_folder(here, absolute):
    folder = here / "my recipes"
    folder.mkdir()
    path = folder / "mine.toml"
    path.write_text("[model]\nunits = [8]\n", encoding="utf-8")
    loaded = load_recipe(path if absolute else "my recipes/mine.toml")
    assert (loaded.name, loaded.folder) == ("mine", folder)
    assert loaded.recipe == Recipe(model=LstmModel(units=(8,)))


def test_overrides_are_set_on_top_of_the_file():
    assert load_recipe("lstm", overrides=["model.units=25"]).recipe.model == LstmModel(units=(25,))


def test_a_built_in_name_comes_before_a_file_of_that_name(here):
    here.joinpath("lstm").write_text("seed = 1\n", encoding="utf-8")
    assert load_recipe("lstm").recipe.seed == 7
    assert load_recipe(Path("lstm")).recipe.seed == 1


def test_a_byte_order_mark_and_crlf_do_no_harm(here):
    here.joinpath("mine.toml").write_bytes(b"\xef\xbb\xbfseed = 3\r\n[model]\r\nunits = [8]\r\n")
    assert load_recipe("mine.toml").recipe == Recipe(seed=3, model=LstmModel(units=(8,)))


def test_an_empty_file_is_the_default_recipe(here):
    here.joinpath("mine.toml").write_bytes(b"")
    assert load_recipe("mine.toml").recipe == Recipe()


def test_an_unknown_name_is_told_the_nearest_and_all_built_in_ones(here):
    message = refusal("lstn")
    assert "Did you mean 'lstm'?" in message
    assert "Built-in recipes: " in message


def test_a_missing_file_is_named(here):
    assert refusal("mine.toml").startswith("recipe mine.toml: there is no such file")


def test_a_folder_is_refused(here):
    here.joinpath("mine.toml").mkdir()
    assert refusal("mine.toml").startswith("recipe mine.toml: is not a regular file")


def test_an_unreadable_file_is_refused(here, monkeypatch):
    here.joinpath("mine.toml").write_bytes(b"")

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert refusal("mine.toml") == "recipe mine.toml: cannot be read: Permission denied"


def test_bytes_that_are_not_utf8_are_refused_with_their_line(here):
    here.joinpath("mine.toml").write_bytes(b"seed = 3\n# \xff\n")
    assert refusal("mine.toml").startswith("recipe mine.toml: line 2 is not UTF-8 text")


@pytest.mark.catalogue("C23")
@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("seed = 3\n[model\n", "(at line 2, column 7)"),
        ("seed = 3\nseed = 4\n", "(at line 2, column 9)"),
        ("seed = 3\n[data]\nsymbol = ", "(at line 3, column 10)"),
    ],
    ids=["bracket", "twice", "end"],
)
def test_a_syntax_error_is_told_with_line_and_column(here, text, where):
    here.joinpath("mine.toml").write_text(text, encoding="utf-8")
    message = refusal("mine.toml")
    assert message.startswith("recipe mine.toml: is not TOML: ")
    assert where in message


def test_one_problem_stands_on_one_line_and_more_on_a_line_each(here):
    here.joinpath("mine.toml").write_text("seed = -1\n", encoding="utf-8")
    assert refusal("mine.toml").split("\n")[0] == (
        "recipe mine: seed = -1: must be a whole number, at least 0, below 2147483648."
    )
    here.joinpath("mine.toml").write_text("seed = -1\nsead = 2\n", encoding="utf-8")
    assert refusal("mine.toml").split("\n")[:3] == [
        "recipe mine: 2 problems",
        "  seed = -1: must be a whole number, at least 0, below 2147483648.",
        "  sead = 2: unknown key. Did you mean 'seed'?",
    ]


def test_a_mapping_may_hold_sections(here):
    loaded = recipe_from_mapping(
        {"model": LstmModel(units=(8,), lookback=30)}, name="mine", folder=here, overrides=["model.units=9"]
    )
    assert loaded.recipe.model == LstmModel(units=(9,), lookback=30)


def test_the_mapping_that_is_handed_in_is_left_alone(here):
    mapping = {"model": {"units": [8]}}
    recipe_from_mapping(mapping, name="mine", folder=here, overrides=["model.units=9"])
    assert mapping == {"model": {"units": [8]}}
