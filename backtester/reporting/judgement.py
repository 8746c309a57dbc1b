"""The verdict of a run and the way to its figures, as plain values for the template."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from backtester.reporting import words
from backtester.run_directory import RunRecord

__all__ = [
    "ANSWERS",
    "CHECKED",
    "OPPONENTS",
    "SERIES",
    "SHARPE_OPPONENTS",
    "at",
    "is_judged",
    "share",
    "smallest_interesting",
    "span_words",
    "verdict",
]

SERIES: Mapping[str, str] = {
    **words.LABELS,
    "exposure_matched": "Same exposure",
    "mean_return": "Mean of past returns",
}
"""All that the strategy is compared with; "same exposure" is buy-and-hold with as much in the market."""

OPPONENTS: Mapping[str, str] = {
    "buy_and_hold": "Over buy-and-hold",
    "exposure_matched": "Over same exposure",
    "last_return": "Over last return",
    "last_price": "Over last price",
}
"""Gains, by what they are gains over."""

SHARPE_OPPONENTS = ("buy_and_hold", "last_return")
"""At the same exposure the Sharpe ratio is that of buy-and-hold; the last price has none."""

CHECKED = ("strategy", "buy_and_hold", "last_return", "exposure_matched")
"""Curves whose figures have an interval."""

_TITLES: Mapping[str, str] = {
    "forecast": "Forecast",
    "money": "Money",
    "search": "Search",
    "stress": "Stress",
}
ANSWERS: Mapping[str, tuple[str, str]] = {
    "yes": ("Yes", "✓"),
    "no": ("No", "✗"),
    "inconclusive": ("Inconclusive", "?"),
}
"""Word and sign."""

_DECIMALS = {"forecast": 2, "search": 1}


def is_judged(record: RunRecord) -> bool:
    """Whether the run holds a judgement."""
    return bool(record.summary.get("judgement")) and bool(record.summary.get("verdict"))


def at(record: RunRecord, *path: str) -> Any:
    """Figure of the judgement; None where it, or anything on the way to it, is not defined.

    Examples
    --------
    >>> at(record, "money", "curves", "strategy", "sharpe", "value")  # doctest: +SKIP
    1.07
    """
    value: Any = record.summary["judgement"]
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def smallest_interesting(record: RunRecord, question: str) -> float | None:
    """Smallest effect that would be of interest, as the recipe set it before the result."""
    rows = record.summary["verdict"]["questions"]
    return next((row["smallest_interesting"] for row in rows if row["key"] == question), None)


def share(record: RunRecord) -> str:
    """How much an interval covers: 90% at a level of 5%, so that its lower end is the one-sided test."""
    return words.percent(at(record, "interval_level"), digits=0)


def span_words(bounds: Any, write: Callable[[Any], str]) -> str:
    """Write an interval as words; a dash where there is none."""
    if bounds is None or any(words.is_missing(bound) for bound in bounds):
        return words.DASH
    return f"{words.minus(write(bounds[0]))} to {words.minus(write(bounds[1]))}"


def _writer(key: str) -> Callable[[Any], str]:
    """Questions 1 and 3 are answered in shares, 2 and 4 in Sharpe ratios."""
    digits = _DECIMALS.get(key)
    if digits is None:
        return words.signed
    return lambda value: words.signed_percent(value, digits=digits)


def verdict(record: RunRecord) -> dict[str, Any]:
    """The answer, and the four steps that led to it."""
    given = record.summary["verdict"]
    steps = [
        _step(question, number=number, decided_by=given["decided_by"])
        for number, question in enumerate(given["questions"], start=1)
    ]
    deciding = next((step for step in steps if step["decisive"]), None)
    return {
        "answer": given["answer"],
        "badge": ANSWERS[given["answer"]],
        "sentence": given["sentence"],
        "steps": {step["key"]: step for step in steps},
        "deciding": deciding,
        "failed": given["decided_by"] == "failed_folds",
        "leaking": given["decided_by"] == "leak",
        "share": share(record),
        "level": at(record, "level"),
    }


def _step(question: Mapping[str, Any], *, number: int, decided_by: str | None) -> dict[str, Any]:
    key, figure = str(question["key"]), question["figure"]
    write = _writer(key)
    smallest = question["smallest_interesting"]
    return {
        "key": key,
        "number": number,
        "title": _TITLES[key],
        "question": question["question"],
        "answer": question["answer"],
        "badge": ANSWERS[question["answer"]],
        "reached": question["reached"],
        "decisive": key == decided_by,
        "reason": question["reason"],
        "name": figure["name"],
        "unit": figure["unit"],
        "value": words.minus(write(figure["value"])),
        "interval": span_words(figure["interval"], write),
        # one word, so that no line ends before the number
        "p": ""
        if question["p_value"] is None
        else words.probability(question["p_value"]).replace(" ", "\N{NO-BREAK SPACE}"),
        "smallest": "" if words.is_missing(smallest) else write(smallest),
        "strip": _strip(figure["value"], interval=figure["interval"], smallest=smallest),
    }


def _strip(value: Any, *, interval: Any, smallest: Any) -> dict[str, float] | None:
    """Give the places of the figure, its interval, zero and the smallest interesting effect, in per cent."""
    numbers = {"value": value, "zero": 0.0}
    if interval is not None:
        numbers |= {"low": interval[0], "high": interval[1]}
    if not words.is_missing(smallest):
        numbers["smallest"] = smallest
    known = {name: float(number) for name, number in numbers.items() if not words.is_missing(number)}
    if "value" not in known:
        return None
    lowest, highest = min(known.values()), max(known.values())
    width = 1.12 * (highest - lowest) or 1.0
    middle = (lowest + highest) / 2.0
    return {name: round(50.0 + 100.0 * (number - middle) / width, 2) for name, number in known.items()}
