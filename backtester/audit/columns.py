"""Columns over bars: whether row t holds only what was known at the close of t.

A column is computed on the whole history, on histories cut after a bar, and on histories with another
future. Up to that bar nothing may differ.
"""

from __future__ import annotations

import dataclasses
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
SINGLE_TOLERANCE = 1e-5
"""The same for values computed in 32 bits, which keep 7 digits."""
_EARLY = 20
"""Bars looked at one by one for the first wrong one, where the cuts were only some."""


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
    n_cuts : how many; 0: every bar
    borders : bars where a fold begins: up to half of the cuts lie at these, on both sides, spread over all
    seed : of the choice

    Returns
    -------
    bars, ascending, without the last, after which there is nothing to cut
    """
    last = n_bars - 1
    if n_cuts == 0:
        return list(range(last))
    generator = np.random.Generator(np.random.PCG64(seed))
    folds = sorted(borders)
    spread = np.linspace(0, len(folds) - 1, min(len(folds), n_cuts // 4)).round().astype(int)
    near = {folds[at] + step for at in spread for step in (-1, 0)}
    n_drawn = min(n_cuts - len(near), last)
    drawn = generator.choice(last, size=n_drawn, replace=False)
    return sorted({int(bar) for bar in (*drawn, *near) if 0 <= bar < last})


def check_columns(
    columns: Sequence[Column], prices: Prices, *, cuts: Sequence[int], shortest: int = 0
) -> list[Check]:
    """Check columns by cuts and by another future.

    Parameters
    ----------
    columns : what to check
    prices : the whole history
    cuts : bars to cut after, from `cuts_of`
    shortest : bars of the shortest history that must be enough; an error on a shorter one says nothing

    Returns
    -------
    One check a column

    Raises
    ------
    BacktesterError : a column that cannot be computed on the whole history
    """
    return [_check(column, prices, cuts=cuts, shortest=shortest) for column in columns]


def _check(column: Column, prices: Prices, *, cuts: Sequence[int], shortest: int) -> Check:
    whole = column.compute(prices)
    wrong = _wrong(column, whole=whole, prices=prices, cuts=cuts, shortest=shortest)
    futures = _some(cuts, at_most=max(1, min(25, len(cuts) // 5)))
    for bar in futures:
        other = with_another_future(prices, bar=bar, seed=bar)
        # an error says that the changed prices are odd, not that they were seen
        part = _computed(column, prices=other)
        if not isinstance(part, str):
            _note(wrong, part=part[: bar + 1], whole=whole)
    check = Check(
        subject=column.subject,
        method=f"history cut after {_bars(len(cuts))}; another future after {_bars(len(futures))}",
        n=len(cuts),
    )
    if not wrong:
        return check
    random = _random(column, whole=whole, prices=prices)
    if random:
        return dataclasses.replace(check, random=random)
    if len(cuts) < len(prices) - 1:
        known = int(np.argmax(~np.isnan(whole)))
        early = range(known, min(known + _EARLY, len(prices) - 1))
        wrong |= _wrong(column, whole=whole, prices=prices, cuts=early, shortest=shortest)
    first = min(wrong)
    leak = Leak(
        first=prices.dates[first].date(),
        n_bars=len(wrong),
        reach=_reach_of(column, whole=whole, prices=prices, bars=_some(sorted(wrong), at_most=8)),
        text=wrong[first],
    )
    return dataclasses.replace(check, leak=leak)


def _wrong(
    column: Column, *, whole: Floats, prices: Prices, cuts: Iterable[int], shortest: int
) -> dict[int, str]:
    """The bars whose value on a cut history is not the whole history's, each with what was seen."""
    wrong: dict[int, str] = {}
    for bar in cuts:
        part = _computed(column, prices=cut_after(prices, bar=bar))
        if not isinstance(part, str):
            _note(wrong, part=part, whole=whole)
        elif bar + 1 >= shortest and not np.isnan(whole[bar]):
            wrong.setdefault(bar, f"it cannot be computed from the bars known by then ({part})")
    return wrong


def _computed(column: Column, *, prices: Prices) -> Floats | str:
    """The values, or why there are none."""
    try:
        return column.compute(prices)
    except BacktesterError as error:
        return error.message


def _note(wrong: dict[int, str], *, part: Floats, whole: Floats) -> None:
    """Add the bars that differ from the whole history's, each with what was seen."""
    for place in np.flatnonzero(_differs(part, whole[: len(part)])):
        seen, known = whole[place], part[place]
        wrong.setdefault(
            int(place),
            f"it is {_number(seen)} on the whole history, {_number(known)} on the bars known by then",
        )


def _random(column: Column, *, whole: Floats, prices: Prices) -> str:
    """How a second computation on the same bars differs; empty where it does not."""
    again = _computed(column, prices=prices)
    if isinstance(again, str):
        return f"computed twice on the same bars, it failed the second time ({again})"
    differs = np.flatnonzero(_differs(again, whole))
    if not len(differs):
        return ""
    place = int(differs[0])
    return (
        f"computed twice on the same bars, it is {_number(whole[place])} and then {_number(again[place])} "
        f"on {prices.dates[place]:%Y-%m-%d}"
    )


def _differs(part: Floats, whole: Floats) -> NDArray[np.bool_]:
    single = np.array_equal(whole, whole.astype(np.float32), equal_nan=True)
    tolerance = SINGLE_TOLERANCE if single else TOLERANCE
    same = np.isclose(part, whole, rtol=tolerance, atol=tolerance * _size(whole), equal_nan=True)
    return ~same


def _size(values: Floats) -> float:
    known = np.abs(values[np.isfinite(values)])
    return float(np.median(known)) if len(known) else 0.0


def _number(value: float) -> str:
    return "missing" if np.isnan(value) else f"{value:.6g}"


def _bars(n: int) -> str:
    return f"{n:,} bar{'' if n == 1 else 's'}"


def _some(bars: Sequence[int], *, at_most: int = 25) -> list[int]:
    """Some of these, the first and the last among them."""
    places = np.unique(np.linspace(0, len(bars) - 1, min(len(bars), at_most)).round().astype(int))
    return [bars[place] for place in places]


def _reach_of(column: Column, *, whole: Floats, prices: Prices, bars: Sequence[int]) -> int:
    """The farthest that any of these bars sees.

    A bar near the end of the history cannot tell a short reach from one to the end: what it surely sees is
    what is left.
    """
    found = {bar: _reach(column, whole=whole, prices=prices, bar=bar) for bar in bars}
    seen = {bar: len(prices) - 1 - bar if reach == TO_THE_END else reach for bar, reach in found.items()}
    return found[max(seen, key=lambda bar: seen[bar])]


def _reach(column: Column, *, whole: Floats, prices: Prices, bar: int) -> int:
    """The least k for which the history cut at bar + k has the whole history's value at this bar."""
    left = len(prices) - 1 - bar

    def told(k: int) -> bool:
        part = _computed(column, prices=cut_after(prices, bar=bar + k))
        if isinstance(part, str):
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
