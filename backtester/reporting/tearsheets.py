"""QuantStats tear sheets, kept away from its traps.

QuantStats gets sorted, unique, finite, zone-less daily simple returns on one index, never a ticker
and never a name of the user's (it writes titles unescaped, and its own placeholders may occur in
them). Our page around it has no favicon, no script and no link to the network.
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
    "from this program's own formulas and count where the two differ."
)
# QuantStats' own two colours of strategy and benchmark
_STRATEGY, _BENCHMARK = "#348dc1", "#fedd78"
# QuantStats and matplotlib keep their state per process
_ALONE = threading.Lock()


def write_tearsheets(record: RunRecord, *, title: str) -> None:
    """Write the strategy's tear sheets against buy-and-hold and against the last price.

    Raises
    ------
    StorageError : the disk is full or read-only
    """
    for benchmark, name in SHEETS.items():
        page = tearsheet(record, title=title, benchmark=benchmark)
        write_bytes(record.directory / name, page.encode("utf-8"))


def tearsheet(record: RunRecord, *, title: str, benchmark: str) -> str:
    """Make one tear sheet: the strategy against ``benchmark``, a column of ``returns.csv``.

    Returns
    -------
    str: the page. The same run gives the same text. Where QuantStats cannot describe the returns
    (all zero, or fewer than 21 bars), a page that says so.
    """
    returns = record.returns[["strategy", benchmark]].astype("float64")
    excuse, body = _excuse(returns), ""
    if not excuse:
        try:
            body = _quantstats(returns, record=record)
        except Exception as error:  # a picture book must not cost the user a finished run: the page says it
            excuse = f"QuantStats could not describe these returns ({type(error).__name__}: {error})."
    note = f'<p class="note">{_NOTE}</p>' if body else ""
    return _dress(body or f"<p>{escape(excuse)}</p>", title=title, returns=returns, note=note)


def _excuse(returns: pd.DataFrame) -> str:
    """Why there is no tear sheet; empty where there is one."""
    if len(returns) < _MIN_BARS:
        return (
            f"There are only {len(returns)} days of returns: too few for a tear sheet, "
            f"which needs {_MIN_BARS}. The first page has all that can be said."
        )
    values = returns.to_numpy()
    if not np.isfinite(values).all() or not returns.index.is_monotonic_increasing:
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
    recipe = record.manifest["recipe"]
    index = pd.DatetimeIndex(returns.index).as_unit("ns")
    series = [pd.Series(returns[name].to_numpy(copy=True), index=index) for name in returns.columns]
    with _ALONE, _quiet(), tempfile.TemporaryDirectory() as folder:
        import matplotlib as mpl

        with mpl.rc_context():
            from quantstats import reports

            _set_style()
            template, output = Path(folder) / "template.html", Path(folder) / "sheet.html"
            template.write_text(_quantstats_template(flat=not series[1].any()), encoding="utf-8")
            reports.html(
                series[0],
                series[1],
                rf=float(recipe["broker"]["risk_free_rate"]),
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
    page = page.replace("CAGR﹪", "CAGR").replace(_STRATEGY, COLOURS["strategy"])
    return page.replace(_BENCHMARK, COLOURS[str(returns.columns[1])])


def _quantstats_template(*, flat: bool) -> str:
    """Give the places for QuantStats' tables and pictures."""
    template = (_TEMPLATES / "quantstats.html").read_text(encoding="utf-8")
    if flat:
        # against a flat line QuantStats scales the strategy to no volatility, and beta is not defined
        for picture in ("vol_returns", "rolling_beta"):
            template = template.replace(f"<div>{{{{{picture}}}}}</div>\n", "")
    return template


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
