"""``stress.json``: what came of every axis, as JSON values."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from backtester.judgement import Answer
from backtester.stress.axis import Axis, AxisResult, Case

__all__ = ["axis_values", "stress_answer", "stress_sentence", "with_earlier", "without_nan"]

_MOST_NAMED = 6
_SMALLER_IS_BETTER = {"rmse_ratio", "u2"}


def axis_values(
    axis: Axis,
    result: AxisResult,
    *,
    retrained: bool,
    n_tried: int,
    baseline: Mapping[str, float],
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """Give an axis and its result as JSON values; None for what is not a finite number.

    Parameters
    ----------
    axis, result : what was asked and what came of it
    retrained : whether anything had to be trained for it
    n_tried : variants of it that count as trials
    baseline : the run's own figures
    settings : the ``[stress]`` that it was asked with
    """
    values = {
        "title": axis.title,
        "question": axis.question,
        "answer": Answer(result.answer).value,
        "sentence": result.sentence,
        "figure": result.figure,
        "retrained": retrained,
        "tried": n_tried,
        "chance": result.chance,
        "settings": dict(settings),
        "facts": dict(result.facts),
        "notes": list(result.notes),
        "overview": _overview(result, baseline=baseline),
        "cases": [_case(case) for case in result.cases],
        "pictures": [asdict(picture) for picture in result.pictures],
    }
    clean: dict[str, Any] = without_nan(values)
    return clean


def with_earlier(values: Mapping[str, Any], *, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Add what the axis had said before, so that asking it until it says yes leaves a trace.

    Parameters
    ----------
    values : from `axis_values`
    before : the same axis in the ``stress.json`` that these replace

    Returns
    -------
    values with ``earlier``: ``answer`` and ``settings`` of each time that other cases came out, the first one
    first; asked again as it was, an axis leaves nothing
    """
    if before is None:
        return {**values, "earlier": []}
    earlier = list(before.get("earlier", ()))
    if any(before.get(name) != values[name] for name in ("answer", "cases")):
        earlier.append({"answer": before["answer"], "settings": before.get("settings", {})})
    return {**values, "earlier": earlier}


def _overview(result: AxisResult, *, baseline: Mapping[str, float]) -> dict[str, Any]:
    """The run itself is in no count: it may have been chosen for its result."""
    cases = [case for case in result.cases if not case.own]
    values = [case.figures.get(result.figure, math.nan) for case in cases]
    finite = [value for value in values if math.isfinite(value) and not result.chance]
    asked = [case.stands for case in cases if case.stands is not None]
    worst = max if result.figure in _SMALLER_IS_BETTER else min
    return {
        "baseline": baseline.get(result.figure, math.nan),
        "median": statistics.median(finite) if finite else math.nan,
        "worst": worst(finite, default=math.nan),
        "stands": sum(asked) / len(asked) if asked else math.nan,
        "cases": len(cases),
    }


def _case(case: Case) -> dict[str, Any]:
    return {
        "label": case.label,
        "coordinates": dict(case.coordinates),
        "figures": dict(case.figures),
        "stands": case.stands,
        "note": case.note,
        "own": case.own,
    }


def stress_answer(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """Give the answer of the verdict's question about stress, and its reason."""
    asked = next(question for question in verdict["questions"] if question["key"] == "stress")
    return {"answer": asked["answer"], "reason": asked["reason"]}


def stress_sentence(axes: Mapping[str, Mapping[str, Any]]) -> str:
    """Say in one sentence on how many axes the result holds."""
    titles = {
        answer: [str(axis["title"]).lower() for axis in axes.values() if axis["answer"] == answer]
        for answer in Answer
    }
    holds = f"The result holds on {len(titles[Answer.YES])} of {len(axes)} axes"
    fails = f" and fails on {_listed(titles[Answer.NO])}" if titles[Answer.NO] else " and fails on none"
    undecided = titles[Answer.INCONCLUSIVE]
    if not undecided:
        return f"{holds}{fails}."
    if len(undecided) == len(axes) > 1:
        return f"{holds}{fails}: all are undecided."
    told = _listed(undecided) if len(undecided) <= _MOST_NAMED else f"{len(undecided)} others"
    return f"{holds}{fails}; undecided: {told}."


def _listed(titles: Sequence[str]) -> str:
    return titles[0] if len(titles) == 1 else f"{', '.join(titles[:-1])} and {titles[-1]}"


def without_nan(value: Any) -> Any:
    """Give a value as JSON wants it: None for what is not a finite number, plain numbers, texts as keys."""
    if isinstance(value, Mapping):
        return {str(key): without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    if isinstance(value, bool | str) or value is None:
        return value
    number = value.item() if hasattr(value, "item") else value
    return number if isinstance(number, int) or math.isfinite(number) else None
