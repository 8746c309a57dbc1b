"""QuantStats tear sheets, kept away from its traps.

QuantStats gets sorted, unique, finite, zone-less daily simple returns on one index, never a ticker
and never a name of the user's (it writes titles unescaped, and its own placeholders may occur in
them). Rows and pictures that it computes wrongly are left out, and the sheet says which. Our page
around it has no favicon, no script and no link to the network. This is the only place that calls it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd

from backtester.files import write_bytes
from backtester.network_library import load_network_library
from backtester.reporting.chart_style import COLOURS
from backtester.reporting.words import LABELS, span
from backtester.run_directory import RunRecord

__all__ = ["SHEETS", "tearsheet", "write_tearsheets"]

SHEETS: Mapping[str, str] = {
    "buy_and_hold": "tearsheet_buy_and_hold.html",
    "last_price": "tearsheet_last_price.html",
}
"""Benchmark and the file of its sheet."""

_TEMPLATES = Path(__file__).parent / "templates"
_MIN_BARS = 21
_MARK = re.compile(r"\[\[(\w+)\]\]")
_NOTE = (
    "Drawn by QuantStats from the run's daily returns, net of costs. The figures on the first page come "
    "from this program's own formulas and count where the two differ. Left out, because QuantStats takes "
    "other units than the rest of the table: {rows}."
)
_FAILED = (
    "{failure} The failure may have passed, and nothing of the run is lost: `backtester report` on this "
    "folder draws the sheet again."
)
_WRONG_ROWS = ("Information Ratio", "Risk-Adjusted Return")
"""Not a year's figure; a year's figure of 252 days whatever the recipe says."""
_WRONG_WITH_INTEREST = ("Ulcer Performance Index", "Serenity Index", "Treynor Ratio")
"""They take one year's interest from the return of all years."""
_BLIND_TO_INTEREST = ("rolling_sharpe", "rolling_sortino")
"""Pictures that never subtract a risk-free rate."""
_WRONG_BELOW_ZERO = (
    *("Sharpe", "Prob. Sharpe Ratio", "Smart Sharpe", "Sortino", "Smart Sortino"),
    *("Sortino/√2", "Smart Sortino/√2", "Omega"),
)
"""They ignore a negative risk-free rate."""
# QuantStats' own two colours of strategy and benchmark
_STRATEGY, _BENCHMARK = "#348dc1", "#fedd78"
# QuantStats and matplotlib keep their state per process
_ALONE = threading.Lock()


def write_tearsheets(record: RunRecord, *, title: str) -> dict[str, str]:
    """Write the strategy's tear sheets against buy-and-hold and against the last price.

    Returns
    -------
    dict: the benchmarks whose sheet QuantStats failed to draw, with the reason; its file says so too

    Raises
    ------
    StorageError : the disk is full or read-only
    """
    undrawn = {}
    for benchmark, name in SHEETS.items():
        page, failure = _sheet(record, title=title, benchmark=benchmark)
        write_bytes(record.directory / name, page.encode("utf-8"))
        if failure:
            undrawn[benchmark] = failure
    return undrawn


def tearsheet(record: RunRecord, *, title: str, benchmark: str) -> str:
    """Make one tear sheet: the strategy against ``benchmark``, a column of ``returns.csv``.

    Returns
    -------
    str: the page. The same run gives the same text. Where QuantStats cannot describe the returns
    (all zero, or fewer than 21 bars), or failed, a page that says so.
    """
    return _sheet(record, title=title, benchmark=benchmark)[0]


def _sheet(record: RunRecord, *, title: str, benchmark: str) -> tuple[str, str]:
    """Page, and how QuantStats failed; empty where it did not."""
    returns = record.returns[["strategy", benchmark]].astype("float64")
    excuse, failure, body, note = _excuse(returns), "", "", ""
    if not excuse:
        try:
            body = _quantstats(returns, record=record)
        except Exception as error:  # a picture book must not cost the user a finished run
            failure = _failure(error)
            excuse = _FAILED.format(failure=failure)
    if body:
        rows, _ = _left_out(_interest(record))
        note = f'<p class="note">{escape(_NOTE.format(rows=", ".join(rows)))}</p>'
    return _dress(body or f"<p>{escape(excuse)}</p>", title=title, returns=returns, note=note), failure


def _failure(error: Exception) -> str:
    # the text of an OSError names folders of this machine
    told = str((error.strerror if isinstance(error, OSError) else None) or error)
    return f"QuantStats failed ({type(error).__name__}{': ' if told else ''}{told})."


def _interest(record: RunRecord) -> float:
    return float(record.manifest["recipe"]["broker"]["risk_free_rate"])


def _left_out(interest: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Rows and pictures that QuantStats gets wrong at this risk-free rate."""
    if interest == 0.0:
        return _WRONG_ROWS, ()
    rows = (*_WRONG_ROWS, *_WRONG_WITH_INTEREST, *(_WRONG_BELOW_ZERO if interest < 0.0 else ()))
    return rows, _BLIND_TO_INTEREST


def _excuse(returns: pd.DataFrame) -> str:
    """Why there is no tear sheet; empty where there is one."""
    if len(returns) < _MIN_BARS:
        return (
            f"There are only {len(returns)} days of returns: too few for a tear sheet, "
            f"which needs {_MIN_BARS}. The first page has all that can be said."
        )
    values = returns.to_numpy()
    index = pd.DatetimeIndex(returns.index)
    sorted_days = index.is_monotonic_increasing and index.is_unique and index.tz is None
    if not np.isfinite(values).all() or not sorted_days:
        return "The returns of this run are not complete, sorted days: QuantStats would misread them."
    if not values[:, 0].any():
        return (
            "The strategy stayed in cash on every day: its return is zero throughout, so it has neither "
            "volatility nor a Sharpe ratio, and there is nothing for a tear sheet to describe."
        )
    if any(column.min() >= 0 and column.max() > 1 for column in values.T):
        return "A day with a gain above 100 % and no day with a loss: QuantStats would take that for prices."
    return ""


def _quantstats(returns: pd.DataFrame, *, record: RunRecord) -> str:
    recipe, interest = record.manifest["recipe"], _interest(record)
    rows, pictures = _left_out(interest)
    index = pd.DatetimeIndex(returns.index).as_unit("ns")
    series = [pd.Series(returns[name].to_numpy(copy=True), index=index) for name in returns.columns]
    with _ALONE, _quiet(), tempfile.TemporaryDirectory() as folder:
        import matplotlib as mpl

        with mpl.rc_context(), _no_picture_left_open():
            load_network_library()
            from quantstats import reports

            _set_style()
            template, output = Path(folder) / "template.html", Path(folder) / "sheet.html"
            if not series[1].any():
                # against a flat line QuantStats scales the strategy to no volatility, and has no beta
                pictures += ("vol_returns", "rolling_beta")
            template.write_text(_quantstats_template(without=pictures), encoding="utf-8")
            reports.html(
                series[0],
                series[1],
                rf=interest,
                title="",
                output=str(output),
                periods_per_year=int(recipe["data"]["periods_per_year"]),
                figfmt="svg",
                template_path=str(template),
                match_dates=False,
                strategy_title=LABELS["strategy"],
                benchmark_title=LABELS[str(returns.columns[1])],
            )
            page = _inline_svg(output.read_text(encoding="utf-8"))
    for name in rows:
        page = re.sub(rf"<tr><td>{re.escape(name)}\s*</td>.*?</tr>\s*", "", page, flags=re.DOTALL)
    page = page.replace("CAGR﹪", "CAGR").replace(_STRATEGY, COLOURS["strategy"])
    return page.replace(_BENCHMARK, COLOURS[str(returns.columns[1])])


def _quantstats_template(*, without: tuple[str, ...]) -> str:
    """Give the places for QuantStats' tables and pictures."""
    template = (_TEMPLATES / "quantstats.html").read_text(encoding="utf-8")
    for picture in without:
        template = template.replace(f"<div>{{{{{picture}}}}}</div>\n", "")
    return template


@contextlib.contextmanager
def _no_picture_left_open() -> Iterator[None]:
    """Close the pictures that a failure leaves open, and no one else's."""
    from matplotlib import pyplot as plt

    before = set(plt.get_fignums())
    try:
        yield
    finally:
        for number in set(plt.get_fignums()) - before:
            plt.close(number)


def _set_style() -> None:
    """Repeat what QuantStats sets when it is first imported, so that each sheet looks the same."""
    import matplotlib as mpl
    import seaborn  # type: ignore[import-untyped]  # comes with QuantStats

    mpl.rcdefaults()
    seaborn.set_theme(
        font_scale=1.1,
        rc={
            "figure.figsize": (10, 6),
            "grid.color": "#dddddd",
            "grid.linewidth": 0.5,
            "lines.linewidth": 1.5,
            "axes.facecolor": "white",
            "figure.facecolor": "white",
            "text.color": "#333333",
            "xtick.color": "#666666",
            "ytick.color": "#666666",
        },
    )
    mpl.rcParams["svg.hashsalt"] = "backtester"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No display, no date in the pictures, no warnings of other people's libraries."""
    wanted = {"MPLBACKEND": os.environ.get("MPLBACKEND", "Agg"), "SOURCE_DATE_EPOCH": "0"}
    before = {key: os.environ.get(key) for key in wanted}
    fonts = logging.getLogger("matplotlib.font_manager")
    level = fonts.level
    os.environ.update(wanted)
    fonts.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        fonts.setLevel(level)
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def _inline_svg(page: str) -> str:
    """Leave out of each picture what belongs to a file of its own: prolog, doctype, metadata."""
    pieces = page.split("<?xml ")
    kept = [pieces[0]]
    for piece in pieces[1:]:
        picture = piece[piece.index("<svg") :]
        start, end = picture.find("<metadata>"), picture.find("</metadata>")
        kept.append(picture if start < 0 else picture[:start] + picture[end + len("</metadata>") :])
    return "".join(kept)


def _dress(body: str, *, title: str, returns: pd.DataFrame, note: str) -> str:
    """Put our page around it."""
    dates = pd.DatetimeIndex(returns.index)
    values: Mapping[str, str] = {
        "title": escape(title),
        "benchmark": escape(LABELS[str(returns.columns[1])].lower()),
        "days": span(dates[0].date(), dates[-1].date()) if len(dates) else "",
        "note": note,
    }
    page = (_TEMPLATES / "tearsheet.html").read_text(encoding="utf-8")
    head, foot = page.split("[[body]]")
    # in one pass, so that a title may hold any of the marks
    return _MARK.sub(lambda mark: values[mark.group(1)], head) + body + foot
