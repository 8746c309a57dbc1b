"""Charts of explored prices over time: prices, means, volume, returns, volatility, drawdown, missing days."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from backtester.exploring.distribution import log_returns
from backtester.exploring.exploration import Exploration
from backtester.exploring.levels import drawdown, moving_means, volatility
from backtester.reporting.chart_style import COLOURS, INK, blank_figure
from backtester.reporting.explore_drawing import dated_figure, packed

__all__ = ["LINES"]

_PAIR_HEIGHT = 260
_FEW_YEARS = 12


def _price(name: str) -> Callable[[Exploration], go.Figure | None]:
    def draw(found: Exploration) -> go.Figure | None:
        frame = _frame(found)
        if name not in frame:
            return None
        return dated_figure(
            {name.title(): frame[name]}, height=_PAIR_HEIGHT, title=name.title(), form=",.4~f"
        )

    return draw


def _frame(found: Exploration) -> pd.DataFrame:
    return pd.DataFrame() if found.frame is None else found.frame


def _averages(found: Exploration) -> go.Figure | None:
    frame = _frame(found)
    if len(frame) < 2:
        return None
    lines = {"Close": frame["close"]}
    lines |= {f"Mean of {length} sessions": mean for length, mean in moving_means(frame["close"]).items()}
    styles = [
        {"color": "#8a94a3", "width": 1.0},
        {"color": COLOURS["strategy"], "width": 1.8},
        {"color": COLOURS["buy_and_hold"], "width": 1.8},
    ]
    return dated_figure(lines, height=400, title="Price", form=",.4~f", styles=styles)


def _volume(found: Exploration) -> go.Figure | None:
    frame = _frame(found)
    if "volume" not in frame:
        return None
    line = {"color": COLOURS["strategy"], "width": 0.8}
    return dated_figure({"Volume": frame["volume"]}, height=240, title="Volume", form=",.0f", styles=[line])


def _factor(found: Exploration) -> go.Figure | None:
    read = found.table.read
    if read is None or "adj_close" not in read.bars.values:
        return None
    with np.errstate(all="ignore"):
        factor = read.bars.values["adj_close"] / read.bars.values["close"]
    if not np.isfinite(factor).all() or float(np.ptp(factor)) < 1e-9:
        return None
    index = pd.DatetimeIndex(read.bars.dates.astype("datetime64[us]"))
    line = {"color": COLOURS["strategy"], "width": 1.6, "shape": "hv"}
    return dated_figure(
        {"Ratio": pd.Series(factor, index=index)},
        height=220,
        title="Adjusted close / close",
        form=".4f",
        styles=[line],
    )


def _returns(found: Exploration) -> go.Figure | None:
    frame = _frame(found)
    if len(frame) < 3:
        return None
    line = {"color": COLOURS["strategy"], "width": 0.7}
    return dated_figure(
        {"Log return": log_returns(frame["close"])},
        height=240,
        title="Log return",
        form=".2%",
        styles=[line],
        tickformat=".0%",
    )


def _volatility(found: Exploration) -> go.Figure | None:
    if not (found.values["risk"] or {}).get("rolling"):
        return None
    frame = _frame(found)
    rolling = volatility(
        log_returns(frame["close"]), periods_per_year=found.values["risk"]["periods_per_year"]
    )
    lines = {f"Over {length} sessions": line.dropna() for length, line in rolling.items()}
    styles = [{"color": COLOURS["strategy"], "width": 0.9}, {"color": COLOURS["buy_and_hold"], "width": 1.8}]
    return dated_figure(
        {name: line for name, line in lines.items() if len(line)},
        height=300,
        title="Volatility a year",
        form=".1%",
        styles=styles,
        tickformat=".0%",
    )


def _drawdown(found: Exploration) -> go.Figure | None:
    frame = _frame(found)
    if len(frame) < 2:
        return None
    figure = dated_figure(
        {"Drawdown": drawdown(frame["close"])},
        height=240,
        title="Below the highest close",
        form=".1%",
        styles=[{"color": COLOURS["strategy"], "width": 1.0}],
        tickformat=".0%",
    )
    figure.update_traces(fill="tozeroy", fillcolor="rgba(11,95,165,0.2)")
    return figure


def _missing(found: Exploration) -> go.Figure | None:
    years = (found.values["calendar"] or {}).get("years")
    if not years:
        return None
    figure = blank_figure(height=240)
    figure.add_bar(
        x=[row["year"] for row in years],
        y=[row["missing"] for row in years],
        marker={
            "color": [COLOURS["strategy"] if row["whole"] else "#a9c3dc" for row in years],
            "line": {"width": 0},
        },
        customdata=[[row["sessions"], row["weekdays"]] for row in years],
        hovertemplate="%{x}: %{y} of %{customdata[1]} weekdays without a session<extra></extra>",
    )
    figure.update_layout(hovermode="closest", showlegend=False, margin_t=10, bargap=0.3)
    figure.update_xaxes(showgrid=False, tickformat="d", **_yearly(len(years)))
    figure.update_yaxes(title_text="Weekdays without", rangemode="tozero")
    return figure


def _opens(found: Exploration) -> go.Figure | None:
    years = (found.values["opens"] or {}).get("years")
    if not years:
        return None
    figure = blank_figure(height=240)
    figure.add_bar(
        x=[int(year) for year in years],
        y=packed(list(years.values())),
        marker={"color": COLOURS["strategy"], "line": {"width": 0}},
        hovertemplate="%{x}: %{y:.1%} of the rows<extra></extra>",
    )
    figure.add_hline(y=0.2, line={"color": INK, "width": 1.2, "dash": "dash"})
    figure.update_layout(hovermode="closest", showlegend=False, margin_t=10, bargap=0.3)
    figure.update_xaxes(showgrid=False, tickformat="d", **_yearly(len(years)))
    top = max(0.25, 1.08 * max(years.values()))
    figure.update_yaxes(title_text="Open = close before", tickformat=".0%", range=[0.0, top])
    return figure


def _yearly(n_years: int) -> dict[str, int]:
    return {"dtick": 1} if n_years <= _FEW_YEARS else {"nticks": 12}


LINES: Mapping[str, Callable[[Exploration], go.Figure | None]] = {
    "open": _price("open"),
    "high": _price("high"),
    "low": _price("low"),
    "close": _price("close"),
    "averages": _averages,
    "volume": _volume,
    "factor": _factor,
    "returns": _returns,
    "volatility": _volatility,
    "drawdown": _drawdown,
    "missing": _missing,
    "opens": _opens,
}
"""Charts over time by name; None where the file has nothing to draw there."""
