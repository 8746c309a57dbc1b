"""A finding: a quirk of a price file by its name, what it means, and what `run` does with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Finding", "Level", "dates_of", "joined", "years_joined"]

N_DATES = 50
"""Dates that a finding lists at most; ``n`` counts them all."""
N_TOLD = 5


class Level(StrEnum):
    """How serious a finding is, the most serious first."""

    REFUSED = "refused"
    """`run` refuses the file for it."""
    WARNING = "warning"
    """It can make figures wrong."""
    REPAIR = "repair"
    """A form that is read without loss."""
    INFO = "info"
    """A fact to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One quirk of one file.

    Parameters
    ----------
    key : stable name, such as ``zero_volume``
    title : the name for a reader
    level : how serious it is
    text : what was seen, with figures and dates
    meaning : what it means for whoever uses these prices
    run : what `run` does with it
    n : how many rows, steps or dates it concerns; None where it concerns the whole file
    dates : of the first of them, ISO
    """

    key: str
    title: str
    level: Level
    text: str
    meaning: str
    run: str
    n: int | None = None
    dates: tuple[str, ...] = ()

    def values(self) -> dict[str, Any]:
        """Give the finding as JSON has it."""
        return {**asdict(self), "level": self.level.value, "dates": list(self.dates)}


def dates_of(dates: NDArray[np.datetime64], rows: NDArray[np.intp] | Sequence[int]) -> tuple[str, ...]:
    """Give the dates of the first rows of a finding."""
    return tuple(str(dates[row]) for row in list(rows)[:N_DATES])


def joined(items: Iterable[str], *, most: int = N_TOLD, joint: str = ", ") -> str:
    """Join the first items, and say how many more there are.

    Examples
    --------
    >>> joined(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    found = list(items)
    more = len(found) - most
    return joint.join(found[:most]) + (f" and {more:,} more" if more > 0 else "")


def years_joined(years: Iterable[int]) -> str:
    """Write years as spans.

    Examples
    --------
    >>> years_joined([1999, 2000, 2001, 2004])
    '1999 to 2001, 2004'
    """
    spans: list[list[int]] = []
    for year in sorted(years):
        if spans and year == spans[-1][1] + 1:
            spans[-1][1] = year
        else:
            spans.append([year, year])
    return ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in spans)
