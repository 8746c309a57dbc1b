"""Prices: the checked daily bars of one symbol, and what was found on the way in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["PRICE_COLUMNS", "Adjustment", "Note", "NoteKind", "Prices"]

PRICE_COLUMNS = ("open", "high", "low", "close", "volume")


class NoteKind(Enum):
    """How serious a finding is."""

    INFO = "info"
    REPAIR = "repair"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A finding about the prices that the user must be able to read."""

    kind: NoteKind
    text: str


class Adjustment(Enum):
    """Whether dividends and splits are in the prices."""

    ADJUSTED = "adjusted"
    RAW = "raw"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Daily bars of one symbol: sorted, unique dates; finite, positive prices.

    Parameters
    ----------
    symbol : as the user wrote it
    frame : index ``date`` (naive datetime64, session dates, ascending, unique); float64 columns
        ``close`` always, ``open``, ``high``, ``low``, ``volume`` where the source has them
    source : the kind of source (``sample``, ``csv``, ``parquet``, ``yahoo``, ``frame``)
    source_name : the file's name without its folder, or the ticker
    source_sha256 : of the file's bytes as read
    adjustment : whether dividends and splits are in these prices
    notes : repairs and warnings, in the order found
    """

    symbol: str
    frame: pd.DataFrame
    source: str
    source_name: str
    source_sha256: str
    adjustment: Adjustment
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def dates(self) -> pd.DatetimeIndex:
        """Session dates, ascending."""
        return pd.DatetimeIndex(self.frame.index)

    def has(self, column: str) -> bool:
        """Whether the source has this column."""
        return column in self.frame.columns

    def column(self, name: str) -> NDArray[np.float64]:
        """One column as a read-only array (n_bars,)."""
        values = self.frame[name].to_numpy(dtype=np.float64, copy=True)
        values.setflags(write=False)
        return values

    @property
    def sha256(self) -> str:
        """Hash of the bars as used: dates and values, whatever file they came from."""
        digest = hashlib.sha256(self.symbol.encode())
        digest.update(np.ascontiguousarray(self.dates.as_unit("ns").asi8).tobytes())
        for name in PRICE_COLUMNS:
            if self.has(name):
                digest.update(name.encode())
                digest.update(np.ascontiguousarray(self.column(name)).tobytes())
        return digest.hexdigest()
