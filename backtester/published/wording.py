"""Figures and names as the sentence, the flaws, the page and the gallery write them alike."""

from __future__ import annotations

import math

__all__ = ["LAST_PRICE", "ROW_BEFORE", "baseline_name", "price_text"]

LAST_PRICE = "last price"
ROW_BEFORE = "row read before (the next session's price)"
"""The same baseline where time is read backwards: there it is no last price."""


def baseline_name(*, backwards: bool) -> str:
    """Name the forecast that learns nothing: the price of the row before."""
    return ROW_BEFORE if backwards else LAST_PRICE


def price_text(value: float, *, like: float | None = None) -> str:
    """Write a price or an error in its unit: four significant digits at least, so that neighbours differ.

    Parameters
    ----------
    value : what is written
    like : with the digits of this one, as a deviation beside its mean

    Examples
    --------
    >>> price_text(5.7104), price_text(904.02), price_text(14.532), price_text(0.00042131), price_text(0.0)
    ('5.710', '904.0', '14.532', '0.0004213', '0.000')
    """
    size = abs(value if like is None else like)
    if size >= 100.0:
        return f"{value:,.1f}"
    if size >= 1.0 or size == 0.0 or not math.isfinite(size):
        return f"{value:.3f}"
    return f"{value:.3e}" if size < 1e-6 else f"{value:.{3 - math.floor(math.log10(size))}f}"
