"""Which keys there are, and what each of them takes, in words: for messages and for the reference page."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from datetime import date
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import Tag
from pydantic.fields import FieldInfo

from backtester.recipe.kinds import REFERENCE
from backtester.recipe.section import Allowed, Section
from backtester.recipe.sections import Recipe

__all__ = [
    "allowed_words",
    "choices_of",
    "class_of",
    "is_array",
    "is_text",
    "section_classes",
    "section_names",
]

_PLAIN = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    date: "a date such as 2005-01-03",
}
_BOUNDS = {"ge": "at least {}", "gt": "above {}", "le": "at most {}", "lt": "below {}"}


@cache
def section_classes(section: str) -> Mapping[str, type[Section]]:
    """Give the classes of a section by kind; a section without kinds has the one kind ``""``."""
    annotation = Recipe.model_fields[section].annotation
    members = [member for member in get_args(annotation) or (annotation,) if member is not types.NoneType]
    if len(members) == 1 and isinstance(members[0], type) and issubclass(members[0], Section):
        return types.MappingProxyType({"": members[0]})
    classes: dict[str, type[Section]] = {}
    for member in members:
        cls, *metadata = get_args(member)
        classes.update({entry.tag: cls for entry in metadata if isinstance(entry, Tag)})
    return types.MappingProxyType(classes)


@cache
def section_names() -> tuple[str, ...]:
    """Give the names of all sections, in the order of a recipe."""
    return tuple(name for name, field in Recipe.model_fields.items() if field.annotation is not int)


def class_of(section: str, *, table: Mapping[str, Any]) -> type[Section] | None:
    """Give the class that takes this table of a section; None for an unknown kind."""
    classes = section_classes(section)
    if "" in classes:
        return classes[""]
    kind = table.get("kind", next(iter(classes)))
    if not isinstance(kind, str):
        return None
    return classes.get(REFERENCE if ":" in kind else kind)


def is_array(field: FieldInfo) -> bool:
    """Tell whether a key takes an array."""
    return get_origin(field.annotation) is tuple


def is_text(field: FieldInfo) -> bool:
    """Tell whether a key takes any text."""
    return field.annotation is str


def choices_of(annotation: Any) -> tuple[str, ...]:
    """Give the names that a key takes; empty where it takes other values."""
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return tuple(str(member.value) for member in annotation)
    if get_origin(annotation) is Literal:
        return tuple(map(str, get_args(annotation)))
    return ()


def allowed_words(field: FieldInfo) -> str:
    """Say what a key takes: type, bounds, choices.

    Examples
    --------
    >>> from backtester.recipe.sections import TrainingSection
    >>> allowed_words(TrainingSection.model_fields["learning_rate"])
    'a number, above 0, at most 10'
    """
    return _words(field.annotation, metadata=field.metadata)


def _words(annotation: Any, *, metadata: Sequence[Any]) -> str:
    for entry in metadata:
        if isinstance(entry, Allowed):
            return entry.text
    if get_origin(annotation) is Annotated:
        inner, *outer = get_args(annotation)
        nested = [
            item for entry in outer for item in (entry.metadata if isinstance(entry, FieldInfo) else [entry])
        ]
        return _words(inner, metadata=nested)
    if get_origin(annotation) in {Union, types.UnionType}:
        return _words(get_args(annotation)[0], metadata=metadata)
    if get_origin(annotation) is tuple:
        return _array_words(get_args(annotation)[0], metadata=metadata)
    choices = choices_of(annotation)
    if choices:
        return ("one of " if len(choices) > 1 else "") + ", ".join(f'"{choice}"' for choice in choices)
    return ", ".join([_PLAIN[annotation], *_bounds(metadata, suffix=" characters")])


def _array_words(item: Any, *, metadata: Sequence[Any]) -> str:
    bounds = ", ".join(_bounds(metadata, suffix=" items"))
    return f"an array{' of ' + bounds if bounds else ''}, each {_words(item, metadata=())}"


def _bounds(metadata: Sequence[Any], *, suffix: str) -> list[str]:
    words = []
    for entry in metadata:
        for name, text in _BOUNDS.items():
            value = getattr(entry, name, None)
            if value is not None:
                words.append(text.format(f"{value:g}" if isinstance(value, float) else value))
        for name, word in (("min_length", "at least"), ("max_length", "at most")):
            value = getattr(entry, name, None)
            if value is not None:
                unit = suffix[:-1] if value == 1 else suffix
                words.append(f"{word} {value}{unit}")
    return words
