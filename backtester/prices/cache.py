"""Copies of what Yahoo sent: one Parquet file for each symbol, which says itself when and how it came.

The record (date of fetching, span asked for, settings, checksum) is part of the file, so that a copy is
there whole or not at all, whenever the program is killed.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backtester.errors import PricesError
from backtester.files import make_folder, storage_error, write_bytes
from backtester.places import cache_folder, temporary_folder
from backtester.prices.symbols import file_stem

__all__ = [
    "Copy",
    "Replacement",
    "copy_name",
    "default_cache",
    "load_copy",
    "packed",
    "replacing",
    "unpacked",
]

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


def copy_name(symbol: str) -> str:
    """Give the file's name of a copy."""
    return f"{file_stem(symbol)}.parquet"


def load_copy(symbol: str, *, cache: Path) -> bytes | None:
    """Read the bytes of a kept copy, or None where there is none.

    Raises
    ------
    PricesError : there is one that cannot be read; what lies there is not known, and not replaced
    """
    path = cache / copy_name(symbol)
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        # Without the folder: the message may go to a report, which shows no home folder.
        raise PricesError(
            f"The copy of Yahoo's prices {path.name} in the cache folder cannot be read "
            f"({os.strerror(error.errno or errno.EIO)}).",
            advice="Make it and its folder readable (chmod u+r), or move it away.",
        ) from error


def unpacked(content: bytes, *, symbol: str) -> Copy:
    """Read a copy from its bytes.

    Raises
    ------
    PricesError : the copy is damaged
    """
    try:
        return _unpacked(content)
    except Exception as error:
        # pyarrow raises all kinds of errors on damaged files; each of them means just that.
        raise PricesError(
            f"The copy of Yahoo's prices {copy_name(symbol)} is damaged.", advice=_REFRESH
        ) from error


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


@contextmanager
def replacing(before: bytes | None, *, symbol: str, cache: Path) -> Iterator[Replacement | None]:
    """Hold the folder while a copy is replaced, for a moment; None where it is not the one before any more.

    Yahoo may have been asked for minutes, and another process may have kept a longer span meanwhile.

    Parameters
    ----------
    before : bytes of the copy as it was read; None: there was none

    Raises
    ------
    StorageError : the folder cannot be made or written
    """
    make_folder(cache)
    try:
        descriptor = os.open(cache, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise storage_error(cache, error) from error
    try:
        with suppress(OSError):  # a file system without locks for folders: only the comparison is left
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        unchanged = load_copy(symbol, cache=cache) == before
        yield Replacement(symbol=symbol, before=before, cache=cache) if unchanged else None
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """The right to replace a copy, as long as the folder is held."""

    symbol: str
    before: bytes | None
    cache: Path

    def put_aside(self, copy: Copy) -> str:
        """Keep the copy as it was under its date, and give the file's name.

        Raises
        ------
        StorageError : the folder cannot be written
        """
        path = self.cache / f"{file_stem(copy.symbol)}@{copy.fetched}-{copy.sha256[:8]}.parquet"
        write_bytes(path, self.before or packed(copy))
        return path.name

    def save(self, content: bytes) -> None:
        """Keep a packed copy in its place.

        Raises
        ------
        StorageError : the folder cannot be written
        """
        write_bytes(self.cache / copy_name(self.symbol), content)
