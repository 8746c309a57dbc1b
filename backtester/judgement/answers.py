"""What a question of the verdict is answered with."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

__all__ = ["Answer", "answered_with", "below", "or_else"]


class Answer(StrEnum):
    """What the evidence supports."""

    YES = "yes"
    NO = "no"
    INCONCLUSIVE = "inconclusive"


def answered_with(
    answer: Answer,
    reason: str,
    *,
    figure: Mapping[str, Any],
    p_value: float | None,
    smallest: float | None,
    judgement: Mapping[str, Any],
    years_to_decide: float | None,
) -> dict[str, Any]:
    """Give an answer as JSON values: with its reason, the figure it rests on, and what would decide it."""
    return {
        "answer": answer.value,
        "reason": reason,
        "figure": dict(figure),
        "p_value": p_value,
        "smallest_interesting": smallest,
        "years": judgement["years"],
        "years_to_decide": years_to_decide,
    }


def below(interval: list[float | None], smallest: float) -> bool:
    """Whether an interval ends below the smallest effect of interest."""
    return interval[1] is not None and interval[1] < smallest


def or_else(value: float | None, instead: float) -> float:
    """Give a figure, or another where it is undefined."""
    return instead if value is None else value
