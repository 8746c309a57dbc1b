"""Files that are there whole or not at all.

Every file is written to a temporary name in the same folder, flushed to the disk and renamed, so
that a reader sees the old bytes or the new ones and never half of them. A writer holds a lock on its
temporary file: one that nobody holds is left over from a killed process, and the next write in that folder
removes it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from backtester.errors import StorageError

__all__ = [
    "create_bytes",
    "json_bytes",
    "make_folder",
    "remove_left_over",
    "storage_error",
    "write_bytes",
    "write_json",
]

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{16}\.unfinished")

_UMASK = os.umask(0o077)
os.umask(_UMASK)  # read once, by setting it: set while threads write, it would be that of their files

# less the umask; without the right of everyone to write, whatever the umask
_MODE, _FOLDER_MODE = 0o664, 0o775


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
        missing = [folder for folder in (path, *path.parents) if not folder.is_dir()]
        for folder in reversed(missing):
            folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
            with contextlib.suppress(PermissionError):  # a folder that may be entered, but not listed
                _sync_folder(folder.parent)  # else a power failure takes the folder, with all that is in it
    except OSError as error:
        raise storage_error(path, error) from error


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """Give a JSON object as a file of ours has it: with sorted keys; NaN and infinity are refused."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode("utf-8")


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object with sorted keys; NaN and infinity are refused."""
    write_bytes(path, json_bytes(value))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all.

    Raises
    ------
    StorageError : the disk is full or read-only
    """
    try:
        with _written(path, content) as temporary:
            os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise storage_error(path, error) from error


def create_bytes(path: Path, content: bytes) -> bool:
    """Write a file that is not there yet, whole or not at all; False where one is there.

    Of several processes at once one writes it. Where the file system has no hard links, a file that comes
    meanwhile is replaced.

    Raises
    ------
    StorageError : the disk is full or read-only
    """
    try:
        with _written(path, content) as temporary:
            try:
                os.link(temporary, path)
            except FileExistsError:
                return False
            except OSError:
                os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise storage_error(path, error) from error
    return True


@contextlib.contextmanager
def _written(path: Path, content: bytes) -> Iterator[Path]:
    """Write to a temporary file beside a path; it is gone afterwards, unless it was renamed."""
    remove_left_over(path.parent)
    temporary, descriptor = _open_temporary(path)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), _MODE & ~_UMASK)
            yield temporary
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def _open_temporary(path: Path) -> tuple[Path, int]:
    while True:
        # The name of the file itself may be as long as names can be.
        temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(8)}.unfinished")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with contextlib.suppress(OSError):  # no locks here: nobody can take it for left over either
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return temporary, descriptor
        os.close(descriptor)  # taken for left over before it was locked


def remove_left_over(folder: Path) -> None:
    """Remove what killed processes left: temporary files that are ours by name and owner, held by nobody."""
    try:
        names = [name for name in os.listdir(folder) if _TEMPORARY.fullmatch(name)]
    except PermissionError:  # written, but not listed
        return
    for name in names:
        with contextlib.suppress(OSError):  # another process removes it, or it is not ours to open
            # Opened for writing, as some network file systems lock nothing else.
            descriptor = os.open(folder / name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                found = os.fstat(descriptor)
                if stat.S_ISREG(found.st_mode) and found.st_uid == os.getuid():
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(folder / name)
            finally:
                os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
