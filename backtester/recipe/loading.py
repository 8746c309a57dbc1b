"""A recipe from a file, by the name of a built-in one, or from a mapping."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backtester.errors import RecipeError
from backtester.recipe.overrides import apply_overrides, read_overrides
from backtester.recipe.problems import check_mapping
from backtester.recipe.sections import Recipe
from backtester.shipped import builtin_folder
from backtester.suggest import nearest

__all__ = ["LoadedRecipe", "load_recipe", "recipe_from_mapping"]

_ADVICE = "docs/recipe.md lists every key, its default and its range."
_MAX_DEPTH = 30
"""Tables and arrays within one another; a thousand would be too many for what reads them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRecipe:
    """A checked recipe, and where it came from.

    Parameters
    ----------
    name : the file's name without ``.toml``
    recipe : the recipe, complete
    folder : where relative paths in it start
    """

    name: str
    recipe: Recipe
    folder: Path


def load_recipe(
    name_or_path: str | Path, *, overrides: Sequence[str] | Mapping[str, object] = ()
) -> LoadedRecipe:
    """Read a recipe and check all of it.

    Parameters
    ----------
    name_or_path : a file, or the name of a built-in recipe, which comes before a file of that name
        without ``.toml``
    overrides : keys to set on top: texts as given to ``--set`` (see `parse_overrides`), or values by
        ``section.key``; files in them are relative to the current folder

    Returns
    -------
    LoadedRecipe; its folder is the file's, and for a built-in recipe the current one

    Raises
    ------
    RecipeError : no such recipe; not TOML, with line and column; or the list of all its problems
    UsageError : an override without ``=``
    """
    path = _find(name_or_path)
    built_in = path.parent == builtin_folder("recipes")
    return recipe_from_mapping(
        _read_toml(path),
        name=path.name.removesuffix(".toml"),
        folder=Path.cwd() if built_in else path.parent.absolute(),
        overrides=overrides,
    )


def recipe_from_mapping(
    mapping: Mapping[str, Any],
    *,
    name: str,
    folder: Path,
    overrides: Sequence[str] | Mapping[str, object] = (),
) -> LoadedRecipe:
    """Check a recipe that is a mapping already.

    Parameters
    ----------
    mapping : sections by name, each a mapping or a section; what is left out has its default
    name : for the run directory and the report
    folder : where relative paths in the recipe start
    overrides : as in `load_recipe`

    Raises
    ------
    RecipeError : the list of all its problems

    Examples
    --------
    >>> loaded = recipe_from_mapping({"model": {"units": [8]}}, name="small", folder=Path())
    >>> loaded.recipe.model.units
    (8,)
    """
    changes = read_overrides(overrides)
    if _is_deep(mapping) or _is_deep(changes) or any(path.count(".") > _MAX_DEPTH for path in changes):
        raise RecipeError(
            f"recipe {name}: tables or arrays lie more than {_MAX_DEPTH} deep in one another.", advice=_ADVICE
        )
    merged = apply_overrides(mapping, overrides=changes)
    recipe, problems = check_mapping(merged)
    if recipe is None:
        raise RecipeError(_listed(name, problems=problems), advice=_ADVICE)
    return LoadedRecipe(name=name, recipe=recipe, folder=folder)


def _is_deep(values: Mapping[str, Any]) -> bool:
    """Whether values lie deeper in one another than any recipe needs."""
    layer: list[Any] = list(values.values())
    for _ in range(_MAX_DEPTH):
        tables = [item for item in layer if isinstance(item, Mapping)]
        arrays = [item for item in layer if isinstance(item, (list, tuple))]
        layer = [inner for table in tables for inner in table.values()]
        layer += [inner for array in arrays for inner in array]
    return bool(layer)


def _listed(name: str, *, problems: Sequence[str]) -> str:
    if len(problems) == 1:
        return f"recipe {name}: {problems[0]}"
    return "\n  ".join([f"recipe {name}: {len(problems)} problems", *problems])


def _find(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    built_in = {file.stem: file for file in sorted(builtin_folder("recipes").glob("*.toml"))}
    if isinstance(name_or_path, str) and name_or_path in built_in:
        return built_in[name_or_path]
    if path.is_file():
        return path
    if path.exists():
        raise RecipeError(f"recipe {path}: is not a regular file", advice="Name a .toml file.")
    known = f"Built-in recipes: {', '.join(built_in)}."
    if path.suffix == ".toml" or len(path.parts) > 1:
        raise RecipeError(f"recipe {path}: there is no such file", advice=known)
    raise RecipeError(
        f"recipe {name_or_path}: there is no such file and no built-in recipe of that name."
        f"{nearest(str(name_or_path), built_in)}",
        advice=known,
    )


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise RecipeError(f"recipe {path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise RecipeError(
            f"recipe {path}: line {line} is not UTF-8 text", advice="Save the file as UTF-8."
        ) from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        last = text.rstrip("\r\n").split("\n")
        end = f"(at line {len(last)}, column {len(last[-1]) + 1})"
        where = re.sub(r"\(at end of document\)", end, str(error))
        raise RecipeError(f"recipe {path}: is not TOML: {where}", advice="Correct that line.") from error
    except RecursionError as error:
        raise RecipeError(
            f"recipe {path}: tables or arrays lie more than {_MAX_DEPTH} deep in one another.", advice=_ADVICE
        ) from error
    except ValueError as error:  # of Python's own, for a number of thousands of digits
        raise RecipeError(
            f"recipe {path}: holds a number of more digits than can be read.", advice=_ADVICE
        ) from error
