"""Files that are there whole or not at all.

Every file is written to a temporary name in the same folder, flushed to the disk and renamed, so
that a reader sees the old bytes or the new ones and never half of them.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backtester.errors import StorageError

__all__ = ["make_folder", "storage_error", "write_bytes", "write_json"]


def storage_error(path: Path, error: OSError) -> StorageError:
    """The error for a file or folder that cannot be written."""
    return StorageError(
        f"{path}: cannot be written ({os.strerror(error.errno or errno.EIO)}).",
        advice="What was finished is kept: make room or name another folder, then run the same recipe again.",
    )


def make_folder(path: Path) -> None:
    """Make a folder and those above it.

    Raises
    ------
    StorageError : the disk is full or read-only, or a file is in the way
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(path, error) from error


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object with sorted keys; NaN and infinity are refused."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_bytes(path, (text + "\n").encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all.

    Raises
    ------
    StorageError : the disk is full or read-only
    """
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise storage_error(path, error) from error


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
