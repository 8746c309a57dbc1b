"""Histories that share their past with the real one: cut after a bar, or with another future."""

from __future__ import annotations

import dataclasses

import numpy as np

from backtester.prices import Prices

__all__ = ["cut_after", "ending_otherwise", "rescaled", "with_another_future"]

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


def ending_otherwise(prices: Prices, *, bar: int, factor: float, known: str) -> Prices:
    """Cut after a bar of which all but one price is another: what an order that fills there may not know.

    Parameters
    ----------
    bar : the last one that is left
    factor : by which its other prices and its volume are multiplied
    known : the price at which it fills, ``open`` or ``close``
    """
    frame = prices.frame.iloc[: bar + 1].copy()
    at, kept = frame.index[bar], prices.column(known)[bar]
    for name in (*_BAR, "volume"):
        if prices.has(name) and name != known:
            frame.loc[at, name] *= factor
    for name, edge in (("high", max), ("low", min)):  # it stays a bar
        if prices.has(name):
            frame.loc[at, name] = edge(frame.loc[at, name], kept)
    return dataclasses.replace(prices, frame=frame)


def rescaled(prices: Prices, *, factor: float) -> Prices:
    """Multiply all prices, as a later dividend or split does to adjusted ones."""
    columns = {name: prices.column(name) * factor for name in _BAR if prices.has(name)}
    return dataclasses.replace(prices, frame=prices.frame.assign(**columns))
