"""What the charts of explored prices have in common: dates, numbers as small as they can be, thinning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from backtester.reporting.chart_style import COLOURS, INK, MUTED, OTHERS, blank_figure

__all__ = ["MAX_LINE", "SERIES", "dated_figure", "packed", "step_of", "with_boxes"]

MAX_LINE = 8000
"""A line of more points is drawn by every second or further one; the page says so."""
SERIES = (COLOURS["strategy"], COLOURS["buy_and_hold"], COLOURS["last_return"], OTHERS["mean_return"])


def packed(values: NDArray[np.float64] | Sequence[float] | pd.Series) -> NDArray[np.float32]:
    """Numbers for a chart: 32-bit, which plotly packs into a third of their text."""
    return np.asarray(values, dtype=np.float32)


def step_of(n: int) -> int:
    """Which points of a line of n are drawn: every so manieth."""
    return max(1, -(-n // MAX_LINE))


def dated_figure(
    lines: Mapping[str, pd.Series],
    *,
    height: int,
    title: str,
    form: str,
    styles: Sequence[Mapping[str, Any]] = (),
    tickformat: str = "",
) -> go.Figure:
    """Draw lines over dates.

    Parameters
    ----------
    lines : values by date, by name; NaN leaves a gap
    height : in pixels
    title : of the upright axis
    form : of a value on hovering, in d3's notation
    styles : of each line; the colours of the house by default
    tickformat : of the upright axis
    """
    figure = blank_figure(height=height)
    for place, (name, series) in enumerate(lines.items()):
        drawn = series.iloc[:: step_of(len(series))]
        style = styles[place] if styles else {"color": SERIES[place % len(SERIES)], "width": 1.3}
        figure.add_scatter(
            x=pd.DatetimeIndex(drawn.index).strftime("%Y-%m-%d").to_list(),
            y=packed(drawn),
            name=name,
            mode="lines",
            line=dict(style),
            hovertemplate=f"%{{y:{form}}}" + ("<extra></extra>" if len(lines) == 1 else ""),
        )
    figure.update_layout(showlegend=len(lines) > 1, margin_t=34 if len(lines) > 1 else 10)
    figure.update_xaxes(type="date", hoverformat="%Y-%m-%d", showgrid=False)
    figure.update_yaxes(title_text=title, tickformat=tickformat)
    return figure


def with_boxes(
    figure: go.Figure, boxes: Mapping[str, Mapping[str, Any]], *, form: str, lying: bool = False
) -> go.Figure:
    """Draw a box for each name, its mean as a dashed line, and the farthest values beyond its whiskers."""
    names = list(boxes)
    places = {"y" if lying else "x": names}
    figure.add_box(
        **places,
        q1=[boxes[name]["q1"] for name in names],
        median=[boxes[name]["median"] for name in names],
        q3=[boxes[name]["q3"] for name in names],
        lowerfence=[boxes[name]["low"] for name in names],
        upperfence=[boxes[name]["high"] for name in names],
        mean=[boxes[name]["mean"] for name in names],
        orientation="h" if lying else "v",
        boxmean=True,
        line={"color": COLOURS["strategy"], "width": 1.2},
        fillcolor="rgba(11,95,165,0.18)",
        showlegend=False,
        hoverinfo="skip",
    )
    points = [(name, value) for name in names for value in boxes[name]["extremes"]]
    along, up = [name for name, _ in points], packed([value for _, value in points])
    told = "%{x" if lying else "%{y"
    figure.add_scatter(
        x=up if lying else along,
        y=along if lying else up,
        mode="markers",
        marker={"color": MUTED, "size": 4, "opacity": 0.7},
        hovertemplate=f"{told}:{form}}}<extra></extra>",
        showlegend=False,
    )
    middle = [boxes[name]["median"] for name in names]
    figure.add_scatter(
        x=packed(middle) if lying else names,
        y=names if lying else packed(middle),
        mode="markers",
        marker={"color": INK, "size": 3},
        customdata=[
            [boxes[name]["low"], boxes[name]["q1"], boxes[name]["q3"], boxes[name]["high"], boxes[name]["n"]]
            for name in names
        ],
        hovertemplate=(
            f"{told}:{form}}}<br>middle half %{{customdata[1]:{form}}} to %{{customdata[2]:{form}}}<br>"
            f"whiskers %{{customdata[0]:{form}}} to %{{customdata[3]:{form}}}<br>"
            "%{customdata[4]:,} values<extra></extra>"
        ),
        showlegend=False,
    )
    figure.update_layout(hovermode="closest", margin_t=10, boxmode="overlay")
    return figure
