"""What a run has of its system as published, read from its two files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pandas as pd

from backtester.errors import StorageError
from backtester.published import PUBLISHED_CSV, PUBLISHED_JSON, PublishedRecord
from backtester.reporting import words
from backtester.run_directory import RunRecord, read_json

__all__ = ["Published", "price", "ratio_to", "read_published", "times_last_price"]

_DATES = ("target_date", "window_start", "window_end")
_FLAGS = ("in_training", "straddles")


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
        return self.figures["order"] == "newest_first"


def read_published(record: RunRecord) -> Published | None:
    """Read what a run has of its system as published; None where it has nothing.

    Raises
    ------
    StorageError : one of the two files is missing, damaged or of another version
    """
    if not (record.directory / PUBLISHED_JSON).is_file():
        return None
    figures = read_json(record.directory / PUBLISHED_JSON)
    missing = PublishedRecord.__required_keys__ - figures.keys()
    if missing:
        raise _unusable(record, name=PUBLISHED_JSON, reason=f"without {', '.join(sorted(missing))}")
    try:
        forecasts = pd.read_csv(record.directory / PUBLISHED_CSV, parse_dates=list(_DATES))
        forecasts = forecasts.astype(dict.fromkeys(_FLAGS, bool))
    except (OSError, ValueError, KeyError) as error:
        raise _unusable(record, name=PUBLISHED_CSV, reason=str(error)) from error
    if len(figures["seeds"]) != sum(str(name).startswith("forecast_") for name in forecasts):
        raise _unusable(record, name=PUBLISHED_CSV, reason="other networks than in published.json")
    return Published(figures=cast(PublishedRecord, figures), forecasts=forecasts)


def _unusable(record: RunRecord, *, name: str, reason: str) -> StorageError:
    return StorageError(
        f"{record.directory / name}: cannot be shown ({reason}).",
        advice="Move the folder away and run the same recipe again.",
    )


def price(value: Any) -> str:
    """Error in units of price: three decimals below 100, so that neighbours can be told apart.

    Examples
    --------
    >>> price(5.7104), price(898.04), price(None)
    ('5.710', '898.0', '–')
    """
    if words.is_missing(value):
        return words.DASH
    return words.number(value, digits=3 if abs(value) < 100.0 else 1)


def times_last_price(value: Any) -> str:
    """Ratio to the RMSE of the last price; above 1 the last price is the better one.

    Examples
    --------
    >>> times_last_price(1.0931), times_last_price(None)
    ('1.093×', '–')
    """
    return words.DASH if words.is_missing(value) else words.minus(f"{words.number(value, digits=3)}x")


def ratio_to(reference: float | None, value: float | None) -> float | None:
    """Give a value over a reference; None where either is missing, or the reference is 0."""
    return None if value is None or not reference else value / reference
