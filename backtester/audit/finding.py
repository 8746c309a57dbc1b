"""What an audit gives: checks that were made, and the leaks they found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from backtester.prices import Note, NoteKind

__all__ = ["FILES", "NOT_REPRODUCIBLE", "TO_THE_END", "Audit", "Check", "Leak"]

TO_THE_END = -1
"""The reach of what sees the whole history, whatever is left of it."""

FILES = "the run's files"
"""The subject of the check that the files of a run are those that it wrote."""

NOT_REPRODUCIBLE = "Seed what it draws, and let it depend on its bars alone: else nothing can be said of it."
"""Advice on what gives something else each time."""

_PLURAL = ("training samples", "validation samples", "test samples", "orders of", "fills of")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Something that decided at t and saw what was not known at t.

    Parameters
    ----------
    first : first session whose value was wrong
    n_bars : sessions found wrong, of those that were looked at
    reach : bars that it sees ahead, the most that were found; 0 for the bar of its own fill, and
        `TO_THE_END` for what changes with the last bar of the history; None where bars ahead mean nothing
    text : what was seen, in one sentence
    """

    first: date
    n_bars: int
    reach: int | None
    text: str

    @property
    def reach_words(self) -> str:
        """How far it sees, in words."""
        if self.reach is None:
            return ""
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
    random : how two computations on the same bars differ, so that nothing can be said; empty: they do not
    note : what is found wrong that is no leak; empty: nothing
    """

    subject: str
    method: str
    n: int = 0
    leak: Leak | None = None
    skipped: str = ""
    random: str = ""
    note: str = ""

    @property
    def mark(self) -> str:
        """What came of it, in one word."""
        if self.leak is not None:
            return "LEAK"
        if self.random:
            return "RANDOM"
        return "skipped" if self.skipped else "note" if self.note else "clean"

    @property
    def sentence(self) -> str:
        """What was found: who, how far and from when on; empty for nothing."""
        if self.random:
            return f"{self.subject} is not reproducible"
        if self.leak is None:
            return ""
        if self.leak.reach is None:
            return self.subject
        verb = "see" if self.subject.startswith(_PLURAL) else "sees"
        return f"{self.subject} {verb} {self.leak.reach_words}, first on {self.leak.first:%Y-%m-%d}"

    @property
    def line(self) -> str:
        """The sentence, with how often, and with what was seen; empty for nothing."""
        if self.leak is None:
            return f"{self.sentence}: {self.random}" if self.random else ""
        n_bars = self.leak.n_bars
        bars = "" if self.leak.reach is None else f" ({n_bars:,} bar{'' if n_bars == 1 else 's'} found)"
        return f"{self.sentence}{bars}: {self.leak.text}"


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
        """Each leak in one line: who, how far, from when on."""
        return tuple(check.line for check in self.leaks)

    @property
    def random(self) -> tuple[Check, ...]:
        """The checks of what gives something else each time."""
        return tuple(check for check in self.checks if check.random)

    @property
    def found(self) -> list[dict[str, Any]]:
        """The leaks as JSON values: ``subject``, ``first`` session, ``bars``, ``sentence`` and ``text``."""
        return [
            {
                "subject": check.subject,
                "first": check.leak.first.isoformat(),
                "bars": check.leak.n_bars,
                "sentence": check.sentence,
                "text": check.leak.text,
            }
            for check in self.leaks
            if check.leak is not None
        ]

    @property
    def notes(self) -> tuple[Note, ...]:
        """What a run must tell of the user's code beside leaks: what it reads, and what was not looked at."""
        texts = [
            f"The audit could not look at the {check.subject}: {check.skipped}."
            if check.skipped
            else f"The {check.subject}: {check.note}."
            for check in self.checks
            if check.mark in ("skipped", "note")
        ]
        return tuple(Note(kind=NoteKind.WARNING, text=text) for text in texts)

    @property
    def damaged(self) -> str:
        """Which file is not the one that the run wrote; empty: none."""
        return next((check.note for check in self.checks if check.subject == FILES), "")

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
                    "random": check.random,
                    "note": check.note,
                    "leak": None
                    if check.leak is None
                    else {
                        "first": check.leak.first.isoformat(),
                        "n_bars": check.leak.n_bars,
                        "reach": None if check.leak.reach == TO_THE_END else check.leak.reach,
                        "reach_words": check.leak.reach_words,
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
