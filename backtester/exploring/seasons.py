"""Seasonality: mean returns by weekday, month and turn of month, and what luck alone would show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

__all__ = ["LEVEL", "MONTHS", "WEEKDAYS", "holm", "season_values"]

LEVEL = 0.95
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: tuple[str, ...] = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
TURN = "Turn of month"
_LAST_SESSIONS, _FIRST_SESSIONS = 1, 3
_FEW = 20
"""Days that a season must have to be tested."""


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number.

    Source
    ------
    Holm (1979): the smallest times m, the next times m - 1, and so on, never falling, at most 1. Holds the
    chance of any false finding whatever the dependence. Agrees with statsmodels.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(order))
    running = 0.0
    for rank, place in enumerate(order.tolist()):
        running = max(running, min(1.0, (len(order) - rank) * p_values[place]))
        adjusted[place] = running
    return [float(value) for value in adjusted]


def season_values(returns: pd.Series) -> dict[str, Any] | None:
    """Mean return in each weekday, month and at the turn of the month, each against all other days.

    Parameters
    ----------
    returns : log returns by date

    Returns
    -------
    dict of ``weekday``, ``month`` and ``turn`` (lists of ``name``, ``n``, ``mean``, ``interval`` at 95 %,
    ``difference`` to the other days, ``p_value`` and ``p_adjusted``), ``tests``, ``below`` (those with a
    p-value below 5 %), ``expected_below`` (of them by luck),
    ``adjusted_below``, and ``sentence``; None for fewer than 60 returns

    Source
    ------
    Welch's t-test of the season's days against the others; p-values adjusted by Holm (1979) over all seasons
    together. The turn of the month is its last session and the first three of the next (Lakonishok and
    Smidt 1988).
    """
    if len(returns) < 60:
        return None
    dates = pd.DatetimeIndex(returns.index)
    values = returns.to_numpy(dtype=np.float64)
    days, months, turn = dates.day_of_week.to_numpy(), dates.month.to_numpy(), _turn(dates)
    rows = [_season("weekday", name=WEEKDAYS[day], values=values, inside=days == day) for day in range(7)]
    rows += [
        _season("month", name=MONTHS[month - 1], values=values, inside=months == month)
        for month in range(1, 13)
    ]
    rows.append(_season("turn", name=TURN, values=values, inside=turn))
    tested = [row for row in rows if row["n"]]
    counted = [row for row in tested if row["p_value"] is not None]
    for row, adjusted in zip(counted, holm([row["p_value"] for row in counted]), strict=True):
        row["p_adjusted"] = adjusted
    below = [row for row in counted if row["p_value"] < 1.0 - LEVEL]
    kept = [row for row in counted if row["p_adjusted"] < 1.0 - LEVEL]
    kinds = {kind: [row for row in tested if row["kind"] == kind] for kind in ("weekday", "month", "turn")}
    rest = _season("turn", name="Other days", values=values, inside=~turn)
    return {
        **kinds,
        "other_days": {"n": rest["n"], "mean": rest["mean"], "interval": rest["interval"]},
        "tests": len(counted),
        "below": [row["name"] for row in below],
        "expected_below": (1.0 - LEVEL) * len(counted),
        "adjusted_below": [row["name"] for row in kept],
        "sentence": _sentence(counted, below=below, kept=kept),
    }


def _turn(dates: pd.DatetimeIndex) -> NDArray[np.bool_]:
    """Whether each day is the last session of a month or one of the first three of the next."""
    month = dates.year.to_numpy() * 12 + dates.month.to_numpy()
    new = np.concatenate(([True], month[1:] != month[:-1]))
    starts = np.flatnonzero(new)
    since = np.arange(len(dates)) - starts[np.cumsum(new) - 1]
    first = since < _FIRST_SESSIONS
    # the file need not begin or end with a month
    first[: starts[1] if len(starts) > 1 else len(first)] = False
    last = np.concatenate((month[_LAST_SESSIONS:] != month[:-_LAST_SESSIONS], [False]))
    return np.asarray(first | last, dtype=bool)


def _season(
    kind: str, *, name: str, values: NDArray[np.float64], inside: NDArray[np.bool_]
) -> dict[str, Any]:
    these, others = values[inside], values[~inside]
    row: dict[str, Any] = {"kind": kind, "name": name, "n": len(these), "mean": None, "interval": None}
    row |= {"difference": None, "p_value": None, "p_adjusted": None}
    if not len(these):
        return row
    row["mean"] = float(these.mean())
    if len(these) < _FEW or len(others) < _FEW or not (these.std() > 0.0 and others.std() > 0.0):
        return row
    error = float(these.std(ddof=1)) / math.sqrt(len(these))
    reach = float(stats.t.ppf(0.5 + LEVEL / 2.0, len(these) - 1)) * error
    test = stats.ttest_ind(these, others, equal_var=False)
    row["interval"] = [row["mean"] - reach, row["mean"] + reach]
    row["difference"] = row["mean"] - float(others.mean())
    row["p_value"] = float(test.pvalue)
    return row


def _sentence(
    counted: Sequence[dict[str, Any]], *, below: Sequence[dict[str, Any]], kept: Sequence[dict[str, Any]]
) -> str:
    n = len(counted)
    if not n:
        return "There are too few days to compare seasons."
    expected = (1.0 - LEVEL) * n
    names = ", ".join(row["name"] for row in below)
    text = f"Of {n} seasons compared with all other days, {len(below)} differ at p < 0.05 by themselves"
    text += f" ({names})" if below else ""
    text += f"; luck alone gives {expected:.1f}. "
    if kept:
        told = ", ".join(f"{row['name']} (adjusted p = {row['p_adjusted']:.3f})" for row in kept)
        return (
            text
            + f"Adjusted for the number of tests, {told} remains: what was so in this span need not go on."
        )
    return text + "Adjusted for the number of tests, none remains."
