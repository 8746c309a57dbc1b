"""Whether the prices can carry the fills that the recipe asks for."""

from __future__ import annotations

import numpy as np

from backtester.errors import RecipeError
from backtester.prices.table import Note, NoteKind, Prices
from backtester.recipe.choices import Fill

__all__ = ["check_fill"]

_REFUSE_FROM = 0.90
_WARN_FROM = 0.20

_SAME = 1e-6
"""Relative difference below which an open is the previous close; adjusting prices leaves rounding."""

_ADVICE = 'Set [broker] fill = "next_close", which needs [target] horizon of 2 or more.'


def check_fill(prices: Prices, *, fill: Fill, horizon: int, first_bar: int) -> tuple[Note, ...]:
    """Refuse fills at prices at which nobody traded.

    Parameters
    ----------
    prices : the whole history
    fill : at which price of the next bar an order fills
    horizon : of the forecasts, in bars
    first_bar : position of the first bar that is traded: the one after the first origin

    Returns
    -------
    tuple of Note, a warning where 20 % or more of the traded bars open at the previous close; with
        ``next_close``, where 90 % do

    Raises
    ------
    RecipeError : ``next_close`` with a one-bar forecast, which has expired by then; ``next_open``
        without opens, or where 90 % or more of the traded bars open at the previous close
    """
    if fill is Fill.NEXT_CLOSE:
        if horizon < 2:
            raise RecipeError(
                f'[broker] fill = "next_close" does not fit [target] horizon = {horizon}: '
                "a one-bar forecast has expired when its order fills at the next close.",
                advice='Use horizon = 2 or more, or fill = "next_open".',
            )
        return _made_up_opens(prices, first_bar=first_bar)
    if not prices.has("open"):
        raise RecipeError(
            f'[broker] fill = "next_open" needs opening prices, and {prices.source_name} has no column '
            "'open'.",
            advice=_ADVICE,
        )
    share, found = _opens_at_previous_close(prices, first_bar=first_bar)
    if share >= _REFUSE_FROM:
        raise RecipeError(f"{found}: these opens are made up, and so would be the fills.", advice=_ADVICE)
    if share >= _WARN_FROM:
        return (
            Note(kind=NoteKind.WARNING, text=f"{found}; fills at such opens may not have been possible."),
        )
    return ()


def _opens_at_previous_close(prices: Prices, *, first_bar: int) -> tuple[float, str]:
    """Share of the traded bars that open at the previous close, and the words for it."""
    start = max(first_bar, 1)
    opens, previous = prices.column("open")[start:], prices.column("close")[start - 1 : -1]
    if len(opens) == 0:
        return 0.0, ""
    share = float(np.mean(np.abs(opens - previous) <= _SAME * previous))
    return share, f"The open equals the previous close in {share:.0%} of the {len(opens)} traded bars"


def _made_up_opens(prices: Prices, *, first_bar: int) -> tuple[Note, ...]:
    """Warn of opens at which no order of this run fills, but which a feature may read."""
    share, found = _opens_at_previous_close(prices, first_bar=first_bar) if prices.has("open") else (0.0, "")
    if share < _REFUSE_FROM:
        return ()
    text = f"{found}: these opens are made up. Orders fill at the close, so that no fill depends on them."
    return (Note(kind=NoteKind.WARNING, text=text),)
