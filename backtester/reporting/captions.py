"""Each chart in words: its caption, and all that a reader has who cannot see it."""

from __future__ import annotations

import pandas as pd

from backtester.reporting import words
from backtester.reporting.charts import MAX_POINTS, RECENT_BARS
from backtester.reporting.curves import drawdown_curves, equity_curves
from backtester.reporting.judgement import is_judged
from backtester.reporting.judgement_captions import judgement_captions
from backtester.reporting.published import published_of
from backtester.reporting.published_charts import published_captions
from backtester.reporting.split import is_single
from backtester.run_directory import RunRecord

__all__ = ["captions"]


def captions(record: RunRecord) -> dict[str, str]:
    """One or a few sentences for each chart of the page."""
    ends = equity_curves(record).iloc[-1]
    falls = drawdown_curves(record)
    deepest = falls["strategy"].idxmin()
    ratios = [row["rmse_ratio"] for row in record.summary["folds_table"]]
    known = [ratio for ratio in ratios if not words.is_missing(ratio)]
    folds = record.manifest["folds"]
    published = published_of(record)
    return {
        "equity": "Of 100 at the start, "
        + ", ".join(f"{words.LABELS[str(name)].lower()} made {value:.1f}" for name, value in ends.items())
        + ".",
        "drawdown": "Largest fall below an earlier high: "
        + ", ".join(
            f"{words.LABELS[str(name)].lower()} {words.minus(words.percent(value))}"
            for name, value in falls.min().items()
        )
        + (f". The strategy was lowest on {deepest:%Y-%m-%d}." if falls["strategy"].min() < 0 else "."),
        "exposure": "On average the strategy had "
        f"{words.percent(record.exposures['strategy'].mean())} of its equity invested.",
        "forecast": _scatter_words(record),
        "prices": _lag_words(record),
        "folds": "In prices, the forecast erred less than the last price in "
        f"{sum(ratio < 1 for ratio in known)} of "
        f"{words.plural(len(known), 'fold')} that can be scored.",
        "spans": "One split: the test span comes after the training span."
        if is_single(record)
        else f"{words.plural(len(folds), 'fold')}; every test span comes after its training span, and "
        "the test spans follow each other without gap or overlap.",
        **(judgement_captions(record) if is_judged(record) else {}),
        **({} if published is None else published_captions(published)),
    }


def _scored(record: RunRecord) -> pd.DataFrame:
    rows = record.forecasts
    return rows[rows["forecast"].notna() & rows["actual"].notna()]


def _scatter_words(record: RunRecord) -> str:
    rows = _scored(record)
    if len(rows) < 2:
        return "There are too few forecasts to compare with what happened."
    spread = rows[["forecast", "actual"]].std()
    thinned = f" Shown: every {-(-len(rows) // MAX_POINTS)}th." if len(rows) > MAX_POINTS else ""
    return (
        f"{len(rows):,} forecasts. They vary by {words.percent(spread['forecast'], digits=2)} (standard "
        f"deviation), what happened by {words.percent(spread['actual'], digits=2)}. A good forecast lies "
        f"along the dashed line.{thinned}"
    )


def _lag_words(record: RunRecord) -> str:
    rows = _scored(record)
    if rows.empty:
        return "There is no forecast to show."
    to_last = float(rows["forecast"].abs().mean())
    to_actual = float((rows["forecast"] - rows["actual"]).abs().mean())
    return (
        f"The last {min(RECENT_BARS, len(rows))} forecasts, each at the day it was made for. Over all days "
        f"the forecast lies {words.percent(to_last, digits=2)} from the last price known when it was made, "
        f"and {words.percent(to_actual, digits=2)} from the close it was made for. "
        "A forecast that hugs the last price looks close on a chart and says little."
    )
