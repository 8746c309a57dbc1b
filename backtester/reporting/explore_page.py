"""The page of explored prices: what was found, what it means, and every picture of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from markupsafe import Markup

from backtester.exploring.exploration import Exploration, Together
from backtester.exploring.finding import Finding, Level
from backtester.files import make_folder, write_bytes
from backtester.reporting import words
from backtester.reporting.chart_style import ANSWERS, COLOURS, DASHES
from backtester.reporting.explore_lines import LINES
from backtester.reporting.explore_many import MOST_GROWTH_POINTS, many_charts
from backtester.reporting.explore_spreads import SPREADS
from backtester.reporting.explore_words import LEVEL_WORDS, captions, counted, headline, many_captions
from backtester.reporting.page import data_block, page_environment
from backtester.reporting.placing import check_page_place, page_mark

__all__ = ["COMMAND", "explore_charts", "render_exploration", "write_exploration"]

COMMAND = "explore"
_LONGEST_TITLE = 80


def explore_charts(files: Sequence[Exploration], *, together: Together | None) -> dict[str, go.Figure]:
    """Draw all charts: of one file each of its own, of several those that put them beside each other."""
    if len(files) == 1:
        charts = {name: draw(files[0]) for name, draw in {**LINES, **SPREADS}.items()}
        return {name: chart for name, chart in charts.items() if chart is not None}
    return {} if together is None else many_charts(files, together.values)


def write_exploration(files: Sequence[Exploration], *, together: Together | None, path: Path) -> Path:
    """Write the page: one file, which asks for nothing on the network.

    Parameters
    ----------
    files : each by itself, from `explore_table`
    together : beside each other, from `explore_together`
    path : of the page; a folder that is missing is made

    Returns
    -------
    ``path``

    Raises
    ------
    RunDirectoryError : something else than such a page is there
    StorageError : the disk is full or read-only
    """
    check_page_place(path, command=COMMAND)
    make_folder(path.parent)
    write_bytes(path, render_exploration(files, together=together).encode("utf-8"))
    return path


def render_exploration(files: Sequence[Exploration], *, together: Together | None) -> str:
    """Text of the page."""
    from plotly.offline import get_plotlyjs

    charts = explore_charts(files, together=together)
    one = files[0] if len(files) == 1 else None
    told: dict[str, str] = {} if one is None else captions(one)
    if together is not None:
        told |= many_captions(together.values, step=_growth_step(files))
    names = ", ".join(found.table.symbol for found in files[:6]) + (" …" if len(files) > 6 else "")
    title = f"{names}: what is in the prices" if one is not None else f"{len(files)} price files: {names}"
    return (
        page_environment()
        .get_template("explore.html.j2")
        .render(
            mark=Markup(page_mark(COMMAND)),
            title=words.shortened(title, _LONGEST_TITLE),
            colours=COLOURS,
            dashes=DASHES,
            answers=ANSWERS,
            headline=headline(files),
            refused=[found for found in files if found.refusal is not None],
            one=None if one is None else _one(one),
            many=None if one is not None else _many(files, together),
            charts={name: data_block(chart.to_json()) for name, chart in charts.items()},
            alternatives=told,
            short={},
            plotly=Markup(get_plotlyjs()),
        )
    )


def _growth_step(files: Sequence[Exploration]) -> int:
    total = sum(len(found.frame) for found in files if found.frame is not None)
    return max(1, -(-total // MOST_GROWTH_POINTS))


def _finding(finding: Finding) -> dict[str, Any]:
    return {**finding.values(), "kind": LEVEL_WORDS[finding.level][0]}


def _groups(findings: Sequence[Finding]) -> list[tuple[str, list[dict[str, Any]]]]:
    groups = [
        (heading, [_finding(finding) for finding in findings if finding.level is level])
        for level, (_, heading) in LEVEL_WORDS.items()
    ]
    return [(heading, found) for heading, found in groups if found]


def _one(found: Exploration) -> dict[str, Any]:
    values = found.values
    return {
        "figures": values,
        "groups": _groups(found.findings),
        "counted": counted(found),
        "facts": _facts(found),
        "form": _form_facts(found),
        "tails": values["distribution"]
        and [
            (
                f"{tail['share']:.1%} quantile",
                words.minus(words.signed_percent(tail["value"], digits=2)),
                words.minus(words.signed_percent(tail["normal"], digits=2)),
            )
            for tail in values["distribution"]["tails"]
        ],
        "extremes": values["distribution"]
        and [
            (
                worst["date"],
                words.minus(words.signed_percent(worst["value"], digits=2)),
                best["date"],
                words.minus(words.signed_percent(best["value"], digits=2)),
            )
            for worst, best in zip(
                values["distribution"]["worst"], values["distribution"]["best"], strict=True
            )
        ],
    }


def _facts(found: Exploration) -> list[tuple[str, str]]:
    values, span = found.values, found.values["span"]
    if span is None:
        return []
    rows = [
        ("Sessions", words.count(span["bars"])),
        ("From, to", words.span(span["start"], span["end"])),
        ("Columns used", ", ".join(span["columns"])),
        ("Prices are", span["adjustment"]),
    ]
    if values["distribution"] is not None:
        rows += [
            (
                "Mean return a day",
                words.minus(words.signed_percent(values["distribution"]["mean"], digits=3)),
            ),
            ("Volatility a year", words.percent(values["risk"]["volatility"])),
            ("Deepest fall", words.minus(words.percent(values["risk"]["max_drawdown"]))),
            ("Days without a move", words.percent(values["distribution"]["zero"])),
        ]
    return rows


def _form_facts(found: Exploration) -> list[tuple[str, str]]:
    form = found.values["form"]
    rows = [("File", found.table.name), ("Columns", ", ".join(form["columns"][:20]) or words.DASH)]
    rows.append(("Rows", words.count(form["rows"])))
    if form.get("order"):
        rows += [
            ("Order", form["order"]),
            ("First date as written", form["first_date"]),
            ("Last date as written", form["last_date"]),
            ("Decimals", ", ".join(f"{name} {n}" for name, n in form["decimals"].items())),
        ]
    if form.get("text"):
        ends = f"{form['crlf']:,} of {form['lines']:,} CR LF" if form["crlf"] else "LF"
        rows += [
            ("Encoding", form["encoding"]),
            ("Line ends", words.DASH if form["lines"] is None else ends),
            ("Line end after the last row", "yes" if form["final_newline"] else "no"),
            ("Quotes", "yes" if form["quotes"] else "no"),
            ("Time zone", "none is read: dates are those of the exchange"),
        ]
    if form.get("size"):
        rows += [
            ("Size", f"{form['size']:,} bytes" + (", gzip" if form["packed"] else "")),
            ("SHA-256", form["sha256"]),
        ]
    return rows


def _many(files: Sequence[Exploration], together: Together | None) -> dict[str, Any]:
    rows = []
    for found in files:
        span, spread = found.values["span"], found.values["distribution"]
        loud = [
            finding.title for finding in found.findings if finding.level in {Level.REFUSED, Level.WARNING}
        ]
        rows.append(
            {
                "symbol": words.shortened(found.table.symbol, 24),
                "span": words.DASH if span is None else words.span(span["start"], span["end"]),
                "bars": words.DASH if span is None else words.count(span["bars"]),
                "volatility": words.DASH
                if spread is None
                else words.percent(found.values["risk"]["volatility"]),
                "fall": words.DASH
                if spread is None
                else words.minus(words.percent(found.values["risk"]["max_drawdown"])),
                "kurtosis": words.DASH if spread is None else words.number(spread["kurtosis"], digits=1),
                "refused": found.refusal is not None,
                "loud": loud,
                "n": len(found.findings),
                "groups": _groups(found.findings),
                "counted": counted(found),
            }
        )
    return {
        "rows": rows,
        "groups": [] if together is None else _groups(together.findings),
        "figures": None if together is None else together.values,
    }
