"""A recipe as plain values, as a file, and as the hash of the question it asks."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from backtester.recipe.overrides import FILE_REFERENCE
from backtester.recipe.sections import Recipe
from backtester.recipe.toml import format_table, format_value

__all__ = [
    "as_mapping",
    "as_toml",
    "bare_reference",
    "question_sha256",
    "shareable_mapping",
    "shareable_text",
    "trial_sha256",
]

_QUOTED = re.compile(r"""(['"])(?:file://)?(/[^'"\n]*/[^'"\n]*)\1""")
_ABSOLUTE = re.compile(
    r"""(?<![\w./\\-])(?:file://)?(?P<path>/(?:[^\s/:;,'"()<>|\[\]]+/)+[^\s/:;,'"()<>|\[\]]*)"""
)
"""A path of two parts at least; neither a division nor what follows the host of an address."""


def as_mapping(recipe: Recipe) -> dict[str, Any]:
    """Give every key, defaults included, in values that JSON can hold.

    Returns
    -------
    dict of sections; enums by value, dates as ISO texts, absent dates as None, an absent section left out.
    `recipe_from_mapping` makes the same recipe from it
    """
    return {key: value for key, value in recipe.model_dump(mode="json").items() if value is not None}


def as_toml(recipe: Recipe) -> str:
    """Write the complete recipe as a file that loads to the same recipe."""
    values = {key: value for key, value in recipe.model_dump().items() if value is not None}
    top = [f"{key} = {format_value(value)}" for key, value in values.items() if not isinstance(value, dict)]
    tables = [format_table(key, values=value) for key, value in values.items() if isinstance(value, dict)]
    return "\n".join(["\n".join(top) + "\n", *tables])


def shareable_mapping(recipe: Recipe) -> dict[str, Any]:
    """Give `as_mapping` with files and folders by their names alone: it says nothing about the machine."""
    mapping = _with_bare_references(as_mapping(recipe))
    files = (("data", "path"), ("execution", "store"), ("execution", "registry"), ("report", "directory"))
    for section, key in files:
        mapping[section][key] = PurePath(mapping[section][key]).name
    mapping["stress"]["symbols"] = [PurePath(name).name for name in mapping["stress"]["symbols"]]
    for section in ("model", "strategy"):
        if "parameters" in mapping[section]:
            mapping[section]["parameters"] = _with_bare_paths(mapping[section]["parameters"])
    return mapping


def shareable_text(text: str, *, recipe: Recipe) -> str:
    """Give a message with files and folders by their names alone: an exception tells whole paths.

    A path with blanks is known by its quotes, or as one below the home or the current folder.

    Examples
    --------
    >>> from backtester.recipe import Recipe
    >>> shareable_text("No such file: '/Users/me/my prices/levels.csv' (https://x.org/a)", recipe=Recipe())
    "No such file: 'levels.csv' (https://x.org/a)"
    """
    for reference in (recipe.model.kind, recipe.strategy.kind, *recipe.features.columns):
        text = text.replace(reference, bare_reference(reference))
    text = _QUOTED.sub(lambda found: f"{found[1]}{_bare_path(found[2])}{found[1]}", text)
    for folder in _folders_here():
        text = re.sub(rf"{re.escape(folder)}(?![\w/.-])", "~", text).replace(f"{folder}/", "/./")
    return _ABSOLUTE.sub(lambda found: _bare_path(found["path"]), text)


def _bare_path(path: str) -> str:
    return "~" if PurePath(path) == PurePath(os.path.expanduser("~")) else PurePath(path).name


def _folders_here() -> list[str]:
    folders = [os.path.expanduser("~")]
    with contextlib.suppress(OSError):  # removed under our feet
        folders.append(os.getcwd())
    return [folder for folder in folders if folder.count("/") and folder != "/"]


def bare_reference(text: str) -> str:
    """Give a reference to a file without its folders; any other text as it is."""
    reference = FILE_REFERENCE.fullmatch(text)
    return f"{PurePath(reference['file']).name}:{reference['name']}" if reference else text


def question_sha256(recipe: Recipe, *, bars_sha256: str, code_sha256s: Mapping[str, str]) -> str:
    """Hash what determines the answer: two runs with this hash in common ask the same question.

    Left out are ``[execution]``, ``[report]``, ``[stress]`` and ``[audit]``, which change no figure of the
    run, and how the prices were read: the hash of the bars stands for that.

    Parameters
    ----------
    recipe : the recipe
    bars_sha256 : of the bars as used
    code_sha256s : of each file of the user's, by the reference that names it, in the recipe's order

    Returns
    -------
    str, 64 hexadecimal digits; the same for the same files in another folder
    """
    return _sha256_of(recipe, without=(), bars_sha256=bars_sha256, code_sha256s=code_sha256s)


def trial_sha256(recipe: Recipe, *, bars_sha256: str, code_sha256s: Mapping[str, str]) -> str:
    """Hash what determines the returns: `question_sha256` without ``[verdict]`` and ``[published]``.

    To judge the same returns by other thresholds, or to show another score beside them, is no new trial.
    """
    return _sha256_of(
        recipe, without=("verdict", "published"), bars_sha256=bars_sha256, code_sha256s=code_sha256s
    )


def _sha256_of(
    recipe: Recipe, *, without: Sequence[str], bars_sha256: str, code_sha256s: Mapping[str, str]
) -> str:
    mapping = _with_bare_references(as_mapping(recipe))
    for section in ("execution", "report", "stress", "audit", *without):
        mapping.pop(section, None)
    mapping["data"] = {key: mapping["data"][key] for key in ("symbol", "periods_per_year")}
    # In the order given, which is the columns': two files of one name in two folders are told apart.
    code = [[bare_reference(reference), digest] for reference, digest in code_sha256s.items()]
    question = {"recipe": mapping, "bars": bars_sha256, "code": code}
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()


def _with_bare_references(mapping: dict[str, Any]) -> dict[str, Any]:
    for section in ("model", "strategy"):
        mapping[section]["kind"] = bare_reference(mapping[section]["kind"])
    for section, key in (("features", "columns"), ("stress", "axes")):
        mapping[section][key] = [bare_reference(name) for name in mapping[section][key]]
    return mapping


def _with_bare_paths(value: Any) -> Any:
    """Reduce absolute paths in the parameters of a user's own model or strategy."""
    if isinstance(value, dict):
        return {key: _with_bare_paths(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_bare_paths(item) for item in value]
    if isinstance(value, str) and PurePath(value).is_absolute():
        return PurePath(value).name
    return value
