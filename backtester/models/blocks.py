"""Prediction in blocks of one fixed size.

The last bits of a prediction depend on how many rows are predicted together (matrix products are cut
up by size), so that a shorter test span would move the forecasts before it. With a fixed size, a
forecast depends on its own window and its position alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PREDICT_ROWS", "padded", "predict_in_blocks"]

PREDICT_ROWS = 64


def padded(array: NDArray[np.float32], rows: int) -> NDArray[np.float32]:
    """Give the array with zero rows appended."""
    result = np.zeros((rows, *array.shape[1:]), dtype=array.dtype)
    result[: len(array)] = array
    return result


def predict_in_blocks(
    predict: Callable[[NDArray[np.float32]], Any], inputs: NDArray[np.float32], *, outputs: int = 1
) -> NDArray[np.float64]:
    """Predict all rows, PREDICT_ROWS at a time, the last block padded with zeros.

    Parameters
    ----------
    predict : maps (PREDICT_ROWS, ...) to (PREDICT_ROWS,) or (PREDICT_ROWS, outputs)
    inputs : (n, ...)
    outputs : numbers for each row

    Returns
    -------
    (n,); with more than one output (n, outputs)

    Raises
    ------
    ValueError : another count of numbers for each row
    """
    starts = range(0, len(inputs), PREDICT_ROWS)
    blocks = [predict(padded(inputs[start : start + PREDICT_ROWS], PREDICT_ROWS)) for start in starts]
    shape = (PREDICT_ROWS,) if outputs == 1 else (PREDICT_ROWS, outputs)
    flat = [np.asarray(block, dtype=np.float64).reshape(shape) for block in blocks]
    return np.concatenate([*flat, np.empty((0, *shape[1:]))])[: len(inputs)]
