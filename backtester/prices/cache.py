"""Copies of what Yahoo sent: one Parquet file for each symbol, and a record of its origin beside it."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import platformdirs

from backtester.errors import PricesError
from backtester.files import make_folder, write_bytes, write_json

__all__ = ["Copy", "default_cache", "load_copy", "save_copy"]

_REFRESH = "Fetch anew: `refresh = true` in [data], or --refresh."


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A frame as Yahoo sent it.

    Parameters
    ----------
    frame : index of naive session dates; columns as yfinance names them
    fetched : on which date
    start, end : the span that was asked for; None: from the first session, to the day of fetching
    sha256 : of the file's bytes
    """

    frame: pd.DataFrame
    fetched: date
    start: date | None
    end: date | None
    sha256: str

    def covers(self, start: date | None, *, end: date | None) -> bool:
        """Whether a span asked for lies in this copy; without an end, any day of fetching will do."""
        starts = self.start is None or (start is not None and self.start <= start)
        if self.end is None:
            return starts and (end is None or end <= self.fetched)
        return starts and end is not None and end <= self.end


def default_cache() -> Path:
    """Give the folder of the copies in the user's cache directory."""
    return Path(platformdirs.user_cache_dir("walkforward-backtester", appauthor=False)) / "yahoo"


def _paths(symbol: str, cache: Path) -> tuple[Path, Path]:
    # Quoting keeps a symbol such as "../x" inside the folder.
    stem = quote(symbol.upper(), safe="^=-")
    return cache / f"{stem}.parquet", cache / f"{stem}.json"


def load_copy(symbol: str, *, cache: Path) -> Copy | None:
    """Read a kept copy, or None where there is none.

    Raises
    ------
    PricesError : the copy is damaged
    """
    data_path, record_path = _paths(symbol, cache)
    try:
        record = json.loads(record_path.read_bytes())
        content = data_path.read_bytes()
    except OSError:
        # No copy, or none that can be reached: the same to us, Yahoo is asked.
        return None
    except ValueError as error:
        raise _damaged(record_path) from error
    try:
        sha256 = str(record["sha256"])
        fetched = date.fromisoformat(record["fetched"])
        start, end = (date.fromisoformat(text) if text else None for text in (record["start"], record["end"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(record_path) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _damaged(data_path)
    return Copy(frame=_frame(content), fetched=fetched, start=start, end=end, sha256=sha256)


def _damaged(path: Path) -> PricesError:
    return PricesError(f"The copy of Yahoo's prices {path.name} is damaged.", advice=_REFRESH)


def _frame(content: bytes) -> pd.DataFrame:
    return pd.read_parquet(io.BytesIO(content))


def packed(frame: pd.DataFrame) -> bytes:
    """Give the bytes of the Parquet file of a frame."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


def save_copy(copy: Copy, *, symbol: str, cache: Path, content: bytes) -> None:
    """Keep a copy; the record goes last, so that a half-written pair is noticed.

    Raises
    ------
    StorageError : the folder cannot be made or written
    """
    data_path, record_path = _paths(symbol, cache)
    make_folder(cache)
    record = {
        "symbol": symbol,
        "fetched": copy.fetched.isoformat(),
        "start": copy.start.isoformat() if copy.start else None,
        "end": copy.end.isoformat() if copy.end else None,
        "sha256": copy.sha256,
    }
    write_bytes(data_path, content)
    write_json(record_path, record)
