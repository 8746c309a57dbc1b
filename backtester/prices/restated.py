"""Changed history: what a kept copy says of the past against what Yahoo says of it now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.prices.answers import price_columns
from backtester.prices.cache import Copy

__all__ = ["Restated", "find_restated"]

RESTATED = 1e-5
"""Relative: Yahoo's adjusted closes come as 32-bit floats, which differ by 1e-7 from call to call."""
FACTOR_NOISE = 1e-4
"""Relative: one factor for all of the past, up to Yahoo's rounding."""
DIVIDEND_NOISE = 0.1
"""Of the factor's distance from 1: by how much our factor for a dividend may differ from Yahoo's."""
FETCH_DAYS = 3
"""A split on the day of fetching may be in the copy already; east of UTC also one on the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restated:
    """A past that is told differently.

    Parameters
    ----------
    adjusted : a split or dividend since then explains all of it: returns are what they were
    said : what changed, from when, by how much
    """

    adjusted: bool
    said: str


def find_restated(
    frame: pd.DataFrame, *, old: Copy, whole: pd.DataFrame, until: date | None
) -> Restated | None:
    """Compare the bars that both have, and those that only one has of the copy's span.

    Parameters
    ----------
    frame : as judged; ascending, unique dates
    whole : all that came, also of sessions that go on; ascending, unique dates
    until : last date that was asked for, where it lies before today: nothing is known of splits after it

    Returns
    -------
    None where the past is the same
    """
    names = [name for name in price_columns(old.frame) if name in frame.columns]
    before = old.frame[names]
    now = frame.loc[before.index[0] : before.index[-1], names]
    gone, added = before.index.difference(now.index), now.index.difference(before.index)
    # A copy that was known for a part is filled up, not contradicted.
    added = added if old.complete else added[:0]
    common = before.index.intersection(now.index)
    was, is_now = before.loc[common].to_numpy(np.float64), now.loc[common].to_numpy(np.float64)
    same = np.isclose(is_now, was, rtol=RESTATED, atol=0.0, equal_nan=True)
    changed = np.flatnonzero(~same.all(axis=1))
    n_bars = len(gone) + len(added) + len(changed)
    if not n_bars:
        return None
    with np.errstate(all="ignore"):
        ratios = is_now / was
    if not len(gone) and not len(added):
        for events in _events(whole, old=old):
            if _explains(events, ratios, names=names):
                return Restated(adjusted=True, said=_adjusted(events, old=old))
    firsts = [days[0] for days in (gone, added, common[changed]) if len(days)]
    first = min(firsts)
    if len(changed) and common[changed[0]] == first:
        row = changed[0]
        column = int(np.flatnonzero(~same[row])[0])
        detail = _ratio(names[column], was=was[row, column], now=is_now[row, column])
        detail += _since(until) if until is not None and _scaled(ratios) else _all_alike(ratios[~same])
    else:
        detail = " (no bar any more)" if first in gone else " (no bar before)"
    return Restated(
        adjusted=False,
        said=f"Yahoo restated the past of {old.symbol!r}: {n_bars} bars differ from the copy "
        f"of {old.fetched}, the first on {first.date()}{detail}.",
    )


def _ratio(name: str, *, was: float, now: float) -> str:
    ratio = f": ratio {now / was:.6g}" if was and np.isfinite(now / was) else ""
    return f" ({name} from {was:.6g} to {now:.6g}{ratio})"


def _all_alike(ratios: NDArray[np.float64]) -> str:
    finite = ratios[np.isfinite(ratios)]
    if len(finite) < 2 or len(finite) < len(ratios) or np.ptp(finite) > FACTOR_NOISE * abs(finite[0]):
        return ""
    return ", all by the same ratio, and no split or dividend explains it"


def _scaled(ratios: NDArray[np.float64]) -> bool:
    """Whether each column is told by one ratio on all bars, as after a split or dividend."""
    return bool(
        np.isfinite(ratios).all() and (np.ptp(ratios, axis=0) <= FACTOR_NOISE * ratios.min(axis=0)).all()
    )


def _since(until: date) -> str:
    return (
        ", each column by the same ratio on all bars. A split or dividend since may explain it, of which "
        f"nothing can be known here, as what was asked for ends on {until}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Events:
    split: float  # shares now for one share then
    dividend: float  # what dividends take off the adjusted prices before them, as a factor
    days: tuple[date, ...]


def _events(frame: pd.DataFrame, *, old: Copy) -> Iterator[_Events]:
    """Splits and dividends since the copy was fetched, which held those before it, wherever it ends.

    The day of fetching is taken both ways.
    """
    last = old.frame.index[-1]
    for n_days in range(FETCH_DAYS):
        since = pd.Timestamp(old.fetched) + pd.Timedelta(days=n_days)
        events = _events_on(frame, new=np.asarray((frame.index > last) & (frame.index >= since)))
        if events is not None:
            yield events


def _events_on(frame: pd.DataFrame, *, new: NDArray[np.bool_]) -> _Events | None:
    splits = _column(frame, "Stock Splits")
    dividends = _column(frame, "Dividends")
    split_days, dividend_days = new & (splits > 0), new & (dividends > 0)
    if not split_days.any() and not dividend_days.any():
        return None
    # A dividend takes its share of the close before it, as Yahoo adjusts.
    close = frame["Close"].to_numpy(np.float64)
    with np.errstate(all="ignore"):
        factors = 1.0 - dividends / np.concatenate([[np.nan], close[:-1]])
    return _Events(
        split=float(np.prod(splits[split_days])),
        dividend=float(np.prod(factors[dividend_days])),
        days=tuple(day.date() for day in frame.index[split_days | dividend_days]),
    )


def _column(frame: pd.DataFrame, name: str) -> NDArray[np.float64]:
    if name not in frame.columns:
        return np.zeros(len(frame))
    values: NDArray[np.float64] = np.nan_to_num(frame[name].to_numpy(np.float64))
    return values


def _explains(events: _Events, ratios: NDArray[np.float64], *, names: list[str]) -> bool:
    for position, name in enumerate(names):
        column = ratios[:, position]
        if not np.isfinite(column).all() or np.ptp(column) > FACTOR_NOISE * column.min():
            return False
        dividend = events.dividend if name == "Adj Close" else 1.0
        tolerance = FACTOR_NOISE + DIVIDEND_NOISE * abs(1.0 - dividend)
        if abs(float(np.median(column)) * events.split / dividend - 1.0) > tolerance:
            return False
    return True


def _adjusted(events: _Events, *, old: Copy) -> str:
    parts = []
    if events.split != 1.0:
        parts.append(f"a split of {events.split:g} to 1 (every price × {1 / events.split:.6g})")
    if events.dividend != 1.0:
        parts.append(f"dividends (adjusted closes × {events.dividend / events.split:.6g})")
    days = f"on {events.days[0]}" if len(events.days) == 1 else f"from {events.days[0]} to {events.days[-1]}"
    first = old.frame.index[0].date()
    return (
        f"Yahoo adjusted the past of {old.symbol!r} for {' and '.join(parts)} {days}: all bars of the copy "
        f"of {old.fetched} from {first} on; the returns stay the same."
    )
