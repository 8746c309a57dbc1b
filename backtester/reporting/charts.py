"""Plotly figures of a run, for the page and for notebooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from backtester.reporting.chart_style import COLOURS, FAILED, INK, MUTED, PALE, blank_figure, line
from backtester.reporting.curves import drawdown_curves, equity_curves, fold_of_bar, monthly_returns
from backtester.reporting.judgement import is_judged
from backtester.reporting.judgement_charts import JUDGEMENT_CHARTS
from backtester.reporting.published import published_of
from backtester.reporting.published_charts import published_figures
from backtester.reporting.words import LABELS, is_missing, span
from backtester.run_directory import RunRecord

__all__ = ["MAX_POINTS", "RECENT_BARS", "figures"]

RECENT_BARS = 60
MAX_POINTS = 4000
"""A scatter of more points than this is thinned evenly; the page says so."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def figures(record: RunRecord) -> dict[str, go.Figure]:
    """All charts of a run.

    Parameters
    ----------
    record : a finished run, from ``read_run``

    Returns
    -------
    dict with ``equity``, ``drawdown``, ``exposure``, ``forecast``, ``prices``, ``folds``, ``spans`` and
    ``monthly``; of a judged run also ``forecast_skill``, ``forecast_saved``, ``forecast_folds``,
    ``sharpe_difference``, ``return_difference``, ``bootstrap``, ``sharpe``, ``cagr``, ``max_drawdown``,
    ``rolling_sharpe``, ``trials``, ``adjusted``, ``stress`` and ``power``; of one with a system as published
    also ``published_prices``, ``published_close_up`` and ``published_loss``

    Raises
    ------
    StorageError : the files of the published mode are damaged
    """
    charts = {**_CHARTS, **JUDGEMENT_CHARTS} if is_judged(record) else _CHARTS
    drawn = {name: draw(record) for name, draw in charts.items()}
    published = published_of(record)
    return drawn if published is None else drawn | published_figures(published)


def _fold_text(fold: Mapping[str, Any]) -> str:
    text = (
        f"Fold {fold['index']}<br>trained {span(fold.get('train_start'), fold.get('train_end'))}"
        f"<br>tested {span(fold.get('test_start'), fold.get('test_end'))}"
    )
    if fold.get("state") == "failed":
        # a reason may hold anything, and plotly reads markup: escaped, and short enough for a hover
        text += f"<br>failed: {escape(str(fold.get('reason', ''))[:80])}"
    return text


def _curves(record: RunRecord, frame: pd.DataFrame, *, height: int, form: str) -> go.Figure:
    """Lines of the compared curves over shaded test spans."""
    figure = blank_figure(height=height)
    dates = pd.DatetimeIndex(frame.index)
    for name in frame.columns:
        figure.add_scatter(
            x=dates.strftime("%Y-%m-%d").to_list(),
            y=np.round(frame[name].to_numpy(), 6),
            name=LABELS[name],
            line=line(name),
            hovertemplate=f"%{{y:{form}}}",
        )
    _add_spans(figure, record, heights=frame["strategy"])
    figure.update_xaxes(type="date", hoverformat="%Y-%m-%d", showgrid=False)
    return figure


def _add_spans(figure: go.Figure, record: RunRecord, *, heights: pd.Series) -> None:
    folds = record.manifest["folds"]
    if not folds or len(heights) == 0:
        return
    # set at once: plotly's add_vrect takes time in the square of their number
    figure.update_layout(
        shapes=[
            {
                "type": "rect",
                "xref": "x",
                "yref": "paper",
                "x0": fold["test_start"],
                "x1": fold["test_end"],
                "y0": 0,
                "y1": 1,
                "fillcolor": FAILED if fold.get("state") == "failed" else PALE,
                "line": {"width": 0},
                "layer": "below",
            }
            for fold in folds
            if fold.get("state") == "failed" or fold["index"] % 2 == 0
        ]
    )
    dates = pd.DatetimeIndex(heights.index)
    texts = [_fold_text(fold) for fold in folds]
    figure.add_scatter(
        x=dates.strftime("%Y-%m-%d").to_list(),
        y=np.round(heights.to_numpy(), 6),
        text=[texts[position] if position >= 0 else "" for position in fold_of_bar(record, dates)],
        hovertemplate="%{text}<extra></extra>",
        mode="lines",
        line={"width": 0, "color": "rgba(0,0,0,0)"},
        name="Fold",
        showlegend=False,
    )


def _equity(record: RunRecord) -> go.Figure:
    figure = _curves(record, equity_curves(record), height=420, form=".1f")
    figure.update_yaxes(title_text="Equity, start = 100")
    return figure


def _drawdown(record: RunRecord) -> go.Figure:
    figure = _curves(record, drawdown_curves(record), height=280, form=".1%")
    figure.update_yaxes(title_text="Below the highest value", tickformat=".0%")
    return figure


def _exposure(record: RunRecord) -> go.Figure:
    figure = blank_figure(height=200)
    exposure = record.exposures["strategy"]
    figure.add_scatter(
        x=pd.DatetimeIndex(exposure.index).strftime("%Y-%m-%d").to_list(),
        y=np.round(exposure.to_numpy(), 6),
        name=LABELS["strategy"],
        line={"color": COLOURS["strategy"], "width": 0, "shape": "hv"},
        fill="tozeroy",
        fillcolor="rgba(11,95,165,0.45)",
        hovertemplate="%{y:.0%}",
    )
    figure.update_layout(margin_t=8)
    figure.update_xaxes(type="date", hoverformat="%Y-%m-%d", showgrid=False)
    low, high = min(0.0, float(exposure.min())), max(1.0, float(exposure.max()))
    figure.update_yaxes(title_text="Exposure", tickformat=".0%", range=[1.04 * low, 1.04 * high])
    return figure


def _scored(record: RunRecord) -> pd.DataFrame:
    rows = record.forecasts
    return rows[rows["forecast"].notna() & rows["actual"].notna()]


def _forecast(record: RunRecord) -> go.Figure:
    rows = _scored(record)
    rows = rows.iloc[:: max(1, -(-len(rows) // MAX_POINTS))]
    figure = blank_figure(height=380)
    figure.add_scatter(
        x=np.round(rows["forecast"].to_numpy(), 8),
        y=np.round(rows["actual"].to_numpy(), 8),
        text=pd.DatetimeIndex(rows["target_date"]).strftime("%Y-%m-%d").to_list(),
        mode="markers",
        name="One forecast",
        marker={"color": COLOURS["strategy"], "size": 5, "opacity": 0.45},
        hovertemplate="%{text}<br>forecast %{x:.2%}<br>actual %{y:.2%}<extra></extra>",
    )
    if len(rows):
        ends = [float(rows["forecast"].min()), float(rows["forecast"].max())]
        figure.add_scatter(
            x=ends,
            y=ends,
            mode="lines",
            name="Perfect forecast",
            line={"color": INK, "width": 1.2, "dash": "dash"},
            hoverinfo="skip",
        )
    figure.update_layout(hovermode="closest")
    figure.update_xaxes(title_text="Forecast log return", tickformat=".1%", nticks=8)
    figure.update_yaxes(title_text="Actual log return", tickformat=".1%")
    return figure


def _prices(record: RunRecord) -> go.Figure:
    rows = _scored(record).tail(RECENT_BARS)
    figure = blank_figure(height=380)
    dates = pd.DatetimeIndex(rows["target_date"]).strftime("%Y-%m-%d").to_list()
    actual = (rows["last_price"] * np.exp(rows["actual"])).to_numpy()
    for name, values, style in (
        ("Last price", rows["last_price"].to_numpy(), {"color": "rgba(107,114,128,0.35)", "width": 8}),
        ("Close", actual, {"color": INK, "width": 1.8}),
        ("Forecast of it", rows["forecast_price"].to_numpy(), {"color": COLOURS["strategy"], "width": 1.8}),
    ):
        figure.add_scatter(
            x=dates, y=np.round(values, 6), name=name, line=style, hovertemplate="%{y:,.2f}", mode="lines"
        )
    figure.update_xaxes(type="date", hoverformat="%Y-%m-%d", showgrid=False)
    figure.update_yaxes(title_text="Price")
    return figure


def _folds(record: RunRecord) -> go.Figure:
    table = record.summary["folds_table"]
    numbers = [row["fold"] for row in table]
    figure = blank_figure(height=440)
    for name in ("strategy", "buy_and_hold"):
        figure.add_bar(
            x=numbers,
            y=[row[f"return_{name}"] for row in table],
            name=LABELS[name],
            marker={"color": COLOURS[name], "line": {"width": 0}},
            hovertemplate="%{y:.1%}",
            yaxis="y2",
        )
    ratios = [None if is_missing(row["rmse_ratio"]) else row["rmse_ratio"] for row in table]
    figure.add_scatter(
        x=numbers,
        y=ratios,
        name="RMSE ratio",
        mode="markers",
        marker={"color": INK, "size": 7},
        hovertemplate="%{y:.4f}",
    )
    figure.add_hline(y=1.0, line={"color": MUTED, "width": 1.2, "dash": "dash"})
    figure.update_layout(
        yaxis={"domain": [0.58, 1.0], "title_text": "RMSE ratio"},
        yaxis2={**figure.layout.yaxis.to_plotly_json(), "domain": [0.0, 0.48], "anchor": "x"},
        bargap=0.25,
        bargroupgap=0.05,
        hoversubplots="axis",
    )
    figure.update_layout(yaxis2={"title_text": "Return in the fold", "tickformat": ".0%"})
    figure.update_xaxes(title_text="Fold", showgrid=False, zeroline=False, anchor="y2", hoverformat="d")
    figure.update_xaxes(unifiedhovertitle_text="Fold %{x}")
    return figure


def _spans(record: RunRecord) -> go.Figure:
    folds = record.manifest["folds"]
    figure = blank_figure(height=max(190, 90 + 9 * len(folds)))
    for part, name, colour in (
        ("train", "Training", "#c3cedb"),
        ("validation", "Validation", "#8496ab"),
        ("test", "Test", COLOURS["strategy"]),
    ):
        rows = [fold for fold in folds if fold.get(f"{part}_start") and fold.get(f"{part}_end")]
        starts = pd.DatetimeIndex([fold[f"{part}_start"] for fold in rows])
        ends = pd.DatetimeIndex([fold[f"{part}_end"] for fold in rows])
        days = (ends - starts).days + 1
        figure.add_bar(
            orientation="h",
            base=starts.strftime("%Y-%m-%d").to_list(),
            x=[int(day) * 86_400_000 for day in days],
            y=[fold["index"] for fold in rows],
            name=name,
            text=[_fold_text(fold) for fold in rows],
            textposition="none",
            hovertemplate="%{text}<extra></extra>",
            marker={"color": colour, "line": {"width": 0}},
        )
    figure.update_layout(barmode="overlay", bargap=0.25, hovermode="closest")
    figure.update_xaxes(type="date", showgrid=True)
    figure.update_yaxes(autorange="reversed", title_text="Fold", showgrid=False, zeroline=False)
    return figure


def _monthly(record: RunRecord) -> go.Figure:
    months = monthly_returns(record.returns["strategy"])
    figure = blank_figure(height=90 + 30 * len(months))
    values = months.drop(columns="year").to_numpy()
    limit = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0
    figure.add_heatmap(
        x=list(_MONTHS),
        y=[str(year) for year in months.index],
        z=np.round(values, 6),
        zmin=-limit,
        zmax=limit,
        colorscale=[[0.0, COLOURS["buy_and_hold"]], [0.5, "#ffffff"], [1.0, COLOURS["strategy"]]],
        texttemplate="%{z:.1%}",
        showscale=False,
        xgap=2,
        ygap=2,
        hovertemplate="%{x} %{y}: %{z:.2%}<extra></extra>",
    )
    figure.update_layout(hovermode="closest")
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    figure.update_xaxes(showgrid=False)
    return figure


_CHARTS: Mapping[str, Callable[[RunRecord], go.Figure]] = {
    "equity": _equity,
    "drawdown": _drawdown,
    "exposure": _exposure,
    "forecast": _forecast,
    "prices": _prices,
    "folds": _folds,
    "spans": _spans,
    "monthly": _monthly,
}
