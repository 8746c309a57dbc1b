"""Plotly figures of the judgement: how sure each answer is, and why."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from backtester.reporting import words
from backtester.reporting.chart_style import COLOURS, INK, MUTED, OTHERS, blank_figure, line
from backtester.reporting.curves import rolling_sharpe, saved_error
from backtester.reporting.interval_plot import Mark, Row, add_marks, estimate, gain_marks, interval_plot
from backtester.reporting.judgement import (
    CHECKED,
    OPPONENTS,
    SERIES,
    SHARPE_OPPONENTS,
    at,
    smallest_interesting,
)
from backtester.reporting.search_charts import adjusted, power, stress, trials
from backtester.run_directory import RunRecord

__all__ = ["JUDGEMENT_CHARTS"]

_COLOURS = {**COLOURS, **OTHERS}
_Draw = Callable[[RunRecord], go.Figure]


def _forecast_skill(record: RunRecord) -> go.Figure:
    rows = []
    for name, label in (("last_price", "Against last price"), ("mean_return", "Against mean return")):
        found = at(record, "forecast", "against", name) or {}
        figure = {"value": found.get("r2_oos"), "interval": found.get("r2_oos_interval")}
        rows.append(estimate(figure, label=label, colour=_COLOURS[name], missing="no forecast to score"))
    smallest = smallest_interesting(record, "forecast")
    return interval_plot(
        rows,
        marks=(
            Mark(label="0: errs as much", at=0.0),
            Mark(label=f"{words.percent(smallest, digits=2)}: of interest", at=smallest, dash="dash"),
        ),
        write=lambda value: words.percent(value, digits=2),
        tickformat=".2~%",
    )


def _forecast_saved(record: RunRecord) -> go.Figure:
    saved = saved_error(record)
    figure = blank_figure(height=320)
    dates = pd.DatetimeIndex(saved.index).strftime("%Y-%m-%d").to_list()
    for name, label in (("last_price", "Against last price"), ("mean_return", "Against mean return")):
        figure.add_scatter(
            x=dates,
            y=np.round(saved[name].to_numpy(), 6),
            name=label,
            line={"color": _COLOURS[name], "width": 2.2 if name == "last_price" else 1.4},
            hovertemplate="%{y:.2%}",
            mode="lines",
        )
    figure.add_hline(y=0.0, line={"color": INK, "width": 1.2})
    figure.update_xaxes(type="date", hoverformat="%Y-%m-%d", showgrid=False)
    figure.update_yaxes(title_text="Squared error saved so far", tickformat=".1%")
    return figure


def _forecast_folds(record: RunRecord) -> go.Figure:
    table = at(record, "forecast", "folds") or []
    level = float(at(record, "level"))
    numbers = [row["fold"] for row in table]
    figure = blank_figure(height=360)
    hover = [
        f"Fold {row['fold']}, {words.plural(row['n'], 'forecast')}<br>R² out of sample "
        f"{words.minus(words.percent(row['r2_oos'], digits=2))}<br>Clark–West "
        f"{words.minus(words.number(row['clark_west']))}, {words.probability(row['p_value'])}"
        for row in table
    ]
    for key, name, axis in (
        ("r2_oos", "R² out of sample", "y"),
        ("clark_west", "Clark–West statistic", "y2"),
    ):
        values = [None if words.is_missing(row[key]) else float(row[key]) for row in table]
        figure.add_bar(
            x=numbers,
            y=values,
            name=name,
            marker={
                "color": [COLOURS["strategy"] if (value or 0.0) > 0 else MUTED for value in values],
                "line": {"width": 0},
            },
            text=hover,
            textposition="none",
            hovertemplate="%{text}<extra></extra>",
            yaxis=axis,
        )
    threshold = NormalDist().inv_cdf(1.0 - level)
    figure.update_layout(
        yaxis={"domain": [0.55, 1.0], "title_text": "R²", "tickformat": ".0%"},
        yaxis2={**figure.layout.yaxis.to_plotly_json(), "domain": [0.0, 0.45], "anchor": "x"},
        bargap=0.3,
        showlegend=False,
        hovermode="closest",
        margin_t=12,
    )
    figure.update_layout(yaxis2={"title_text": "Clark–West", "tickformat": ".0f"})
    figure.add_shape(
        type="line",
        xref="paper",
        x0=0,
        x1=1,
        yref="y2",
        y0=threshold,
        y1=threshold,
        line={"color": INK, "width": 1.2, "dash": "dash"},
    )
    figure.update_xaxes(title_text="Fold", showgrid=False, zeroline=False, anchor="y2")
    return figure


def _curve_figure(key: str, *, write: Callable[[Any], str], tickformat: str = "") -> _Draw:
    """Give the chart of one figure for each curve."""

    def draw(record: RunRecord) -> go.Figure:
        rows = [
            estimate(
                at(record, "money", "curves", name, key),
                label=SERIES[name],
                colour=_COLOURS[name],
                missing="stayed in cash",
            )
            for name in CHECKED
        ]
        return interval_plot(rows, marks=(Mark(label="", at=0.0),), write=write, tickformat=tickformat)

    return draw


def _gains(record: RunRecord, kind: str, *, over: Iterable[str]) -> list[Row]:
    return [
        estimate(
            at(record, "money", "differences", name, kind),
            label=OPPONENTS[name],
            colour=_COLOURS[name],
            missing="not defined",
        )
        for name in over
    ]


def _sharpe_difference(record: RunRecord) -> go.Figure:
    rows = _gains(record, "sharpe", over=SHARPE_OPPONENTS)
    marks = gain_marks(smallest_interesting(record, "money"))
    return interval_plot(rows, marks=marks, write=words.signed)


def _return_difference(record: RunRecord) -> go.Figure:
    alpha = estimate(
        at(record, "money", "regression", "alpha_a_year"),
        label="Alpha, beyond beta",
        colour=COLOURS["strategy"],
        missing="not defined",
    )
    return interval_plot(
        [*_gains(record, "mean_a_year", over=OPPONENTS), alpha],
        marks=(Mark(label="0: no difference", at=0.0),),
        write=words.signed_percent,
        tickformat=".2~%",
    )


def _bootstrap(record: RunRecord) -> go.Figure:
    figure = blank_figure(height=300)
    found = at(record, "money", "distribution") or {}
    edges = np.asarray(found.get("edges") or [], dtype=np.float64)
    counts = np.asarray(found.get("counts") or [], dtype=np.float64)
    marks = (
        *gain_marks(smallest_interesting(record, "money")),
        Mark(
            label="this run",
            at=at(record, "money", "differences", "buy_and_hold", "sharpe", "value"),
            dash="dot",
        ),
    )
    ends = (-1.0, 1.0)
    if counts.sum() > 0:
        middles = (edges[:-1] + edges[1:]) / 2.0
        shares = counts / counts.sum()
        figure.add_bar(
            x=np.round(middles, 6),
            y=np.round(shares, 6),
            width=np.round(np.diff(edges), 6),
            marker={
                "color": [COLOURS["strategy"] if at_ > 0 else "#9aa5b5" for at_ in middles],
                "line": {"width": 0.5, "color": "#ffffff"},
            },
            hovertemplate="%{x:.2f}: %{y:.1%} of the histories<extra></extra>",
        )
        known = [float(mark.at) for mark in marks if mark.at is not None]
        ends = (min(edges[0], *known), max(edges[-1], *known))
    room = 0.03 * (ends[1] - ends[0])
    ends = (float(ends[0] - room), float(ends[1] + room))
    add_marks(figure, marks, ends=ends, height=190)
    figure.update_layout(showlegend=False, hovermode="closest", bargap=0.0, margin={"t": 58, "b": 52})
    figure.update_xaxes(range=list(ends), title_text="Sharpe ratio above buy-and-hold's", zeroline=False)
    figure.update_yaxes(title_text="Share of histories", tickformat=".2~%")
    return figure


def _rolling_sharpe(record: RunRecord) -> go.Figure:
    rolling = rolling_sharpe(record)
    figure = blank_figure(height=300)
    dates = pd.DatetimeIndex(rolling.index).strftime("%Y-%m-%d").to_list()
    for name in rolling.columns:
        values = np.round(rolling[name].to_numpy(), 4)
        figure.add_scatter(
            x=dates,
            y=[None if math.isnan(value) else value for value in values.tolist()],
            name=SERIES[str(name)],
            line=line(str(name)),
            hovertemplate="%{y:.2f}",
            mode="lines",
        )
    figure.add_hline(y=0.0, line={"color": INK, "width": 1.2})
    figure.update_xaxes(type="date", hoverformat="%Y-%m-%d", showgrid=False)
    figure.update_yaxes(title_text="Sharpe ratio, last year")
    return figure


JUDGEMENT_CHARTS: Mapping[str, _Draw] = {
    "forecast_skill": _forecast_skill,
    "forecast_saved": _forecast_saved,
    "forecast_folds": _forecast_folds,
    "sharpe_difference": _sharpe_difference,
    "return_difference": _return_difference,
    "bootstrap": _bootstrap,
    "sharpe": _curve_figure("sharpe", write=words.number),
    "cagr": _curve_figure("cagr", write=words.percent, tickformat=".2~%"),
    "max_drawdown": _curve_figure("max_drawdown", write=words.percent, tickformat=".2~%"),
    "rolling_sharpe": _rolling_sharpe,
    "trials": trials,
    "adjusted": adjusted,
    "stress": stress,
    "power": power,
}
"""In the order of the page."""
