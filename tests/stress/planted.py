"""Runs whose forecasts are planted, opened for stress without training anything."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from backtester.backtest import trade
from backtester.forecasts import Forecasts
from backtester.prices import Prices
from backtester.recipe import BrokerSection, StrategySection
from backtester.run_directory import RunRecord
from backtester.stress.axis import AxisResult, Case
from backtester.stress.context import Context
from tests.backtest.markets import make_forecasts
from tests.markets import ar1
from tests.questions import question

FIRST = 300
"""Position of the first origin: a year of closes is known by then."""
FREE = {"commission_bp": 0.0, "slippage_bp": 0.0}


def planted(prices: Prices, values: np.ndarray, *, folder: Path = Path(), **sections: Any) -> Context:
    """A run with these forecasts (n_bars,), of which those from `FIRST` on are used."""
    horizon = sections.get("target", {}).get("horizon", 1)
    asked = question(
        prices,
        folder=folder,
        **{"model": {"kind": "last_return"}, "folds": {"train": FIRST, "test": 100}, **sections},
    )
    table = make_forecasts(prices, values[FIRST:], first_origin=FIRST, horizon=horizon)
    record = cast(RunRecord, SimpleNamespace(forecasts=table.frame))
    return Context(record=record, question=asked, settings=asked.loaded.recipe.stress)


def true_effect(n_bars: int = 5000, *, seed: int = 1, phi: float = 0.3, **sections: Any) -> Context:
    """An AR(1) market with its best forecast, no costs: what every axis must let pass."""
    prices = ar1(n_bars, seed=seed, phi=phi)
    sections = {"strategy": {"kind": "long_short"}, "broker": FREE} | sections
    return planted(prices, phi * returns_of(prices), **sections)


def returns_of(prices: Prices) -> np.ndarray:
    """Log returns (n_bars,), 0 at first."""
    return np.diff(np.log(prices.column("close")), prepend=np.log(prices.column("close")[0]))


def next_returns(prices: Prices) -> np.ndarray:
    """The log return from each open to the next (n_bars,), as whoever looks ahead sees it; 0 at the end."""
    opens = np.log(prices.column("open"))
    return np.append(opens[2:] - opens[1:-1], [0.0, 0.0])


def by_label(result: AxisResult) -> dict[str, Case]:
    """The cases of a result by label."""
    return {case.label: case for case in result.cases}


def in_backtrader(
    context: Context,
    *,
    forecasts: Forecasts | None = None,
    strategy: StrategySection | None = None,
    broker: BrokerSection | None = None,
) -> Any:
    """The bars of the same run by Backtrader itself."""
    recipe = context.recipe
    return trade(
        context.question.prices,
        forecasts or context.forecasts,
        strategy=strategy or recipe.strategy,
        broker=broker or recipe.broker,
        folder=context.question.loaded.folder,
        periods_per_year=recipe.data.periods_per_year,
    ).bars
