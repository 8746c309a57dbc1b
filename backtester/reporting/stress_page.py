"""The page of a stress test: what was tried, where the result held, and all that it rests on."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from backtester.files import write_bytes
from backtester.reporting import words
from backtester.reporting.chart_style import ANSWERS as ANSWER_COLOURS
from backtester.reporting.chart_style import COLOURS, DASHES
from backtester.reporting.judgement import ANSWERS
from backtester.reporting.page import data_block, page_environment
from backtester.reporting.stress_charts import picture_figure, picture_words
from backtester.reporting.stress_words import (
    FIGURES,
    column_name,
    fact_rows,
    figure_name,
    key_words,
    known,
    ranked_axes,
    worst_first,
    writer_of,
)

__all__ = ["STRESS_PAGE", "render_stress", "write_stress_page"]

STRESS_PAGE = "stress.html"
_MOST_OPEN = 25
"""Rows of a table that stand open; of a longer one, the worst."""
_WORST = 10
_MOST_ROWS = 500
_MINUS = re.compile(r"(?<![^\s(])-(?=\d)")
_COMMON = ("sharpe_difference", "sharpe", "sharpe_holding", "cagr", "max_drawdown", "rmse_ratio")


def write_stress_page(directory: Path, stress: Mapping[str, Any], *, title: str = "") -> Path:
    """Write ``stress.html`` beside ``index.html``; the same stress test gives the same bytes.

    Parameters
    ----------
    directory : of the run
    stress : ``stress.json``
    title : of the run; the folder's name by default

    Returns
    -------
    path of the page

    Raises
    ------
    StorageError : the disk is full or read-only
    """
    path = directory / STRESS_PAGE
    write_bytes(path, render_stress(stress, title=title or directory.name).encode("utf-8"))
    return path


def render_stress(stress: Mapping[str, Any], *, title: str) -> str:
    """Text of ``stress.html``: one file, which asks for nothing on the network.

    Parameters
    ----------
    stress : ``stress.json``: ``sentence baseline axes skipped``, and ``answer`` and ``reason``, those of the
        verdict's question about stress, where it has them
    title : of the run
    """
    from plotly.offline import get_plotlyjs

    ranked = ranked_axes(stress)
    scales = {axis["figure"]: _scale(ranked, axis["figure"]) for _, axis in ranked}
    names = _anchors([key for key, _ in ranked])
    axes = [
        _axis(axis, anchor=anchor, scale=scales[axis["figure"]])
        for anchor, (_, axis) in zip(names, ranked, strict=True)
    ]
    return (
        page_environment()
        .get_template("stress.html.j2")
        .render(
            title=title,
            colours=COLOURS,
            dashes=DASHES,
            answers=ANSWER_COLOURS,
            answer=str(stress.get("answer") or ""),
            reason=str(stress.get("reason") or stress["sentence"]),
            badges=ANSWERS,
            sentence=stress["sentence"],
            baseline=_baseline(stress.get("baseline") or {}),
            axes=axes,
            counted=_counted(axes),
            conclusion=_conclusion(stress.get("baseline") or {}),
            skipped=[
                (key_words(str(key)), reason) for key, reason in sorted((stress.get("skipped") or {}).items())
            ],
            charts={
                picture["name"]: picture["block"]
                for axis in axes
                for picture in axis["pictures"]
                if picture["block"]
            },
            alternatives={picture["name"]: picture["words"] for axis in axes for picture in axis["pictures"]},
            short={},
            most_open=_MOST_OPEN,
            plotly=Markup(get_plotlyjs()),
        )
    )


def _anchors(keys: Sequence[str]) -> list[str]:
    """Give names for links, one for each axis; a key of the user's own may hold anything."""
    found: list[str] = []
    for key in keys:
        slug = "axis-" + (re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-") or "own")
        free = (f"{slug}-{number}" if number else slug for number in itertools.count())
        found.append(next(name for name in free if name not in found))
    return found


def _baseline(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (figure_name(figure), words.minus(writer_of(figure)(figures[figure])))
        for figure in _COMMON
        if not words.is_missing(figures.get(figure))
    ]


def _conclusion(baseline: Mapping[str, Any]) -> str:
    """What it is that stands or falls: a run without a gain has a conclusion too."""
    gain: Any = baseline.get("sharpe_difference")
    if words.is_missing(gain):
        return ""
    there = "a gain" if gain > 0.0 else "no gain"
    return (
        f"Conclusion of this run: there is {there} over buy-and-hold. It stands in a case that says the "
        "same, whether that is good news or bad."
    )


def _counted(axes: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """How many axes have each answer."""
    return [(answer, sum(axis["answer"] == answer for axis in axes)) for answer in ANSWERS]


def _axis(axis: Mapping[str, Any], *, anchor: str, scale: tuple[float, float] | None) -> dict[str, Any]:
    figure = str(axis["figure"])
    overview = axis["overview"]
    given = next((p["figure_label"] for p in axis["pictures"] if p["figure"] == figure), "")
    values = [case["figures"].get(figure) for case in axis["cases"]]
    # the run itself has a line of its own, and draws of chance say nothing of it
    counted = [case["figures"].get(figure) for case in ([] if axis.get("chance") else _others(axis["cases"]))]
    percent = any(p["percent"] for p in axis["pictures"] if p["figure"] == figure)
    write = writer_of(figure, values, percent=percent)
    return {
        "anchor": anchor,
        "title": axis["title"],
        "question": axis["question"],
        "answer": axis["answer"],
        "sentence": axis["sentence"],
        "figure": figure_name(figure, given=given),
        **{name: words.minus(write(overview[name])) for name in ("baseline", "median", "worst")},
        "stands": words.percent(overview["stands"], digits=0),
        "share": None if words.is_missing(overview["stands"]) else round(100.0 * overview["stands"], 1),
        "cases": overview["cases"],
        "range": _range(counted, baseline=overview["baseline"], scale=scale),
        "retrained": axis["retrained"],
        "tried": _tried(int(axis["tried"])),
        "earlier": _earlier(axis.get("earlier") or ()),
        "pictures": [
            _picture(picture, cases=axis["cases"], name=f"{anchor}-{number}")
            for number, picture in enumerate(axis["pictures"], start=1)
        ],
        "table": _table(axis),
        "notes": list(axis["notes"]),
        "facts": fact_rows(axis["facts"]),
    }


def _others(cases: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Cases other than the run itself."""
    return [case for case in cases if not case.get("own")]


def _tried(n: int) -> str:
    """How many variants of an axis count."""
    if not n:
        return ""
    if n == 1:
        return "One of these could have been chosen as the strategy, and counts as a variant tried."
    return f"{n:,} of these could have been chosen as the strategy, and count as variants tried."


def _earlier(times: Sequence[Mapping[str, Any]]) -> str:
    """What an axis had said before it was asked again."""
    if not times:
        return ""
    said = ", ".join(ANSWERS[time["answer"]][0].lower() for time in times)
    return f"Asked {words.plural(len(times), 'time')} before with other cases; it then said: {said}."


def _picture(picture: Mapping[str, Any], *, cases: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    drawn = picture_figure(picture, cases)
    return {
        "name": name,
        "title": picture["title"],
        "words": picture_words(picture, cases),
        "block": data_block(drawn.to_json()) if len(drawn.data) else "",
    }


def _scale(ranked: Sequence[tuple[str, Mapping[str, Any]]], figure: str) -> tuple[float, float] | None:
    """Ends of the small range strips: the same for all axes that are about one figure.

    An axis far out, such as single years among averages, would leave no room for the others: the outer
    sixth of the axes may run off the strip.
    """
    own, lows, highs = [], [], []
    for _, axis in ranked:
        if axis["figure"] == figure:
            counted = [] if axis.get("chance") else _others(axis["cases"])
            values = known(case["figures"].get(figure) for case in counted)
            own += known([axis["overview"]["baseline"]])
            lows += [min(values)] if values else []
            highs += [max(values)] if values else []
    if not own and not lows:
        return None
    lowest, highest = (
        min([*own, *sorted(lows)[len(lows) // 6 :]]),
        max([*own, *sorted(highs)[: _kept(highs)]]),
    )
    room = 0.08 * (highest - lowest) or 0.5
    return lowest - room, highest + room


def _kept(highs: Sequence[float]) -> int:
    return len(highs) - len(highs) // 6


def _range(
    values: Sequence[Any], *, baseline: Any, scale: tuple[float, float] | None
) -> dict[str, float] | None:
    """Places of the lowest, middle and highest case, the run's own value and zero, in per cent."""
    found = sorted(known(values))
    if not found or scale is None:
        return None
    places = {"low": found[0], "median": _median(found), "high": found[-1]}
    if not words.is_missing(baseline):
        places["own"] = float(baseline)
    if scale[0] <= 0.0 <= scale[1]:
        places["zero"] = 0.0
    return {
        name: round(min(max(100.0 * (value - scale[0]) / (scale[1] - scale[0]), 0.0), 100.0), 2)
        for name, value in places.items()
    }


def _median(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2.0


def _table(axis: Mapping[str, Any]) -> dict[str, Any]:
    """Give the cases as rows of texts, the axis's own figure first.

    A column without any figure is left out, and so is one with the same figure in every case, which is
    said once.
    """
    cases = axis["cases"]
    own = str(axis["figure"])
    labels = {picture["figure"]: picture["figure_label"] for picture in axis["pictures"]}
    shares = {picture["figure"] for picture in axis["pictures"] if picture["percent"]}
    every = sorted({figure for case in cases for figure in case["figures"]})
    order = [own, *FIGURES, *every]
    found = {figure: known(case["figures"].get(figure) for case in cases) for figure in order}
    same = [figure for figure in found if figure != own and len(found[figure]) > 1 == len(set(found[figure]))]
    columns = [figure for figure in found if figure == own or (found[figure] and figure not in same)]
    writers = {
        figure: writer_of(figure, [case["figures"].get(figure) for case in cases], percent=figure in shares)
        for figure in [*columns, *same]
    }

    def head(figure: str) -> str:
        return column_name(figure, given=labels.get(figure, ""))

    def row(case: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "label": _MINUS.sub("−", str(case["label"])),
            "texts": [words.minus(writers[figure](case["figures"].get(figure))) for figure in columns],
            "stands": case["stands"],
            "note": case["note"],
            "own": bool(case.get("own")),
        }

    long = len(cases) > _MOST_OPEN
    return {
        "heads": [head(figure) for figure in columns],
        "same": ", ".join(
            f"{head(figure)} {words.minus(writers[figure](found[figure][0]))}" for figure in same
        ),
        "rows": [row(case) for case in cases[:_MOST_ROWS]],
        "worst": [row(case) for case in worst_first(_others(cases), own)[:_WORST]] if long else [],
        "n": len(cases),
        "long": long,
        "asked": any(case["stands"] is not None for case in cases),
    }
