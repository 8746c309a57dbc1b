"""Quirks of the prices: opens that repeat the close before, adjusted closes, rounding, large moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtester.exploring.finding import Finding, Level, dates_of, joined, years_joined
from backtester.exploring.quirks_form import decimals_of
from backtester.exploring.table import Table
from backtester.prices.raw import Bars

__all__ = ["LARGE_MOVE", "adjustment_steps", "large_moves", "opens_by_period", "price_findings"]

LARGE_MOVE = 0.2
"""|close / close before - 1| from which on a move is named."""
OPEN_NOTED = 0.005
OPEN_YEAR_NOTED = 0.05
OPEN_MADE_UP = 0.2
_YEAR_ROWS = 100
"""Rows that a year must have to be judged by itself."""
_STEP = 1e-5
_FINE_LOSS = 5e-5
_TICK_LOSS = 1e-3
_FEED_DECIMALS = 8
"""More digits behind the point are no rounding of a feed, but a float written out."""


def price_findings(table: Table) -> list[Finding]:
    """Find what the prices of a file have of their own."""
    if table.read is None:
        return []
    finders: Sequence[Callable[[Bars], Finding | None]] = (_opens, _adjusted, _rounding)
    found = [finding for finder in finders if (finding := finder(table.read.bars)) is not None]
    moves = _moves(table)
    return found if moves is None else [*found, moves]


def opens_by_period(bars: Bars) -> dict[str, Any] | None:
    """Share of rows whose open is exactly the close of the row before.

    Returns
    -------
    dict of ``share``, ``n``, ``years`` (year -> share) and ``blocks`` (five years -> share); None where
    there are no opens or fewer than two rows
    """
    if "open" not in bars.values or len(bars) < 2:
        return None
    same = bars.values["open"][1:] == bars.values["close"][:-1]
    years = bars.dates[1:].astype("datetime64[Y]").astype(np.int64) + 1970
    blocks = years - years % 5
    return {
        "share": float(same.mean()),
        "n": int(same.sum()),
        "years": {str(year): float(same[years == year].mean()) for year in np.unique(years).tolist()},
        "rows": {str(year): int((years == year).sum()) for year in np.unique(years).tolist()},
        "blocks": {
            _block(years[blocks == first]): float(same[blocks == first].mean())
            for first in np.unique(blocks).tolist()
        },
    }


def _block(years: NDArray[np.int64]) -> str:
    return str(years[0]) if years[0] == years[-1] else f"{years[0]} to {years[-1]}"


def _opens(bars: Bars) -> Finding | None:
    found = opens_by_period(bars)
    if found is None:
        return None
    years = {int(year): share for year, share in found["years"].items() if found["rows"][year] >= _YEAR_ROWS}
    high = max(years.values(), default=found["share"])
    if found["share"] < OPEN_NOTED and high < OPEN_YEAR_NOTED:
        return None
    made_up = [year for year, share in years.items() if share >= OPEN_MADE_UP]
    loud = bool(made_up) or found["share"] >= OPEN_MADE_UP
    blocks = ", ".join(f"{name} {share:.1%}" for name, share in found["blocks"].items())
    text = f"{found['n']:,} of {len(bars) - 1:,} rows ({found['share']:.1%}): {blocks}."
    if loud and made_up:
        text += f" {OPEN_MADE_UP:.0%} or more in {years_joined(made_up)}."
    return Finding(
        key="open_is_previous_close",
        title="Opens that equal the close before",
        level=Level.WARNING if loud else Level.INFO,
        text=text,
        meaning="In such years the open was made up: the move over night is zero on paper, and a fill at "
        "this open never happened."
        if loud
        else "So few happen by chance, most where the price is low against its smallest step.",
        run="Warns from 20% of the traded bars on, and refuses fills at the open from 90% on.",
        n=found["n"],
    )


def adjustment_steps(bars: Bars) -> NDArray[np.intp] | None:
    """Rows at which adjusted close / close moves by more than the rounding of the file.

    Returns
    -------
    rows (n_steps,); None where there is no adjusted close
    """
    if "adj_close" not in bars.values:
        return None
    close, adjusted = bars.values["close"], bars.values["adj_close"]
    with np.errstate(all="ignore"):
        factor = adjusted / close
        decimals = min(max(decimals_of(bars.text["adj_close"]), 2), _FEED_DECIMALS)
        noise = 4.0 * 10.0**-decimals * (1.0 / close[1:] + 1.0 / adjusted[1:])
        moved = np.abs(factor[1:] / factor[:-1] - 1.0) > np.maximum(_STEP, noise)
    return np.flatnonzero(moved) + 1


def _adjusted(bars: Bars) -> Finding | None:
    steps = adjustment_steps(bars)
    if steps is None:
        return Finding(
            key="no_adjusted_close",
            title="No adjusted close",
            level=Level.INFO,
            text="There is one close only.",
            meaning="Whether dividends and splits are in the prices cannot be told by a column; see what is "
            "said of dividends and splits, and of large moves.",
            run="Takes the prices as they are, and says that their adjustment is unknown.",
        )
    close, adjusted = bars.values["close"], bars.values["adj_close"]
    same = float((close == adjusted).mean())
    if same == 1.0:
        return Finding(
            key="adjusted_equals_close",
            title="The adjusted close equals the close on every row",
            level=Level.INFO,
            text=f"On all {len(bars):,} rows.",
            meaning="Nothing was paid out or split since the first row, or the prices are an index, or all "
            "four prices are adjusted already. Of a price index the dividends are missing in the returns.",
            run="Scales by 1: nothing changes.",
        )
    with np.errstate(all="ignore"):
        factor = adjusted / close
        sizes = factor[steps] / factor[steps - 1] - 1.0
    largest = steps[np.argsort(-np.abs(sizes))[:3]]
    told = [f"{bars.dates[row]} {factor[row] / factor[row - 1] - 1.0:+.2%}" for row in largest.tolist()]
    last = "1 on the last" if factor[-1] == 1.0 else f"{factor[-1]:.4f} on the last"
    text = (
        f"Adjusted close / close is {factor[0]:.4f} on the first row and {last}; it changes on "
        f"{len(steps):,} days and is 1 on {same:.1%} of the rows."
    )
    text += f" Largest steps: {', '.join(told)}." if told else ""
    if factor[-1] != 1.0:
        text += " As it does not end at 1, what was paid after the last row is in it."
    return Finding(
        key="adjusted_close",
        title="Only the adjusted close has the dividends",
        level=Level.INFO,
        text=text,
        meaning="A return from an open to an adjusted close mixes two scales and is wrong. Adjusted levels, "
        "not returns, depend on what was paid later.",
        run="Scales open, high, low and close by adjusted close / close first; not with price = raw.",
        n=len(steps),
        dates=dates_of(bars.dates, steps),
    )


def _rounding(bars: Bars) -> Finding | None:
    names = [name for name in ("open", "high", "low", "close") if name in bars.values]
    decimals = max(decimals_of(bars.text[name]) for name in names)
    if decimals > _FEED_DECIMALS:
        return None
    least = np.min([bars.values[name] for name in names], axis=0)
    loss = 0.5 * 10.0**-decimals / least
    limit = _FINE_LOSS if decimals > 2 else _TICK_LOSS
    rows = np.flatnonzero(loss >= limit)
    if not len(rows):
        return None
    at = int(np.argmax(loss))
    return Finding(
        key="rounded_prices",
        title="Small prices lose precision by rounding",
        level=Level.INFO,
        text=f"Prices have {decimals} decimals; the lowest is {least[at]:.{decimals}f} on {bars.dates[at]}, "
        f"where half of the last digit is {loss[at]:.1e} of the price; "
        f"at least {limit:.0e} on {len(rows):,} rows.",
        meaning="Returns of such rows are off by up to twice that share, and equal prices are more frequent; "
        "prices this low often come from scaling for later splits and dividends.",
        run="Takes them as they are.",
        n=len(rows),
        dates=dates_of(bars.dates, rows),
    )


def large_moves(table: Table) -> list[tuple[str, float, str]]:
    """List moves of the close, as used, of at least LARGE_MOVE.

    Returns
    -------
    list of date, simple return, and the corporate action of that row in words; "" where there is none
    """
    if table.used is None or table.read is None or len(table.used) < 2:
        return []
    close = table.used["close"].to_numpy()
    dates = table.used.index.to_numpy().astype("datetime64[D]")
    moves = close[1:] / close[:-1] - 1.0
    actions = _actions(table)
    return [
        (str(dates[row]), float(moves[row - 1]), actions.get(str(dates[row]), ""))
        for row in (np.flatnonzero(np.abs(moves) >= LARGE_MOVE) + 1).tolist()
    ]


def _actions(table: Table) -> dict[str, str]:
    if table.read is None:
        return {}
    told: dict[str, str] = {}
    for event, word, none in (("dividends", "dividend", 0.0), ("splits", "split", 1.0)):
        values = table.events(event)
        for row in [] if values is None else np.flatnonzero((values != 0.0) & (values != none)).tolist():
            date = str(table.read.bars.dates[row])
            amount = f"{word} {0.0 if values is None else values[row]:g}"
            told[date] = f"{told[date]} and {amount}" if date in told else amount
    return told


def _moves(table: Table) -> Finding | None:
    moves = large_moves(table)
    if not moves:
        return None
    acted = [move for move in moves if move[2]]
    told = [
        f"{date} {size:+.1%}" + (f" ({action})" if action else "")
        for date, size, action in sorted(moves, key=lambda move: -abs(move[1]))
    ]
    return Finding(
        key="large_moves",
        title=f"Moves of {LARGE_MOVE:.0%} and more from close to close",
        level=Level.INFO,
        text=f"{len(moves):,} time(s): {joined(told, most=8)}.",
        meaning="Real news, a misprint, or a split that was not put into the prices: look each of them up. A "
        "few such days carry much of what a squared error or a Sharpe ratio says."
        + (" Those with a corporate action are told apart below." if acted else ""),
        run="Warns of moves over night above 49% (33% down), and refuses those above 172% or with the ratio "
        "of a split.",
        n=len(moves),
        dates=tuple(date for date, *_ in moves[:50]),
    )
