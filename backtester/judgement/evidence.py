"""What a judgement rests on: the tables of one run, all of them files of its directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from backtester.metrics import risk_free_per_bar
from backtester.recipe import VerdictSection

__all__ = ["Evidence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The tables and settings that a judgement is made from.

    Parameters
    ----------
    forecasts : as ``forecasts.csv``
    baselines : as ``baselines.csv``: ``origin``, ``last_return``, ``mean_return``, the same rows
    returns, exposures : as ``returns.csv`` and ``exposures.csv``, indexed by date
    variants : as ``variants.csv``, indexed by date
    trials : as ``trials.csv``: ``trial``, ``recipe``, ``own``, one row a trial
    trial_returns : as ``trial_returns.csv``, indexed by date, a column a trial (its first 12 digits), NaN
        outside its span
    settings : the recipe's ``[verdict]``
    periods_per_year : bars in a year
    risk_free_rate : a year
    seed : of the recipe; the bootstrap draws follow from it
    failed_folds : folds without a forecast
    leaks : what sees the future, in words, where the run went on all the same
    stress : ``key``, ``title``, ``answer`` and ``sentence`` of each axis, once there was a stress run
    """

    forecasts: pd.DataFrame
    baselines: pd.DataFrame
    returns: pd.DataFrame
    exposures: pd.DataFrame
    variants: pd.DataFrame
    trials: pd.DataFrame
    trial_returns: pd.DataFrame
    settings: VerdictSection
    periods_per_year: int
    risk_free_rate: float
    seed: int
    failed_folds: int
    leaks: Sequence[str] = ()
    stress: Sequence[Mapping[str, str]] = ()

    @property
    def interval_level(self) -> float:
        """What the intervals cover: the match of a one-sided test at the level."""
        return 1.0 - 2.0 * self.settings.level

    @property
    def risk_free(self) -> float:
        """The risk-free rate a bar."""
        return risk_free_per_bar(self.risk_free_rate, periods_per_year=self.periods_per_year)

    @property
    def years(self) -> float:
        """Length of the returns."""
        return len(self.returns) / self.periods_per_year
