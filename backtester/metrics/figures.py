"""Figures as they are written to files."""

from __future__ import annotations

import math
from collections.abc import Mapping

__all__ = ["defined"]


def defined(figures: Mapping[str, float | int]) -> dict[str, float | int | None]:
    """Give the figures with None in place of what is not a finite number, as JSON wants it.

    Examples
    --------
    >>> defined({"sharpe": float("nan"), "trades": 3})
    {'sharpe': None, 'trades': 3}
    """
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}
