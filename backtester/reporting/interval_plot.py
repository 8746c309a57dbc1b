"""Interval plots: a dot for each figure, a bar for how sure it is, a line for each value that matters.

The names stand above the bars, not beside them, so that a plot is as readable on a phone as on a desk.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from backtester.reporting import words
from backtester.reporting.chart_style import COLOURS, INK, MUTED, blank_figure

__all__ = ["Mark", "Row", "add_marks", "estimate", "gain_marks", "interval_plot"]

_ROW_HEIGHT = 50
_MARK_HEIGHT = 16
_AXIS_HEIGHT = 32
_TEXT_SHARE = 0.36
"""Of the plot's width that the label of a line takes on a phone."""
_VEIL = "rgba(255,255,255,0.8)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure of an interval plot.

    Parameters
    ----------
    label : what it is, above the bar
    value : the figure; None where it is not defined
    low, high : ends of its interval; None where there is none
    colour : of dot and bar
    missing : said in place of a figure that is not defined
    """

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    colour: str = COLOURS["strategy"]
    missing: str = words.DASH


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A value that the figures are compared with.

    Parameters
    ----------
    label : short, above the plot
    at : where the line stands; None draws none
    dash : of the line
    """

    label: str
    at: float | None
    dash: str = "solid"


def estimate(found: Any, *, label: str, colour: str, missing: str) -> Row:
    """Row of a figure of the judgement: an object with ``value`` and ``interval``, or null."""
    found = found or {}
    low, high = found.get("interval") or (None, None)
    return Row(label=label, value=found.get("value"), low=low, high=high, colour=colour, missing=missing)


def gain_marks(smallest: float | None) -> tuple[Mark, ...]:
    """Lines at no gain in Sharpe ratio and at the smallest one of interest."""
    return (
        Mark(label="0: no difference", at=0.0),
        Mark(label=f"{words.signed(smallest)}: of interest", at=smallest, dash="dash"),
    )


def interval_plot(
    rows: Sequence[Row],
    *,
    marks: Sequence[Mark] = (),
    write: Callable[[Any], str],
    tickformat: str = "",
    ticks: Sequence[tuple[float, str]] = (),
) -> go.Figure:
    """Draw figures with their intervals, the first on top.

    Parameters
    ----------
    rows : the figures, on one scale
    marks : vertical lines
    write : a number as it is shown
    tickformat : of the axis, in d3's notation
    ticks : places and texts of the axis, instead of even steps
    """
    drawn = [mark for mark in marks if not words.is_missing(mark.at)]
    top = 10 + _MARK_HEIGHT * sum(bool(mark.label) for mark in drawn)
    figure = blank_figure(height=top + _ROW_HEIGHT * len(rows) + _AXIS_HEIGHT)
    lowest, highest = _ends(rows, marks=drawn, ticks=ticks)
    for place, row in enumerate(reversed(rows)):
        figure.add_annotation(**_beside(row.label, place=place, end=0.0))
        figure.add_annotation(**_beside(_figure_text(row, write=write), place=place, end=1.0))
        if words.is_missing(row.value):
            continue
        if not words.is_missing(row.low) and not words.is_missing(row.high):
            figure.add_scatter(
                x=[_rounded(row.low), _rounded(row.high)],
                y=[place, place],
                mode="lines",
                line={"color": row.colour, "width": 7},
                opacity=0.4,
                hoverinfo="skip",
            )
        figure.add_scatter(
            x=[_rounded(row.value)],
            y=[place],
            mode="markers",
            name=row.label,
            marker={"color": row.colour, "size": 11, "line": {"color": "#ffffff", "width": 1.5}},
            hovertemplate=f"{row.label}<br>{_figure_text(row, write=write)}<extra></extra>",
        )
    add_marks(figure, drawn, ends=(lowest, highest), height=_ROW_HEIGHT * len(rows))
    figure.update_layout(showlegend=False, hovermode="closest", margin={"t": top, "b": _AXIS_HEIGHT})
    figure.update_yaxes(visible=False, range=[-0.55, len(rows) - 0.25], fixedrange=True)
    figure.update_xaxes(range=[lowest, highest], zeroline=False, nticks=7, tickformat=tickformat)
    if ticks:
        figure.update_xaxes(tickvals=[at for at, _ in ticks], ticktext=[text for _, text in ticks])
    return figure


def add_marks(figure: go.Figure, marks: Sequence[Mark], *, ends: tuple[float, float], height: float) -> None:
    """Draw the vertical lines, each up to its label; the labels stand one above the other.

    Parameters
    ----------
    figure : with room for the labels above the plot
    marks : the lines
    ends : of the horizontal axis
    height : of the plot itself, in pixels
    """
    for level, (mark, side) in enumerate(_placed(marks, ends=ends)):
        colour = INK if mark.dash == "solid" else MUTED
        figure.add_shape(
            type="line",
            x0=mark.at,
            x1=mark.at,
            yref="paper",
            y0=0.0,
            y1=1.0 + (_MARK_HEIGHT * (level + 0.9) / height if mark.label else 0.0),
            layer="below",
            line={"color": colour, "width": 1.3, "dash": mark.dash},
        )
        figure.add_annotation(
            x=mark.at,
            y=1.0,
            yref="paper",
            yanchor="bottom",
            yshift=_MARK_HEIGHT * level - 2,
            xanchor=side,
            text=mark.label,
            showarrow=False,
            font={"size": 11, "color": colour},
        )


def _placed(marks: Sequence[Mark], *, ends: tuple[float, float]) -> list[tuple[Mark, str]]:
    """Order the marks, lowest label first, and give the side of its text that its line is on.

    All texts on one side of their lines, the outermost lowest: then no line runs through a text. Where
    the marks are too far apart for that, each text points inward.
    """
    places = [
        ((float(mark.at) - ends[0]) / (ends[1] - ends[0]), mark) for mark in marks if mark.at is not None
    ]
    places.sort(key=lambda place: place[0], reverse=True)
    if not places or places[0][0] <= 1.0 - _TEXT_SHARE:
        return [(mark, "left") for _, mark in places]
    if places[-1][0] >= _TEXT_SHARE:
        return [(mark, "right") for _, mark in reversed(places)]
    return [(mark, "right" if place > 0.5 else "left") for place, mark in places]


def _beside(text: str, *, place: int, end: float) -> dict[str, Any]:
    """Text above a bar, at its left or right end."""
    return {
        "x": end,
        "xref": "paper",
        "xanchor": "left" if end == 0.0 else "right",
        "y": place,
        "yshift": 17,
        "text": text,
        "showarrow": False,
        "bgcolor": _VEIL,
        "borderpad": 1,
        "font": {"size": 12, "color": INK if end == 0.0 else MUTED},
    }


def _figure_text(row: Row, *, write: Callable[[Any], str]) -> str:
    if words.is_missing(row.value):
        return row.missing
    text = words.minus(write(row.value))
    if words.is_missing(row.low) or words.is_missing(row.high):
        return f"<b>{text}</b>"
    return f"<b>{text}</b> ({words.minus(write(row.low))} to {words.minus(write(row.high))})"


def _ends(
    rows: Sequence[Row], *, marks: Sequence[Mark], ticks: Sequence[tuple[float, str]]
) -> tuple[float, float]:
    found = [number for row in rows if row.value is not None for number in (row.value, row.low, row.high)]
    found += [mark.at for mark in marks] + [at for at, _ in ticks]
    known = [number for number in found if number is not None and math.isfinite(number)]
    if not known:
        return -1.0, 1.0
    room = 0.06 * (max(known) - min(known)) or 0.5 * abs(known[0]) or 1.0
    return min(known) - room, max(known) + room


def _rounded(value: float | None) -> float:
    return float(f"{value:.8g}")
