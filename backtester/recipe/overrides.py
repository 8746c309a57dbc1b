"""Keys set on the command line, ``--set model.units=25``, and how they change a recipe."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from backtester.errors import RecipeError, UsageError
from backtester.recipe.keys import class_of, is_array, is_text, section_classes, section_names
from backtester.recipe.problems import unknown_key, unknown_name
from backtester.recipe.section import Section

__all__ = ["FILE_REFERENCE", "apply_overrides", "parse_overrides", "read_overrides"]

FILE_REFERENCE = re.compile(r"(?P<file>.+\.py):(?P<name>[^:]+)", re.DOTALL)
"""A reference to something in a file, ``folder/file.py:name``; a module has no ``.py``."""


def parse_overrides(assignments: Sequence[str]) -> dict[str, Any]:
    """Read assignments as given to ``--set``.

    Parameters
    ----------
    assignments : each ``section.key=value``. The value is read as TOML (``25``, ``[25, 10]``, ``true``,
        ``2005-01-03``, ``"x"``); what is not TOML, and all that is given to a key that takes any text, is
        that text. Files (``data.path``, ``"file.py:name"``) are relative to the current folder and come
        back absolute

    Returns
    -------
    dict of values by ``section.key``; the last assignment to a key holds

    Raises
    ------
    UsageError : there is no ``=``, or no key before it
    RecipeError : no section or no kind of it has such a key; the nearest is named

    Examples
    --------
    >>> parse_overrides(["model.units=25", "data.symbol=AAPL", "folds.train=3Y"])
    {'model.units': 25, 'data.symbol': 'AAPL', 'folds.train': '3Y'}
    """
    values = read_overrides(assignments)
    problems = []
    for path, value in values.items():
        section, _, key = path.partition(".")
        if path == "seed" or _fields_of(section, key.partition(".")[0]):
            continue
        if section in section_names() and key:
            problems.append(unknown_key(section, key, value=value, table={}))
        else:
            problems.append(unknown_name(section, value={key: value} if key else value))
    if problems:
        raise RecipeError("\n".join(problems))
    return values


def read_overrides(overrides: Sequence[str] | Mapping[str, Any]) -> dict[str, Any]:
    """Give values by ``section.key``, unchecked: from ``--set`` texts, or from a mapping."""
    if isinstance(overrides, str):
        raise UsageError(f"overrides = {overrides!r}: must be a list of texts or a mapping")
    values: dict[str, Any] = {}
    if isinstance(overrides, Mapping):
        for path, value in overrides.items():
            tables = isinstance(value, Mapping) and path in section_names()
            values.update({f"{path}.{key}": item for key, item in value.items()} if tables else {path: value})
    else:
        for assignment in overrides:
            path, equals, text = assignment.partition("=")
            if not equals or not path.strip():
                raise UsageError(
                    f"--set {assignment}: must be written as section.key=value",
                    advice="For example: --set model.units=25",
                )
            values[path.strip()] = _read_value(path.strip(), text=text.strip())
    return {path: _anchor(path, value=value, folder=Path.cwd()) for path, value in values.items()}


def apply_overrides(mapping: Mapping[str, Any], *, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Set keys in a recipe that is not checked yet.

    A new ``kind`` of model or strategy drops the keys that belonged to the old kind and mean nothing to
    the new one, and always its ``parameters``; keys that are overridden too are kept, and so checked. A
    single value for a key that takes an array becomes an array of one.
    """
    result = {name: _plain_table(value) for name, value in mapping.items()}
    for section in ("model", "strategy"):
        if f"{section}.kind" in overrides and isinstance(result.get(section, {}), dict):
            new = {**result.get(section, {}), "kind": overrides[f"{section}.kind"]}
            result[section] = _without_old_keys(section, old=result.get(section, {}), new=new)
    for path, value in overrides.items():
        *tables, key = path.split(".")
        table = result
        for name in tables:
            if not isinstance(table.get(name), dict):
                table[name] = {}
            table = table[name]
        table[key] = value
    for path in overrides:
        section, _, key = path.partition(".")
        _wrap_single(result, section=section, key=key)
    return result


def _plain_table(value: Any) -> Any:
    if isinstance(value, Section):
        return value.model_dump()
    return {key: _plain_table(item) for key, item in value.items()} if isinstance(value, Mapping) else value


def _without_old_keys(section: str, *, old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    old_class, new_class = class_of(section, table=old), class_of(section, table=new)
    default = next(iter(section_classes(section)))
    if old_class is None or new_class is None or old.get("kind", default) == new["kind"]:
        return dict(new)
    dropped = {"parameters", *set(old_class.model_fields).difference(new_class.model_fields)}
    return {key: value for key, value in new.items() if key not in dropped}


def _wrap_single(mapping: dict[str, Any], *, section: str, key: str) -> None:
    table = mapping.get(section)
    if section not in section_names() or not isinstance(table, dict):
        return
    cls = class_of(section, table=table)
    if cls is None or key not in cls.model_fields or not is_array(cls.model_fields[key]):
        return
    if not isinstance(table[key], (list, tuple)):
        table[key] = [table[key]]


def _fields_of(section: str, key: str) -> list[FieldInfo]:
    if section not in section_names():
        return []
    classes = section_classes(section).values()
    return [cls.model_fields[key] for cls in classes if key in cls.model_fields]


def _read_value(path: str, *, text: str) -> Any:
    section, _, key = path.partition(".")
    fields = _fields_of(section, key)
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):  # no TOML, thousands of digits, or as many brackets
        return text
    if set(parsed) != {"value"}:
        return text
    # A ticker such as 7203 and a title such as 2020-01-01 are texts.
    if fields and all(map(is_text, fields)) and not isinstance(parsed["value"], str):
        return text
    return parsed["value"]


def _anchor(path: str, *, value: Any, folder: Path) -> Any:
    """Make files absolute: a recipe's own are relative to its folder, these to the current one."""
    if path == "data.path" and value and isinstance(value, str):
        return str(folder / value)
    if path == "features.columns" and isinstance(value, (list, tuple)):
        return [_anchor(path, value=item, folder=folder) for item in value]
    if path in {"model.kind", "strategy.kind", "features.columns"} and isinstance(value, str):
        reference = FILE_REFERENCE.fullmatch(value)
        return f"{folder / reference['file']}:{reference['name']}" if reference else value
    return value
