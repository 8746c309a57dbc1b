"""Every problem of a recipe at once, in the user's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from backtester.recipe.checks import Contradiction, ContradictionsError
from backtester.recipe.keys import allowed_words, choices_of, class_of, section_classes, section_names
from backtester.recipe.kinds import REFERENCE
from backtester.recipe.sections import Recipe
from backtester.recipe.toml import format_key, format_value
from backtester.suggest import nearest

__all__ = ["check_mapping", "unknown_key", "unknown_name"]

_SHOWN = 60


def check_mapping(mapping: Mapping[str, Any]) -> tuple[Recipe | None, list[str]]:
    """Make the recipe, or say all that is wrong with it.

    Parameters
    ----------
    mapping : sections by name, as TOML gives them

    Returns
    -------
    the recipe and no problems, or None and one line for each problem
    """
    try:
        return Recipe.model_validate(dict(mapping)), []
    except ValidationError as error:
        details = error.errors(include_url=False)
    faults: dict[tuple[str, ...], list[ErrorDetails]] = {}
    for detail in details:
        if detail["loc"]:
            faults.setdefault(_path_of(detail), []).append(detail)
    lines = [_line_of(path, details=found, mapping=mapping) for path, found in faults.items()]
    contradictions = [item for detail in details for item in _contradictions_in(detail)]
    if faults:
        contradictions = _contradictions_beside(set(faults), mapping=mapping)
    return None, [*lines, *(item.text for item in contradictions)]


def unknown_key(section: str, key: str, *, value: Any, table: Mapping[str, Any]) -> str:
    """Say that a section has no such key, and which one was probably meant."""
    cls = class_of(section, table=table)
    known = list(cls.model_fields) if cls is not None else _keys_of(section)
    shown = f"{section}.{_key(key)} = {_shown(value)}: unknown key"
    if key in _keys_of(section):
        kind = table.get("kind", next(iter(section_classes(section))))
        return f"{shown} for kind = {_shown(kind)}; known keys: {', '.join(known)}."
    hint = nearest(key, known)
    if hint:
        return f"{shown}.{hint}"
    homes = [name for name in section_names() if key in _keys_of(name)]
    return f"{shown}; it belongs to [{homes[0]}]." if homes else f"{shown}; known keys: {', '.join(known)}."


def unknown_name(name: str, *, value: Any) -> str:
    """Say that there is no such section, or no such key outside the sections."""
    if isinstance(value, Mapping):
        hint = nearest(name, section_names()) or f" Known sections: {', '.join(section_names())}."
        return f"[{_key(name)}]: unknown section.{hint}"
    homes = [section for section in section_names() if name in _keys_of(section)]
    if homes:
        return f"{_key(name)} = {_shown(value)}: unknown key outside a section; it belongs to [{homes[0]}]."
    return f"{_key(name)} = {_shown(value)}: unknown key.{nearest(name, Recipe.model_fields)}"


def _contradictions_in(detail: ErrorDetails) -> tuple[Contradiction, ...]:
    cause = detail.get("ctx", {}).get("error")
    return cause.contradictions if isinstance(cause, ContradictionsError) else ()


def _contradictions_beside(
    suspect: set[tuple[str, ...]], *, mapping: Mapping[str, Any]
) -> list[Contradiction]:
    """Check what is sound against itself: without the faulty keys, and blind to what those touch."""
    sound = {
        name: {key: item for key, item in value.items() if (name, key) not in suspect}
        if isinstance(value, Mapping)
        else value
        for name, value in mapping.items()
        if (name,) not in suspect
    }
    try:
        Recipe.model_validate(sound)
    except ValidationError as error:
        found = [item for detail in error.errors(include_url=False) for item in _contradictions_in(detail)]
        doubtful = {".".join(path) for path in suspect}
        # A misspelt key leaves its section's default in place: nothing can be said about that section.
        doubtful |= {path[0] for path in suspect if len(path) > 1 and path[1] not in _keys_of(path[0])}
        return [
            item
            for item in found
            if doubtful.isdisjoint(item.keys) and doubtful.isdisjoint(key.split(".")[0] for key in item.keys)
        ]
    return []


def _keys_of(section: str) -> list[str]:
    """Give the keys that any kind of a section knows."""
    return list(dict.fromkeys(key for cls in section_classes(section).values() for key in cls.model_fields))


def _path_of(detail: ErrorDetails) -> tuple[str, ...]:
    """Give section and key; after the name of a section that has kinds, pydantic puts the kind."""
    section, *rest = map(str, detail["loc"])
    has_kinds = section in section_names() and "" not in section_classes(section)
    return (section, *rest[1:2]) if has_kinds else (section, *rest[:1])


def _key(name: str) -> str:
    return _cut(format_key(name))


def _shown(value: Any) -> str:
    return _cut(format_value(value))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _line_of(path: tuple[str, ...], *, details: list[ErrorDetails], mapping: Mapping[str, Any]) -> str:
    section, *keys = path
    if not keys:
        return _top_level_line(section, value=details[0]["input"])
    table, key = mapping[section], keys[0]
    cls = class_of(section, table=table)
    if cls is None or key not in cls.model_fields:
        return unknown_key(section, key, value=details[0]["input"], table=table)
    positions = [str(detail["loc"][-1] + 1) for detail in details if isinstance(detail["loc"][-1], int)]
    items = f" (item {', '.join(positions)})" if positions else ""
    return f"{section}.{key} = {_shown(table[key])}{items}: {_must_be(cls, key=key, value=table[key])}"


def _must_be(cls: type[Any], *, key: str, value: Any) -> str:
    field = cls.model_fields[key]
    hint = nearest(value, choices_of(field.annotation)) if isinstance(value, str) else ""
    return f"must be {allowed_words(field)}.{hint}"


def _top_level_line(name: str, *, value: Any) -> str:
    if name in section_names():
        if isinstance(value, Mapping):
            return _kind_line(name, kind=value.get("kind"))
        example = next(iter(next(iter(section_classes(name).values())).model_fields))
        return f"{name} = {_shown(value)}: must be a table, [{name}], with keys such as {name}.{example}."
    if name in Recipe.model_fields:
        return f"{name} = {_shown(value)}: {_must_be(Recipe, key=name, value=value)}"
    return unknown_name(name, value=value)


def _kind_line(section: str, *, kind: object) -> str:
    named = [tag for tag in section_classes(section) if tag != REFERENCE]
    hint = nearest(kind, named) if isinstance(kind, str) else ""
    return (
        f"{section}.kind = {_shown(kind)}: must be one of {', '.join(map(_shown, named))}, "
        f'or your own as "file.py:name".{hint}'
    )
