"""The page to read first: what was asked, the answer, and all that it rests on."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from backtester.files import write_bytes
from backtester.reporting import chapters, judgement, judgement_facts, words
from backtester.reporting.captions import captions
from backtester.reporting.chart_style import ANSWERS, COLOURS, DASHES
from backtester.reporting.charts import figures
from backtester.reporting.judgement_captions import short_captions
from backtester.reporting.published import published_of
from backtester.reporting.published_section import published_section
from backtester.reporting.split import is_single, split_name, split_warning
from backtester.reporting.table import known_series, row_texts
from backtester.reporting.tearsheets import write_tearsheets
from backtester.run_directory import RunRecord

__all__ = ["data_block", "page_environment", "page_title", "render_page", "write_index"]

_TEMPLATES = Path(__file__).parent / "templates"
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_NOT_ON_THE_PAGE = ("monthly",)


def write_index(record: RunRecord) -> Path:
    """Write ``index.html`` of a run, and the two tear sheets that it links to.

    Parameters
    ----------
    record : a finished run, from ``read_run``

    Returns
    -------
    path of ``index.html``

    Raises
    ------
    StorageError : the disk is full or read-only
    """
    title = page_title(record)
    undrawn = write_tearsheets(record, title=title)
    path = record.directory / "index.html"
    write_bytes(path, render_page(record, title=title, undrawn=undrawn).encode("utf-8"))
    return path


def page_title(record: RunRecord) -> str:
    """Title of the recipe, or its name and symbol."""
    recipe = record.manifest["recipe"]
    given = str(recipe["report"].get("title") or "")
    return given or f"{record.manifest['recipe_name']} on {', '.join(record.summary['symbols'])}"


def render_page(record: RunRecord, *, title: str, undrawn: Mapping[str, str] | None = None) -> str:
    """Text of ``index.html``.

    Parameters
    ----------
    record : a finished run
    title : at the head
    undrawn : benchmarks whose tear sheet failed, with the reason
    """
    from plotly.offline import get_plotlyjs

    charts = figures(record)
    judged = judgement.is_judged(record)
    published = published_of(record)
    template = page_environment().get_template("index.html.j2")
    return template.render(
        title=title,
        colours=COLOURS,
        dashes=DASHES,
        answers=ANSWERS,
        labels=words.LABELS,
        comparison=_comparison(record),
        charts={
            name: data_block(chart.to_json())
            for name, chart in charts.items()
            if name not in _NOT_ON_THE_PAGE and len(chart.data)
        },
        alternatives=captions(record),
        short=short_captions(record) if judged else {},
        plotly=Markup(get_plotlyjs()),
        summary=record.summary,
        manifest=record.manifest,
        recipe=record.manifest["recipe"],
        asked=chapters.question(record),
        test={"name": split_name(record), "single": is_single(record), "warning": split_warning(record)},
        published=None if published is None else published_section(record, published=published),
        verdict=judgement.verdict(record) if judged else None,
        evidence=judgement_facts.evidence(record) if judged else None,
        undrawn=undrawn or {},
        failures=chapters.failures(record),
        leaks=record.manifest.get("leaks", []),
        accuracy=chapters.accuracy(record),
        folds=chapters.fold_rows(record),
        months=chapters.month_tables(record),
        trading=chapters.trading(record),
        costs=chapters.cost_rows(record),
        settings=chapters.settings(record),
        notes=chapters.notes(record),
        files=chapters.files(record),
    )


def _comparison(record: RunRecord) -> Mapping[str, Any]:
    """Head and rows of the comparison, and which curves never left cash."""
    names = known_series(record.summary)
    figures_of = record.summary["strategies"]
    flat = [words.LABELS[name].lower() for name in names if figures_of[name].get("volatility") == 0]
    rows = [(label, [words.minus(text) for text in texts]) for _, label, texts in row_texts(record.summary)]
    return {"names": names, "rows": rows, "flat": flat}


def data_block(text: str) -> Markup:
    """JSON that is safe inside a script element, whatever strings are in it."""
    for character in ("&", "<", ">", "\u2028", "\u2029"):
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


@functools.cache
def page_environment() -> jinja2.Environment:
    """Templates, with the filters that write numbers as a reader sees them."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    signed = {name: getattr(words, name) for name in ("count", "money", "number", "percent", "times")}
    for name, write in signed.items():
        environment.filters[name] = functools.partial(_signed, write)
    environment.filters["plural"] = words.plural
    environment.filters["dated"] = _dated
    return environment


def _dated(text: str) -> Markup:
    """Text in which no date is broken over two lines."""
    return Markup(_DATE.sub(r'<span class="whole">\g<0></span>', str(escape(text))))


def _signed(write: Any, value: Any, *, digits: int | None = None) -> str:
    return words.minus(write(value) if digits is None else write(value, digits=digits))
