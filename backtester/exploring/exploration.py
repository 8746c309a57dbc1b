"""All that is found in one file, and in several: plain values, and the frames they were computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from backtester.exploring.calendar import calendar_findings, calendar_values
from backtester.exploring.dependence import autocorrelation_values
from backtester.exploring.distribution import distribution_values, log_returns
from backtester.exploring.finding import Finding, Level
from backtester.exploring.levels import box_values, drawdown, volatility
from backtester.exploring.pairs import pair_values, pairs
from backtester.exploring.quirks_events import event_findings
from backtester.exploring.quirks_form import decimals_of, form_findings
from backtester.exploring.quirks_prices import large_moves, opens_by_period, price_findings
from backtester.exploring.quirks_rows import row_findings
from backtester.exploring.quirks_volume import volume_findings
from backtester.exploring.seasons import season_values
from backtester.exploring.table import Refusal, Table
from backtester.exploring.together import together_findings, together_values

__all__ = ["Exploration", "Together", "explore_table", "explore_together", "findings_of"]

_FEWEST_RETURNS = 3
_ORDER = {level: rank for rank, level in enumerate(Level)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """One file looked at.

    Parameters
    ----------
    table : as read
    findings : quirks, the most serious first
    values : every figure, by stable key, as JSON has it
    """

    table: Table
    findings: tuple[Finding, ...]
    values: dict[str, Any]

    @property
    def frame(self) -> pd.DataFrame | None:
        """Bars as used, by date; None where none could be read."""
        return self.table.used

    @property
    def refusal(self) -> Refusal | None:
        """Why `run` refuses the file; None where it does not."""
        return self.table.refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Several files beside each other.

    Parameters
    ----------
    findings : what only all of them together show
    values : every figure, by stable key
    """

    findings: tuple[Finding, ...]
    values: dict[str, Any]


def explore_table(table: Table, *, periods_per_year: float = 252.0) -> Exploration:
    """Look at one file: every quirk and every figure.

    Parameters
    ----------
    table : as read by `open_file` or `open_frame`
    periods_per_year : bars in a year, for annual figures
    """
    ranked = findings_of(table)
    values = {
        "symbol": table.symbol,
        "name": table.name,
        "refusal": None if table.refusal is None else asdict(table.refusal),
        "left_out": list(table.left_out),
        "notes": [{"kind": note.kind.value, "text": note.text} for note in table.notes],
        "form": _form(table),
        "findings": [finding.values() for finding in ranked],
        **_figures(table, periods_per_year=periods_per_year),
    }
    return Exploration(table=table, findings=ranked, values=values)


def findings_of(table: Table) -> tuple[Finding, ...]:
    """Find every quirk of one file, the most serious first."""
    findings = [
        *([] if table.refusal is None else [_refused(table.refusal)]),
        *row_findings(table),
        *price_findings(table),
        *event_findings(table),
        *volume_findings(table),
        *calendar_findings(table),
        *form_findings(table),
    ]
    return tuple(sorted(findings, key=lambda finding: _ORDER[finding.level]))


def _refused(refusal: Refusal) -> Finding:
    return Finding(
        key="refused",
        title="run refuses this file",
        level=Level.REFUSED,
        text=refusal.message,
        meaning="What can be read of it in spite of that is shown here, and must not be believed.",
        run=f"Stops with exit code 3. {refusal.advice}".strip(),
    )


def _form(table: Table) -> dict[str, Any]:
    """Facts of how the file is written, None for what could not be told."""
    facts: dict[str, Any] = {} if table.form is None else asdict(table.form)
    facts["columns"] = [] if table.raw is None else list(table.raw.headers)
    facts["rows"] = 0 if table.raw is None else len(table.raw.lines)
    if table.read is not None:
        text = table.read.rows.text
        prices = [name for name in ("open", "high", "low", "close", "adj_close") if name in text]
        facts |= {
            "order": table.read.order.value,
            "first_date": text["date"][0],
            "last_date": text["date"][-1],
            "decimals": {name: decimals_of(text[name]) for name in prices},
        }
    return facts


def _figures(table: Table, *, periods_per_year: float) -> dict[str, Any]:
    names = ("span", "distribution", "autocorrelation", "seasons", "boxes", "pairs", "risk")
    figures: dict[str, Any] = dict.fromkeys((*names, "calendar", "opens", "large_moves"))
    if table.read is not None:
        figures["calendar"] = calendar_values(table.read.bars.dates)
        figures["opens"] = opens_by_period(table.read.bars)
        figures["large_moves"] = [
            {"date": date, "return": size, "action": action} for date, size, action in large_moves(table)
        ]
    frame = table.used
    if frame is None or len(frame) == 0:
        return figures
    close = frame["close"]
    figures["span"] = {
        "start": f"{frame.index[0]:%Y-%m-%d}",
        "end": f"{frame.index[-1]:%Y-%m-%d}",
        "bars": len(frame),
        "columns": list(frame.columns),
        "adjustment": table.adjustment,
        "first_close": float(close.iloc[0]),
        "last_close": float(close.iloc[-1]),
    }
    returns = log_returns(close)
    if len(returns) < _FEWEST_RETURNS or float(np.ptp(returns.to_numpy())) == 0.0:
        return figures
    return figures | {
        "distribution": distribution_values(returns),
        "autocorrelation": _autocorrelation(frame, returns),
        "seasons": season_values(returns),
        "boxes": box_values(frame, returns=returns),
        "pairs": pair_values(pairs(frame, returns=returns)),
        "risk": _risk(close, returns=returns, periods_per_year=periods_per_year),
    }


def _autocorrelation(frame: pd.DataFrame, returns: pd.Series) -> dict[str, Any]:
    values = returns.to_numpy(dtype=np.float64)
    found: dict[str, Any] = {
        "returns": autocorrelation_values(values),
        "absolute": autocorrelation_values(np.abs(values)),
        "volume": None,
    }
    if "volume" in frame:
        volume = frame["volume"].to_numpy(dtype=np.float64)
        logs = np.log(np.where(volume > 0.0, volume, 1.0))
        found["volume"] = autocorrelation_values(np.where(volume > 0.0, logs, np.nan))
    return found


def _risk(close: pd.Series, *, returns: pd.Series, periods_per_year: float) -> dict[str, Any]:
    falls = drawdown(close)
    lowest = falls.idxmin()
    rolling = {
        str(length): line.dropna()
        for length, line in volatility(returns, periods_per_year=periods_per_year).items()
    }
    return {
        "periods_per_year": periods_per_year,
        "volatility": float(returns.std()) * float(np.sqrt(periods_per_year)),
        "rolling": {
            length: {
                "now": float(line.iloc[-1]),
                "median": float(line.median()),
                "highest": float(line.max()),
                "highest_date": f"{line.idxmax():%Y-%m-%d}",
            }
            for length, line in rolling.items()
            if len(line)
        },
        "max_drawdown": float(falls.min()),
        "max_drawdown_date": f"{lowest:%Y-%m-%d}",
        "max_drawdown_from": f"{close.loc[:lowest].idxmax():%Y-%m-%d}",
        "drawdown_now": float(falls.iloc[-1]),
    }


def explore_together(explorations: Sequence[Exploration]) -> Together | None:
    """Look at several files beside each other; None where fewer than two of them have bars."""
    closes = {
        found.table.symbol: found.frame["close"]
        for found in explorations
        if found.frame is not None and len(found.frame)
    }
    if len(closes) < 2:
        return None
    values = together_values(closes)
    findings = tuple(together_findings(values))
    return Together(findings=findings, values={**values, "findings": [found.values() for found in findings]})
