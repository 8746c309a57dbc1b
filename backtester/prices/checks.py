"""What whole series of bars can tell: jumps, gaps, weekends, constant prices, missing volume."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.errors import PricesError
from backtester.prices.raw import Bars, listed, refuse_rows
from backtester.prices.table import Note, NoteKind

__all__ = ["check_calendar", "check_constant", "check_future", "check_jumps", "check_spikes", "check_volume"]

JUMP_LIMIT = 1.0
"""|log overnight return| above which a bar is refused."""
JUMP_WARNING = 0.4
SPIKE_BARS, SPIKE_RANGES, SPIKE_LEAST = 21, 5.0, 0.05
"""A high or low is named from this many usual ranges of the bars around it on, and from this log distance."""
SPLIT_RATIOS = (2, 3, 4, 5, 10, 20)
SPLIT_TOLERANCE = 0.02
GAP_BUSINESS_DAYS = 10
WEEKEND_SHARE = 0.1
"""Up to this share, weekend bars are an oddity; above, the market trades on weekends."""


def _warning(bars: Bars, text: str) -> Note:
    return Note(kind=NoteKind.WARNING, text=f"{bars.name}: {text}")


def check_future(bars: Bars, *, today: date) -> None:
    """Refuse bars after today.

    Raises
    ------
    PricesError : bars of days that have not come yet
    """
    future = np.flatnonzero(bars.dates > np.datetime64(today))
    if len(future):
        findings = [f"{bars.place(row)} is after today, {today}" for row in future.tolist()]
        raise refuse_rows(
            bars.name, findings, advice="Check the dates, `date_format` in [data], and the clock."
        )


def check_jumps(bars: Bars, *, confirmed: Collection[date]) -> list[Note]:
    """Tell real overnight moves from splits and misprints.

    The overnight ratio is open / previous close, or close / previous close where there is no open.
    Refused: above e to one, or within 2 % of a usual split ratio, either way; unless confirmed.

    Raises
    ------
    PricesError : a jump that is not among the confirmed dates
    """
    opens = bars.values.get("open", bars.values["close"])
    moves = np.log(opens[1:]) - np.log(bars.values["close"][:-1])
    # Prices may be as far apart as doubles can be: an infinite ratio is refused like any other.
    with np.errstate(over="ignore"):
        sizes, changes = np.exp(np.abs(moves)), np.expm1(moves)
    split = np.any([np.abs(sizes / ratio - 1.0) <= SPLIT_TOLERANCE for ratio in SPLIT_RATIOS], axis=0)
    refused, large = [], []
    for at in np.flatnonzero((np.abs(moves) > JUMP_WARNING) | split).tolist():
        row = at + 1
        text = f"{bars.place(row)} {changes[at]:+.1%} overnight"
        if bars.dates[row].item() in confirmed:
            large.append(f"{text}, confirmed")
        elif split[at] or abs(moves[at]) > JUMP_LIMIT:
            refused.append(text + (", the ratio of a split" if split[at] else ""))
        else:
            large.append(text)
    if refused:
        raise refuse_rows(
            bars.name,
            refused,
            advice="Correct splits and misprints; add dates of real moves to `confirmed_jumps` in [data].",
        )
    return [_warning(bars, f"{len(large)} large move(s): {listed(large)}.")] if large else []


def check_spikes(bars: Bars, *, confirmed: Collection[date]) -> list[Note]:
    """Tell real extremes from misprints: a high far above both open and close, or a low far below.

    Refused: above e to one, unless confirmed. A warning: above the limit that overnight moves have, or
    above 5 % and five times the usual range of the bars around. Of 394,170 real bars since 2000 none is
    refused and 31 are named, all real: the flash crash of 2010, the openings of 2015-08-24, days of 2008.

    Raises
    ------
    PricesError : an extreme that is not among the confirmed dates
    """
    refused: list[str] = []
    large: list[str] = []
    for name, excess in _excesses(bars).items():
        for row in np.flatnonzero(excess > _usual(bars)).tolist():
            text = f"{bars.place(row)} {bars.cell(name, row)}"
            if bars.dates[row].item() in confirmed:
                large.append(f"{text}, confirmed")
            else:
                (refused if excess[row] > JUMP_LIMIT else large).append(text)
    if refused:
        raise refuse_rows(
            bars.name,
            [f"{text} is far from open and close" for text in refused],
            advice="Correct misprints; add dates of real extremes to `confirmed_jumps` in [data].",
        )
    if not large:
        return []
    return [_warning(bars, f"{len(large)} high(s) or low(s) far from open and close: {listed(large)}.")]


def _excesses(bars: Bars) -> dict[str, NDArray[np.float64]]:
    """By how much, in logs, the high is above open and close, and the low below them."""
    close = np.log(bars.values["close"])
    opens = np.log(bars.values["open"]) if "open" in bars.values else close
    found = {}
    if "high" in bars.values:
        found["high"] = np.log(bars.values["high"]) - np.maximum(opens, close)
    if "low" in bars.values:
        found["low"] = np.minimum(opens, close) - np.log(bars.values["low"])
    return found


def _usual(bars: Bars) -> NDArray[np.float64]:
    """What a high or low may be beyond open and close without a word, in logs, by bar."""
    limit = np.full(len(bars), JUMP_WARNING)
    if "high" in bars.values and "low" in bars.values:
        spread = pd.Series(np.log(bars.values["high"]) - np.log(bars.values["low"]))
        around = spread.rolling(SPIKE_BARS, center=True, min_periods=SPIKE_BARS // 2 + 1).median()
        limit = np.fmin(limit, np.maximum(SPIKE_RANGES * around.to_numpy(), SPIKE_LEAST))
    return limit


def check_constant(bars: Bars) -> None:
    """Refuse a price that never moves.

    Raises
    ------
    PricesError : all closes are equal
    """
    close = bars.values["close"]
    if len(close) > 1 and (close == close[0]).all():
        raise PricesError(
            f"{bars.name}: the close is {bars.cell('close', 0)} in all {len(close)} bars.",
            advice="A constant price has nothing to forecast: check the file.",
        )


def check_calendar(bars: Bars) -> list[Note]:
    """Warn of a few weekend bars and of long gaps, and count the weekdays without a bar."""
    notes = []
    weekend = np.flatnonzero(~np.is_busday(bars.dates))
    n_weekdays = int(np.busday_count(bars.dates[0], bars.dates[-1] + 1))
    n_missing = n_weekdays - (len(bars) - len(weekend))
    if n_missing and len(weekend) <= WEEKEND_SHARE * len(bars):
        # One session that is missing looks like a holiday: only the exchange's calendar could tell.
        text = f"{n_missing} of {n_weekdays} weekdays have no bar: holidays, or sessions that are missing."
        notes.append(Note(kind=NoteKind.INFO, text=f"{bars.name}: {text}"))
    if 0 < len(weekend) <= WEEKEND_SHARE * len(bars):
        days = listed([str(bars.dates[row]) for row in weekend], joint=", ")
        notes.append(_warning(bars, f"{len(weekend)} bar(s) on weekends: {days}."))
    business_days = np.busday_count(bars.dates[:-1], bars.dates[1:])
    gaps = [
        f"{bars.dates[row]} to {bars.dates[row + 1]}"
        for row in np.flatnonzero(business_days > GAP_BUSINESS_DAYS)
    ]
    if gaps:
        notes.append(
            _warning(bars, f"{len(gaps)} gap(s) of over {GAP_BUSINESS_DAYS} business days: {listed(gaps)}.")
        )
    return notes


def check_volume(bars: Bars) -> tuple[Bars, list[Note]]:
    """Take a volume that is 0 throughout for absent, and warn of bars without volume."""
    volume = bars.values.get("volume")
    if volume is None:
        return bars, []
    zero = np.flatnonzero(volume == 0)
    if len(zero) == len(bars):
        values = {name: column for name, column in bars.values.items() if name != "volume"}
        return replace(bars, values=values), [
            _warning(bars, "volume is 0 in all bars: volume features are off.")
        ]
    if len(zero):
        first = f"the first on {bars.dates[zero[0]]}"
        return bars, [_warning(bars, f"volume is 0 in {len(zero)} of {len(bars)} bars, {first}.")]
    return bars, []
