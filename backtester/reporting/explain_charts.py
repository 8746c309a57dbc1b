"""Plotly figures of what an LSTM does: gates over the bars, units by bars, one window, memory, lags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from backtester.reporting.chart_style import COLOURS, INK, MUTED, OTHERS, RULE, blank_figure

__all__ = ["PART_NAMES", "explain_figures"]

Values = Mapping[str, Any]

PART_NAMES: Mapping[str, str] = {
    "forget": "Forget gate",
    "input": "Input gate",
    "output": "Output gate",
    "cell": "Cell state",
}
_BAND = "rgba(11,95,165,0.18)"
_BLUE, _ORANGE = COLOURS["strategy"], COLOURS["buy_and_hold"]
_LINES = (_ORANGE, COLOURS["last_return"], OTHERS["mean_return"], OTHERS["exposure_matched"], INK, MUTED)
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_SCALE = ((0.0, "#b34700"), (0.25, "#eba56b"), (0.5, "#f7f7f5"), (0.75, "#7fb1d9"), (1.0, "#08477d"))
_MOST_FEATURES = 5
_GAP = 0.035
"""Between two panels, as a share of the figure."""


def explain_figures(values: Values) -> dict[str, go.Figure]:
    """Draw all pictures of ``explain.json``.

    Returns
    -------
    figures by name: ``bands_0`` (of the layer's first direction; ``bands_1`` of its second), ``window_0``,
    ``memory_0``, ``map_0_forget`` and so on, ``lags``, ``line``
    """
    found: dict[str, go.Figure] = {}
    for number, cell in enumerate(values["shown"]):
        found[f"bands_{number}"] = _panels(
            values["dates"],
            [
                ("Close", values["close"], 0.2),
                ("Forecast, basis points", values["forecast_bp"], 0.14),
            ],
            bands=cell["bands"],
            lines=cell["lines"],
            height=820,
        )
        found[f"window_{number}"] = _panels(
            values["window_dates"],
            [("Close", values["window_close"], 0.2)],
            bands=cell["window"],
            lines={},
            height=660,
            dots=True,
        )
        found[f"memory_{number}"] = _memory(
            cell["half_lives"], lookback=int(values["model"]["lookback"]), height=300
        )
        for part in PART_NAMES:
            found[f"map_{number}_{part}"] = _map(cell, part=part, dates=values["dates"])
    found["lags"] = _lags(values["lags"])
    if values["line"]["share"] is not None:
        found["line"] = _line(values["line"])
    return found


def _panels(
    x: Sequence[str],
    curves: Sequence[tuple[str, Sequence[float], float]],
    *,
    bands: Values,
    lines: Values,
    height: int,
    dots: bool = False,
) -> go.Figure:
    """Panels above one another with the same dates: curves, then a band for each gate and the cell state."""
    figure = blank_figure(height=height)
    heights = [share for *_, share in curves]
    heights += [(1.0 - sum(heights)) / len(PART_NAMES)] * len(PART_NAMES)
    names = [name for name, *_ in curves] + list(PART_NAMES.values())
    top = 1.0
    for number, (name, share) in enumerate(zip(names, heights, strict=True), start=1):
        axis = "yaxis" if number == 1 else f"yaxis{number}"
        figure.update_layout(
            {
                axis: {
                    "domain": [max(top - share + _GAP, 0.0), top],
                    "anchor": "x",
                    "gridcolor": RULE,
                    "linecolor": "#b8c0cc",
                    "zerolinecolor": "#b8c0cc",
                    "tickfont": {"color": MUTED, "size": 11},
                    "automargin": True,
                    "nticks": 5,
                }
            }
        )
        figure.add_annotation(
            text=f"<b>{name}</b>",
            x=0,
            xref="paper",
            xanchor="left",
            y=top,
            yref="paper",
            yanchor="bottom",
            showarrow=False,
            font={"size": 12, "color": INK},
        )
        top -= share
    mode = "lines+markers" if dots else "lines"
    for number, (name, curve, _) in enumerate(curves, start=1):
        figure.add_scatter(
            x=x,
            y=curve,
            yaxis="y" if number == 1 else f"y{number}",
            mode=mode,
            name=name,
            line={"color": INK if number == 1 else _BLUE, "width": 1.6},
            marker={"size": 4},
            showlegend=False,
        )
    for number, part in enumerate(PART_NAMES, start=len(curves) + 1):
        _add_band(figure, x, part=part, band=bands[part], axis=f"y{number}", mode=mode)
        for place, (unit, of) in enumerate(lines.items()):
            figure.add_scatter(
                x=x,
                y=of[part],
                yaxis=f"y{number}",
                mode="lines",
                name=f"Unit {unit}",
                legendgroup=unit,
                showlegend=part == "forget",
                line={"color": _LINES[place % len(_LINES)], "width": 1.3, "dash": _DASHES[place % 6]},
            )
        if part != "cell":
            figure.update_layout({f"yaxis{number}": {"range": [0.0, 1.0], "tickvals": [0.0, 0.5, 1.0]}})
    figure.update_xaxes(anchor="free", position=0.0, showgrid=False, domain=[0.0, 1.0])
    figure.update_layout(margin={"t": 48 if lines else 22, "b": 30}, legend={"y": 1.035})
    return figure


def _add_band(figure: go.Figure, x: Sequence[str], *, part: str, band: Values, axis: str, mode: str) -> None:
    hidden = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    figure.add_scatter(x=x, y=band["low"], yaxis=axis, **hidden)
    figure.add_scatter(x=x, y=band["high"], yaxis=axis, fill="tonexty", fillcolor=_BAND, **hidden)
    figure.add_scatter(
        x=x,
        y=band["mean"],
        yaxis=axis,
        mode=mode,
        name=PART_NAMES[part],
        line={"color": _BLUE, "width": 2},
        marker={"size": 4},
        showlegend=False,
        customdata=list(zip(band["low"], band["high"], strict=True)),
        hovertemplate="%{y:.3f} (%{customdata[0]:.3f} to %{customdata[1]:.3f})",
    )


def _map(cell: Values, *, part: str, dates: Sequence[str]) -> go.Figure:
    """A row for each unit, a column for each bar."""
    rows: list[list[float]] = cell["maps"][part]
    reach = max((abs(value) for row in rows for value in row), default=1.0) or 1.0
    low, high = (-reach, reach) if part == "cell" else (0.0, 1.0)
    figure = blank_figure(height=max(230, min(420, 80 + 6 * len(rows))))
    figure.add_heatmap(
        x=dates,
        y=list(range(len(rows))),
        z=rows,
        customdata=[[unit] * len(dates) for unit in cell["order"]],
        zmin=low,
        zmax=high,
        colorscale=[list(stop) for stop in _SCALE],
        colorbar={
            "thickness": 10,
            "len": 1.0,
            "outlinewidth": 0,
            "tickfont": {"size": 10, "color": MUTED},
            "nticks": 5,
            "x": 1.01,
        },
        hovertemplate="unit %{customdata}, %{x}: %{z:.3f}<extra></extra>",
    )
    figure.update_layout(hovermode="closest", margin={"t": 8, "b": 30, "r": 4})
    figure.update_yaxes(
        autorange="reversed", showticklabels=False, ticks="", title_text="Units", showgrid=False
    )
    figure.update_xaxes(showgrid=False, nticks=4)
    return figure


def _memory(half_lives: Sequence[float], *, lookback: int, height: int) -> go.Figure:
    """What is left in memory after so many bars: half to the power of bars / half-life."""
    bars = list(range(lookback + 1))
    left = [sorted(0.5 ** (bar / half_life) for half_life in half_lives) for bar in bars]
    figure = blank_figure(height=height)
    hidden = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    figure.add_scatter(x=bars, y=[_quantile(row, 0.1) for row in left], **hidden)
    figure.add_scatter(
        x=bars, y=[_quantile(row, 0.9) for row in left], fill="tonexty", fillcolor=_BAND, **hidden
    )
    figure.add_scatter(
        x=bars,
        y=[_quantile(row, 0.5) for row in left],
        mode="lines",
        name="Left in the median unit",
        showlegend=False,
        line={"color": _BLUE, "width": 2.2},
        hovertemplate="%{y:.1%}",
    )
    figure.add_hline(y=0.5, line={"color": INK, "width": 1.2, "dash": "dash"}, layer="below")
    figure.update_yaxes(range=[0, 1.02], tickformat=".0%", title_text="Left of the cell state")
    figure.update_xaxes(title_text="Bars later", range=[0, lookback], nticks=8)
    figure.update_layout(margin={"t": 10, "b": 46})
    return figure


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return round(ordered[below] + (place - below) * (ordered[above] - ordered[below]), 5)


def _lags(lags: Values) -> go.Figure:
    """A bar for each bar of the window, the oldest on the left, as time runs."""
    features = list(lags["features"])
    drawn = sorted(range(len(features)), key=lambda at: -sum(lags["size_bp"][at]))
    first, rest = drawn[:_MOST_FEATURES], drawn[_MOST_FEATURES:]
    series = [(features[at], lags["size_bp"][at]) for at in first]
    if rest:
        others = [sum(column) for column in zip(*(lags["size_bp"][at] for at in rest), strict=True)]
        series.append((f"{len(rest)} more", others))
    lookback = len(series[0][1])
    places = [-lag for lag in range(lookback)]
    figure = blank_figure(height=300)
    for (name, sizes), colour in zip(series, (_BLUE, *_LINES), strict=False):
        figure.add_bar(
            x=places,
            y=sizes,
            name=name,
            marker={"color": colour},
            showlegend=len(series) > 1,
            hovertemplate="%{y:.3g} bp",
        )
    if len(features) == 1:
        figure.add_scatter(
            x=places,
            y=lags["signed_bp"][0],
            mode="markers",
            name="Mean with its sign",
            marker={
                "color": _ORANGE,
                "size": 7,
                "symbol": "diamond",
                "line": {"color": "#fff", "width": 0.8},
            },
            showlegend=True,
            hovertemplate="%{y:.3g} bp",
        )
        figure.data[0].update(name="Mean size", showlegend=True)
    figure.update_layout(barmode="stack", bargap=0.25, margin={"t": 34, "b": 46})
    figure.update_xaxes(
        title_text="Bar of the window; 0 is the newest",
        range=[-lookback + 0.4, 0.6],
        nticks=8,
        showgrid=False,
    )
    figure.update_yaxes(title_text="Basis points", zeroline=True, nticks=6)
    return figure


def _line(line: Values) -> go.Figure:
    """What the network says against what the straight line says."""
    x, y = line["line"], line["said"]
    ends = [min(*x, *y), max(*x, *y)]
    figure = blank_figure(height=300)
    figure.add_scatter(
        x=ends, y=ends, mode="lines", line={"color": MUTED, "width": 1.2, "dash": "dash"}, hoverinfo="skip"
    )
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"color": _BLUE, "size": 6, "opacity": 0.75},
        hovertemplate="line %{x:.4g}, network %{y:.4g}<extra></extra>",
    )
    unit = "price" if line["unit"] == "price" else "basis points"
    figure.update_layout(showlegend=False, hovermode="closest", margin={"t": 10, "b": 46})
    figure.update_xaxes(title_text=f"Straight line, {unit}", zeroline=False, nticks=6)
    figure.update_yaxes(title_text=f"Network, {unit}", zeroline=False, nticks=6)
    return figure
