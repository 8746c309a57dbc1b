"""``SHA256SUMS``: what each file of a run directory had as its bytes when it was written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from backtester.errors import StorageError
from backtester.files import write_bytes

__all__ = ["CHECKSUMS", "read_checksums", "sha256_of", "update_checksums"]

CHECKSUMS = "SHA256SUMS"


def read_checksums(directory: Path) -> dict[str, str]:
    """Read the list, in the format of ``sha256sum``, by the name of the file.

    Raises
    ------
    StorageError : it is missing or cannot be read
    """
    try:
        # not splitlines, which takes other characters for ends of lines, too
        lines = (directory / CHECKSUMS).read_bytes().decode("utf-8").removesuffix("\n").split("\n")
    except (OSError, ValueError) as error:
        raise StorageError(f"{directory / CHECKSUMS}: cannot be checked ({error}).") from error
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def sha256_of(path: Path) -> str:
    """Hash the bytes of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def update_checksums(
    directory: Path, *, names: Iterable[str] = (), coming: Mapping[str, bytes] | None = None
) -> None:
    """Write the checksums of some files anew; those of the others stay as they are.

    So nobody vouches for a file that someone else wrote.

    Parameters
    ----------
    directory : of the run
    names : of files as they lie there
    coming : files by name that are written next: a writer that is killed between leaves a list that differs

    Raises
    ------
    StorageError : a file cannot be read, or the disk is full or read-only
    """
    try:
        known = read_checksums(directory)
    except StorageError:
        known = {}
    try:
        known |= {name: sha256_of(directory / name) for name in names}
    except OSError as error:
        raise StorageError(f"{error.filename}: cannot be read ({error.strerror}).") from error
    known |= {name: hashlib.sha256(content).hexdigest() for name, content in (coming or {}).items()}
    write_bytes(directory / CHECKSUMS, "".join(f"{known[name]}  {name}\n" for name in sorted(known)).encode())
