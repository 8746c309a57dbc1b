"""Plotly figures of luck, stress and power."""

from __future__ import annotations

import math
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from backtester.reporting import words
from backtester.reporting.chart_style import ANSWERS, COLOURS, INK, MUTED, PALE, blank_figure
from backtester.reporting.interval_plot import Mark, Row, add_marks, estimate, gain_marks, interval_plot
from backtester.reporting.judgement import ANSWERS as SIGNS
from backtester.reporting.judgement import at, smallest_interesting
from backtester.run_directory import RunRecord

__all__ = ["adjusted", "power", "stress", "trials"]

_OTHER_TRIAL = "#9aa5b5"
_P_TICKS = tuple((math.log10(p), f"{p:g}") for p in (0.001, 0.01, 0.1, 1.0))
_YEARS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)


def trials(record: RunRecord) -> go.Figure:
    """Every variant tried, the best on top, by what it earned above buy-and-hold."""
    table = [row for row in at(record, "search", "table") or [] if not words.is_missing(row["sharpe"])]
    table.sort(key=lambda row: row["difference_a_year"])
    height = min(440, 170 + 14 * len(table))
    figure = blank_figure(height=height)
    for own, name, size in ((False, "Another variant", 7), (True, "This run", 12)):
        places = [place for place, row in enumerate(table) if bool(row["own"]) is own]
        figure.add_scatter(
            x=[round(float(table[place]["difference_a_year"]), 8) for place in places],
            y=places,
            mode="markers",
            name=name,
            # a recipe's name may hold anything, and plotly reads markup
            text=[
                f"{escape(str(table[place]['recipe'])[:60])} {table[place]['trial']}<br>Sharpe ratio "
                f"{words.minus(words.number(table[place]['sharpe']))}"
                for place in places
            ],
            hovertemplate="%{text}<br>%{x:.1%} a year above buy-and-hold at its risk<extra></extra>",
            marker={"color": COLOURS["strategy"] if own else _OTHER_TRIAL, "size": size},
        )
    known = [float(row["difference_a_year"]) for row in table] + [0.0]
    room = 0.06 * (max(known) - min(known)) or 0.01
    ends = (min(known) - room, max(known) + room)
    add_marks(figure, [Mark(label="0: buy-and-hold", at=0.0)], ends=ends, height=height - 84.0)
    # the legend below the plot, as the label of the line is above it
    figure.update_layout(hovermode="closest", margin={"t": 28, "b": 56})
    figure.update_layout(legend={"y": -28.0 / (height - 84.0), "yanchor": "top"})
    figure.update_xaxes(range=list(ends), zeroline=False, tickformat=".2~%")
    figure.update_yaxes(visible=False, range=[-1, max(len(table), 1)])
    return figure


def adjusted(record: RunRecord) -> go.Figure:
    """p-values of this run alone, of this run among all tried, and of the best of them."""
    level = float(at(record, "level"))
    rows = [
        Row(
            label=label,
            # on a scale of tenfold steps; a p-value of nothing would lie infinitely far out
            value=None if words.is_missing(found) else math.log10(max(found, 1e-4)),
            colour=colour,
            missing="not defined",
        )
        for label, colour, found in (
            ("This run alone", _OTHER_TRIAL, at(record, "search", "p_value_alone")),
            ("This run, for all tried", COLOURS["strategy"], at(record, "search", "p_value")),
            ("Best of all tried", INK, at(record, "search", "p_value_best")),
        )
    ]
    return interval_plot(
        rows,
        marks=(Mark(label=f"{level:g}: yes to the left", at=math.log10(level)),),
        write=lambda value: words.probability(10.0**value),
        ticks=_P_TICKS,
    )


def stress(record: RunRecord) -> go.Figure:
    """Gain over buy-and-hold under each harder condition."""
    rows = [
        estimate(
            at(record, "money", "differences", "buy_and_hold", "sharpe"),
            label="As run",
            colour=COLOURS["strategy"],
            missing="not defined",
        )
    ]
    for check in at(record, "stress", "checks") or []:
        label, answer = str(check["label"]), str(check["answer"])
        rows.append(
            estimate(
                check["sharpe_difference"],
                label=f"{SIGNS[answer][1]} {label[:1].upper()}{label[1:]}",
                colour=ANSWERS[answer],
                missing="not defined",
            )
        )
    return interval_plot(
        rows, marks=gain_marks(smallest_interesting(record, "money")), write=words.signed, tickformat=".1f"
    )


def power(record: RunRecord) -> go.Figure:
    """Gain that so many years can show, and the one that would be of interest."""
    found = at(record, "power") or {}
    figure = blank_figure(height=320)
    here: Any = found.get("years")
    shown: Any = found.get("detectable_gain")
    if not words.is_missing(here) and not words.is_missing(shown) and here > 0:
        points: list[tuple[str, Any, Any, str]] = [
            ("This run could show", here, shown, COLOURS["strategy"]),
            (
                "Of interest",
                found.get("years_for_smallest"),
                found.get("smallest_interesting"),
                ANSWERS["inconclusive"],
            ),
        ]
        known = [point for point in points if not words.is_missing(point[1])]
        # the gain that can be shown falls with the root of the years
        longest = 2.0 * max(float(years) for _, years, _, _ in known)
        years = np.geomspace(min(0.5, float(here)), longest, 120)
        figure.add_scatter(
            x=np.round(years, 4),
            y=np.round(shown * np.sqrt(here / years), 5),
            mode="lines",
            name="Can be shown",
            line={"color": MUTED, "width": 1.6},
            fill="tozeroy",
            fillcolor=PALE,
            hovertemplate="%{x:.1f} years: %{y:.2f}<extra></extra>",
        )
        for name, at_, needed, colour in known:
            figure.add_scatter(
                x=[round(float(at_), 4)],
                y=[round(float(needed), 5)],
                mode="markers",
                name=name,
                marker={"color": colour, "size": 12, "line": {"color": "#ffffff", "width": 1.5}},
                hovertemplate=f"{name}: %{{x:.1f}} years, %{{y:.2f}}<extra></extra>",
            )
        gain: Any = at(record, "money", "differences", "buy_and_hold", "sharpe", "value")
        if not words.is_missing(gain) and gain > 0.0:
            figure.add_scatter(
                x=[round(float(here), 4)],
                y=[round(float(gain), 5)],
                mode="markers",
                name="Gain observed",
                marker={"color": COLOURS["strategy"], "size": 11, "symbol": "circle-open"},
                hovertemplate="Gain observed: %{y:.2f}<extra></extra>",
            )
        figure.update_yaxes(range=[0.0, 1.6 * max(float(shown), float(known[-1][2]))])
    figure.update_layout(hovermode="closest")
    figure.update_xaxes(type="log", title_text="Years of forecasts", tickvals=list(_YEARS))
    figure.update_yaxes(title_text="Gain in Sharpe ratio")
    return figure
