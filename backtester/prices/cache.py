"""Copies of what Yahoo sent: one Parquet file for each symbol, which says itself when and how it came.

The record (date of fetching, span asked for, settings, checksum) is part of the file, so that a copy is
there whole or not at all, whenever the program is killed.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backtester.errors import PricesError
from backtester.files import make_folder, write_bytes
from backtester.places import cache_folder, temporary_folder
from backtester.prices.symbols import file_stem

__all__ = ["Copy", "default_cache", "load_copy", "put_aside", "save_copy"]

_REFRESH = "Fetch anew: `refresh = true` in [data], or --refresh."
_KEY = b"backtester"
_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A frame as Yahoo sent it.

    Parameters
    ----------
    symbol : as asked for
    frame : index of naive session dates, ascending, unique; float64 columns as yfinance names them
    fetched : on which date (UTC); the session of that date is not in it
    start, end : the span that was asked for; None: from the first session, to the day of fetching
    complete : False where Yahoo seems to have sent a part
    first_session, last_session : of the symbol, as Yahoo says; None where it does not
    settings : how it was asked for
    sha256 : of the file's bytes; "" before it is packed
    """

    symbol: str
    frame: pd.DataFrame
    fetched: date
    start: date | None
    end: date | None
    complete: bool = True
    first_session: date | None = None
    last_session: date | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    sha256: str = ""

    def covers(self, start: date | None, *, end: date | None, today: date) -> bool:
        """Whether a span asked for lies in this copy; without an end, any day of fetching will do."""
        if self.start is not None and (start is None or start < self.start):
            return False
        if end is None:
            return self.end is None
        yesterday = timedelta(days=1)
        held = self.fetched - yesterday
        return min(end, today - yesterday) <= (held if self.end is None else min(self.end, held))

    def is_fresh(self, *, end: date | None, today: date) -> bool:
        """Whether asking again could bring nothing new: all is there, or it was asked today."""
        return self.complete and ((end is not None and end < self.fetched) or self.fetched >= today)

    @property
    def record(self) -> dict[str, Any]:
        """What stands in the file beside the bars."""
        days = {
            name: None if (day := getattr(self, name)) is None else day.isoformat()
            for name in ("fetched", "start", "end", "first_session", "last_session")
        }
        return {
            "format": _FORMAT,
            "source": "Yahoo",
            "symbol": self.symbol,
            "complete": self.complete,
            "settings": dict(self.settings),
            **days,
        }


def default_cache() -> Path:
    """Give the folder of the copies: in the user's cache directory, or for one without a home in /tmp.

    Raises
    ------
    StorageError : there is no home, and what lies in the temporary directory is not this user's alone
    """
    return (cache_folder() or temporary_folder()) / "yahoo"


def _path(symbol: str, cache: Path) -> Path:
    return cache / f"{file_stem(symbol)}.parquet"


def load_copy(symbol: str, *, cache: Path) -> Copy | None:
    """Read a kept copy, or None where there is none.

    Raises
    ------
    PricesError : the copy is damaged
    """
    path = _path(symbol, cache)
    try:
        content = path.read_bytes()
    except OSError:
        # No copy, or none that can be reached: the same to us, Yahoo is asked.
        return None
    try:
        return _unpacked(content)
    except Exception as error:
        # pyarrow raises all kinds of errors on damaged files; each of them means just that.
        raise PricesError(f"The copy of Yahoo's prices {path.name} is damaged.", advice=_REFRESH) from error


def _unpacked(content: bytes) -> Copy:
    import pyarrow as pa
    from pyarrow import parquet

    table = parquet.read_table(pa.BufferReader(content))
    record = json.loads((table.schema.metadata or {})[_KEY])
    digest, record = record["digest"], record["record"]
    frame: pd.DataFrame = table.to_pandas()
    if record["format"] != _FORMAT or _digest(frame, record) != digest:
        raise ValueError("the checksum differs")
    days = {
        name: None if record[name] is None else date.fromisoformat(record[name])
        for name in ("start", "end", "first_session", "last_session")
    }
    return Copy(
        symbol=record["symbol"],
        frame=frame,
        fetched=date.fromisoformat(record["fetched"]),
        complete=record["complete"],
        settings=record["settings"],
        sha256=hashlib.sha256(content).hexdigest(),
        **days,
    )


def _digest(frame: pd.DataFrame, record: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode())
    digest.update(pd.DatetimeIndex(frame.index).as_unit("ns").asi8.tobytes())
    for name in frame.columns:
        digest.update(str(name).encode())
        digest.update(np.ascontiguousarray(frame[name].to_numpy(dtype=np.float64)).tobytes())
    return digest.hexdigest()


def packed(copy: Copy) -> bytes:
    """Give the bytes of the Parquet file of a copy."""
    import pyarrow as pa
    from pyarrow import parquet

    note = {"record": copy.record, "digest": _digest(copy.frame, copy.record)}
    table = pa.Table.from_pandas(copy.frame)
    metadata = {**(table.schema.metadata or {}), _KEY: json.dumps(note, sort_keys=True).encode()}
    buffer = io.BytesIO()
    parquet.write_table(table.replace_schema_metadata(metadata), buffer)
    return buffer.getvalue()


def save_copy(content: bytes, *, symbol: str, cache: Path) -> None:
    """Keep a packed copy in place of the one before.

    Raises
    ------
    StorageError : the folder cannot be made or written
    """
    make_folder(cache)
    write_bytes(_path(symbol, cache), content)


def put_aside(copy: Copy, *, cache: Path) -> str:
    """Keep a copy that is about to be replaced under its date, and give the file's name.

    Raises
    ------
    StorageError : the folder cannot be written
    """
    path = cache / f"{file_stem(copy.symbol)}@{copy.fetched}-{copy.sha256[:8]}.parquet"
    try:
        content = _path(copy.symbol, cache).read_bytes()
    except OSError:  # taken away since it was read
        content = packed(copy)
    write_bytes(path, content)
    return path.name
