"""The page that shows what an LSTM does: drawn from ``explain.json``, with the run's verdict above it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from backtester.files import write_bytes
from backtester.reporting import words
from backtester.reporting.chart_style import ANSWERS as ANSWER_COLOURS
from backtester.reporting.chart_style import COLOURS, DASHES
from backtester.reporting.explain_charts import PART_NAMES, explain_figures
from backtester.reporting.judgement import ANSWERS
from backtester.reporting.page import data_block, page_environment

__all__ = ["EXPLAIN_PAGE", "render_explain", "write_explain_page"]

EXPLAIN_PAGE = "explain.html"
_DIRECTIONS = {"forward": "reading forward", "backward": "reading backward"}


def write_explain_page(
    directory: Path, values: Mapping[str, Any], *, verdict: Mapping[str, Any] | None, title: str
) -> Path:
    """Write ``explain.html`` beside ``index.html``; the same values give the same bytes.

    Parameters
    ----------
    directory : of the run
    values : ``explain.json``
    verdict : of ``summary.json``; None where the run was not judged
    title : of the run

    Returns
    -------
    path of the page

    Raises
    ------
    StorageError : the disk is full or read-only
    """
    path = directory / EXPLAIN_PAGE
    write_bytes(path, render_explain(values, verdict=verdict, title=title).encode("utf-8"))
    return path


def render_explain(values: Mapping[str, Any], *, verdict: Mapping[str, Any] | None, title: str) -> str:
    """Text of ``explain.html``: one file, which asks for nothing on the network; parameters as above."""
    from plotly.offline import get_plotlyjs

    charts = {name: data_block(figure.to_json()) for name, figure in explain_figures(values).items()}
    answer = str((verdict or {}).get("answer", ""))
    return (
        page_environment()
        .get_template("explain.html.j2")
        .render(
            title=title,
            colours=COLOURS,
            dashes=DASHES,
            answers=ANSWER_COLOURS,
            badges=ANSWERS,
            answer=answer if answer in ANSWERS else "",
            verdict=(verdict or {}).get("sentence", ""),
            values={**values, "points": [_typeset(point) for point in values["points"]]},
            parts=PART_NAMES,
            facts_of_network=_facts(values),
            shown=[_shown(values, number) for number in range(len(values["shown"]))],
            cells=[_row(cell) for cell in values["cells"]],
            agreement=_agreement(values["agreement"], members=int(values["members"])),
            charts=charts,
            alternatives=_captions(values),
            short={},
            plotly=Markup(get_plotlyjs()),
        )
    )


def _typeset(point: Mapping[str, str]) -> dict[str, str]:
    """Write a minus sign where the terminal has a hyphen."""
    return {**point, "text": re.sub(r"(?<=\s)-(?=\d)", "\N{MINUS SIGN}", point["text"])}


def _facts(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    model = values["model"]
    units = ", ".join(str(unit) for unit in model["units"])
    both = model["kind"] == "bidirectional"
    layers = f"{len(model['units'])} LSTM {'layer' if len(model['units']) == 1 else 'layers'}"
    forecast = values["forecast"]
    return [
        ("Network", f"fold {values['fold']} of 0 to {values['folds'] - 1}, member {values['member']}"),
        ("Layers", f"{layers}, {units} units{' in each direction' if both else ''}"),
        ("Window", f"{model['lookback']} bars of {', '.join(values['features'])}"),
        ("Trained on", words.span(values["trained"]["start"], values["trained"]["end"])),
        ("Shown over its test span", words.span(values["dates"][0], values["dates"][-1])),
        ("Bars", words.count(len(values["dates"]))),
        ("Forecast, mean", _bp(forecast["mean_bp"])),
        ("Forecast, standard deviation", _bp(forecast["sd_bp"])),
        ("Actual return, standard deviation", _bp(forecast["actual_sd_bp"])),
    ]


def _bp(value: Any) -> str:
    return words.DASH if words.is_missing(value) else words.minus(f"{value:.3g} bp")


def _agreement(found: Mapping[str, Any], *, members: int) -> str:
    told = (
        "The forward pass on this page is NumPy's, from the stored weights. On "
        f"{words.plural(found['bars'], 'bar')} it gives the stored forecasts of this network: the largest "
        f"difference is {found['largest']:.1e} in units of the scaled target ({found['largest_bp']:.1e} "
        f"basis points), the rounding of single precision. Above {found['tolerance']:g} this page would not "
        "have been written."
    )
    if found["in_table"] is None:
        return (
            f"{told} The store lacks other networks of this fold: their mean was not compared with the run's."
        )
    if members == 1:
        return f"{told} They are the forecasts in forecasts.csv."
    return f"{told} The mean of this fold's {members} networks is what forecasts.csv holds."


def _row(cell: Mapping[str, Any]) -> dict[str, Any]:
    gates = cell["gates"]
    half_life = cell["half_life"]
    return {
        "name": cell["name"],
        "units": words.count(cell["units"]),
        "texts": [
            text
            for gate in ("forget", "input", "output")
            for text in (f"{gates[gate]['mean']:.2f}", f"{gates[gate]['movement']:.3f}")
        ],
        "edges": [
            words.percent(sum(gates[gate][key] for gate in gates) / len(gates), digits=0)
            for key in ("shut", "open")
        ],
        "half_life": _bars(half_life["median"]),
        "range": f"{_bars(half_life['low'])} to {_bars(half_life['high'])}",
    }


def _bars(value: float) -> str:
    return f"{value:.1f}" if value < 1000.0 else "over 1,000"


def _shown(values: Mapping[str, Any], number: int) -> dict[str, Any]:
    cell = values["shown"][number]
    fact = next(fact for fact in values["cells"] if fact["name"] == cell["name"])
    both = len(values["shown"]) > 1
    way = f", {_DIRECTIONS[fact['direction']]}" if both else ""
    return {"number": number, "heading": f"Layer {fact['layer']}{way}", "units": fact["units"]}


def _captions(values: Mapping[str, Any]) -> dict[str, str]:
    """What each picture shows, for its caption and for those who cannot see it."""
    found: dict[str, str] = {}
    lookback = int(values["model"]["lookback"])
    for number, cell in enumerate(values["shown"]):
        fact = next(fact for fact in values["cells"] if fact["name"] == cell["name"])
        backward = fact["direction"] == "backward"
        end = "the oldest bar, where this cell stops reading" if backward else "the bar itself"
        found[f"bands_{number}"] = (
            f"Close and forecast, and below them the {fact['units']} units of {cell['name']}: line, their "
            f"mean; band, the middle 80% of them. Each bar has a window of its own of {lookback} bars, read "
            f"from an empty memory on; drawn is the value at the end of reading, at {end}."
        )
        found[f"window_{number}"] = (
            f"The window of the last bar, read step by step"
            f"{' from right to left' if backward else ''}: the cell state begins at zero and fills."
        )
        half = fact["half_life"]
        found[f"memory_{number}"] = (
            f"{cell['name'].capitalize()}: what the forget gate alone leaves of the cell state. Line: "
            f"the median unit, half of it gone after {_bars(half['median'])} bars; band: the middle 80% of "
            "the units."
        )
        for part, name in PART_NAMES.items():
            middle = (
                "blue: above zero; orange: below; white: empty"
                if part == "cell"
                else "blue: open; orange: shut; white: half"
            )
            found[f"map_{number}_{part}"] = f"{name}, a row for each unit, a column for each bar; {middle}."
    lags, line = values["lags"], values["line"]
    what = "forecast price" if values["target"] == "close" else "forecast return"
    found["lags"] = (
        f"How far the {what} moves when a value is one standard deviation (of training) higher at that bar "
        f"of the window, by its gradient: mean size over {words.plural(len(values['dates']), 'bar')} of the "
        f"test span. The newest {lags['within']} of {lookback} bars hold 80% of it."
    )
    found["line"] = (
        "The network's forecast against that of the straight line; on the dashed line they are the same."
        if line["share"] is not None
        else "The forecast is the same on every bar: there is nothing to explain."
    )
    return found
