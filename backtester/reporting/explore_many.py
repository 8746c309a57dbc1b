"""Charts of several explored files beside each other: growth, boxes of returns, correlations, spans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from backtester.exploring.distribution import log_returns
from backtester.exploring.exploration import Exploration
from backtester.exploring.levels import box
from backtester.reporting import words
from backtester.reporting.chart_style import COLOURS, blank_figure
from backtester.reporting.explore_drawing import SERIES, packed, with_boxes

__all__ = ["MOST_GROWTH_POINTS", "many_charts"]

MOST_GROWTH_POINTS = 60_000
"""Points of all lines of growth together; beyond, each is thinned evenly, and the page says so."""
_NAMED = 8
_LONGEST = 14
_MOST_NAMES = 30


def many_charts(files: Sequence[Exploration], values: Mapping[str, Any]) -> dict[str, go.Figure]:
    """Draw the charts of several files.

    Parameters
    ----------
    files : each by itself; those without bars are not drawn
    values : of all together, from `together_values`
    """
    drawn = [found for found in files if found.frame is not None and len(found.frame) > 2]
    charts = {"growth": _growth(drawn), "box_symbols": _boxes(drawn), "correlation": _heat(values)}
    return {name: chart for name, chart in charts.items() if chart is not None}


def _labels(symbols: Sequence[str]) -> dict[str, str]:
    """Names for an axis, shortened as far as leaves them apart: of two alike one would be lost."""
    longest = _LONGEST
    short = {symbol: words.shortened(symbol, longest) for symbol in symbols}
    while len(set(short.values())) < len(short):
        longest += _LONGEST
        counts = Counter(short.values())
        short |= {name: words.shortened(name, longest) for name, text in short.items() if counts[text] > 1}
    # a symbol may hold anything, and plotly reads markup
    return {symbol: escape(text, quote=False) for symbol, text in short.items()}


def _growth(files: Sequence[Exploration]) -> go.Figure | None:
    if not files:
        return None
    figure = blank_figure(height=420)
    total = sum(len(found.frame) for found in files if found.frame is not None)
    step = max(1, -(-total // MOST_GROWTH_POINTS))
    named = len(files) <= _NAMED
    labels = _labels([found.table.symbol for found in files])
    for place, found in enumerate(files):
        close = pd.Series(dtype=float) if found.frame is None else found.frame["close"]
        line = close.iloc[::step] / close.iloc[0] * 100.0
        style = {"color": SERIES[place % 4], "width": 1.4, "dash": "solid" if place < 4 else "dash"}
        figure.add_scatter(
            x=pd.DatetimeIndex(line.index).strftime("%Y-%m-%d").to_list(),
            y=packed(line),
            name=labels[found.table.symbol],
            mode="lines",
            line=style if named else {"color": COLOURS["strategy"], "width": 0.7},
            opacity=1.0 if named else 0.45,
            hovertemplate="%{y:,.0f}"
            if named
            else f"{labels[found.table.symbol]}: %{{y:,.0f}}<extra></extra>",
        )
    figure.update_layout(showlegend=named, hovermode="x unified" if named else "closest")
    figure.update_xaxes(type="date", hoverformat="%Y-%m-%d", showgrid=False)
    figure.update_yaxes(title_text="Close, first = 100", type="log", dtick=1)
    return figure


def _boxes(files: Sequence[Exploration]) -> go.Figure | None:
    labels = _labels([found.table.symbol for found in files])
    found_boxes = {
        labels[found.table.symbol]: box(log_returns(found.frame["close"]).to_numpy(dtype=np.float64))
        for found in files
        if found.frame is not None
    }
    boxes = {name: found for name, found in found_boxes.items() if found is not None}
    if not boxes:
        return None
    ordered = dict(sorted(boxes.items(), key=lambda item: item[1]["q3"] - item[1]["q1"]))
    figure = with_boxes(blank_figure(height=80 + 22 * len(ordered)), ordered, form=".2%", lying=True)
    figure.update_yaxes(type="category", showgrid=False, dtick=1, range=[-0.8, len(ordered) - 0.2])
    figure.update_xaxes(title_text="Log return", tickformat=".0%")
    return figure


def _heat(values: Mapping[str, Any]) -> go.Figure | None:
    if values["correlations"] is None:
        return None
    names = list(_labels(values["symbols"]).values())
    figure = blank_figure(height=max(260, 120 + 15 * len(names)))
    figure.add_heatmap(
        x=names,
        y=names,
        z=packed(np.array(values["correlations"])),
        zmin=-1.0,
        zmax=1.0,
        colorscale=[[0.0, COLOURS["buy_and_hold"]], [0.5, "#ffffff"], [1.0, COLOURS["strategy"]]],
        texttemplate="%{z:.2f}" if len(names) <= _NAMED else None,
        xgap=1,
        ygap=1,
        colorbar={"thickness": 12, "len": 0.9, "tickfont": {"size": 11}},
        hovertemplate="%{x} and %{y}: %{z:.2f}<extra></extra>",
    )
    figure.update_layout(hovermode="closest", margin_t=10)
    size = {"size": 11 if len(names) <= 20 else 8}
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False, tickfont=size, dtick=1)
    figure.update_xaxes(type="category", showgrid=False, tickfont=size, tickangle=-90, dtick=1)
    # as many names do not fit side by side on a phone; they are beside the rows in the same order
    figure.update_xaxes(showticklabels=len(names) <= _MOST_NAMES)
    return figure
