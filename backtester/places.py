"""Where the program keeps things of its own: below the user's home, or where there is none, in /tmp.

A folder in the system's temporary one has a name that anyone could take first. It is used only where it is a
folder and no link, belongs to the user, and nobody else can write to it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from pathlib import Path

import platformdirs

from backtester.errors import StorageError
from backtester.files import storage_error

__all__ = ["cache_folder", "data_folder", "temporary_folder", "temporary_path"]

_NAME = "walkforward-backtester"


def cache_folder() -> Path | None:
    """The user's cache folder of this program, which need not be there; None for a user without a home."""
    try:
        return platformdirs.user_cache_path(_NAME, appauthor=False)
    except RuntimeError:  # neither HOME nor an entry in the system's list of users
        return None


def data_folder() -> Path | None:
    """The user's data folder of this program, which need not be there; None for a user without a home."""
    try:
        return platformdirs.user_data_path(_NAME, appauthor=False)
    except RuntimeError:
        return None


def temporary_path() -> Path:
    """Where `temporary_folder` is or would be."""
    return Path(tempfile.gettempdir()) / f"{_NAME}-{os.getuid()}"


def temporary_folder() -> Path:
    """Make the folder in the system's temporary one, for its owner alone.

    Raises
    ------
    StorageError : it cannot be made, or what has its name is not this user's alone
    """
    path = temporary_path()
    try:
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in {errno.ENOTDIR, errno.ELOOP}:
            raise _not_ours(path, "a file or a link, no folder") from error
        if error.errno == errno.EACCES and path.exists():
            raise _not_ours(path, "closed to this user") from error
        raise storage_error(path, error) from error
    try:
        found = os.fstat(descriptor)
        if found.st_uid != os.getuid():
            raise _not_ours(path, "another user's")
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise _not_ours(path, "open to the writing of others")
        if stat.S_IMODE(found.st_mode) != 0o700:
            os.fchmod(descriptor, 0o700)
    finally:
        os.close(descriptor)
    return path


def _not_ours(path: Path, why: str) -> StorageError:
    return StorageError(
        f"{path}: is {why}; what lies there cannot be trusted.",
        advice="Set HOME to a folder of your own, or execution.store and execution.registry in the recipe.",
    )
