"""Every error that a user can meet, each with its exit code.

::

    BacktesterError
    ├── UsageError            2   the command line itself
    ├── PricesError           3   prices that cannot be used
    ├── RecipeError           4   a recipe that cannot be run
    │   ├── UserCodeError     4   the user's own file failed; carries file, line, exception
    │   └── RunDirectoryError 4   the output place holds something else
    ├── LeakError             5   something saw the future
    ├── InconclusiveError     6   a verdict was required and the data cannot decide
    ├── LockedError           7   another process works in this run directory
    ├── StorageError          8   disk full, read-only, or damaged
    ├── FoldsFailedError      9   the run ended, but some folds have no forecast
    ├── FitError              9   one fit diverged; its fold has no forecast
    └── InterruptedRunError 130   stopped by the user

A message says what is wrong, where, the value seen, and what to do.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "BacktesterError",
    "FitError",
    "FoldsFailedError",
    "InconclusiveError",
    "InterruptedRunError",
    "LeakError",
    "LockedError",
    "PricesError",
    "RecipeError",
    "RunDirectoryError",
    "StorageError",
    "UsageError",
    "UserCodeError",
]


class BacktesterError(Exception):
    """Base of all errors that are meant for the user's eyes.

    Parameters
    ----------
    message : str, what is wrong, where, and the value seen
    advice : str, what to do about it; shown on a line of its own
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message}\n{self.advice}" if self.advice else self.message


class UsageError(BacktesterError, ValueError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_code = 2


class PricesError(BacktesterError, ValueError):
    """Prices that cannot be used."""

    exit_code = 3


class RecipeError(BacktesterError, ValueError):
    """A recipe that cannot be run."""

    exit_code = 4


class UserCodeError(RecipeError):
    """The user's own file failed: a strategy, a model, a feature."""


class RunDirectoryError(RecipeError):
    """The place for the output holds something else."""


class LeakError(BacktesterError):
    """Something that decides at t saw what was known only after t."""

    exit_code = 5


class InconclusiveError(BacktesterError):
    """A verdict was required, and the data cannot decide it."""

    exit_code = 6


class LockedError(BacktesterError):
    """Another process works in this run directory."""

    exit_code = 7


class StorageError(BacktesterError, OSError):
    """The disk is full or read-only, or a file of ours is damaged."""

    exit_code = 8


class FoldsFailedError(BacktesterError):
    """The run ended, but some folds have no forecast."""

    exit_code = 9


class FitError(BacktesterError):
    """One fit diverged; its fold has no forecast."""

    exit_code = 9


class InterruptedRunError(BacktesterError):
    """Stopped by the user; what was finished is kept."""

    exit_code = 130
