"""Markets whose truth is known: what there is to find in each, and how it is traded.

All are of simple returns with a known mean, so that buy-and-hold's true Sharpe ratio is known too: a walk in
log returns would rise by half its variance. The usual volatility, 1 % a day.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.seeds import seed_of
from benchmarks.calibration_forecaster import LEAST_SQUARES
from benchmarks.work import TEST_BARS, TRAIN_BARS, bars_of

__all__ = ["MARKETS", "N_BARS", "SEED", "Gain", "Market", "prices_of", "recipe_of"]

N_BARS = 2520
SEED = 20_260
_SD = 0.01
_PERIODS = 252
_BURN_IN = 250

Floats = NDArray[np.float64]


class Gain(StrEnum):
    """The strategy's true Sharpe ratio less buy-and-hold's."""

    NONE = "none"
    """Exactly 0: neither earns anything."""
    NEGATIVE = "negative"
    POSITIVE = "positive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A kind of market and a way to trade it.

    Parameters
    ----------
    what : in words
    returns : from a generator and a number of bars to simple returns
    signal : whether past returns tell anything of the next one, beyond their mean
    drift : true annual Sharpe ratio of buy-and-hold
    gain : of the strategy over buy-and-hold, after costs
    strategy, cost_bp : how it is traded, and what each side costs
    guessed : whether the forecasts are those fitted to another such market, which know nothing of this one
    """

    what: str
    returns: Callable[[np.random.Generator, int], Floats]
    signal: bool = False
    drift: float = 0.0
    gain: Gain = Gain.NONE
    strategy: Mapping[str, Any] = field(default_factory=lambda: {"kind": "long_or_cash"})
    cost_bp: float = 0.0
    guessed: bool = False

    @property
    def earns(self) -> bool:
        """Whether the strategy's own true Sharpe ratio is above 0."""
        return self.drift > 0.0 or self.gain is Gain.POSITIVE


def _walk(rng: np.random.Generator, n: int) -> Floats:
    return rng.normal(0.0, _SD, n)


def _clusters(rng: np.random.Generator, n: int) -> Floats:
    """GARCH(1,1) with shocks of Student's t with 8 degrees of freedom; the returns' kurtosis is 8."""
    shocks = rng.standard_t(8, n) * math.sqrt(6 / 8)
    alpha, beta = 0.07, 0.91
    variance, found = _SD**2, np.empty(n)
    for t, shock in enumerate(shocks):
        found[t] = math.sqrt(variance) * shock
        variance = (1.0 - alpha - beta) * _SD**2 + alpha * found[t] ** 2 + beta * variance
    return found


def _ar1(phi: float) -> Callable[[np.random.Generator, int], Floats]:
    def returns(rng: np.random.Generator, n: int) -> Floats:
        shocks = rng.normal(0.0, _SD * math.sqrt(1.0 - phi**2), n)
        found = np.zeros(n)
        for t in range(1, n):
            found[t] = phi * found[t - 1] + shocks[t]
        return found

    return returns


MARKETS: Mapping[str, Market] = {
    "guessed": Market(what="random walk, forecasts of another one", returns=_walk, guessed=True),
    "guessed_clusters": Market(
        what="volatility in clusters (GARCH) with fat tails, forecasts of another one",
        returns=_clusters,
        guessed=True,
    ),
    "walk": Market(what="random walk", returns=_walk),
    "drift": Market(
        what="random walk with drift, Sharpe ratio 0.5 a year", returns=_walk, drift=0.5, gain=Gain.NEGATIVE
    ),
    "drift_held": Market(
        what="the same drift, traded by a strategy that is nearly always long",
        returns=_walk,
        drift=0.5,
        gain=Gain.NEGATIVE,
        strategy={"kind": "long_or_cash", "threshold_bp": -5.0},
    ),
    "clusters": Market(what="volatility in clusters (GARCH) with fat tails", returns=_clusters),
    "consumed": Market(
        what="AR(1) with 0.1, whose gain 10 bp a side consume",
        returns=_ar1(0.1),
        signal=True,
        gain=Gain.NEGATIVE,
        cost_bp=10.0,
    ),
    "ar1": Market(what="AR(1) with 0.2", returns=_ar1(0.2), signal=True, gain=Gain.POSITIVE),
    "ar1_costs": Market(
        what="AR(1) with 0.2, 2 bp a side", returns=_ar1(0.2), signal=True, gain=Gain.POSITIVE, cost_bp=2.0
    ),
}


def prices_of(market: Market, *, key: str, index: int, n_bars: int = N_BARS) -> pd.DataFrame:
    """Simulate one market.

    Parameters
    ----------
    market : its kind
    key, index : of the kind and within it, from which all randomness follows
    n_bars : days

    Returns
    -------
    frame of daily bars; an open is the last close, but for half a basis point
    """
    rng = np.random.default_rng(seed_of(SEED, "market", key, index))
    noise = market.returns(rng, n_bars + _BURN_IN)[_BURN_IN:]
    simple = market.drift / math.sqrt(_PERIODS) * _SD + noise
    return bars_of(np.log1p(simple), overnight=rng.normal(0.0, 0.5e-4, n_bars))


def recipe_of(market: Market, *, key: str, index: int, draws: int) -> dict[str, Any]:
    """Give the recipe that judges one market; the bootstrap differs from market to market as well."""
    return {
        "seed": seed_of(SEED, "bootstrap", key, index),
        "folds": {"train": TRAIN_BARS, "test": TEST_BARS, "validation": 0.0},
        "model": {"kind": LEAST_SQUARES, "lookback": 1},
        "strategy": dict(market.strategy),
        "broker": {"commission_bp": market.cost_bp / 2, "slippage_bp": market.cost_bp / 2},
        "verdict": {"draws": draws},
    }
