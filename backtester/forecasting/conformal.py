"""Conformal intervals around forecasts: how far forecasts have missed says how far the next may miss.

One function gives the interval of every origin, so that the coverage that is measured and the interval that
is issued come from the same code.

Sources
-------
Vovk, Gammerman, Shafer 2005, *Algorithmic Learning in a Random World*: split conformal prediction, the
rank ceil((n + 1)·(1 - α)) among n scores.
Lei, G'Sell, Rinaldo, Tibshirani, Wasserman 2018, *Distribution-Free Predictive Inference for Regression*,
JASA 113, section 5.2: scores scaled by a local spread.
Gibbs, Candès 2021, *Adaptive Conformal Inference Under Distribution Shift*, NeurIPS 34, eq. 2: the miss rate
that is asked for is moved after each miss and each hit, so that the long-run rate is met whatever the data
do. Their own example on stock prices has a window of 1,250 days and a step of 0.005, which are used here.
J.P. Morgan/Reuters 1996, *RiskMetrics Technical Document*, 4th edition, section 5.3: a daily volatility as an
exponential mean of squared returns with decay 0.94.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Coverage", "Intervals", "conformal_intervals", "least_scores", "past_volatility"]

Floats = NDArray[np.float64]

WINDOW = 1250
"""Scores that a quantile is taken from, the latest ones, where none overlap."""
STEP = 0.005
"""By how much a miss moves the miss rate that is asked for, where outcomes do not overlap."""
DECAY = 0.94
"""Weight that a squared return keeps from one bar to the next."""
_OUTSIDE = 10
"""Scores that should lie beyond the quantile before it is called known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How often intervals held.

    Parameters
    ----------
    held, n : intervals that held what came, of those whose outcome is known
    unbounded : of the n, those without an end: they hold everything and say nothing
    """

    held: int
    n: int
    unbounded: int

    @property
    def share(self) -> float:
        """``held / n``; NaN without an interval."""
        return self.held / self.n if self.n else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """The interval of every origin.

    Parameters
    ----------
    lower, upper : (n,) log returns; NaN where too little was known; infinite where the misses of late leave
        no bound
    n_scores : (n,) outcomes that the quantile is taken from
    held : (n,) 1 where what came lies inside, 0 where not, NaN where there is no interval or no outcome
    """

    lower: Floats
    upper: Floats
    n_scores: NDArray[np.int64]
    held: Floats

    def coverage(self, *, last: int | None = None) -> Coverage:
        """Count how often the intervals held, over all or over the last so many that are known."""
        known = np.flatnonzero(~np.isnan(self.held))
        known = known if last is None else known[-last:]
        return Coverage(
            held=int(self.held[known].sum()),
            n=len(known),
            unbounded=int(np.isinf(self.upper[known]).sum()),
        )


def least_scores(level: float, *, horizon: int) -> int:
    """How many outcomes an interval needs: enough that ten which do not overlap lie outside it.

    Examples
    --------
    >>> least_scores(0.9, horizon=1), least_scores(0.99, horizon=1), least_scores(0.9, horizon=5)
    (100, 1000, 500)
    """
    return horizon * math.ceil(round(_OUTSIDE / (1.0 - level), 6))


def past_volatility(close: Floats) -> Floats:
    """Volatility of one-bar log returns, of each bar and the bars before it.

    Parameters
    ----------
    close : (n_bars,)

    Returns
    -------
    (n_bars,) the root of the exponentially weighted mean of squared log returns, weights made to add up to
    1 where the history is short; NaN at the first bar, 0 while the price has never moved

    Examples
    --------
    >>> past_volatility(np.exp(np.array([0.0, 0.1, 0.0]))).round(3)
    array([nan, 0.1, 0.1])
    """
    volatility = np.full(len(close), np.nan)
    mean = weight = 0.0
    for bar, move in enumerate(np.diff(np.log(close)), start=1):
        mean = DECAY * mean + (1.0 - DECAY) * float(move) ** 2
        weight = DECAY * weight + (1.0 - DECAY)
        volatility[bar] = math.sqrt(mean / weight)
    return volatility


def conformal_intervals(
    forecast: Floats, actual: Floats, *, scale: Floats, horizon: int, level: float
) -> Intervals:
    """Give the interval that could have been issued at every origin.

    At origin t: the absolute errors of the origins up to t - horizon, whose outcomes are known at t, each in
    units of the scale at its own origin; their conformal quantile, times the scale at t, on both sides of the
    forecast. The quantile's level follows the misses so far. Outcomes of origins less than a horizon apart
    overlap: so many of them tell about as much as one, so window and least number are that many times longer,
    and the step that many times smaller.

    Parameters
    ----------
    forecast, actual : (n,) log returns over the horizon, one for each bar in order; NaN where there is none
    scale : (n,) how far the forecast of this origin may miss, in any unit, from what was known there
    horizon : bars from an origin to its target
    level : share of outcomes that the intervals should hold, above 0 and below 1

    Returns
    -------
    Intervals (n,); those of t do not change whatever is changed in later forecasts and scales, and in
    ``actual`` from t - horizon + 1 on
    """
    n, allowed, least = len(forecast), 1.0 - level, least_scores(level, horizon=horizon)
    errors = np.abs(actual - forecast)
    half, held = np.full(n, np.nan), np.full(n, np.nan)
    n_scores = np.zeros(n, dtype=np.int64)
    scores, n_seen, window = np.empty(n), 0, max(WINDOW * horizon, least)
    asked = allowed
    for t in range(n):
        known = t - horizon  # its outcome is this bar
        if known >= 0 and not math.isnan(errors[known]):
            if not math.isnan(half[known]):
                held[known] = float(errors[known] <= half[known])
                asked += STEP / horizon * (allowed - (1.0 - held[known]))
            if scale[known] > 0.0:
                scores[n_seen] = errors[known] / scale[known]
                n_seen += 1
        latest = scores[max(0, n_seen - window) : n_seen]
        n_scores[t] = len(latest)
        if len(latest) >= least and scale[t] > 0.0 and not math.isnan(forecast[t]):
            half[t] = scale[t] * _quantile(latest, miss_rate=asked)
    return Intervals(lower=forecast - half, upper=forecast + half, n_scores=n_scores, held=held)


def _quantile(scores: Floats, *, miss_rate: float) -> float:
    """The score of rank ceil((n + 1)·(1 - miss rate)); infinite above the largest, 0 below the smallest."""
    # what the steps add up to may lie a rounding error above a whole rank
    rank = math.ceil((len(scores) + 1) * (1.0 - miss_rate) - 1e-9)
    if rank > len(scores):
        return math.inf
    return float(np.partition(scores, rank - 1)[rank - 1]) if rank >= 1 else 0.0
