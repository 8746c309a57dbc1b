"""The trained network in NumPy, to read a single image without starting TensorFlow.

A test holds it to the network itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["probabilities"]


def probabilities(weights: Sequence[NDArray[Any]], *, images: NDArray[Any]) -> NDArray[np.float64]:
    """Give ten probabilities for each image.

    Parameters
    ----------
    weights : of the network in ``models/digits.py``: kernel and bias of each convolution, then of the units
    images : (n, height, width), pixels from 0 to 1

    Returns
    -------
    (n, 10), each row sums to 1
    """
    arrays = [np.asarray(weight, dtype=np.float64) for weight in weights]
    *convolutions, units, unit_bias = arrays
    values = np.asarray(images, dtype=np.float64)[..., np.newaxis]
    n, height, width, _ = values.shape
    # padded convolutions keep the sides, so that only the two poolings halve them
    padded = len(units) == (height // 4) * (width // 4) * convolutions[-1].size
    for kernel, bias in zip(convolutions[::2], convolutions[1::2], strict=True):
        values = _pooled(np.maximum(_convolved(values, kernel=kernel, padded=padded) + bias, 0.0))
    logits = values.reshape(n, -1) @ units + unit_bias
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _convolved(
    values: NDArray[np.float64], *, kernel: NDArray[np.float64], padded: bool
) -> NDArray[np.float64]:
    rows, columns = kernel.shape[:2]
    if padded:
        values = np.pad(values, [(0, 0), (rows // 2, rows // 2), (columns // 2, columns // 2), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(values, (rows, columns), axis=(1, 2))
    product: NDArray[np.float64] = np.einsum("nhwcij,ijcf->nhwf", windows, kernel)
    return product


def _pooled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    n, height, width, channels = values.shape
    even = values[:, : height // 2 * 2, : width // 2 * 2]
    largest: NDArray[np.float64] = even.reshape(n, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))
    return largest
