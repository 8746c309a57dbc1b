"""Plotly figures of several runs beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from backtester.comparing import Comparison
from backtester.reporting import words
from backtester.reporting.chart_style import COLOURS, INK, MUTED, OTHERS, blank_figure
from backtester.reporting.curves import START
from backtester.reporting.interval_plot import Mark, estimate, interval_plot

__all__ = ["comparison_figures", "growth", "held_line", "run_line"]

_COLOURS = (
    COLOURS["strategy"],
    COLOURS["last_return"],
    OTHERS["mean_return"],
    INK,
    "#cc4c8f",
    "#3f9fd8",
    "#858a00",
    MUTED,
)
_DASHES = ("solid", "dash", "dot", "dashdot")
_LONGEST_LABEL = 22
"""Letters of a name that stand beside a figure with its interval on a phone."""


def comparison_figures(comparison: Comparison) -> dict[str, go.Figure]:
    """All charts of a comparison: ``equity`` and ``gains``."""
    return {"equity": _equity(comparison), "gains": _gains(comparison)}


def run_line(number: int) -> Mapping[str, Any]:
    """Line of a run by its number, from 1: another colour for each of 8, then another dash."""
    place = number - 1
    return {
        "color": _COLOURS[place % len(_COLOURS)],
        "dash": _DASHES[place // len(_COLOURS) % len(_DASHES)],
        "width": 1.8,
    }


def growth(comparison: Comparison) -> pd.DataFrame:
    """What 100 became, by date, a column for each run and each buy-and-hold.

    Returns
    -------
    frame (n_dates + 1, n_curves): the first row is the date before the first return
    """
    grown = START * (1.0 + comparison.returns).cumprod()
    origin = pd.DatetimeIndex([comparison.figures["dates"]["origin"]], name="date")
    return pd.concat([pd.DataFrame(START, index=origin, columns=grown.columns), grown])


def _equity(comparison: Comparison) -> go.Figure:
    curves = growth(comparison)
    figure = blank_figure(height=420 + 8 * len(curves.columns))  # on a phone the legend takes rows of three
    dates = pd.DatetimeIndex(curves.index).strftime("%Y-%m-%d").to_list()
    figures = comparison.figures
    drawn = [(run["name"], f"Run {run['run']}", run_line(run["run"])) for run in figures["runs"]]
    drawn += [
        (
            market["label"],
            _held_label(market, alone=len(figures["markets"]) == 1),
            held_line(market["market"]),
        )
        for market in figures["markets"]
    ]
    for column, name, line in drawn:
        figure.add_scatter(
            x=dates,
            y=np.round(curves[column].to_numpy(), 4),
            name=name,
            line=line,
            mode="lines",
            hovertemplate="%{y:.1f}",
        )
    figure.update_xaxes(type="date", hoverformat="%Y-%m-%d", showgrid=False)
    figure.update_yaxes(title_text="Equity, start = 100")
    return figure


def _held_label(market: Mapping[str, Any], *, alone: bool) -> str:
    """Name of a curve in the legend, which sets all names as wide as the longest."""
    # a symbol may hold anything, and plotly reads markup
    symbol = escape(words.shortened(str(market["symbol"]), 8), quote=False)
    return "Buy-and-hold" if alone else f"{symbol} held"


def held_line(market: int) -> Mapping[str, Any]:
    """Line of buy-and-hold by the number of its market, from 1: one colour, another dash for each."""
    return {"color": COLOURS["buy_and_hold"], "dash": _DASHES[(market - 1) % len(_DASHES)], "width": 1.4}


def _gains(comparison: Comparison) -> go.Figure:
    rows = [
        estimate(
            run["gain"],
            label=f"<b>{run['run']}</b> {escape(words.shortened(run['name'], _LONGEST_LABEL), quote=False)}",
            colour=run_line(run["run"])["color"],
            missing="not defined",
        )
        for run in comparison.figures["runs"]
    ]
    return interval_plot(rows, marks=(Mark(label="0: no difference", at=0.0),), write=words.signed)
