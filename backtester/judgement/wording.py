"""Figures of a verdict in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = [
    "interval_words",
    "listed",
    "needed_words",
    "percent",
    "probability",
    "signed",
    "uncapitalised",
    "years_words",
]


def listed(labels: Sequence[str]) -> str:
    """Join labels as a sentence does.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"


def uncapitalised(text: str) -> str:
    """Make a sentence the part of another one."""
    return text[0].lower() + text[1:]


def years_words(judgement: Mapping[str, Any]) -> str:
    """Say how long the history is."""
    if judgement["years"] < 1.0:
        return f"{judgement['forecast']['n']} forecasts"
    return f"{judgement['years']:.1f} years of forecasts"


def needed_words(judgement: Mapping[str, Any], *, smallest: float) -> str:
    """Say the years that the smallest interesting gain takes, where these are fewer."""
    years = judgement["power"]["years_for_smallest"]
    if years is None or years <= judgement["years"]:
        return f"; a gain of {smallest:g} would be of interest"
    return f"; for a gain of {smallest:g} about {years:.0f} years would be needed"


def percent(value: float | None) -> str:
    """Write a share in per cent, with its sign."""
    return "undefined" if value is None else f"{100 * value:+.2f}%".replace("-", "−")


def signed(value: float | None) -> str:
    """Write a number with its sign."""
    return "undefined" if value is None else f"{value:+.2f}".replace("-", "−")


def interval_words(
    interval: list[float | None], *, write: Callable[[float | None], str], judgement: Mapping[str, Any]
) -> str:
    """Write an interval, with what it covers."""
    share = f"{100 * (1 - 2 * judgement['level']):.0f}%"
    return f"{share} interval {write(interval[0])} to {write(interval[1])}"


def probability(value: float, judgement: Mapping[str, Any]) -> str:
    """Write a p-value; the draws cannot tell smaller ones from one another."""
    least = 1.0 / judgement["draws"]
    return f"below {least:.4f}" if value <= least else f"{value:.3f}"
