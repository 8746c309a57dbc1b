"""Charts of explored prices without time: scatter plots, boxes, distributions, autocorrelation, seasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from scipy import stats

from backtester.exploring.distribution import log_returns, normal_quantiles
from backtester.exploring.exploration import Exploration
from backtester.exploring.pairs import PAIRS, pairs
from backtester.reporting.chart_style import COLOURS, INK, blank_figure
from backtester.reporting.charts import MAX_POINTS
from backtester.reporting.explore_drawing import packed, with_boxes

__all__ = ["SPREADS", "thinning"]

_SCATTER_HEIGHT = 320
_BP = 1e4


def thinning(n: int) -> int:
    """Which points of a scatter plot of n are drawn: every so manieth."""
    return max(1, -(-n // MAX_POINTS))


def _scatter(name: str) -> Callable[[Exploration], go.Figure | None]:
    def draw(found: Exploration) -> go.Figure | None:
        if found.frame is None or found.values["pairs"] is None or name not in found.values["pairs"]:
            return None
        points = pairs(found.frame, returns=log_returns(found.frame["close"]))[name]
        points = points.iloc[:: thinning(len(points))]
        across, up = PAIRS[name]
        figure = blank_figure(height=_SCATTER_HEIGHT)
        figure.add_scatter(
            x=packed(points["x"]),
            y=packed(points["y"]),
            text=pd.DatetimeIndex(points.index).strftime("%Y-%m-%d").to_list(),
            mode="markers",
            marker={"color": COLOURS["strategy"], "size": 4, "opacity": 0.35},
            hovertemplate=f"%{{text}}<br>{across}: %{{x:.3f}}<br>{up}: %{{y:.2%}}<extra></extra>",
        )
        figure.update_layout(hovermode="closest", showlegend=False, margin_t=10)
        figure.update_xaxes(title_text=across, tickformat="" if name == "volume" else ".0%", nticks=7)
        figure.update_yaxes(title_text=up, tickformat=".0%")
        return figure

    return draw


def _boxes(kind: str) -> Callable[[Exploration], go.Figure | None]:
    def draw(found: Exploration) -> go.Figure | None:
        boxes = (found.values["boxes"] or {}).get(kind)
        if not boxes:
            return None
        prices = kind == "prices"
        figure = with_boxes(blank_figure(height=320), boxes, form=",.4~f" if prices else ".2%")
        figure.update_xaxes(type="category", showgrid=False)
        figure.update_yaxes(
            title_text="Price" if prices else "Log return", tickformat="" if prices else ".0%"
        )
        return figure

    return draw


def _histogram(found: Exploration) -> go.Figure | None:
    spread = found.values["distribution"]
    if spread is None:
        return None
    edges = np.array(spread["histogram"]["edges"])
    counts = np.array(spread["histogram"]["counts"])
    middles, width = (edges[1:] + edges[:-1]) / 2.0, float(edges[1] - edges[0])
    normal = np.diff(stats.norm.cdf(edges, loc=spread["mean"], scale=spread["sd"])) * spread["n"]
    figure = blank_figure(height=320)
    figure.add_bar(
        x=packed(middles),
        y=counts,
        width=width,
        name="Days",
        marker={"color": COLOURS["strategy"], "opacity": 0.55, "line": {"width": 0}},
        hovertemplate="about %{x:.2%}: %{y} days",
    )
    figure.add_scatter(
        x=packed(middles),
        y=packed(normal),
        name="Normal, same mean and spread",
        mode="lines",
        line={"color": INK, "width": 1.6},
        hovertemplate="%{y:.0f} days",
    )
    figure.update_layout(hovermode="closest", bargap=0)
    figure.update_xaxes(title_text="Log return", tickformat=".0%", nticks=9)
    figure.update_yaxes(title_text="Days")
    return figure


def _quantiles(found: Exploration) -> go.Figure | None:
    if found.values["distribution"] is None or found.frame is None:
        return None
    normal, observed = normal_quantiles(log_returns(found.frame["close"]).to_numpy(dtype=np.float64))
    figure = blank_figure(height=320)
    figure.add_scatter(
        x=packed(normal),
        y=packed(observed),
        name="Days",
        mode="markers",
        marker={"color": COLOURS["strategy"], "size": 4},
        hovertemplate="normal %{x:.2f}, here %{y:.2f} standard deviations<extra></extra>",
    )
    ends = [float(normal[0]), float(normal[-1])]
    figure.add_scatter(
        x=ends,
        y=ends,
        name="Normal",
        mode="lines",
        line={"color": INK, "width": 1.2, "dash": "dash"},
        hoverinfo="skip",
    )
    figure.update_layout(hovermode="closest")
    figure.update_xaxes(title_text="Quantile of a normal distribution, sd")
    figure.update_yaxes(title_text="Quantile of the returns, sd")
    return figure


def _autocorrelation(kind: str) -> Callable[[Exploration], go.Figure | None]:
    def draw(found: Exploration) -> go.Figure | None:
        values = (found.values["autocorrelation"] or {}).get(kind)
        if values is None:
            return None
        lags, band = values["lags"], packed(values["band"])
        figure = blank_figure(height=260)
        figure.add_scatter(
            x=[*lags, *lags[::-1]],
            y=np.concatenate((band, -band[::-1])),
            fill="toself",
            fillcolor="rgba(86,96,114,0.18)",
            line={"width": 0},
            name="95% without any",
            hoverinfo="skip",
        )
        figure.add_bar(
            x=lags,
            y=packed(values["values"]),
            width=0.55,
            name="Autocorrelation",
            marker={"color": COLOURS["strategy"], "line": {"width": 0}},
            hovertemplate="lag %{x}: %{y:.3f}<extra></extra>",
        )
        figure.update_layout(hovermode="closest")
        figure.update_xaxes(title_text="Lag, sessions", showgrid=False)
        figure.update_yaxes(title_text="Correlation")
        return figure

    return draw


def _seasons(kinds: tuple[str, ...]) -> Callable[[Exploration], go.Figure | None]:
    def draw(found: Exploration) -> go.Figure | None:
        seasons = found.values["seasons"]
        if seasons is None:
            return None
        rows: list[dict[str, Any]] = [row for kind in kinds for row in seasons[kind] if row["interval"]]
        if "turn" in kinds and seasons["other_days"]["interval"]:
            rows.append({**seasons["other_days"], "name": "Other days"})
        if not rows:
            return None
        figure = blank_figure(height=280)
        figure.add_scatter(
            x=[row["name"] if len(kinds) > 1 else row["name"][:3] for row in rows],
            y=packed([_BP * row["mean"] for row in rows]),
            error_y={
                "type": "data",
                "array": [_BP * (row["interval"][1] - row["mean"]) for row in rows],
                "color": COLOURS["strategy"],
                "thickness": 1.6,
                "width": 4,
            },
            mode="markers",
            marker={"color": COLOURS["strategy"], "size": 9},
            customdata=[row["n"] for row in rows],
            hovertemplate="%{x}: %{y:.1f} bp a day, %{customdata} days<extra></extra>",
        )
        figure.add_hline(
            y=_BP * found.values["distribution"]["mean"], line={"color": INK, "width": 1.2, "dash": "dash"}
        )
        figure.update_layout(hovermode="closest", showlegend=False, margin_t=10)
        figure.update_xaxes(type="category", showgrid=False)
        figure.update_yaxes(title_text="Mean return a day, bp")
        return figure

    return draw


SPREADS: Mapping[str, Callable[[Exploration], go.Figure | None]] = {
    **{f"scatter_{name}": _scatter(name) for name in PAIRS},
    **{f"box_{kind}": _boxes(kind) for kind in ("prices", "year", "month", "weekday")},
    "histogram": _histogram,
    "quantiles": _quantiles,
    **{f"acf_{kind}": _autocorrelation(kind) for kind in ("returns", "absolute", "volume")},
    "season_week": _seasons(("weekday", "turn")),
    "season_month": _seasons(("month",)),
}
"""Charts by name; None where the file has nothing to draw there."""
