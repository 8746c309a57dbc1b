"""Colours, lines and layout that all charts and the page share.

The colours are those of Okabe and Ito (2008), which stay apart for colour-blind readers; the line
styles repeat the difference for printers without colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

__all__ = [
    "ANSWERS",
    "COLOURS",
    "DASHES",
    "FAILED",
    "FONT",
    "INK",
    "MUTED",
    "OTHERS",
    "PALE",
    "RULE",
    "blank_figure",
    "line",
]

COLOURS: Mapping[str, str] = {
    "strategy": "#0b5fa5",
    "buy_and_hold": "#d55e00",
    "last_price": "#6b7280",
    "last_return": "#00855f",
}
DASHES: Mapping[str, str] = {
    "strategy": "solid",
    "buy_and_hold": "solid",
    "last_price": "dash",
    "last_return": "dot",
}
OTHERS: Mapping[str, str] = {"mean_return": "#8a4b9c", "exposure_matched": "#a87400"}
"""What is compared in figures only, and has no curve."""
ANSWERS: Mapping[str, str] = {"yes": "#00693e", "no": "#a3261b", "inconclusive": "#6f5a00"}
INK = "#1a2230"
MUTED = "#566072"
RULE = "#e3e7ed"
PALE = "#eef2f7"
FAILED = "#fbd9c5"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

_AXIS: dict[str, Any] = {
    "gridcolor": RULE,
    "zerolinecolor": "#b8c0cc",
    "linecolor": "#b8c0cc",
    "tickfont": {"color": MUTED, "size": 11},
    "automargin": True,
    "title": {"font": {"size": 12, "color": MUTED}, "standoff": 8},
}


def blank_figure(*, height: int) -> go.Figure:
    """Give an empty figure in the style of the page."""
    figure = go.Figure()
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 8, "r": 12, "t": 34, "b": 8},
        font={"family": FONT, "size": 12, "color": INK},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="#ffffff",
        hovermode="x unified",
        hoverlabel={
            "bgcolor": "#ffffff",
            "bordercolor": "#b8c0cc",
            "font": {"family": FONT, "size": 12, "color": INK},
        },
        legend={
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
            "font": {"size": 12, "color": INK},
        },
    )
    figure.update_xaxes(**_AXIS)
    figure.update_yaxes(**_AXIS)
    return figure


def line(name: str) -> dict[str, Any]:
    """Line of one compared curve: the same on every chart."""
    return {"color": COLOURS[name], "dash": DASHES[name], "width": 2.2 if name == "strategy" else 1.4}
