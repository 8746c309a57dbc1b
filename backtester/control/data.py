"""Images of digits: those that scikit-learn brings along, or MNIST from a file as Keras has it."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backtester.control.arrays import UNREADABLE, check_plain, header, shape_words
from backtester.errors import UsageError

__all__ = ["N_DIGITS", "Dataset", "bundled_digits", "read_mnist"]

N_DIGITS = 10
_KEYS = ("x_train", "y_train", "x_test", "y_test")
_SIDE = 28
_MIN_OF_EACH = 20
_MOST_BYTES = 1_000_000_000
_ADVICE = (
    "Give the file mnist.npz as keras.datasets.mnist keeps it: x_train (60000, 28, 28) and y_train (60000,), "
    "x_test (10000, 28, 28) and y_test (10000,), whole numbers, no pickled objects."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Images with their digits.

    Parameters
    ----------
    name : ``digits`` or ``mnist``
    source : where they come from, in words
    images : (n, height, width) uint8, light ink on dark ground
    white : the largest grey level, 16 or 255
    labels : (n,) int64, 0 to 9
    n_test : images at the end that the source itself sets apart for the test; 0 where it does not
    """

    name: str
    source: str
    images: NDArray[np.uint8]
    white: int
    labels: NDArray[np.int64]
    n_test: int = 0

    @property
    def sha256(self) -> str:
        """Hash of images and labels."""
        digest = hashlib.sha256(np.ascontiguousarray(self.images).tobytes())
        digest.update(np.ascontiguousarray(self.labels).tobytes())
        return digest.hexdigest()


def bundled_digits() -> Dataset:
    """Give the 1,797 images of 8x8 pixels that scikit-learn brings along, in their order."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return Dataset(
        name="digits",
        source="scikit-learn's bundled digits (UCI optical recognition of handwritten digits, 8×8 pixels)",
        images=found.images.astype(np.uint8),
        white=16,
        labels=found.target.astype(np.int64),
    )


def read_mnist(path: Path) -> Dataset:
    """Read MNIST from a file; pickled objects are never loaded.

    Raises
    ------
    UsageError : no such file, no archive of arrays, or arrays of another shape, type or range
    """
    x_train, y_train, x_test, y_test = _arrays(path)
    for part, images, labels in (("train", x_train, y_train), ("test", x_test, y_test)):
        _check_part(path, part=part, images=images, labels=labels)
    counts = np.bincount(y_train.astype(np.int64), minlength=N_DIGITS)
    if counts.min() < _MIN_OF_EACH:
        raise UsageError(
            f"{path}: y_train has {counts.min()} images of the digit {counts.argmin()}; "
            f"at least {_MIN_OF_EACH} of each are needed.",
            advice=_ADVICE,
        )
    return Dataset(
        name="mnist",
        source="MNIST, from a file of 28×28 pixels as Keras has it",
        images=np.concatenate([x_train, x_test]).astype(np.uint8),
        white=255,
        labels=np.concatenate([y_train, y_test]).astype(np.int64),
        n_test=len(x_test),
    )


def _arrays(path: Path) -> list[NDArray[np.generic]]:
    check_plain(path, advice=_ADVICE)
    try:
        with zipfile.ZipFile(path) as archive:
            _check_headers(path, archive=archive)
        with np.load(path, allow_pickle=False) as arrays:
            return [np.asarray(arrays[key]) for key in _KEYS]
    except UsageError:
        raise
    except UNREADABLE as error:
        # what is no archive at all is a plain array, or a pickle
        raise UsageError(f"{path}: is not an archive of plain arrays (.npz).", advice=_ADVICE) from error


def _check_headers(path: Path, *, archive: zipfile.ZipFile) -> None:
    """Check by their heads alone that the arrays are there and of a size to be loaded."""
    names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    missing = [key for key in _KEYS if key not in names]
    if missing:
        held = ", ".join(sorted(names)[:8]) or "nothing"
        raise UsageError(f"{path}: {', '.join(missing)} is missing; it holds {held}.", advice=_ADVICE)
    for key in _KEYS:
        with archive.open(f"{key}.npy") as file:
            shape, _, n_bytes = header(file)
        if key.startswith("x_") and (len(shape) != 3 or shape[1:] != (_SIDE, _SIDE) or not shape[0]):
            wrong = f"has the shape {shape_words(shape)}, not (n, {_SIDE}, {_SIDE})"
        elif n_bytes > _MOST_BYTES:
            wrong = f"has the shape {shape_words(shape)}: it is too large"
        else:
            continue
        raise UsageError(f"{path}: {key} {wrong}.", advice=_ADVICE)


def _check_part(path: Path, *, part: str, images: NDArray[np.generic], labels: NDArray[np.generic]) -> None:
    if labels.shape != (len(images),):
        wrong = f"y_{part} has the shape {labels.shape}, not ({len(images)},)"
    elif images.dtype.kind not in "iu" or labels.dtype.kind not in "iu":
        wrong = f"x_{part} and y_{part} hold {images.dtype} and {labels.dtype}, not whole numbers"
    elif int(images.min()) < 0 or int(images.max()) > 255:
        wrong = f"x_{part} goes from {images.min()} to {images.max()}, not within 0 to 255"
    elif int(labels.min()) < 0 or int(labels.max()) >= N_DIGITS:
        wrong = f"y_{part} goes from {labels.min()} to {labels.max()}, not within 0 to 9"
    elif int(images.min()) == int(images.max()):
        wrong = f"all pixels of x_{part} are {images.min()}"
    else:
        return
    raise UsageError(f"{path}: {wrong}.", advice=_ADVICE)
