"""Columns over bars: whether row t holds only what was known at the close of t.

A column is computed on the whole history, on histories cut after a bar, and on histories with another
future. Up to that bar nothing may differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backtester.audit.finding import TO_THE_END, Check, Leak
from backtester.audit.history import cut_after, with_another_future
from backtester.errors import BacktesterError
from backtester.prices import Prices

__all__ = ["Column", "check_columns", "cuts_of"]

Floats = NDArray[np.float64]

TOLERANCE = 1e-9
"""Relative to the value; sums of other lengths round otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Something with a value at each bar.

    Parameters
    ----------
    subject : for messages, e.g. ``feature 'rsi(14)'``
    compute : maps prices to (n_bars,) values; NaN where there is none
    """

    subject: str
    compute: Callable[[Prices], Floats]


def cuts_of(n_bars: int, *, n_cuts: int, borders: Iterable[int] = (), seed: int) -> list[int]:
    """Choose the bars to cut after.

    Parameters
    ----------
    n_bars : in the history
    n_cuts : how many beside the borders; 0: every bar
    borders : bars that must be among them, such as those where a fold begins
    seed : of the choice

    Returns
    -------
    bars, ascending, without the last, after which there is nothing to cut
    """
    last = n_bars - 1
    if n_cuts == 0:
        return list(range(last))
    generator = np.random.Generator(np.random.PCG64(seed))
    chosen = generator.choice(last, size=min(n_cuts, last), replace=False)
    near = [bar + step for bar in borders for step in (-1, 0)]
    return sorted({int(bar) for bar in (*chosen, *near) if 0 <= bar < last})


def check_columns(columns: Sequence[Column], prices: Prices, *, cuts: Sequence[int]) -> list[Check]:
    """Check columns by cuts and by another future.

    Parameters
    ----------
    columns : what to check
    prices : the whole history
    cuts : bars to cut after, from `cuts_of`

    Returns
    -------
    One check a column

    Raises
    ------
    BacktesterError : a column that cannot be computed on the whole history
    """
    return [_check(column, prices, cuts=cuts) for column in columns]


def _check(column: Column, prices: Prices, *, cuts: Sequence[int]) -> Check:
    whole = column.compute(prices)
    wrong: dict[int, str] = {}
    for bar in cuts:
        _note(wrong, column=column, whole=whole, prices=cut_after(prices, bar=bar), bar=bar)
    for bar in _some(cuts):
        _note(
            wrong, column=column, whole=whole, prices=with_another_future(prices, bar=bar, seed=bar), bar=bar
        )
    method = f"history cut after {len(cuts)} bars; another future after {len(_some(cuts))}"
    if not wrong:
        return Check(subject=column.subject, method=method, n=len(cuts))
    first = min(wrong)
    leak = Leak(
        first=prices.dates[first].date(),
        n_bars=len(wrong),
        reach=max(_reach(column, whole=whole, prices=prices, bar=bar) for bar in _spread(sorted(wrong))),
        text=wrong[first],
    )
    return Check(subject=column.subject, method=method, n=len(cuts), leak=leak)


def _note(wrong: dict[int, str], *, column: Column, whole: Floats, prices: Prices, bar: int) -> None:
    """Add the bars up to the cut that differ from the whole history's, each with what was seen."""
    try:
        part = column.compute(prices)[: bar + 1]
    except BacktesterError as error:
        if not np.isnan(whole[bar]):
            wrong.setdefault(bar, f"it cannot be computed from the bars known by then ({error.message})")
        return
    for place in np.flatnonzero(_differs(part, whole[: bar + 1])):
        seen, known = whole[place], part[place]
        wrong.setdefault(
            int(place),
            f"it is {_number(seen)} on the whole history, {_number(known)} on the bars known by then",
        )


def _differs(part: Floats, whole: Floats) -> NDArray[np.bool_]:
    same = np.isclose(part, whole, rtol=TOLERANCE, atol=TOLERANCE * _size(whole), equal_nan=True)
    return ~same


def _size(values: Floats) -> float:
    known = np.abs(values[np.isfinite(values)])
    return float(np.median(known)) if len(known) else 0.0


def _number(value: float) -> str:
    return "missing" if np.isnan(value) else f"{value:.6g}"


def _some(cuts: Sequence[int], *, at_most: int = 25) -> list[int]:
    step = max(1, len(cuts) // at_most)
    return list(cuts[::step])


def _spread(bars: list[int], *, at_most: int = 8) -> list[int]:
    step = max(1, len(bars) // at_most)
    return bars[::step]


def _reach(column: Column, *, whole: Floats, prices: Prices, bar: int) -> int:
    """The least k for which the history cut at bar + k has the whole history's value at this bar."""
    left = len(prices) - 1 - bar

    def told(k: int) -> bool:
        try:
            part = column.compute(cut_after(prices, bar=bar + k))
        except BacktesterError:
            return False
        return not _differs(part[bar : bar + 1], whole[bar : bar + 1])[0]

    short, long = 0, 1
    while long < left and not told(long):
        short, long = long, min(2 * long, left)
    if long >= left and not told(left - 1):
        return TO_THE_END
    while long - short > 1:
        middle = (short + long) // 2
        short, long = (short, middle) if told(middle) else (middle, long)
    return long
