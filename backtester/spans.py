"""Lengths of history as a recipe writes them: bars, or a calendar span such as ``"3Y"``."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from backtester.errors import RecipeError

__all__ = ["CalendarSpan", "read_span"]

_MONTHS_AND_DAYS = {"Y": (12, 0), "M": (1, 0), "W": (0, 7), "D": (0, 1)}
_WRITTEN = re.compile(r"([0-9]{1,6})([YMWD])")
_ALLOWED = 'Allowed: a number of bars from 1 on, or a calendar span such as "3Y", "18M", "6W", "90D".'
# A Gregorian month on average.
_DAYS_A_MONTH = 365.2425 / 12
_MOST_YEARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarSpan:
    """A length on the calendar, whatever the number of bars in it."""

    months: int
    days: int

    def times(self, n_times: int) -> pd.DateOffset:
        """Give the span, or several of them end to end, as what can be added to a date."""
        return pd.DateOffset(months=self.months * n_times, days=self.days * n_times)

    @property
    def mean_days(self) -> float:
        """Length in days, on average over the calendar."""
        return self.months * _DAYS_A_MONTH + self.days


def read_span(key: str, setting: int | str) -> int | CalendarSpan:
    """Read a length: a number of bars, or a calendar span.

    Parameters
    ----------
    key : the recipe's key, for the message
    setting : e.g. ``750`` or ``"3Y"``, ``"18M"``, ``"6W"``, ``"90D"``

    Raises
    ------
    RecipeError : neither of them, zero, or more than 200 years

    Examples
    --------
    >>> read_span("folds.train", 750)
    750
    >>> read_span("folds.train", "3Y")
    CalendarSpan(months=36, days=0)
    """
    if isinstance(setting, int) and not isinstance(setting, bool) and setting >= 1:
        return setting
    written = _WRITTEN.fullmatch(setting.strip().upper()) if isinstance(setting, str) else None
    if written is None or int(written[1]) == 0:
        raise RecipeError(f"{key} = {setting!r} is not a length.", advice=_ALLOWED)
    months, days = (int(written[1]) * each for each in _MONTHS_AND_DAYS[written[2]])
    span = CalendarSpan(months=months, days=days)
    if span.mean_days > _MOST_YEARS * 12 * _DAYS_A_MONTH:
        raise RecipeError(f"{key} = {setting!r} is more than {_MOST_YEARS} years.", advice=_ALLOWED)
    return span
