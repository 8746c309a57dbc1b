"""What a sample can decide: the years that an effect takes to show, and the effect that years can show."""

from __future__ import annotations

import math

from scipy.special import ndtri

__all__ = ["detectable_sharpe", "years_needed"]


def years_needed(sharpe: float, *, level: float = 0.05, power: float = 0.8) -> float:
    """Give the years until a Sharpe ratio is likely to be told from 0.

    Parameters
    ----------
    sharpe : the true one, a year; against a benchmark, that of the difference of returns
    level : of the one-sided test
    power : chance that the test then says so; above level

    Returns
    -------
    float, years; NaN for a Sharpe ratio of 0 or less, which never is

    Source
    ------
    ((z_{1-level} + z_power) / SR)², from the normal mean over its standard error √(1/years).

    Examples
    --------
    >>> round(years_needed(1.0), 5)
    6.18256
    """
    return (_distance(level, power) / sharpe) ** 2 if sharpe > 0.0 else math.nan


def detectable_sharpe(years: float, *, level: float = 0.05, power: float = 0.8) -> float:
    """Give the smallest Sharpe ratio that a sample is likely to tell from 0.

    Parameters
    ----------
    years : length of the sample
    level, power : see `years_needed`

    Returns
    -------
    float, a year; NaN for no years

    Source
    ------
    The inverse of `years_needed`.

    Examples
    --------
    >>> round(detectable_sharpe(5.0), 2)
    1.11
    """
    return _distance(level, power) / math.sqrt(years) if years > 0.0 else math.nan


def _distance(level: float, power: float) -> float:
    return float(ndtri(1.0 - level) + ndtri(power))
