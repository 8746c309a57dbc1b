"""What a run has of its system as published, read from its two files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from backtester.errors import StorageError
from backtester.published import LAST_PRICE, PUBLISHED_CSV, PublishedRecord, price_text, read_published
from backtester.reporting import words
from backtester.run_directory import RunRecord

__all__ = ["Published", "price", "published_of", "times_last_price"]

_DATES = ("target_date", "window_start", "window_end")
_FLAGS = ("in_training", "watched", "straddles", "scored")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Published:
    """The two files of a system as published.

    Parameters
    ----------
    figures : ``published.json``
    forecasts : ``published.csv``, one row for each forecast, in the order of the source
    """

    figures: PublishedRecord
    forecasts: pd.DataFrame

    @property
    def predicted(self) -> pd.DataFrame:
        """Frame (n_rows, n_networks) of forecasts, in units of price."""
        return self.forecasts[[name for name in self.forecasts if str(name).startswith("forecast_")]]

    @property
    def reversed(self) -> bool:
        """Whether the source reads time backwards."""
        return self.figures["baseline"] != LAST_PRICE

    @property
    def leaks(self) -> bool:
        """Whether a forecast was told, or its network shown, what it could not have known."""
        return any(flaw["leak"] for flaw in self.figures["flaws"])


def published_of(record: RunRecord) -> Published | None:
    """Read what a run has of its system as published; None where it has nothing.

    Raises
    ------
    StorageError : one of the two files is missing, damaged or of another version
    """
    figures = read_published(record.directory)
    if figures is None:
        return None
    try:
        forecasts = pd.read_csv(record.directory / PUBLISHED_CSV, parse_dates=list(_DATES))
        forecasts = forecasts.astype(dict.fromkeys(_FLAGS, bool))
    except (OSError, ValueError, KeyError) as error:
        raise _unusable(record, name=PUBLISHED_CSV, reason=str(error)) from error
    if len(figures["seeds"]) != sum(str(name).startswith("forecast_") for name in forecasts):
        raise _unusable(record, name=PUBLISHED_CSV, reason="other networks than in published.json")
    return Published(figures=figures, forecasts=forecasts)


def _unusable(record: RunRecord, *, name: str, reason: str) -> StorageError:
    return StorageError(
        f"{record.directory / name}: cannot be shown ({reason}).",
        advice="Move the folder away and run the same recipe again.",
    )


def price(value: Any, *, like: float | None = None) -> str:
    """Price or error in its unit, as `price_text` has it; a dash where there is none.

    Examples
    --------
    >>> price(5.7104), price(898.04), price(None)
    ('5.710', '898.0', '–')
    """
    return words.DASH if words.is_missing(value) else words.minus(price_text(value, like=like))


def times_last_price(value: Any) -> str:
    """Ratio to the RMSE of the last price; above 1 the last price is the better one.

    Examples
    --------
    >>> times_last_price(1.0931), times_last_price(None)
    ('1.093×', '–')
    """
    return words.DASH if words.is_missing(value) else words.minus(f"{words.number(value, digits=3)}x")
