"""What an audit gives: checks that were made, and the leaks they found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

__all__ = ["TO_THE_END", "Audit", "Check", "Leak"]

TO_THE_END = -1
"""The reach of what sees the whole history, whatever is left of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Something that decided at t and saw what was not known at t.

    Parameters
    ----------
    first : first session whose value was wrong
    n_bars : sessions found wrong, of those that were looked at
    reach : bars that it sees ahead, the most that were found; 0 for the bar of its own fill, and
        `TO_THE_END` for what changes with the last bar of the history
    text : what was seen, in one sentence
    """

    first: date
    n_bars: int
    reach: int
    text: str

    @property
    def reach_words(self) -> str:
        """How far it sees, in words."""
        if self.reach == TO_THE_END:
            return "to the end of the history"
        if self.reach == 0:
            return "within its own bar"
        return f"{self.reach} bar{'' if self.reach == 1 else 's'} ahead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at in one way.

    Parameters
    ----------
    subject : what was looked at, e.g. ``feature 'mine.py:momentum'``
    method : how, e.g. ``cut after every bar``
    n : how many cuts or changes were made
    leak : what was found; None: nothing
    skipped : why it could not be looked at; empty: it was
    """

    subject: str
    method: str
    n: int = 0
    leak: Leak | None = None
    skipped: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """All checks, in the order made."""

    checks: tuple[Check, ...]

    @property
    def leaks(self) -> tuple[Check, ...]:
        """The checks that found one."""
        return tuple(check for check in self.checks if check.leak is not None)

    @property
    def lines(self) -> tuple[str, ...]:
        """Each leak in one line: who, from when on, how far."""
        return tuple(
            f"{check.subject} sees {check.leak.reach_words}, first on {check.leak.first:%Y-%m-%d}: "
            f"{check.leak.text}"
            for check in self.leaks
            if check.leak is not None
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "leaks": len(self.leaks),
            "checks": [
                {
                    "subject": check.subject,
                    "method": check.method,
                    "n": check.n,
                    "skipped": check.skipped,
                    "leak": None
                    if check.leak is None
                    else {
                        "first": check.leak.first.isoformat(),
                        "n_bars": check.leak.n_bars,
                        "reach": None if check.leak.reach == TO_THE_END else check.leak.reach,
                        "text": check.leak.text,
                    },
                }
                for check in self.checks
            ],
        }

    @staticmethod
    def of(checks: Iterable[Check]) -> Audit:
        """Gather checks."""
        return Audit(checks=tuple(checks))
