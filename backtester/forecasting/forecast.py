"""The forecast of the next session: with an interval, what the strategy would do, and what it is worth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from backtester.backtest import NextFill
from backtester.forecasting.conformal import Coverage, Intervals, least_scores
from backtester.forecasts import Forecasts
from backtester.metrics import ForecastAccuracy
from backtester.metrics.figures import defined

__all__ = ["LATE", "NextForecast"]

LATE = 250
"""Latest outcomes of which the coverage is told apart: about a year of sessions."""


@dataclass(frozen=True, kw_only=True)
class NextForecast:
    """A forecast from the last bar.

    Parameters
    ----------
    run : directory of the run that it comes from
    recipe, symbol : of that run
    origin : the last bar, after whose close the forecast is made
    horizon : bars from there to the target, whose date nobody knows yet
    last_price : close at the origin
    forecasts : of all origins, this one last
    intervals : of the same origins
    level : share of outcomes that the intervals should hold
    next_fill : what the strategy would do
    fill : price of the next bar at which it would be done, ``next_open`` or ``next_close``
    accuracy : of the forecasts whose outcome is known
    verdict : the run's, in a sentence
    window : first and last date that the network learnt from; None for a model that learns nothing
    trained, reused : networks trained for this, and taken from the store
    leaks : what of the run sees the future, a sentence each; how good its forecasts were is no evidence then
    notes : what the reader must know besides
    """

    run: Path
    recipe: str
    symbol: str
    origin: date
    horizon: int
    last_price: float
    forecasts: Forecasts
    intervals: Intervals
    level: float
    next_fill: NextFill
    fill: str
    accuracy: ForecastAccuracy
    verdict: str
    window: tuple[date, date] | None
    trained: int
    reused: int
    leaks: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def target(self) -> str:
        """What is forecast, in words."""
        return f"{_sessions(self.horizon)} after {self.origin.isoformat()}"

    @property
    def log_return(self) -> float:
        """The forecast, over the horizon."""
        return float(self.forecasts.frame["forecast"].iloc[-1])

    @property
    def sd(self) -> float:
        """Standard deviation of the forecast over the members; NaN for one."""
        return float(self.forecasts.frame["forecast_sd"].iloc[-1])

    @property
    def price(self) -> float:
        """The forecast close."""
        return self.last_price * math.exp(self.log_return)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Lower and upper log return; None where no honest interval can be given, see `no_interval`."""
        lower, upper = float(self.intervals.lower[-1]), float(self.intervals.upper[-1])
        return (lower, upper) if math.isfinite(lower) and math.isfinite(upper) else None

    @property
    def no_interval(self) -> str:
        """Why there is no interval; empty where there is one."""
        if self.interval is not None:
            return ""
        known, needed = int(self.intervals.n_scores[-1]), least_scores(self.level, horizon=self.horizon)
        if known < needed:
            return (
                f"No honest {100.0 * self.level:.4g}% interval can be given: of {needed} outcomes that it "
                f"needs, {known} are known."
            )
        if math.isinf(self.intervals.upper[-1]):
            return "No honest interval can be given: of late so many forecasts missed that it has no end."
        return "No honest interval can be given: the price has never moved."

    def coverage(self, *, last: int | None = None) -> Coverage:
        """How often the intervals held, each from what was known at its origin."""
        return self.intervals.coverage(last=last)

    @property
    def table(self) -> pd.DataFrame:
        """One row for each origin: the forecasts, with ``lower``, ``upper`` (log returns) and ``held``."""
        found = self.intervals
        return self.forecasts.frame.assign(lower=found.lower, upper=found.upper, held=found.held)

    def as_dict(self) -> dict[str, Any]:
        """Every figure by the keys of ``backtester forecast --json``; None for what is not defined."""
        first = self.forecasts.scored["origin"]
        return {
            "run": str(self.run),
            "recipe": self.recipe,
            "symbol": self.symbol,
            "origin": self.origin.isoformat(),
            "horizon": self.horizon,
            "target": self.target,
            "last_price": self.last_price,
            "forecast": defined(
                {
                    "log_return": self.log_return,
                    "return": math.expm1(self.log_return),
                    "price": self.price,
                    "sd": self.sd,
                }
            ),
            "interval": self._interval_values(),
            "coverage": _coverage_values(self.coverage()),
            "coverage_late": _coverage_values(self.coverage(last=LATE)),
            "exposure": {
                "now": self.next_fill.exposure_now,
                "next": self.next_fill.exposure_next,
                "side": self.next_fill.side or None,
                "fill": self.fill,
            },
            "accuracy": {
                **self.accuracy.as_dict(),
                "since": f"{first.iloc[0]:%Y-%m-%d}" if len(first) else None,
            },
            "verdict": self.verdict,
            "training": {
                "start": self.window[0].isoformat() if self.window else None,
                "end": self.window[1].isoformat() if self.window else None,
                "trained": self.trained,
                "reused": self.reused,
            },
            "leaks": list(self.leaks),
            "notes": list(self.notes),
        }

    def _interval_values(self) -> dict[str, Any]:
        lower, upper = self.interval or (math.nan, math.nan)
        figures = defined(
            {
                "level": self.level,
                "lower": lower,
                "upper": upper,
                "lower_price": self.last_price * math.exp(lower),
                "upper_price": self.last_price * math.exp(upper),
                "outcomes": int(self.intervals.n_scores[-1]),
            }
        )
        return {**figures, "reason": self.no_interval or None}


def _coverage_values(coverage: Coverage) -> dict[str, Any]:
    return defined(
        {
            "share": coverage.share,
            "held": coverage.held,
            "n": coverage.n,
            "unbounded": coverage.unbounded,
        }
    )


def _sessions(horizon: int) -> str:
    return "the next session" if horizon == 1 else f"{horizon} sessions"
