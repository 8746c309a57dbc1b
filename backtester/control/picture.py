"""A picture of a digit, made like the images that the network has learned from.

The networks know light ink on dark ground, the digit filling the field: on 8x8 pixels all of it, on 28x28
the 20x20 in its middle, as MNIST has it. Each step that changes a picture is told.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backtester.control.arrays import UNREADABLE, check_plain, header, shape_words
from backtester.errors import UsageError

__all__ = ["Picture", "prepare_picture", "read_picture"]

_MOST_PIXELS = 50_000_000
_TEXTS = {".csv", ".txt"}
_INK = 0.2
"""Share of the range above which a pixel counts as ink."""
_MNIST_SIDE, _MNIST_FIELD = 28, 20
_ADVICE = "Give a picture of one digit: PNG, JPEG or the like, or its grey levels as .npy or .csv."


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture as the network sees it.

    Parameters
    ----------
    name : of the file
    levels : (height, width) uint8, 0 to 255, light ink on dark ground
    steps : what was done to it, in words
    """

    name: str
    levels: NDArray[np.uint8]
    steps: tuple[str, ...]


def read_picture(path: Path) -> NDArray[np.float64]:
    """Read grey levels, of any range: (height, width).

    Raises
    ------
    UsageError : no such file, no picture, no plain table of finite numbers, or too large
    """
    check_plain(path, advice=_ADVICE)
    try:
        if path.suffix.lower() == ".npy":
            levels = _loaded(path)
        elif path.suffix.lower() in _TEXTS:
            levels = np.loadtxt(path, delimiter=",", ndmin=2)
        else:
            levels = _decoded(path)
    except UsageError:
        raise
    except UNREADABLE as error:
        raise UsageError(f"{path}: cannot be read as a picture.", advice=_ADVICE) from error
    _check_shape(path, shape=levels.shape, dtype=levels.dtype)
    with np.errstate(over="ignore"):
        values = levels.astype(np.float64)
        span = values.max() - values.min()
    if not np.isfinite(values).all():
        raise UsageError(f"{path}: has pixels that are no finite numbers.", advice=_ADVICE)
    if not np.isfinite(span):
        raise UsageError(
            f"{path}: its grey levels go from {values.min():g} to {values.max():g}, which is too far.",
            advice=_ADVICE,
        )
    if values.max() == values.min():
        raise UsageError(f"{path}: is blank, every pixel is {values.max():g}.", advice=_ADVICE)
    return values


def _loaded(path: Path) -> NDArray[np.generic]:
    with path.open("rb") as file:
        shape, dtype, _ = header(file)
    _check_shape(path, shape=shape, dtype=dtype)
    return np.asarray(np.load(path, allow_pickle=False))


def _check_shape(path: Path, *, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> None:
    if len(shape) != 2 or dtype.kind not in "biuf" or min(shape) < 2:
        raise UsageError(
            f"{path}: holds {dtype} of the shape {shape_words(shape)}, not grey levels (height, width).",
            advice=_ADVICE,
        )
    if math.prod(shape) > _MOST_PIXELS:
        raise _too_large(path, f"{shape[1]}×{shape[0]} pixels, ")


def _decoded(path: Path) -> NDArray[np.float64]:
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise UsageError(
            f"{path}: reading pictures needs Pillow, which is not installed.",
            advice="pip install pillow, or give the grey levels as .npy or .csv.",
        ) from error
    with warnings.catch_warnings():
        # Pillow's own limits lie above ours: one warns, the other raises
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            image = Image.open(path)
        except Image.DecompressionBombError as error:
            raise _too_large(path, "") from error
    with image:
        if image.width * image.height > _MOST_PIXELS:
            raise _too_large(path, f"{image.width}×{image.height} pixels, ")
        # what is transparent is paper
        drawn = ImageOps.exif_transpose(image).convert("RGBA")
        paper = Image.new("RGBA", drawn.size, "white")
        return np.asarray(Image.alpha_composite(paper, drawn).convert("L"), dtype=np.float64)


def _too_large(path: Path, size: str) -> UsageError:
    return UsageError(
        f"{path}: has {size}more than {_MOST_PIXELS:,} pixels.",
        advice="Make it smaller; 28×28 pixels are enough.",
    )


def prepare_picture(levels: NDArray[np.float64], *, name: str, side: int) -> Picture:
    """Make a picture like the images of the data.

    Parameters
    ----------
    levels : (height, width), not all the same
    name : of the file
    side : pixels a side of the images, 8 or 28
    """
    shape = levels.shape
    steps = ["grey levels stretched from their smallest to their largest"]
    light = (levels - levels.min()) / (levels.max() - levels.min())
    border = np.concatenate([light[0], light[-1], light[1:-1, 0], light[1:-1, -1]])
    if border.mean() > 0.5:
        light = 1.0 - light
        steps.append("inverted, as its ground is light and that of the data dark")
    if shape != (side, side):
        field = _MNIST_FIELD if side == _MNIST_SIDE else side
        light = _centred(light, field=field, side=side)
        steps.append(
            f"cut to its ink and resized from {shape[1]}×{shape[0]} to {side}×{side} pixels by mean levels"
        )
    # the mean over a thin stroke is grey: the darkest ink of the data is nearly always white
    light = light / light.max()
    return Picture(name=name, levels=np.rint(255.0 * light).astype(np.uint8), steps=tuple(steps))


def _centred(light: NDArray[np.float64], *, field: int, side: int) -> NDArray[np.float64]:
    """Cut out the ink, shrink or stretch its longer side to the field, and put it into the middle."""
    rows, columns = (np.flatnonzero((light > _INK).any(axis=axis)) for axis in (1, 0))
    ink = light[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    longest = max(ink.shape)
    height, width = (max(1, round(field * length / longest)) for length in ink.shape)
    small = _overlaps(ink.shape[0], height) @ ink @ _overlaps(ink.shape[1], width).T
    result = np.zeros((side, side))
    top, left = (side - height) // 2, (side - width) // 2
    result[top : top + height, left : left + width] = small
    return result


def _overlaps(n: int, m: int) -> NDArray[np.float64]:
    """Weights (m, n) with which n pixels become m by mean levels; each row sums to 1."""
    edges = np.arange(m + 1) * n / m
    weights = np.zeros((m, n))
    for i in range(m):
        for j in range(math.floor(edges[i]), min(n, math.ceil(edges[i + 1]))):
            weights[i, j] = max(0.0, min(edges[i + 1], j + 1) - max(edges[i], j))
    scaled: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return scaled
