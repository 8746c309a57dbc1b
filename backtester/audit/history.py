"""Histories that share their past with the real one: cut after a bar, or with another future."""

from __future__ import annotations

import dataclasses

import numpy as np

from backtester.prices import Prices

__all__ = ["cut_after", "rescaled", "with_another_bar", "with_another_future"]

_BAR = ("open", "high", "low", "close")
_LARGE = 0.2
"""sd of the change of a price, so that no comparison can miss it."""


def cut_after(prices: Prices, *, bar: int) -> Prices:
    """Give the bars up to this one, as they stood at its close."""
    return dataclasses.replace(prices, frame=prices.frame.iloc[: bar + 1])


def with_another_future(prices: Prices, *, bar: int, seed: int) -> Prices:
    """Change every price and volume after a bar, and nothing up to it.

    Each later bar is multiplied by a number of its own, its four prices by the same one, so that it stays a
    bar; its volume by another.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    n_after = len(prices) - bar - 1
    after = np.arange(len(prices)) > bar
    factors = np.exp(_LARGE * generator.standard_normal((2, n_after)))
    columns = {}
    for name in (*_BAR, "volume"):
        if prices.has(name):
            values = prices.column(name).copy()
            values[after] *= factors[1 if name == "volume" else 0]
            columns[name] = values
    return dataclasses.replace(prices, frame=prices.frame.assign(**columns))


def with_another_bar(prices: Prices, *, bar: int, seed: int) -> Prices:
    """Change what is not known at the open of a bar: the rest of it, and all that follows."""
    changed = with_another_future(prices, bar=bar - 1, seed=seed)
    if not prices.has("open"):
        return changed
    frame = changed.frame.copy()
    at = frame.index[bar]
    opened = prices.frame.loc[at, "open"]
    frame.loc[at, "open"] = opened
    for name, edge in (("high", max), ("low", min)):
        if prices.has(name):
            frame.loc[at, name] = edge(frame.loc[at, name], opened)
    return dataclasses.replace(prices, frame=frame)


def rescaled(prices: Prices, *, factor: float) -> Prices:
    """Multiply all prices, as a later dividend or split does to adjusted ones."""
    columns = {name: prices.column(name) * factor for name in _BAR if prices.has(name)}
    return dataclasses.replace(prices, frame=prices.frame.assign(**columns))
