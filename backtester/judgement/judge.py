"""The whole judgement of one run: every test with its figure and its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from backtester.judgement.evidence import Evidence
from backtester.judgement.on_forecast import on_forecast
from backtester.judgement.on_money import on_money
from backtester.judgement.on_robustness import on_robustness
from backtester.judgement.on_search import on_search
from backtester.judgement.power import detectable_sharpe, years_needed
from backtester.seeds import seed_of

__all__ = ["judge"]


def judge(evidence: Evidence) -> dict[str, Any]:
    """Judge a run.

    Parameters
    ----------
    evidence : its tables and thresholds

    Returns
    -------
    dict of JSON values, None where a figure is undefined; docs/run-directory.md lists the keys. The same
    evidence gives the same bytes
    """
    seed = seed_of(evidence.seed, "bootstrap")
    money = on_money(evidence, seed=seed)
    judgement = {
        "level": evidence.settings.level,
        "interval_level": evidence.interval_level,
        "draws": evidence.settings.draws,
        "periods_per_year": evidence.periods_per_year,
        "years": evidence.years,
        "forecast": on_forecast(evidence, seed=seed),
        "money": money,
        "search": on_search(evidence, seed=seed),
        "power": _power(money, evidence=evidence),
        "stress": on_robustness(evidence, seed=seed),
    }
    clean: dict[str, Any] = _without_nan(judgement)
    return clean


def _power(money: Mapping[str, Any], *, evidence: Evidence) -> dict[str, float]:
    """What this sample can decide about the gain in Sharpe ratio over buy-and-hold.

    The standard error of the gain is known, so that a strategy that is nearly always invested, whose ratio
    moves with the benchmark's, is told sooner. It shrinks with the root of the years.
    """
    settings, gain = evidence.settings, money["differences"]["buy_and_hold"]["sharpe"]
    # a mean of sd 1 a year has this error after so many years
    equivalent = gain["se"] * math.sqrt(evidence.years)
    return {
        "years": evidence.years,
        "detectable_gain": equivalent * detectable_sharpe(evidence.years, level=settings.level),
        "smallest_interesting": settings.smallest_sharpe,
        "years_for_smallest": years_needed(settings.smallest_sharpe / equivalent, level=settings.level)
        if equivalent > 0.0
        else math.nan,
        "years_for_observed": years_needed(gain["value"] / equivalent, level=settings.level)
        if equivalent > 0.0
        else math.nan,
    }


def _without_nan(value: Any) -> Any:
    """Write None for what is not a finite number, as JSON wants it, and plain Python numbers for all else."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
