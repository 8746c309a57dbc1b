"""The page of several runs: which is best, what that is worth, and how they went."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from backtester.comparing import Comparison
from backtester.files import make_folder, write_bytes
from backtester.reporting import words
from backtester.reporting.chart_style import ANSWERS as ANSWER_COLOURS
from backtester.reporting.chart_style import COLOURS, DASHES
from backtester.reporting.comparison_charts import comparison_figures, growth, held_line, run_line
from backtester.reporting.comparison_words import setting_text
from backtester.reporting.judgement import ANSWERS, span_words
from backtester.reporting.page import data_block, page_environment
from backtester.reporting.placing import check_page_place, page_mark
from backtester.run_directory import PAGE

__all__ = ["check_place", "render_comparison", "write_comparison"]

_COMMAND = "compare"
_LONGEST_NAME = 24
_CSS_DASHES: Mapping[str, str] = {"solid": "solid", "dash": "dashed", "dot": "dotted", "dashdot": "double"}


def check_place(path: Path) -> None:
    """Check that a page may be written here: nothing is here, or a page that was made by `write_comparison`.

    Raises
    ------
    RunDirectoryError : something else is here
    """
    check_page_place(path, command=_COMMAND)


def write_comparison(comparison: Comparison, *, path: Path) -> Path:
    """Write the page of a comparison: one file, which asks for nothing on the network.

    Parameters
    ----------
    comparison : from `compare_runs`
    path : of the page; a folder that is missing is made

    Returns
    -------
    ``path``

    Raises
    ------
    RunDirectoryError : something else than such a page is there
    StorageError : the disk is full or read-only
    """
    check_place(path)
    make_folder(path.parent)
    write_bytes(path, render_comparison(comparison, folder=path.parent).encode("utf-8"))
    return path


def render_comparison(comparison: Comparison, *, folder: Path) -> str:
    """Text of the page.

    Parameters
    ----------
    comparison : from `compare_runs`
    folder : where the page will be, from which it links to those of the runs
    """
    from plotly.offline import get_plotlyjs

    figures = comparison.figures
    symbols = ", ".join(dict.fromkeys(str(run["symbol"]) for run in figures["runs"]))
    charts = comparison_figures(comparison)
    return (
        page_environment()
        .get_template("comparison.html.j2")
        .render(
            mark=Markup(page_mark(_COMMAND)),
            title=f"{words.plural(len(figures['runs']), 'run')} on {symbols}",
            colours=COLOURS,
            dashes=DASHES,
            answers=ANSWER_COLOURS,
            figures=figures,
            share=words.percent(figures["interval_level"], digits=0),
            runs=[_row(run, folder=folder) for run in figures["runs"]],
            markets=[_held_row(market) for market in figures["markets"]],
            keys=list(dict.fromkeys(key for run in figures["runs"] for key in run["differs"])),
            set_p=words.probability(figures["superior"]["p_value"]),
            charts={name: data_block(chart.to_json()) for name, chart in charts.items()},
            alternatives=_captions(comparison),
            short={"gains": _gain_caption(figures)},
            plotly=Markup(get_plotlyjs()),
        )
    )


def _row(run: Mapping[str, Any], *, folder: Path) -> dict[str, Any]:
    gain = run["gain"]
    return {
        "number": run["run"],
        "name": run["name"],
        "label": words.shortened(run["name"], _LONGEST_NAME),
        "link": _link(Path(run["directory"]) / PAGE, folder=folder),
        "swatch": _swatch(run_line(run["run"])),
        **_curve(run),
        "held": words.minus(words.number(run["buy_and_hold"]["sharpe"])),
        "gain": words.minus(words.signed(gain["value"])),
        "interval": span_words(gain["interval"], words.signed),
        "r2_oos": words.minus(words.percent(run["r2_oos"], digits=2)),
        "p": _p(run["p_value"]),
        "answer": run["verdict"],
        "badge": ANSWERS[run["verdict"]],
        "sentence": run["verdict_sentence"],
        "settings": {key: setting_text(value) for key, value in run["differs"].items()},
        "span": words.span(run["start"], run["end"]),
        "bars": run["bars"],
    }


def _p(value: float | None) -> str:
    return words.DASH if value is None else words.probability(value).removeprefix("p ").removeprefix("= ")


def _held_row(market: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "label": market["label"],
        "swatch": _swatch(held_line(market["market"])),
        **_curve(market),
    }


def _curve(figures: Mapping[str, Any]) -> dict[str, str]:
    return {
        "cagr": words.minus(words.percent(figures["cagr"])),
        "fall": words.minus(words.percent(figures["max_drawdown"])),
        "sharpe": words.minus(words.number(figures["sharpe"])),
    }


def _link(page: Path, *, folder: Path) -> str:
    """Address of a page from this one; empty where it is not there."""
    if not page.is_file():
        return ""
    return quote(Path(os.path.relpath(page.resolve(), folder.resolve())).as_posix())


def _swatch(line: Mapping[str, Any]) -> str:
    return f"border-top-color: {line['color']}; border-top-style: {_CSS_DASHES[line['dash']]}"


def _captions(comparison: Comparison) -> dict[str, str]:
    figures = comparison.figures
    ends = growth(comparison).iloc[-1]
    labels = {run["name"]: f"run {run['run']}" for run in figures["runs"]}
    labels |= {market["label"]: f"b{market['label'][1:]}" for market in figures["markets"]}
    gains = "; ".join(
        f"run {run['run']} {words.minus(words.signed(run['gain']['value']))}"
        f" ({span_words(run['gain']['interval'], words.signed)})"
        for run in figures["runs"]
    )
    return {
        "equity": f"Of 100 on {figures['dates']['origin']}, "
        + ", ".join(f"{labels[str(name)]} made {value:.1f}" for name, value in ends.items())
        + ".",
        "gains": f"Sharpe ratio a year above that of buy-and-hold: {gains}. {_gain_caption(figures)}",
    }


def _gain_caption(figures: Mapping[str, Any]) -> str:
    return (
        "Right of zero the strategy has the higher Sharpe ratio. Bars: "
        f"{words.percent(figures['interval_level'], digits=0)} intervals, each run by itself: that the best "
        "was chosen is not in them, but in p."
    )
