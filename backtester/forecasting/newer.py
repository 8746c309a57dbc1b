"""Newer prices of a run's symbol: its own bars as they are, and those that came after them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.errors import PricesError
from backtester.prices import PRICE_COLUMNS, Note, NoteKind, Prices

__all__ = ["with_newer_bars"]

_SAME = 1e-5
"""Relative: adjusted closes that come as 32-bit floats differ by 1e-7 from one download to the next."""


def with_newer_bars(own: Prices, *, newer: Prices) -> tuple[Prices, tuple[Note, ...]]:
    """Append the bars that came after a run to the run's own.

    Parameters
    ----------
    own : the run's
    newer : of the same symbol; it may begin later, but must hold the run's last bar

    Returns
    -------
    Prices under the run's name: its own bars untouched, then the newer ones, in the run's columns; and notes

    Raises
    ------
    PricesError : the newer prices end before the run's, begin after them, lack one of their columns, or
        differ on a bar that both have; the message names the first date that differs
    """
    where, last = newer.source_name, own.dates[-1]
    if newer.dates[-1] < last:
        raise PricesError(
            f"{where} ends on {_day(newer.dates[-1])}, before the run's last bar of {_day(last)}.",
            advice="Give newer prices, or none to forecast from the run's own.",
        )
    lacking = [name for name in PRICE_COLUMNS if own.has(name) and not newer.has(name)]
    if lacking:
        raise PricesError(
            f"{where} has no column '{lacking[0]}', which the run's prices have.",
            advice="Give prices with the same columns as the run's.",
        )
    if newer.dates[0] > last:
        raise PricesError(
            f"{where} begins on {_day(newer.dates[0])}, after the run's last bar of {_day(last)}.",
            advice="Give prices that hold some of the run's bars, so that they can be compared.",
        )
    _check_sessions(own, newer=newer)
    notes = _check_common(own, newer=newer)
    columns = list(own.frame.columns)
    later = newer.frame.loc[newer.dates > last, columns]
    return replace(own, frame=pd.concat([own.frame, later])), notes


def _check_sessions(own: Prices, *, newer: Prices) -> None:
    start, last = newer.dates[0], own.dates[-1]
    mine = own.dates[own.dates >= start]
    theirs = newer.dates[newer.dates <= last]
    odd = mine.symmetric_difference(theirs)
    if len(odd):
        holder, other = ("the run", newer.source_name) if odd[0] in mine else (newer.source_name, "the run")
        raise PricesError(
            f"{newer.source_name} differs from the run's prices: {_day(odd[0])} is a session in {holder}, "
            f"not in {other} ({len(odd)} such dates).",
            advice="Give prices from the same source, or run the recipe on these prices.",
        )


def _check_common(own: Prices, *, newer: Prices) -> tuple[Note, ...]:
    common = own.dates.intersection(newer.dates)
    mine, theirs = own.frame.loc[common], newer.frame.loc[common]
    prices = [name for name in PRICE_COLUMNS if own.has(name) and name != "volume"]
    before, now = (frame[prices].to_numpy(dtype=np.float64) for frame in (mine, theirs))
    odd = np.argwhere(np.abs(now - before) > _SAME * np.abs(before))
    if len(odd):
        bar, column = (int(part) for part in odd[0])
        raise PricesError(
            f"{newer.source_name} differs from the run's prices, first on {_day(common[bar])}: "
            f"{prices[column]} {now[bar, column]:g}, in the run {before[bar, column]:g} "
            f"({len(np.unique(odd[:, 0]))} of {len(common)} common bars differ).",
            advice=_why(before, now) + "Run the recipe on these prices, and forecast from that run.",
        )
    return _volume_note(mine, theirs) if own.has("volume") else ()


def _why(before: NDArray[np.float64], now: NDArray[np.float64]) -> str:
    """A dividend or split since the run moves all earlier adjusted prices by one factor."""
    ratio = now / before
    if np.ptp(ratio) <= _SAME * float(ratio.mean()):
        return "All of them by one factor: a dividend or split since was worked into the history. "
    return ""


def _volume_note(mine: pd.DataFrame, theirs: pd.DataFrame) -> tuple[Note, ...]:
    before, now = mine["volume"].to_numpy(), theirs["volume"].to_numpy()
    odd = np.flatnonzero(~np.isclose(before, now, rtol=_SAME, atol=0.0, equal_nan=True))
    if len(odd) == 0:
        return ()
    text = (
        f"The volume of {len(odd)} common bars differs, first on {_day(mine.index[odd[0]])}; "
        "the run's own volumes are used there."
    )
    return (Note(kind=NoteKind.WARNING, text=text),)


def _day(date: pd.Timestamp) -> str:
    return f"{date:%Y-%m-%d}"
