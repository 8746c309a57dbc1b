"""Quirks of the columns of dividends and splits, held against what the prices did."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backtester.exploring.finding import Finding, Level, dates_of, joined
from backtester.exploring.quirks_prices import LARGE_MOVE
from backtester.exploring.table import Table
from backtester.prices.raw import Bars

__all__ = ["event_findings"]

_TELLING = math.log(1.25)
"""|log ratio| above which a split can be seen in the price over night."""
_TELLING_VOLUME = math.log(3.0)
_NEAR_ONE = math.log(1.2)
_WINDOW = 20
_JUMP_SPREADS = 8.0
_ROUNDING = 0.02
"""Part of a cent or of a lot that is rounding in the file."""
_ALL = 0.9
_FEW = 3
_SPECIAL = 0.05
"""Dividend / price above which it can explain a large move."""
_MOST_NOISE = 0.3
"""Largest standard error of the slope that still tells 0 from -1."""


def event_findings(table: Table) -> list[Finding]:
    """Find what the columns of dividends and splits say, held against the prices."""
    if table.read is None:
        return []
    bars = table.read.bars
    dividends, splits = table.events("dividends"), table.events("splits")
    found = [] if splits is None else [_splits(bars, splits, header=str(table.header_of("splits")))]
    if dividends is not None:
        zero = next((cell for cell in table.event_cells("dividends") if cell in {"0", "0.0"}), "0")
        found.append(_dividends(bars, dividends, zero=zero))
    jumps = _jumps(bars, dividends=dividends, splits=splits)
    return found if jumps is None else [*found, jumps]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Split:
    """One split beside what price and volume did that day.

    Parameters
    ----------
    in_price : whether the prices are scaled already; None where it cannot be told
    in_volume : the same of the volume
    """

    row: int
    ratio: float
    in_price: bool | None
    in_volume: bool | None


def _overnight(bars: Bars) -> NDArray[np.float64]:
    """Log move from the close before to the open, or the close where there is none; 0 for the first row."""
    to = bars.values.get("open", bars.values["close"])
    return np.concatenate(([0.0], np.log(to[1:]) - np.log(bars.values["close"][:-1])))


def _split(bars: Bars, *, row: int, ratio: float, move: float) -> _Split:
    expected = -math.log(ratio)
    in_price = None
    if abs(expected) > _TELLING and row:
        in_price = abs(move) < abs(move - expected)
    volume = bars.values.get("volume")
    in_volume = None
    if volume is not None and row >= _WINDOW and len(volume) - row >= _WINDOW:
        before, after = np.median(volume[row - _WINDOW : row]), np.median(volume[row : row + _WINDOW])
        if abs(expected) > _TELLING_VOLUME and before > 0 and after > 0:
            change = math.log(after / before)
            in_volume = abs(change) < abs(change + expected)
        elif _whole(volume[row : row + _WINDOW], 100.0) and not _whole(volume[row - _WINDOW : row], 100.0):
            in_volume = True
    return _Split(row=row, ratio=ratio, in_price=in_price, in_volume=in_volume)


def _whole(values: NDArray[np.float64], step: float) -> bool:
    """Whether nearly all values are multiples of a step: what was scaled by an odd factor no longer is."""
    parts = values / step
    return bool((np.abs(parts - np.round(parts)) < _ROUNDING).mean() > _ALL)


def _splits(bars: Bars, splits: NDArray[np.float64], *, header: str) -> Finding:
    rows = np.flatnonzero((splits > 0.0) & (splits != 1.0)).tolist()
    moves = _overnight(bars)
    if not rows:
        return Finding(
            key="no_splits",
            title="A column of splits without any",
            level=Level.INFO,
            text=f"{header} is 0 on all {len(bars):,} rows.",
            meaning="There was no split in the span, so that prices as traded and prices scaled for splits "
            "are the same.",
            run="Leaves the column out, and says so.",
            n=0,
        )
    found = [_split(bars, row=row, ratio=float(splits[row]), move=float(moves[row])) for row in rows]
    open_ones = [split for split in found if split.in_price is False]
    told = [f"{bars.dates[split.row]} {split.ratio:.8g}" for split in found]
    text = f"{len(found):,} split(s) recorded: {joined(told, most=8)}. {_applied(found)}"
    odd = [split for split in found if abs(math.log(split.ratio)) < _NEAR_ONE or split.ratio < 1.0]
    if odd:
        text += (
            " Ratios near 1 or below: "
            + joined([f"{split.ratio:.6g}" for split in odd])
            + " (stock dividends, spin-offs, mergers or reverse splits)."
        )
    if open_ones:
        return Finding(
            key="splits_not_applied",
            title="Splits that are not in the prices",
            level=Level.WARNING,
            text=text,
            meaning="The price falls by the ratio on the day of the split: a loss that nobody had.",
            run="Leaves the column out; refuses a move over night with the ratio of a usual split.",
            n=len(open_ones),
            dates=dates_of(bars.dates, [split.row for split in open_ones]),
        )
    known = any(split.in_price or split.in_volume for split in found)
    return Finding(
        key="splits_applied" if known else "splits_unclear",
        title="Splits that are in the prices already" if known else "Splits, applied or not",
        level=Level.INFO,
        text=text,
        meaning="The column records what was applied: applied again it would make jumps where none were."
        if known
        else "Where they are not in the prices, each is a small jump that nobody gained or lost.",
        run="Leaves the column out, says so, and takes the prices as they are.",
        n=len(found),
        dates=dates_of(bars.dates, [split.row for split in found]),
    )


def _applied(found: list[_Split]) -> str:
    telling = [split for split in found if split.in_price is not None]
    volumes = [split.in_volume for split in found if split.in_volume is not None]
    text = (
        "None is large enough to be seen in the price, so that it cannot be told from it if it was applied."
    )
    if telling:
        done = sum(bool(split.in_price) for split in telling)
        side = "nearer to none than to the ratio" if done == len(telling) else "near the ratio of the others"
        text = (
            f"Of {len(telling)} large enough to be seen, the prices have {done} already: the move over night "
        )
        text += f"is {side}."
    if volumes:
        text += f" The volume, where it tells, has {sum(volumes)} of {len(volumes)}."
    return text


def _dividends(bars: Bars, dividends: NDArray[np.float64], *, zero: str) -> Finding:
    rows = np.flatnonzero(dividends > 0.0)
    none = f"No dividend is written as {zero}."
    if not len(rows):
        return Finding(
            key="no_dividends",
            title="A column of dividends without any",
            level=Level.INFO,
            text=f"It is 0 on all {len(bars):,} rows. {none}",
            meaning="Nothing was paid in the span, so that prices as traded and adjusted ones differ by "
            "splits alone.",
            run="Leaves the column out, and says so.",
            n=0,
        )
    rows = rows[rows > 0]
    applied, told = _in_prices(bars, dividends, rows=rows)
    text = (
        f"{len(rows):,} dividends, {joined([f'{bars.dates[row]} {dividends[row]:g}' for row in rows[-3:]])} "
    )
    text += f"the last. {none} {told}"
    if applied is None:
        key, title, level = "dividends_unclear", "Dividends, applied or not", Level.INFO
        meaning = "Where they are not in the prices, each payment looks like a loss."
    elif applied:
        key, title, level = "dividends_applied", "Dividends that are in the prices already", Level.INFO
        meaning = (
            "The prices are scaled for what was paid later: levels, not returns, hold later information, and "
            "close times volume is less than the money that was traded."
        )
    else:
        key, title, level = "dividends_not_applied", "Dividends that are not in the prices", Level.WARNING
        meaning = "Returns lack the dividends: buy-and-hold looks worse than it was."
    return Finding(
        key=key,
        title=title,
        level=level,
        text=text,
        meaning=meaning,
        run="Leaves the column out, says so, and takes the prices as they are.",
        n=len(rows),
        dates=dates_of(bars.dates, rows),
    )


def _in_prices(
    bars: Bars, dividends: NDArray[np.float64], *, rows: NDArray[np.intp]
) -> tuple[bool | None, str]:
    """Whether prices are scaled for dividends, None where it cannot be told, and how that was found."""
    close = bars.values["close"]
    after, before = close[rows[-1] :], close[rows[-2] if len(rows) > 1 else 0 : rows[-1]]
    if len(after) >= _FEW and _whole(after, 0.01) and len(before) >= _FEW and not _whole(before, 0.01):
        return True, "Closes are whole cents from the last one on, and not before: they are in the prices."
    slope, error = _slope(bars, dividends, rows=rows)
    text = f"For each 1% that was paid the price moved by {slope:+.2f}% (±{error:.2f}) over night: "
    if error > _MOST_NOISE:
        return None, text + "too noisy to tell whether they are in the prices."
    if slope > -0.5:
        return True, text + "nearer to 0 than to −1, so they are in the prices."
    return False, text + "nearer to −1 than to 0, so they are not in the prices."


def _slope(bars: Bars, dividends: NDArray[np.float64], *, rows: NDArray[np.intp]) -> tuple[float, float]:
    """Least squares of moves over night on dividends / price, without a constant; its robust error.

    Each day counts by how calm the month around it was. Days with a move of a fifth or more are left out: no
    usual dividend does that.
    """
    moves = _overnight(bars)
    near = [np.abs(moves[max(0, row - _WINDOW) : row + _WINDOW]) for row in rows.tolist()]
    spread = np.array([np.median(found) for found in near]) + 1e-4
    x = dividends[rows] / bars.values["close"][rows - 1] / spread
    y = np.expm1(moves[rows]) / spread
    usual = np.abs(moves[rows]) < LARGE_MOVE
    x, y = x[usual], y[usual]
    total = float(np.sum(x * x))
    if not total > 0.0 or len(x) < _FEW:
        return 0.0, math.inf
    slope = float(np.sum(x * y)) / total
    return slope, math.sqrt(float(np.sum((x * (y - slope * x)) ** 2))) / total


def _jumps(
    bars: Bars, *, dividends: NDArray[np.float64] | None, splits: NDArray[np.float64] | None
) -> Finding | None:
    """A large move on a day with a dividend or a split: an action that the adjustment did not bridge."""
    if dividends is None and splits is None:
        return None
    none = np.zeros(len(bars))
    paid = none if dividends is None else dividends
    ratio = none if splits is None else splits
    close = bars.values["close"]
    moves = np.concatenate(([0.0], close[1:] / close[:-1] - 1.0))
    spread = 1.4826 * float(np.median(np.abs(moves)))
    large = (np.abs(moves) >= LARGE_MOVE) & (np.abs(moves) > _JUMP_SPREADS * spread)
    # a usual dividend on the day of a crash is a coincidence
    share = paid / np.concatenate((close[:1], close[:-1]))
    rows = np.flatnonzero(large & ((share > _SPECIAL) | ((ratio > 0.0) & (ratio != 1.0)))).tolist()
    if not rows:
        return None
    told = []
    for row in rows:
        parts = [f"a dividend of {paid[row]:g}"] if paid[row] > 0.0 else []
        parts += [f"a split of {ratio[row]:g}"] if ratio[row] > 0.0 else []
        told.append(
            f"{bars.dates[row]} from {close[row - 1]:.6g} to {close[row]:.6g} ({moves[row]:+.1%}), with "
            f"{' and '.join(parts)} on the row"
        )
    return Finding(
        key="corporate_action_jump",
        title="A jump on the day of a corporate action",
        level=Level.WARNING,
        text=f"{joined(told, joint='; ')}.",
        meaning="A split-up, spin-off or special dividend that the adjustment does not bridge: it looks like "
        "a loss or gain of the market, and was none.",
        run="Takes the move for real where it does not refuse it: begin after it, or end before it.",
        n=len(rows),
        dates=dates_of(bars.dates, rows),
    )
