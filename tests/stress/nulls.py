"""Walks with nothing to find, and forecasters that try."""

import numpy as np
import pandas as pd

from backtester.stress.context import Context
from tests.markets import market
from tests.stress.planted import FREE, planted, returns_of

N_WALKS = 100
_WINDOW = 250


def rolling_ar1(returns: np.ndarray) -> np.ndarray:
    """What an AR(1) with a constant, fitted to the last 250 returns, forecasts at each bar."""
    now = pd.Series(returns)
    before = now.shift(1)
    slope = now.rolling(_WINDOW).cov(before) / before.rolling(_WINDOW).var()
    constant = now.rolling(_WINDOW).mean() - slope * before.rolling(_WINDOW).mean()
    return (constant + slope * now).to_numpy()


def walk(seed: int, *, n_bars: int = 1100, drift: float = 0.0, **sections) -> Context:
    """A run of `rolling_ar1` on a random walk, opened for stress."""
    returns = np.random.default_rng(seed).normal(drift, 0.01, n_bars)
    prices = market(returns, symbol=f"RW{seed}", seed=seed)
    defaults = {"strategy": {"kind": "long_short"}, "broker": FREE, "stress": {"draws": 199}}
    return planted(prices, rolling_ar1(returns_of(prices)), **defaults | sections)
