"""Images of digits: those that scikit-learn brings along, or MNIST from a file as Keras has it."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backtester.errors import UsageError

__all__ = ["N_DIGITS", "Dataset", "bundled_digits", "read_mnist"]

N_DIGITS = 10
_KEYS = ("x_train", "y_train", "x_test", "y_test")
_SIDE = 28
_MIN_OF_EACH = 20
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
    x_train, y_train, x_test, y_test = (_array(array) for array in _arrays(path))
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


def _arrays(path: Path) -> list[object]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = archive.files
            missing = [key for key in _KEYS if key not in names]
            if not missing:
                return [archive[key] for key in _KEYS]
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such file.", advice=_ADVICE) from error
    except (OSError, ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        # what is no archive at all is a plain array (which has no `files`), or a pickle that is refused
        raise UsageError(f"{path}: is not an archive of plain arrays (.npz).", advice=_ADVICE) from error
    held = ", ".join(sorted(names)[:8]) or "nothing"
    raise UsageError(f"{path}: {', '.join(missing)} is missing; it holds {held}.", advice=_ADVICE)


def _array(value: object) -> NDArray[np.generic]:
    return np.asarray(value)


def _check_part(path: Path, *, part: str, images: NDArray[np.generic], labels: NDArray[np.generic]) -> None:
    if images.ndim != 3 or images.shape[1:] != (_SIDE, _SIDE) or not len(images):
        wrong = f"x_{part} has the shape {images.shape}, not (n, {_SIDE}, {_SIDE})"
    elif labels.shape != (len(images),):
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
