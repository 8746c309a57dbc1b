"""The overview of a stress test as plain text, for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from backtester.reporting import words
from backtester.reporting.judgement import ANSWERS
from backtester.reporting.stress_words import figure_name, key_words, ranked_axes, writer_of

__all__ = ["stress_text"]

_HEADS = ("this run", "median", "worst", "stands", "cases")
_COLUMN = 9
_ANSWER = 14
_NARROWEST = 46
_WIDEST = 110
_LONGEST_TITLE = 30
_STANDS = "Stands: share of cases with the conclusion of this run."
_INDENT = "  "


def stress_text(stress: Mapping[str, Any], *, width: int = 80) -> str:
    """Sum a stress test up for a terminal: what came of it, then each axis, the gravest first.

    Parameters
    ----------
    stress : ``stress.json``
    width : columns of the terminal; where a title has no room beside its figures, they follow below it

    Returns
    -------
    str: lines without trailing spaces, no line break at the end; a missing figure is ``–``
    """
    width = min(max(width, _NARROWEST), _WIDEST)
    axes = [axis for _, axis in ranked_axes(stress)]
    parts = [_wrapped(stress["sentence"], width=width)]
    if axes:
        parts.append(_axes_text(axes, width=width))
    skipped = stress.get("skipped") or {}
    if skipped:
        told = [
            _wrapped(f"{key_words(str(key))}: {reason}", width=width)
            for key, reason in sorted(skipped.items())
        ]
        parts.append("\n".join(["Not tried", *told]))
    return "\n\n".join(parts)


def _axes_text(axes: Sequence[Mapping[str, Any]], *, width: int) -> str:
    names = [_name(axis) for axis in axes]
    usual = max(dict.fromkeys(names), key=names.count)
    longest = min(max(len(_plain(axis["title"])) for axis in axes), _LONGEST_TITLE)
    title_width = longest + 2
    beside = width >= title_width + _ANSWER + _COLUMN * len(_HEADS)
    heads = "".join(head.rjust(_COLUMN) for head in _HEADS)
    lines = [(" " * (title_width + _ANSWER) + heads) if beside else heads]
    for axis in axes:
        title = words.shortened(_plain(axis["title"]), longest)
        word, sign = ANSWERS[axis["answer"]]
        answer = f"{sign} {word.lower()}"
        figures = "".join(text.rjust(_COLUMN) for text in _figures(axis))
        if beside:
            lines += ["", title.ljust(title_width) + answer.ljust(_ANSWER) + figures]
        else:
            lines += ["", f"{title}: {answer}", figures]
        name = _name(axis)
        lines.append(_wrapped(axis["sentence"] + ("" if name == usual else f" ({name})"), width=width))
    lines += ["", _wrapped(f"Figures: {usual}, where nothing else is said. {_STANDS}", width=width)]
    return "\n".join(line.rstrip() for line in lines)


def _name(axis: Mapping[str, Any]) -> str:
    given = next((p["figure_label"] for p in axis["pictures"] if p["figure"] == axis["figure"]), "")
    return figure_name(axis["figure"], given=given)


def _figures(axis: Mapping[str, Any]) -> list[str]:
    overview, figure = axis["overview"], axis["figure"]
    percent = any(picture["percent"] for picture in axis["pictures"] if picture["figure"] == figure)
    write = writer_of(figure, [case["figures"].get(figure) for case in axis["cases"]], percent=percent)
    texts = [write(overview[name]) for name in ("baseline", "median", "worst")]
    return [*texts, words.percent(overview["stands"], digits=0), words.count(overview["cases"])]


def _plain(text: Any) -> str:
    """Text that moves no cursor and breaks no line."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in str(text)).split())


def _wrapped(text: Any, *, width: int) -> str:
    return textwrap.fill(
        _plain(text), width=width, initial_indent=_INDENT, subsequent_indent=_INDENT, break_long_words=True
    )
