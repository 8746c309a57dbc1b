"""Files of others, looked at before they are loaded: what they are, and how large they say that they are."""

from __future__ import annotations

import lzma
import math
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from backtester.errors import UsageError

__all__ = ["UNREADABLE", "check_plain", "header", "shape_words"]

# RuntimeError: an encrypted member of an archive; NotImplementedError: a compression that is not known;
# SyntaxError, TokenError: a header that is no Python literal, or a broken PNG
UNREADABLE: tuple[type[Exception], ...] = (
    *(OSError, ValueError, EOFError, AttributeError, TypeError, KeyError, OverflowError, MemoryError),
    *(RuntimeError, NotImplementedError, SyntaxError, tokenize.TokenError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
)
"""What readers raise at a file that is damaged, or not what its name says."""


def check_plain(path: Path, *, advice: str) -> None:
    """Check that a file is there and is one: a pipe would be waited for without end.

    Raises
    ------
    UsageError : no such file, a folder, a pipe, a device
    """
    try:
        there, plain = path.exists(), path.is_file()
    except OSError as error:
        raise UsageError(f"{path}: cannot be opened.", advice=advice) from error
    if not there:
        raise UsageError(f"{path}: no such file.", advice=advice)
    if not plain:
        raise UsageError(f"{path}: is no plain file.", advice=advice)


def header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[np.generic], int]:
    """Read the head of an array in NumPy's format, and nothing more.

    Returns
    -------
    shape, type, and the bytes that the array takes

    Raises
    ------
    one of `UNREADABLE`
    """
    version = npy.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = npy.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, _, dtype = npy.read_array_header_2_0(file)
    else:
        raise ValueError(f"arrays of version {version} are not read")
    return shape, dtype, math.prod(shape) * dtype.itemsize


def shape_words(shape: tuple[int, ...]) -> str:
    """A shape as it is written, cut where it is long."""
    return str(shape) if len(shape) <= 4 else f"({', '.join(map(str, shape[:4]))}, ...)"
