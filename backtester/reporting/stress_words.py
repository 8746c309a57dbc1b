"""Names and numbers of a stress test as a reader sees them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from backtester.reporting import words

__all__ = [
    "FIGURES",
    "LOWER_IS_BETTER",
    "REFERENCES",
    "column_name",
    "fact_rows",
    "figure_name",
    "key_words",
    "known",
    "ranked_axes",
    "sign_of",
    "unit_of",
    "worst_first",
    "writer_of",
]

Write = Callable[[Any], str]


def _fine(value: Any) -> str:
    return words.number(value, digits=4)


def _fine_percent(value: Any) -> str:
    return words.signed_percent(value, digits=2)


_FIGURES: Mapping[str, tuple[str, Write]] = {
    "sharpe_difference": ("Gain in Sharpe ratio", words.signed),
    "sharpe": ("Sharpe ratio", words.number),
    "sharpe_holding": ("Buy-and-hold's Sharpe ratio", words.number),
    "excess": ("Return above buy-and-hold, a year", words.signed_percent),
    "cagr": ("Return a year", words.percent),
    "max_drawdown": ("Largest drawdown", words.percent),
    "rmse_ratio": ("RMSE ratio", _fine),
    "u2": ("Theil's U2", _fine),
    "r2_oos": ("R² out of sample", _fine_percent),
}
"""Figures that cases have in common, in the order of the tables."""

FIGURES: tuple[str, ...] = tuple(_FIGURES)

_SHARE_FIGURES = frozenset({"excess", "cagr", "max_drawdown", "r2_oos"})

LOWER_IS_BETTER = frozenset({"rmse_ratio", "u2"})

REFERENCES: Mapping[str, float] = {"rmse_ratio": 1.0, "u2": 1.0}
"""Where a figure says "no better than doing nothing"; zero for all others."""

_LETTERS = {
    "bp": "(bp)",
    "n": "number of",
    "sd": "standard deviation",
    "r2": "R²",
    "u2": "U2",
    "rmse": "RMSE",
}
_SHARES = frozenset({"share", "rate", "probability", "return"})
_SIGNED = frozenset({"difference", "gain", "excess"})
_MOST_PARTS = 8
_P_VALUE = re.compile(r"(^|_)p(_value)?(_|$)")


def known(values: Iterable[Any]) -> list[float]:
    """Those that are numbers."""
    return [float(value) for value in values if not words.is_missing(value)]


_HEADS: Mapping[str, str] = {
    "sharpe_difference": "Gain in Sharpe",
    "sharpe_holding": "Sharpe of holding",
    "excess": "Above holding",
    "r2_oos": "R²",
    "u2": "U2",
}


def column_name(figure: str, *, given: str = "") -> str:
    """Name of a figure at the head of a narrow column."""
    return _HEADS.get(figure) or figure_name(figure, given=given)


def figure_name(figure: str, *, given: str = "") -> str:
    """Name of a figure: the one it always has, else the one given, else its key in words."""
    return _FIGURES[figure][0] if figure in _FIGURES else given or key_words(figure)


def unit_of(figure: str, *, percent: bool = False) -> str:
    """``%`` for a share; empty for all else."""
    share = figure in _SHARE_FIGURES if figure in _FIGURES else bool(_SHARES & set(figure.split("_")))
    return "%" if percent or share else ""


def writer_of(figure: str, values: Iterable[Any] = (), *, percent: bool = False) -> Write:
    """How a figure is written.

    Parameters
    ----------
    figure : its key
    values : all that will stand beside each other, which decide the decimals of an axis's own figure
    percent : whether an axis's own figure is a share
    """
    if figure in _FIGURES:
        return _FIGURES[figure][1]
    parts = set(figure.split("_"))
    if unit_of(figure, percent=percent):
        return words.signed_percent if _SIGNED & parts else words.percent
    if _P_VALUE.search(figure):
        return lambda value: words.number(value, digits=3)
    if _SIGNED & parts:
        return words.signed
    found = [abs(value) for value in known(values)]
    if found and all(value == round(value) for value in found):
        return words.count
    largest = max(found, default=1.0)
    digits = 0 if largest >= 1000.0 else 2 if largest >= 0.1 else 4
    return lambda value: words.number(value, digits=digits)


def key_words(key: str) -> str:
    """Key of a figure or a fact in words.

    Examples
    --------
    >>> key_words("break_even_bp"), key_words("p_value"), key_words("p_value_sharpe")
    ('Break even (bp)', 'p-value', 'p-value, Sharpe ratio')
    """
    tested = key.removeprefix("p_value_")
    if tested != key and tested in _FIGURES:
        return f"p-value, {_FIGURES[tested][0]}"
    if _P_VALUE.search(key):
        rest = _P_VALUE.sub(" ", key).replace("_", " ").strip()
        return f"p-value, {rest}" if rest else "p-value"
    text = " ".join(_LETTERS.get(part, part) for part in key.split("_") if part)
    return text[:1].upper() + text[1:]


def fact_rows(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Facts of an axis as (label, text), in the order of the file, which is that of their keys."""
    rows = [(str(key), _fact(str(key), value)) for key, value in sorted(facts.items())]
    return [(figure_name(key), text) for key, text in rows if text]


def _fact(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        figure = key in _FIGURES
        return ", ".join(
            f"{key_words(str(name)).lower() if figure else key_words(str(name))} "
            f"{_fact(key if figure else str(name), part)}"
            for name, part in sorted(value.items())
        )
    if isinstance(value, (list, tuple)):
        told = ", ".join(_fact(key, part) for part in value[:_MOST_PARTS])
        more = len(value) - _MOST_PARTS
        return f"{told} and {more:,} more" if more > 0 else told or words.DASH
    if value is None or words.is_missing(value):
        return words.DASH
    if not isinstance(value, (int, float)):
        return str(value)
    if _P_VALUE.search(key):
        return words.probability(value).removeprefix("p ").removeprefix("= ")
    if (key in _FIGURES or unit_of(key)) and not isinstance(value, int):
        return words.minus(writer_of(key)(value).removeprefix("+"))
    return words.minus(_three_digits(float(value)))


def _three_digits(value: float) -> str:
    """Three digits that count, and all of a larger whole number."""
    if value == round(value):
        return words.count(value)
    digits = min(6, max(0, 2 - math.floor(math.log10(abs(value)))))
    text = words.number(value, digits=digits)
    return text.rstrip("0").rstrip(".") if "." in text else text


def sign_of(figure: str) -> float:
    """1 where more is better, -1 where less is."""
    return -1.0 if figure in LOWER_IS_BETTER else 1.0


def worst_first(cases: Iterable[Mapping[str, Any]], figure: str) -> list[Mapping[str, Any]]:
    """Cases that have the figure, the worst first."""
    found = [case for case in cases if not words.is_missing(case["figures"].get(figure))]
    return sorted(found, key=lambda case: sign_of(figure) * float(case["figures"][figure]))


_GRAVEST = ("no", "inconclusive", "yes")


def ranked_axes(stress: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Axes of ``stress.json`` by key, those first that the result does not survive."""
    axes, order = stress["axes"], list(stress.get("order") or ())
    listed = [key for key in order if key in axes] + [key for key in axes if key not in order]
    return sorted(((key, axes[key]) for key in listed), key=lambda item: _GRAVEST.index(item[1]["answer"]))
