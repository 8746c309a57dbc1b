"""What an axis works with: the run, ways to trade its forecasts again, and what was trained for it."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from backtester.backtest import replay_holding, retrade
from backtester.forecasts import Forecasts
from backtester.judgement.sharpe import per_period_sharpe
from backtester.metrics import cagr, forecast_accuracy, max_drawdown
from backtester.prices import Prices
from backtester.question import Question
from backtester.recipe import BrokerSection, Recipe, StrategySection, StressSection
from backtester.run_directory import RunRecord
from backtester.seeds import seed_of

__all__ = ["Context", "Outcome", "Variant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A question near the run's own, to be trained.

    Parameters
    ----------
    label : in words
    changes : keys of the recipe, ``{"folds.train": 500, "seed": 3}``
    prices : instead of the run's
    coordinates : where it lies on its axis
    refusal : why it cannot be asked; such a variant is not trained
    """

    label: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    prices: Prices | None = None
    coordinates: Mapping[str, float | str] = field(default_factory=dict)
    refusal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a variant.

    Parameters
    ----------
    variant : as asked
    question : the variant as a question; None where it was refused
    forecasts : out of sample; None where it was refused or a fold failed
    reason : why there are none
    """

    variant: Variant
    question: Question | None
    forecasts: Forecasts | None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Context:
    """A finished run, opened for stress.

    Parameters
    ----------
    record : its files
    question : asked again from them: recipe, prices, folds
    settings : the recipe's ``[stress]``
    """

    record: RunRecord
    question: Question
    settings: StressSection

    @property
    def recipe(self) -> Recipe:
        """The run's recipe."""
        return self.question.loaded.recipe

    @functools.cached_property
    def forecasts(self) -> Forecasts:
        """The run's own forecasts."""
        return Forecasts(frame=self.record.forecasts)

    @functools.cached_property
    def bars(self) -> pd.DataFrame:
        """The strategy's own bars: ``equity return exposure turnover cost``, by date."""
        return self.trade()

    @functools.cached_property
    def holding(self) -> pd.DataFrame:
        """Buy-and-hold's own bars."""
        return self.hold()

    @functools.cached_property
    def baseline(self) -> dict[str, float]:
        """The run's own `figures`."""
        return self.figures(self.bars, holding=self.holding, forecasts=self.forecasts)

    def seed(self, purpose: str, *parts: str | int) -> int:
        """Give a seed that follows from the run's."""
        return seed_of(self.recipe.seed, f"stress {purpose}", *parts)

    def trade(
        self,
        forecasts: Forecasts | None = None,
        *,
        strategy: StrategySection | None = None,
        broker: BrokerSection | None = None,
        question: Question | None = None,
    ) -> pd.DataFrame:
        """Trade forecasts again: the run's, or others, by its strategy and broker, or others.

        Returns
        -------
        frame by date: ``equity return exposure turnover cost``; replayed where the strategy comes along
        (milliseconds), in Backtrader where it is the user's own
        """
        asked = question or self.question
        recipe = asked.loaded.recipe
        return retrade(
            asked.prices,
            forecasts or self.forecasts,
            strategy=strategy or recipe.strategy,
            broker=broker or recipe.broker,
            folder=asked.loaded.folder,
            periods_per_year=recipe.data.periods_per_year,
        )

    def hold(
        self,
        *,
        forecasts: Forecasts | None = None,
        broker: BrokerSection | None = None,
        question: Question | None = None,
    ) -> pd.DataFrame:
        """Buy and hold over the bars of these forecasts."""
        asked = question or self.question
        return replay_holding(
            asked.prices, forecasts or self.forecasts, broker=broker or asked.loaded.recipe.broker
        )

    def figures(
        self, bars: pd.DataFrame, *, holding: pd.DataFrame, forecasts: Forecasts | None = None
    ) -> dict[str, float]:
        """Give the figures that cases have in common; NaN where undefined.

        Parameters
        ----------
        bars, holding : of the same dates
        forecasts : for ``rmse_ratio``, ``u2``, ``r2_oos``, which are left out without them

        Returns
        -------
        ``sharpe``, ``sharpe_holding``, ``sharpe_difference`` (a year), ``cagr``, ``excess`` (mean return
        above holding, a year), ``max_drawdown``. Sharpe ratios at a rate of 0, as the account pays and
        earns no interest: any other would make idle cash a loss
        """
        periods = self.recipe.data.periods_per_year
        mine, held = (frame["return"].to_numpy(dtype=np.float64) for frame in (bars, holding))
        sharpe, held_sharpe = (per_period_sharpe(returns) * math.sqrt(periods) for returns in (mine, held))
        figures = {
            "sharpe": sharpe,
            "sharpe_holding": held_sharpe,
            "sharpe_difference": sharpe - held_sharpe,
            "cagr": cagr(mine, periods_per_year=periods),
            "excess": float(np.mean(mine - held)) * periods if len(mine) else math.nan,
            "max_drawdown": max_drawdown(mine),
        }
        if forecasts is not None:
            accuracy = forecast_accuracy(forecasts)
            figures |= {
                "rmse_ratio": accuracy.rmse_ratio,
                "u2": accuracy.u2,
                "r2_oos": accuracy.r2_oos,
            }
        return figures

    def stands(self, figures: Mapping[str, float]) -> bool | None:
        """Whether the run's conclusion stands: the gain over buy-and-hold has the sign that it has there."""
        here, there = self.baseline["sharpe_difference"], figures["sharpe_difference"]
        if math.isnan(here) or math.isnan(there):
            return None
        return (there > 0.0) == (here > 0.0)
