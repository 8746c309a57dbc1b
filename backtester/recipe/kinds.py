"""Sections with a kind: a named kind has typed keys of its own, a reference takes parameters."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field

from backtester.recipe.section import Allowed

__all__ = ["REFERENCE", "Parameters", "Reference", "discriminate"]

REFERENCE = "reference"
"""Tag of the class that takes what is written as ``"file.py:name"``."""


def discriminate(*, default: str) -> Discriminator:
    """Choose the class of a section by its ``kind``; a colon in it makes it a reference."""

    def tag(value: Any) -> str:
        kind = value.get("kind", default) if isinstance(value, dict) else getattr(value, "kind", "")
        return REFERENCE if ":" in str(kind) else str(kind)

    return Discriminator(tag)


def _copy_plain(value: Any) -> Any:
    """Copy what TOML and JSON both can hold; refuse the rest, so that a recipe reads back unchanged."""
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _copy_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copy_plain(item) for item in value]
    if isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise ValueError("not a plain value")


Parameters = Annotated[
    dict[str, Any],
    AfterValidator(_copy_plain),
    Allowed(text="a table of texts, finite numbers, true/false, arrays and tables"),
]

Reference = Annotated[
    str,
    Field(pattern=r"^.+:.+$"),
    Allowed(text='"file.py:name" or "module:name"'),
]
