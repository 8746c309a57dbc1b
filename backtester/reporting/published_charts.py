"""Charts of a system as published: its forecasts over all rows, the last of them close up, and the losses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from backtester.reporting import words
from backtester.reporting.chart_style import COLOURS, blank_figure
from backtester.reporting.published import Published, price

__all__ = ["ACTUAL", "CLOSE_UP", "PREDICTED", "published_captions", "published_figures"]

ACTUAL = COLOURS["strategy"]
PREDICTED = "#c62d1f"
"""Blue and red, as the published pictures have them."""
CLOSE_UP = 60
"""Rows of the close-up: few enough to see by eye that a forecast comes a row late."""
MOST_ROWS = 4000
_ALIKE = 0.05
"""Distances that differ by a smaller share than this are called alike."""

_BAND = "rgba(198,45,31,0.18)"
_TRAINED, _SEAM = "#fdeadd", "#e3e9f1"
"""Behind rows that the networks were trained on, and behind those whose window has a seam."""


def published_figures(published: Published) -> dict[str, go.Figure]:
    """Charts of the published mode.

    Returns
    -------
    dict with ``published_prices``, ``published_close_up`` and ``published_loss``
    """
    n_rows = len(published.forecasts)
    every = max(1, -(-n_rows // MOST_ROWS))
    return {
        "published_prices": _prices(published, rows=slice(None, None, every)),
        "published_close_up": _prices(published, rows=_last_rows(published)),
        "published_loss": _loss(published),
    }


def published_captions(published: Published) -> dict[str, str]:
    """Each of the charts in words."""
    return {
        "published_prices": _prices_words(published),
        "published_close_up": _lag_words(published),
        "published_loss": _loss_words(published),
    }


def _last_rows(published: Published) -> slice:
    return slice(max(0, len(published.forecasts) - CLOSE_UP), None)


def _prices(published: Published, *, rows: slice) -> go.Figure:
    table, predicted = published.forecasts.iloc[rows], published.predicted.iloc[rows]
    dates = table["target_date"].dt.strftime("%Y-%m-%d").to_list()
    figure = blank_figure(height=380)
    n_networks = predicted.shape[1]
    if n_networks > 1:
        _add_band(figure, dates=dates, predicted=predicted)
    before = table["last_price"].where(table["scored"])
    lines: list[tuple[str, pd.Series, dict[str, Any]]] = [
        (_baseline(published), before, {"color": COLOURS["last_price"], "width": 1}),
        ("Actual", table["actual"], {"color": ACTUAL, "width": 1.8}),
    ]
    if n_networks:
        name = "Predicted" if n_networks == 1 else f"Predicted, mean of {n_networks}"
        lines.append((name, predicted.mean(axis="columns"), {"color": PREDICTED, "width": 1.8}))
    for name, values, style in lines:
        figure.add_scatter(
            x=dates,
            y=_rounded(values),
            name=name,
            line=style,
            mode="lines",
            hovertemplate="%{y:,.2f}",
        )
    # a filled band turns the legend around
    figure.update_layout(
        shapes=[*_shapes(table, column="in_training", colour=_TRAINED), *_seams(table)],
        legend_traceorder="normal",
    )
    # where time is read backwards the picture runs in that order: by row, as such sources draw it
    figure.update_xaxes(
        type="date",
        hoverformat="%Y-%m-%d",
        showgrid=False,
        autorange="reversed" if published.reversed else True,
    )
    figure.update_yaxes(title_text="Price")
    return figure


def _baseline(published: Published) -> str:
    return "Next session's price" if published.reversed else "Last price"


def _add_band(figure: go.Figure, *, dates: Sequence[str], predicted: pd.DataFrame) -> None:
    for name, values, fill in (
        ("Lowest network", predicted.min(axis="columns"), None),
        ("Lowest to highest network", predicted.max(axis="columns"), "tonexty"),
    ):
        figure.add_scatter(
            x=list(dates),
            y=_rounded(values),
            name=name,
            mode="lines",
            line={"width": 0, "color": _BAND},
            fill=fill,
            fillcolor=_BAND,
            showlegend=fill is not None,
            hoverinfo="skip",
        )


def _rounded(values: pd.Series) -> list[float | None]:
    return [round(float(value), 6) if math.isfinite(value) else None for value in values]


def _seams(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [] if bool(table["straddles"].all()) else _shapes(table, column="straddles", colour=_SEAM)


def _shapes(table: pd.DataFrame, *, column: str, colour: str) -> list[dict[str, Any]]:
    """One rectangle behind each stretch of rows that a flag marks."""
    marked = table[column].to_numpy(dtype=bool)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], marked.astype(int), [0]))))
    dates = table["target_date"].dt.strftime("%Y-%m-%d").to_list()
    return [
        {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "x0": dates[start],
            "x1": dates[min(stop, len(dates) - 1)],
            "y0": 0,
            "y1": 1,
            "fillcolor": colour,
            "line": {"width": 0},
            "layer": "below",
        }
        for start, stop in zip(edges[::2], edges[1::2], strict=True)
    ]


def _loss(published: Published) -> go.Figure:
    figure = blank_figure(height=320)
    # null where a network's loss was no number: a gap
    for key, name, style in (
        ("loss", "Training loss", {"color": ACTUAL, "width": 1.4}),
        ("validation_loss", _validation_name(published), {"color": PREDICTED, "width": 1.4, "dash": "dot"}),
    ):
        curves = [seed[key] for seed in published.figures["seeds"] if seed[key]]  # type: ignore[literal-required]
        for number, curve in enumerate(curves):
            figure.add_scatter(
                x=list(range(1, len(curve) + 1)),
                y=curve,
                name=name,
                legendgroup=key,
                showlegend=number == 0,
                mode="lines" if len(curve) > 1 else "markers",
                line=style,
                hovertemplate="%{y:.3g}",
            )
    # a loss falls by decades in the first epochs: on a plain scale the rest would be a flat line
    figure.update_yaxes(title_text="Loss, scaled units", type="log", dtick="D2", exponentformat="power")
    figure.update_xaxes(title_text="Epoch", hoverformat="d", showgrid=False)
    return figure


def _validation_name(published: Published) -> str:
    kept = published.figures["train"]["validation"]
    return "Validation loss" if kept else "Validation loss (on the test rows)"


def _prices_words(published: Published) -> str:
    n_rows, n_networks = len(published.forecasts), published.predicted.shape[1]
    told = f"{words.plural(n_rows, 'row')}: actual price blue, predicted red"
    told += f" (mean of {n_networks} networks, in the band from lowest to highest)" if n_networks > 1 else ""
    name = _baseline(published).lower()
    told += f", {name} thin grey. At this scale every forecast near the {name} looks right."
    if published.reversed:
        told += " Rows stand in the order in which they are read, newest first: time runs from right to left."
    if n_rows > MOST_ROWS:
        told += f" Shown: every {-(-n_rows // MOST_ROWS)}th."
    return told + _shades_words(published.forecasts)


def _shades_words(table: pd.DataFrame) -> str:
    trained, seam = int(table["in_training"].sum()), int(table["straddles"].sum())
    watched = int(table["watched"].sum())
    told = f" Orange: {words.plural(trained, 'row')} that the networks were trained on." if trained else ""
    told += f" Not shaded: {words.plural(watched, 'row')} that were watched in training." if watched else ""
    if seam and seam < len(table):
        told += f" Grey: {words.plural(seam, 'row')} whose window reaches across the seam."
    return told


def _lag_words(published: Published) -> str:
    rows = _last_rows(published)
    table, predicted = published.forecasts.iloc[rows], published.predicted.iloc[rows]
    kept = table["scored"].to_numpy()
    table, predicted = table[kept], predicted[kept]
    if len(table) == 0 or predicted.shape[1] == 0:
        return "There is no forecast to show."
    values = predicted.to_numpy(dtype=np.float64)
    to_last = float(np.nanmean(np.abs(values - table[["last_price"]].to_numpy())))
    to_actual = float(np.nanmean(np.abs(values - table[["actual"]].to_numpy())))
    if to_last < (1.0 - _ALIKE) * to_actual:
        meaning = f"it follows the price {'of the session after' if published.reversed else 'a row late'}"
    elif to_actual < (1.0 - _ALIKE) * to_last:
        meaning = "it is nearer to the price it is for than to the one before"
    else:
        meaning = "it is as far from the one as from the other"
    return (
        f"The last {words.plural(len(table), 'row')}. The forecast lies {price(to_last)} from the price of "
        f"the row before and {price(to_actual)} from the price it is for (mean distance): {meaning}."
    )


def _loss_words(published: Published) -> str:
    seeds = published.figures["seeds"]
    if not seeds:
        return "No network was trained to its end."
    of = "" if len(seeds) == 1 else f" of {len(seeds)} networks, one line each"
    first, last = _ends([seed["loss"] for seed in seeds])
    told = f"Training loss{of}: from {first} after the first epoch to {last} after the last."
    watched = [seed["validation_loss"] for seed in seeds if seed["validation_loss"]]
    if not watched:
        return f"{told} Nothing was held out to watch."
    first, last = _ends(watched)
    told += f" {_validation_name(published)}: from {first} to {last}."
    if not published.figures["train"]["validation"]:
        told += " It selects nothing, but then no row is left that was never looked at."
    return told


def _ends(curves: Sequence[Sequence[float]]) -> tuple[str, str]:
    """Median of the first and of the last loss over the networks."""
    ends = []
    for place in (0, -1):
        values = [curve[place] for curve in curves if curve and not words.is_missing(curve[place])]
        ends.append(f"{float(np.median(values)):.3g}" if values else words.DASH)
    return ends[0], ends[1]
