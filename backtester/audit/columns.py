"""Columns over bars: whether row t holds only what was known at the close of t.

A column is computed on the whole history, on histories cut after a bar, and on histories with another
future. Up to that bar nothing may differ.
"""

from __future__ import annotations

import dataclasses
import functools
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


class _Wrong:
    """The bars whose value is not the whole history's: what was seen there, and the last cut that showed it.

    Parameters
    ----------
    n_bars : of the whole history
    """

    def __init__(self, n_bars: int) -> None:
        self.texts: dict[int, str] = {}
        self.last_cut = np.full(n_bars, -1)

    def add(self, places: NDArray[np.intp], *, cut: int, text: Callable[[int], str]) -> None:
        for place in places[self.last_cut[places] < 0].tolist():
            self.texts[place] = text(place)
        self.last_cut[places] = np.maximum(self.last_cut[places], cut)


def _check(column: Column, prices: Prices, *, cuts: Sequence[int], shortest: int) -> Check:
    whole = column.compute(prices)
    wrong = _Wrong(len(prices))
    _cut_all(wrong, column=column, whole=whole, prices=prices, cuts=cuts, shortest=shortest)
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
    if not wrong.texts:
        return check
    random = _random(column, whole=whole, prices=prices)
    if random:
        return dataclasses.replace(check, random=random)
    every = len(cuts) >= len(prices) - 1
    if not every:
        known = int(np.argmax(~np.isnan(whole)))
        early = range(known, min(known + _EARLY, len(prices) - 1))
        _cut_all(wrong, column=column, whole=whole, prices=prices, cuts=early, shortest=shortest)
        for bar in _some(sorted(wrong.texts), at_most=8):
            _cut_ahead(wrong, column=column, whole=whole, prices=prices, bar=bar)
    first = min(wrong.texts)
    leak = Leak(
        first=prices.dates[first].date(),
        n_bars=len(wrong.texts),
        reach=_reach(wrong, n_bars=len(prices)),
        text=wrong.texts[first],
    )
    return dataclasses.replace(check, leak=leak)


def _cut_all(
    wrong: _Wrong, *, column: Column, whole: Floats, prices: Prices, cuts: Iterable[int], shortest: int
) -> None:
    for bar in cuts:
        part = _computed(column, prices=cut_after(prices, bar=bar))
        if not isinstance(part, str):
            _note(wrong, part=part, whole=whole)
        elif bar + 1 >= shortest and not np.isnan(whole[bar]):
            wrong.add(np.array([bar]), cut=bar, text=functools.partial(_failed, reason=part))


def _failed(_: int, *, reason: str) -> str:
    return f"it cannot be computed from the bars known by then ({reason})"


def _computed(column: Column, *, prices: Prices) -> Floats | str:
    """The values, or why there are none."""
    try:
        return column.compute(prices)
    except BacktesterError as error:
        return error.message


def _note(wrong: _Wrong, *, part: Floats, whole: Floats) -> None:
    """Add the bars up to a cut, those of the part, that differ from the whole history's."""

    def text(place: int) -> str:
        seen, known = _number(whole[place]), _number(part[place])
        return f"it is {seen} on the whole history, {known} on the bars known by then"

    wrong.add(np.flatnonzero(_differs(part, whole[: len(part)])), cut=len(part) - 1, text=text)


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


def _cut_ahead(wrong: _Wrong, *, column: Column, whole: Floats, prices: Prices, bar: int) -> None:
    """Look for the last cut at which a wrong bar is still wrong: ever farther ahead, then in between."""
    left = len(prices) - 1 - bar

    def told(k: int) -> bool:
        part = _computed(column, prices=cut_after(prices, bar=bar + k))
        return not isinstance(part, str) and not _differs(part[bar : bar + 1], whole[bar : bar + 1])[0]

    short, long = 0, 1
    while long < left and not told(long):
        short, long = long, min(2 * long, left)
    while long - short > 1:
        middle = (short + long) // 2
        short, long = (short, middle) if told(middle) else (middle, long)
    wrong.last_cut[bar] = max(wrong.last_cut[bar], bar + short)


def _reach(wrong: _Wrong, *, n_bars: int) -> int:
    """The farthest that a wrong bar sees: up to where a cut no longer changes it.

    What is wrong up to one and the same cut, wherever it stands, hangs on all bars rather than on some ahead:
    a column that is chosen by the whole history is wrong until the choice no longer changes.
    """
    places = np.array(sorted(wrong.texts))
    cuts = wrong.last_cut[places]
    seen = cuts - places + 1
    farthest = int(seen.argmax())
    last, reach = int(cuts[farthest]), int(seen[farthest])
    if last == n_bars - 2 or (reach > n_bars / 4 and np.mean(cuts == last) > 0.5):
        return TO_THE_END
    return reach
