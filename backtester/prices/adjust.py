"""Dividends and splits: scale open, high, low and close by adjusted close / close."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backtester.errors import PricesError
from backtester.prices.raw import Bars, listed, refuse_rows
from backtester.prices.table import Adjustment, Note, NoteKind
from backtester.recipe.sections import PriceKind

__all__ = ["adjusted"]

FACTOR_MOVE = 1e-3
FACTOR_SHARE = 0.25
FACTOR_NOISE = 1e-5
"""Relative: what rounding to six decimals leaves of a factor; ten times the most in our files."""
_RAW_INSTEAD = 'Get the prices again, or set `price = "raw"` in [data] to leave the adjusted close aside.'


def adjusted(bars: Bars, *, kind: PriceKind) -> tuple[Bars, Adjustment, list[Note]]:
    """Apply the adjusted close where there is one; volume stays as it is.

    Parameters
    ----------
    bars : sorted, positive prices; ``adj_close`` may be absent

    Returns
    -------
    bars without ``adj_close``, what they are now, notes

    Raises
    ------
    PricesError : the adjusted close is blank or nonsense

    Source
    ------
    factor[t] = adj_close[t] / close[t], as Yahoo defines its adjusted close. All four prices take the
    factor, the close too, so that equal prices of a bar stay equal to the last bit.
    """
    if "adj_close" not in bars.values:
        text = f"{bars.name}: no adjusted close: whether dividends and splits are in the prices is unknown."
        return bars, Adjustment.UNKNOWN, [Note(kind=NoteKind.INFO, text=text)]
    values = {name: column for name, column in bars.values.items() if name != "adj_close"}
    if kind is PriceKind.RAW:
        text = f"{bars.name}: prices as traded; the adjusted close is left aside."
        return replace(bars, values=values), Adjustment.RAW, [Note(kind=NoteKind.INFO, text=text)]
    _check(bars)
    with np.errstate(all="ignore"):
        factor = bars.values["adj_close"] / values["close"]
        for name in ("open", "high", "low", "close"):
            if name in values:
                values[name] = values[name] * factor
                values[name].setflags(write=False)
                if not (np.isfinite(values[name]) & (values[name] > 0)).all():
                    raise PricesError(f"{bars.name}: the adjusted {name} is not finite.", advice=_RAW_INSTEAD)
    text = f"{bars.name}: open, high, low and close are scaled by adjusted close / close."
    notes = [Note(kind=NoteKind.INFO, text=text), *_there_and_back(bars, factor)]
    return replace(bars, values=values), Adjustment.ADJUSTED, notes


def _there_and_back(bars: Bars, factor: NDArray[np.float64]) -> list[Note]:
    """Warn of bars whose factor is another than that of both neighbours, which agree.

    A dividend or split moves the factor for good: one bar alone is a misprint of close or adjusted close.
    """
    # each of two prices is off by half its last decimal at most, on both bars that are compared
    noise = np.full(len(bars), FACTOR_NOISE)
    for name in ("adj_close", "close"):
        noise += 2.0 * _last_decimal(bars.values[name]) / bars.values[name]
    before, here, after = factor[:-2], factor[1:-1], factor[2:]
    with np.errstate(all="ignore"):
        step = np.minimum(np.abs(here / before - 1.0), np.abs(here / after - 1.0))
        odd = (step > noise[1:-1]) & (np.abs(after / before - 1.0) < step / 2.0)
    rows = [
        f"{bars.place(row)} {bars.cell('close', row)}, {bars.cell('adj_close', row)}"
        for row in (np.flatnonzero(odd) + 1).tolist()
    ]
    if not rows:
        return []
    text = (
        f"{bars.name}: adjusted close / close changes for one bar alone, as no dividend or split does, "
        f"in {len(rows)} bar(s): {listed(rows)}."
    )
    return [Note(kind=NoteKind.WARNING, text=text)]


def _last_decimal(values: NDArray[np.float64]) -> float:
    """Give the unit of the last decimal that these numbers are written with, 0 beyond eight."""
    with np.errstate(all="ignore"):
        return next((10.0**-n for n in range(9) if np.array_equal(np.round(values, n), values)), 0.0)


def _check(bars: Bars) -> None:
    values, close = bars.values["adj_close"], bars.values["close"]
    with np.errstate(all="ignore"):
        wrong = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
        factor = values / close
        moved = np.abs(np.diff(factor) / factor[:-1]) > FACTOR_MOVE
    if len(wrong):
        findings = [
            f"{bars.place(row)}: {bars.cell('adj_close', row)} "
            + ("is not a positive number" if bars.text["adj_close"][row] else "is blank")
            for row in wrong.tolist()
        ]
        raise refuse_rows(bars.name, findings, advice=_RAW_INSTEAD)
    if moved.sum() > FACTOR_SHARE * len(bars):
        raise PricesError(
            f"{bars.name}: {bars.written['adj_close']} / {bars.written['close']} moves by more than 0.1 % on "
            f"{moved.sum()} of {len(bars)} bars, the first on {bars.dates[int(moved.argmax()) + 1]}: "
            "no dividends or splits do that.",
            advice=_RAW_INSTEAD,
        )
