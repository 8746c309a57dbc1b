"""What all sections of a recipe share: frozen, strict, unknown keys refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

__all__ = ["Allowed", "Section", "Session", "Span"]


class Section(BaseModel):
    """Base of all sections.

    Strict: a whole number is not taken from a text, a truth value or a fraction. Only what TOML has
    no type for is converted: arrays to tuples, texts to enums.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What a key takes, in words, where its type and bounds alone do not tell it."""

    text: str


def _check_session(value: Any) -> date:
    """Take a date, or a text such as ``2005-01-03``; pydantic itself would also take seconds."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError("not a date")


def _check_span(value: Any) -> int | str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    if isinstance(value, str) and re.fullmatch(r"0*[1-9][0-9]{0,4}[YMWD]", value):
        return value
    raise ValueError("not a span")


Session = Annotated[date, BeforeValidator(_check_session), Allowed(text="a date such as 2005-01-03")]

Span = Annotated[
    int | str,
    BeforeValidator(_check_span),
    Allowed(text='a number of bars, at least 1, or a calendar span such as "3Y", "18M", "6W", "90D"'),
]
