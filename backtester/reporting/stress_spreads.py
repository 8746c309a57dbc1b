"""Plotly figures of many cases at once: a strip of dots, a map of two coordinates, a histogram."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from backtester.reporting import words
from backtester.reporting.chart_style import COLOURS, INK, blank_figure
from backtester.reporting.stress_drawing import LONGEST_TICK, Case, Drawing, middle_of, ordered, shown, titled

__all__ = ["heatmap", "histogram", "strip"]

_OTHER = "#9aa5b5"
_MOST_ROWS = 12
_MOST_BESIDE = 4
"""Cells beside each other in which a mark fits beside the number on a phone."""
_MOST_CELLS = 7
"""Columns of a map in which figures can be read on a phone."""
_LOW, _MIDDLE, _HIGH = "#f2b48a", "#ffffff", "#86b4dc"
"""Pale enough for dark figures on them."""


def strip(drawing: Drawing) -> go.Figure:
    """Every case a dot, dots of nearly the same value beside each other; a bar at each median."""
    rows = drawing.groups(by="group" if drawing.picture["group"] else "x")
    if len(rows) > _MOST_ROWS or len(rows) == len(drawing.cases):
        rows = {"": list(drawing.cases)}
    ends = drawing.ends()
    top, plot, bottom = 30, 64 * len(rows) + (0 if len(rows) > 1 else 50), 48
    figure = blank_figure(height=top + plot + bottom)
    for place, (name, members) in zip(range(len(rows))[::-1], rows.items(), strict=True):
        values = drawing.values(members)
        figure.add_scatter(
            x=values,
            y=[round(place + shift, 4) for shift in _swarm(values, ends=ends)],
            mode="markers",
            opacity=0.8,
            marker=drawing.dots(members),
            **drawing.hover(members),
        )
        middle = middle_of(drawing.values([case for case in members if not case.get("own")] or members))
        figure.add_shape(
            type="line",
            x0=middle,
            x1=middle,
            y0=place - 0.32,
            y1=place + 0.32,
            line={"color": INK, "width": 3},
        )
        if len(rows) > 1:
            figure.add_annotation(
                x=0,
                xref="paper",
                xanchor="left",
                y=place,
                yshift=26,
                text=shown(name),
                showarrow=False,
                bgcolor="rgba(255,255,255,0.8)",
            )
    drawing.along(figure, ends=ends, height=plot)
    figure.update_layout(margin={"t": top, "b": bottom})
    figure.update_yaxes(visible=False, range=[-0.5, len(rows) - 0.35], fixedrange=True)
    return figure


def _swarm(values: Sequence[float], *, ends: tuple[float, float]) -> list[float]:
    """Heights of the dots around their row."""
    width = (ends[1] - ends[0]) / 70.0
    bins = [int((value - ends[0]) / width) for value in values]
    step = min(0.13, 0.6 / max(bins.count(found) for found in set(bins)))
    seen: dict[int, int] = {}
    heights = []
    for found in bins:
        n = seen[found] = seen.get(found, 0) + 1
        heights.append(step * (n // 2) * (1 if n % 2 else -1))
    return heights


def heatmap(drawing: Drawing) -> go.Figure:
    """A cell for each pair of coordinates, the median where it holds several cases; the run's own framed."""
    columns, rows = (ordered([drawing.place(case, on=on) for case in drawing.cases]) for on in ("x", "y"))
    held: dict[tuple[int, int], list[Case]] = {}
    for case in drawing.cases:
        cell = columns.index(drawing.place(case, on="x")), rows.index(drawing.place(case, on="y"))
        held.setdefault(cell, []).append(case)
    middles = {cell: middle_of(drawing.values(cases)) for cell, cases in held.items()}
    reach = max(abs(value - drawing.reference) for value in middles.values()) or 1.0
    colours = (_HIGH, _MIDDLE, _LOW) if drawing.lower_is_better else (_LOW, _MIDDLE, _HIGH)
    figure = blank_figure(height=110 + 44 * len(rows))
    mark = " " if len(columns) <= _MOST_BESIDE else "<br>"
    figure.add_heatmap(
        x=list(range(len(columns))),
        y=list(range(len(rows))),
        z=[[middles.get((x, y)) for x in range(len(columns))] for y in range(len(rows))],
        text=[
            [_cell_text(drawing, held.get((x, y), []), mark=mark) for x in range(len(columns))]
            for y in range(len(rows))
        ],
        texttemplate="%{text}" if len(columns) <= _MOST_CELLS else None,
        textfont={"size": 12, "color": INK},
        hovertemplate="%{text}<extra></extra>",
        hoverongaps=False,
        xgap=2,
        ygap=2,
        zmin=drawing.reference - reach,
        zmax=drawing.reference + reach,
        showscale=False,
        colorscale=[[0.5 * place, colour] for place, colour in enumerate(colours)],
    )
    for x, y in [cell for cell, value in middles.items() if _is_own(drawing, value)][:1]:
        figure.add_shape(
            type="rect", x0=x - 0.48, x1=x + 0.48, y0=y - 0.46, y1=y + 0.46, line={"color": INK, "width": 2.5}
        )
    figure.update_layout(hovermode="closest", margin={"t": 10, "b": 48, "l": 56})
    figure.update_xaxes(**_named(columns, label=drawing.picture["x_label"]))
    figure.update_yaxes(**_named(rows, label=drawing.picture["y_label"]))
    if not all(isinstance(row, (int, float)) for row in rows):
        # names are read downwards, numbers grow upwards
        figure.update_yaxes(autorange="reversed")
    return figure


def _cell_text(drawing: Drawing, cases: Sequence[Case], *, mark: str) -> str:
    if not cases:
        return words.DASH
    text = drawing.text(middle_of(drawing.values(cases)))
    return f"{text}{mark}✗" if any(case["stands"] is False for case in cases) else text


def _is_own(drawing: Drawing, value: float) -> bool:
    return drawing.own is not None and math.isclose(value, drawing.own, rel_tol=1e-6)


def _named(places: Sequence[Any], *, label: str) -> dict[str, Any]:
    return {
        "tickvals": list(range(len(places))),
        "ticktext": [shown(place, longest=LONGEST_TICK) for place in places],
        "title_text": titled(label),
        "showgrid": False,
        "zeroline": False,
    }


def histogram(drawing: Drawing) -> go.Figure:
    """Draws of a null distribution; those as good as the run's own value are darker."""
    draws, own = drawing.draws, drawing.own
    counts, edges = np.histogram(draws, bins=min(50, max(8, round(2.0 * len(draws) ** 0.5))))
    middles = (edges[:-1] + edges[1:]) / 2.0
    top, plot, bottom = 30, 220, 48
    figure = blank_figure(height=top + plot + bottom)
    good = (
        np.zeros(len(middles), dtype=bool)
        if own is None
        else (middles <= own if drawing.lower_is_better else middles >= own)
    )
    figure.add_bar(
        x=np.round(middles, 8),
        y=counts,
        width=np.round(np.diff(edges), 8),
        marker={
            "color": np.where(good, COLOURS["strategy"], _OTHER).tolist(),
            "line": {"width": 0.5, "color": "#ffffff"},
        },
        customdata=[drawing.text(middle) for middle in middles],
        hovertemplate="about %{customdata}: %{y} draws<extra></extra>",
    )
    drawing.along(figure, ends=drawing.ends(float(edges[0]), float(edges[-1])), height=plot)
    figure.update_layout(bargap=0.0, margin={"t": top, "b": bottom})
    figure.update_yaxes(title_text="Draws")
    return figure
