"""Plotly figures of the positive control, from its summary and its table of epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from backtester.reporting import words
from backtester.reporting.chart_style import COLOURS, INK, MUTED, RULE, blank_figure

__all__ = ["TITLES", "control_figures"]

TITLES: Mapping[str, str] = {
    "held_out": "A fifth held out",
    "other_writers": "Other writers",
    "given": "The file's test images",
    "shuffled": "Shuffled labels",
}
_LEARNERS = (("network", "Network", "strategy"), ("logistic", "Logistic regression", "last_return"))
_GUESSING = 0.1
_DIGITS = [str(digit) for digit in range(10)]


def control_figures(summary: Mapping[str, Any], *, epochs: pd.DataFrame) -> dict[str, go.Figure]:
    """All charts of a control: ``accuracy``, ``found``, ``nothing`` and ``losses``."""
    arrangements = summary["arrangements"]
    return {
        "accuracy": _accuracy(arrangements),
        "found": _confusion(arrangements[0]["confusion"]),
        "nothing": _confusion(arrangements[-1]["confusion"]),
        "losses": _losses(epochs, keys=[arrangements[0]["key"], arrangements[-1]["key"]]),
    }


def _accuracy(arrangements: list[dict[str, Any]]) -> go.Figure:
    figure = blank_figure(height=110 + 62 * len(arrangements))
    rows = np.arange(len(arrangements))[::-1].astype(float)
    for place, (key, name, colour) in enumerate(_LEARNERS):
        scores = [arrangement[key] for arrangement in arrangements]
        shares = [100.0 * score["accuracy"] for score in scores]
        ends = [[100.0 * end for end in score["interval"]] for score in scores]
        figure.add_scatter(
            x=shares,
            y=rows + 0.14 - 0.28 * place,
            name=name,
            mode="markers",
            marker={
                "color": COLOURS[colour],
                "size": 11 if place == 0 else 9,
                "symbol": ["circle", "diamond"][place],
            },
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [high - share for share, (_, high) in zip(shares, ends, strict=True)],
                "arrayminus": [share - low for share, (low, _) in zip(shares, ends, strict=True)],
                "color": COLOURS[colour],
                "thickness": 2,
                "width": 0,
            },
            customdata=ends,
            hovertemplate="%{x:.1f}% (%{customdata[0]:.1f} to %{customdata[1]:.1f})",
        )
    figure.add_vline(x=100 * _GUESSING, line={"color": MUTED, "width": 1.2, "dash": "dash"})
    figure.add_annotation(
        x=100 * _GUESSING,
        y=1.0,
        yref="paper",
        text="guessing",
        showarrow=False,
        xanchor="left",
        yanchor="top",
        xshift=4,
        font={"color": MUTED, "size": 11},
    )
    figure.update_xaxes(range=[0, 103], ticksuffix="%", title_text="Read rightly")
    figure.update_yaxes(
        tickvals=rows,
        ticktext=[TITLES[arrangement["key"]] for arrangement in arrangements],
        range=[-0.6, len(arrangements) - 0.3],
        showgrid=False,
        zeroline=False,
        tickfont={"size": 12, "color": INK},
    )
    figure.update_layout(hovermode="closest")
    return figure


def _confusion(counts: list[list[int]]) -> go.Figure:
    """Shares of each shown digit that were read as each; the number in a cell is in per cent."""
    table = np.asarray(counts, dtype=float)
    shares = 100.0 * table / np.maximum(1.0, table.sum(axis=1, keepdims=True))
    figure = blank_figure(height=400)
    figure.add_heatmap(
        x=_DIGITS,
        y=_DIGITS,
        z=np.round(shares, 2),
        zmin=0,
        zmax=100,
        text=[[f"{share:.0f}" if share >= 0.5 else "" for share in row] for row in shares],
        customdata=table.astype(int),
        texttemplate="%{text}",
        textfont={"size": 11},
        hovertemplate="shown %{y}, read %{x}: %{customdata} (%{z:.1f}%)<extra></extra>",
        colorscale=[[0.0, "#ffffff"], [0.001, "#eef4fa"], [1.0, COLOURS["strategy"]]],
        showscale=False,
        xgap=1,
        ygap=1,
    )
    figure.update_xaxes(title_text="Digit read", type="category", showgrid=False, constrain="domain")
    figure.update_yaxes(
        title_text="Digit shown", type="category", autorange="reversed", showgrid=False, scaleanchor="x"
    )
    figure.update_layout(hovermode="closest", plot_bgcolor=RULE, margin={"t": 8})
    return figure


def _losses(epochs: pd.DataFrame, *, keys: list[str]) -> go.Figure:
    figure = blank_figure(height=340)
    for key, colour in zip(keys, ("strategy", "buy_and_hold"), strict=True):
        mine = epochs[epochs["arrangement"] == key]
        for seed, one in mine.groupby("seed"):
            figure.add_scatter(
                x=one["epoch"].tolist(),
                y=np.round(one["validation_loss"].to_numpy(), 5).tolist(),
                name=TITLES[key],
                legendgroup=key,
                showlegend=bool(seed == mine["seed"].min()),
                mode="lines",
                line={"color": COLOURS[colour], "width": 1.5},
                hovertemplate=f"%{{y:.3f}}<extra>{words.shortened(TITLES[key], 20)}, seed {seed}</extra>",
            )
    figure.add_hline(y=math.log(1.0 / _GUESSING), line={"color": MUTED, "width": 1.2, "dash": "dash"})
    figure.add_annotation(
        x=1.0,
        xref="paper",
        y=math.log(1.0 / _GUESSING),
        text="guessing, log 10",
        showarrow=False,
        xanchor="right",
        yanchor="top",
        font={"color": MUTED, "size": 11},
    )
    figure.update_xaxes(title_text="Epoch", rangemode="tozero")
    figure.update_yaxes(title_text="Validation loss", rangemode="tozero")
    figure.update_layout(hovermode="closest")
    return figure
