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
_EPS_32 = float(np.finfo(np.float32).eps)
SINGLE_TOLERANCE = 4.0 * _EPS_32
"""The same for values computed in 32 bits, which keep 7 digits."""
_OF_SPREAD = 1e-3
"""Of the sd of a column: beyond it two values differ whatever their size, as a scaler takes the size away."""
_LAST_DIGITS = 1e-12
"""Relative: what a transform of some thousand bars rounds, even where a column tells nothing else."""
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


class _Whole:
    """The values on the whole history, to which all others are held.

    Parameters
    ----------
    values : (n_bars,)
    """

    def __init__(self, values: Floats) -> None:
        self.values = values
        self.allowed = _allowed(values)

    def differs(self, part: Floats, *, at: int = 0) -> NDArray[np.bool_]:
        """Where values from bar ``at`` on are others."""
        span = slice(at, at + len(part))
        whole, allowed = self.values[span], self.allowed[span]
        apart: NDArray[np.bool_] = np.abs(part - whole) > allowed
        apart |= np.isnan(part) != np.isnan(whole)
        return apart


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
    whole = _Whole(column.compute(prices))
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
        known = int(np.argmax(~np.isnan(whole.values)))
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
    wrong: _Wrong, *, column: Column, whole: _Whole, prices: Prices, cuts: Iterable[int], shortest: int
) -> None:
    for bar in cuts:
        part = _computed(column, prices=cut_after(prices, bar=bar))
        if not isinstance(part, str):
            _note(wrong, part=part, whole=whole)
        elif bar + 1 >= shortest and not np.isnan(whole.values[bar]):
            wrong.add(np.array([bar]), cut=bar, text=functools.partial(_failed, reason=part))


def _failed(_: int, *, reason: str) -> str:
    return f"it cannot be computed from the bars known by then ({reason})"


def _computed(column: Column, *, prices: Prices) -> Floats | str:
    """The values, or why there are none."""
    try:
        return column.compute(prices)
    except BacktesterError as error:
        return error.message


def _note(wrong: _Wrong, *, part: Floats, whole: _Whole) -> None:
    """Add the bars up to a cut, those of the part, that differ from the whole history's."""

    def text(place: int) -> str:
        seen, known = _numbers(whole.values[place], part[place])
        return f"it is {seen} on the whole history, {known} on the bars known by then"

    wrong.add(np.flatnonzero(whole.differs(part)), cut=len(part) - 1, text=text)


def _random(column: Column, *, whole: _Whole, prices: Prices) -> str:
    """How a second computation on the same bars differs; empty where it does not."""
    again = _computed(column, prices=prices)
    if isinstance(again, str):
        return f"computed twice on the same bars, it failed the second time ({again})"
    differs = np.flatnonzero(whole.differs(again))
    if not len(differs):
        return ""
    place = int(differs[0])
    once, then = _numbers(whole.values[place], again[place])
    return f"computed twice on the same bars, it is {once} and then {then} on {prices.dates[place]:%Y-%m-%d}"


def _allowed(whole: Floats) -> Floats:
    """How far a second computation of each value may lie from it, as sums of other lengths round.

    Whole numbers, such as days and counts, round to nothing. Elsewhere it goes by the size of the values, and
    is never more than a little of what the column tells: a day among 730,000 is as much as a return of 1 %
    once a scaler had it.
    """
    known = whole[np.isfinite(whole)]
    single = np.array_equal(whole, whole.astype(np.float32), equal_nan=True)
    largest = float(np.abs(known).max(initial=0.0))
    if np.array_equal(known, np.round(known)) and largest < (2.0**24 if single else 2.0**53):
        return np.zeros_like(whole)
    size = np.abs(whole) + _size(whole)
    last_digits = 0.5 * (_EPS_32 if single else _LAST_DIGITS) * size
    return np.minimum(
        (SINGLE_TOLERANCE if single else TOLERANCE) * size,
        np.maximum(_OF_SPREAD * _spread(known), last_digits),
    )


def _spread(known: Floats) -> float:
    """The sd of a column, or of its changes where it runs along a trend."""
    return float(min(known.std(), np.diff(known).std())) if len(known) > 1 else 0.0


def _size(values: Floats) -> float:
    known = np.abs(values[np.isfinite(values)])
    return float(np.median(known)) if len(known) else 0.0


def _numbers(one: float, other: float) -> tuple[str, str]:
    """Both with as many digits as tell them apart."""
    for digits in (6, 9, 17):
        texts = ["missing" if np.isnan(value) else f"{value:.{digits}g}" for value in (one, other)]
        if texts[0] != texts[1]:
            break
    return texts[0], texts[1]


def _bars(n: int) -> str:
    return f"{n:,} bar{'' if n == 1 else 's'}"


def _some(bars: Sequence[int], *, at_most: int = 25) -> list[int]:
    """Some of these, the first and the last among them."""
    places = np.unique(np.linspace(0, len(bars) - 1, min(len(bars), at_most)).round().astype(int))
    return [bars[place] for place in places]


def _cut_ahead(wrong: _Wrong, *, column: Column, whole: _Whole, prices: Prices, bar: int) -> None:
    """Look for the last cut at which a wrong bar is still wrong: ever farther ahead, then in between."""
    left = len(prices) - 1 - bar

    def told(k: int) -> bool:
        part = _computed(column, prices=cut_after(prices, bar=bar + k))
        return not isinstance(part, str) and not whole.differs(part[bar : bar + 1], at=bar)[0]

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
