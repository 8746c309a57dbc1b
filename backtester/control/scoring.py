"""How many were read rightly, with its interval, and what was taken for what."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from backtester.control.data import N_DIGITS

__all__ = ["LEVEL", "confusion", "wilson_interval"]

LEVEL = 0.95
_Z = 1.959963984540054
"""Two-sided 95 % point of the normal distribution."""


def wilson_interval(share: float, *, n: int, z: float = _Z) -> tuple[float, float]:
    """Interval of a share found in n trials, at 95 % unless told otherwise.

    Source: Wilson (1927), J. Am. Stat. Assoc. 22, 209-212: the shares p with
    ``|share - p| <= z sqrt(p (1 - p) / n)``. It stays within 0 and 1 and does not collapse at either.

    Parameters
    ----------
    share : 0 to 1
    n : independent trials, at least 1
    z : half its width, in standard deviations of a normal distribution

    Examples
    --------
    >>> [round(end, 3) for end in wilson_interval(0.9, n=100)]
    [0.826, 0.945]
    """
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def confusion(labels: NDArray[np.int64], guesses: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count what was taken for what: (10, 10), a row for each digit shown, a column for each digit read."""
    counts = np.zeros((N_DIGITS, N_DIGITS), dtype=np.int64)
    np.add.at(counts, (labels, guesses), 1)
    return counts
