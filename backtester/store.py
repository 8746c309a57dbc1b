"""The fold store: what was trained once is never trained again.

An entry is one file named by its task's key. It holds plain arrays and a JSON report behind a
checksum; no pickle. Only the driver writes, atomically; a damaged entry reads as absent.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from backtester.errors import StorageError
from backtester.files import make_folder, storage_error, write_bytes
from backtester.models.forecaster import FitReport
from backtester.places import cache_folder, temporary_folder
from backtester.tasks import Task, TaskResult

__all__ = ["DamagedEntry", "FoldStore", "default_store_folder"]

_MAGIC = b"walkforward fold 2\n"
_SUFFIX = ".fold"


def default_store_folder() -> Path:
    """The user's cache directory, or the system's temporary one where there is no home to write to.

    Raises
    ------
    StorageError : there is no home, and what lies in the temporary directory is not this user's alone
    """
    home = cache_folder()
    if home is not None:
        try:
            make_folder(home / "folds")
        except StorageError:
            pass
        else:
            if os.access(home / "folds", os.W_OK | os.X_OK):
                return home / "folds"
    return temporary_folder() / "folds"


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedEntry:
    """An entry whose bytes are not those that were written."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldStore:
    """Trained folds by key, below one folder.

    Raises
    ------
    StorageError : on writing, where the disk is full or read-only
    """

    folder: Path

    def prepare(self) -> None:
        """Make the folder; a store that cannot be written is told before the training, not after it."""
        make_folder(self.folder)
        if not os.access(self.folder, os.W_OK | os.X_OK):
            closed = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            raise storage_error(self.folder, closed) from closed

    def path(self, key: str) -> Path:
        """Where the entry of a key is or would be."""
        return self.folder / key[:2] / f"{key}{_SUFFIX}"

    def keys(self) -> tuple[str, ...]:
        """All keys, sorted."""
        return tuple(sorted(path.stem for path in self.folder.glob(f"??/*{_SUFFIX}")))

    def size(self) -> int:
        """Bytes of all entries."""
        return sum(self.path(key).stat().st_size for key in self.keys())

    def damaged(self) -> tuple[DamagedEntry, ...]:
        """Read every entry; those that cannot be used."""
        read = (self.read(key, task=Task(fold=0, member=0)) for key in self.keys())
        return tuple(entry for entry in read if isinstance(entry, DamagedEntry))

    def written_before(self, seconds: float) -> tuple[str, ...]:
        """Keys of the entries written before this time (seconds since 1970)."""
        return tuple(key for key in self.keys() if self.path(key).stat().st_mtime < seconds)

    def remove(self, key: str) -> None:
        """Remove an entry; nothing happens where there is none.

        Raises
        ------
        StorageError : the folder cannot be written
        """
        path = self.path(key)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise storage_error(path, error) from error

    def write(self, key: str, result: TaskResult) -> None:
        """Keep a result."""
        path = self.path(key)
        make_folder(path.parent)
        content = _encode(result)
        write_bytes(path, _MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n" + content)

    def read(self, key: str, *, task: Task) -> TaskResult | DamagedEntry | None:
        """The result kept under a key, None where there is none, or why it cannot be used."""
        try:
            stored = self.path(key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            return DamagedEntry(key=key, reason=error.strerror or type(error).__name__)
        head, digest, content = stored[: len(_MAGIC)], *_split(stored[len(_MAGIC) :])
        if head != _MAGIC:
            return DamagedEntry(key=key, reason="not an entry of this version" if stored else "empty")
        if hashlib.sha256(content).hexdigest().encode() != digest:
            return DamagedEntry(key=key, reason="its checksum differs")
        try:
            return _decode(content, task=task)
        except (KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
            return DamagedEntry(key=key, reason=f"its content is wrong ({error})")


def _split(stored: bytes) -> tuple[bytes, bytes]:
    return stored[:64], stored[65:]


def _encode(result: TaskResult) -> bytes:
    told = {
        "seed": result.seed,
        "report": asdict(result.report),
        "note": result.note,
        "versions": _versions(),
    }
    report = json.dumps(told).encode()
    arrays: dict[str, Any] = {f"weight_{i}": weight for i, weight in enumerate(result.weights)}
    buffer = io.BytesIO()
    np.savez(buffer, forecast=result.forecast, report=np.frombuffer(report, dtype=np.uint8), **arrays)
    return buffer.getvalue()


def _decode(content: bytes, *, task: Task) -> TaskResult:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        told = json.loads(arrays["report"].tobytes())
        report = told["report"]
        return TaskResult(
            task=task,
            seed=told["seed"],
            forecast=arrays["forecast"],
            report=FitReport(
                epochs=report["epochs"],
                loss=tuple(report["loss"]),
                validation_loss=tuple(report["validation_loss"]),
            ),
            weights=tuple(arrays[f"weight_{i}"] for i in range(len(arrays.files) - 2)),
            note=told["note"],
            other_versions=_other_versions(told["versions"]),
        )


@functools.cache
def _versions() -> dict[str, str]:
    """The libraries that a fit depends on; recorded and compared, not keyed."""
    return {name: metadata.version(name) for name in ("keras", "scikit-learn", "tensorflow")}


def _other_versions(trained: Mapping[str, str]) -> str:
    """Say which libraries were others when an entry was trained; empty where none was."""
    others = [
        f"{name} {trained.get(name, 'of unknown version')}, now {version}"
        for name, version in _versions().items()
        if trained.get(name) != version
    ]
    return ", ".join(others)
