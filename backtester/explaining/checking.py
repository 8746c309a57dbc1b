"""Whether the NumPy network says what the trained one said: else its picture would be of something else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backtester.errors import RunDirectoryError
from backtester.recipe import TargetKind
from backtester.samples import FoldSamples
from backtester.tasks import TaskResult

__all__ = ["TOLERANCE", "Agreement", "check_agreement"]

Array = NDArray[np.float64]
TOLERANCE = 1e-4
"""In units of the scaled target, whose spread is 1; of a larger prediction, the share of its size.

Keras computes in float32, whose steps near 1 are 1e-7; what tens of recurrent steps, thousands of products
and fused arithmetic make of them stays far below.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How near the NumPy forecasts are to the stored ones.

    Parameters
    ----------
    largest : difference, in units of the scaled target
    largest_bp : difference of the forecast log returns, in basis points
    bars : compared
    in_table : whether ``forecasts.csv`` has the mean of the fold's stored forecasts; None where the store
        lacks some of its networks
    """

    largest: float
    largest_bp: float
    bars: int
    in_table: bool | None


def check_agreement(
    predicted: Array,
    *,
    samples: FoldSamples,
    stored: TaskResult,
    members: Sequence[TaskResult],
    n_members: int,
    table: Array,
) -> Agreement:
    """Compare forecasts.

    Parameters
    ----------
    predicted : (bars,), scaled, by NumPy
    samples : of the fold
    stored : the same network's forecasts, by Keras
    members : all networks of the fold that are in the store
    n_members : how many it has
    table : (bars,), the fold's forecasts in ``forecasts.csv``

    Raises
    ------
    RunDirectoryError : they differ by more than `TOLERANCE`, or the table's are others than the store's
    """
    ours = samples.to_forecast(predicted)
    if ours.shape != stored.forecast.shape or table.shape != ours.shape:
        raise _differs(f"{len(ours)} bars here, {len(stored.forecast)} in the store, {len(table)} in the run")
    said = _scaled(stored.forecast, samples=samples)
    difference = np.abs(_scaled(ours, samples=samples) - said)
    worst = int(np.argmax(difference / np.maximum(1.0, np.abs(said))))
    if not difference[worst] <= TOLERANCE * max(1.0, abs(float(said[worst]))):
        raise _differs(
            f"{1e4 * ours[worst]:.4g} basis points here, {1e4 * stored.forecast[worst]:.4g} in the store, at "
            f"bar {worst + 1} of the test span"
        )
    in_table = None
    if len(members) == n_members:
        mean = np.stack([member.forecast for member in members]).mean(axis=0)
        in_table = bool(np.allclose(mean, table, rtol=1e-9, atol=1e-12))
        if not in_table:
            raise _differs("the store's forecasts are not those in forecasts.csv")
    return Agreement(
        largest=float(difference.max()),
        largest_bp=float(np.abs(ours - stored.forecast).max() * 1e4),
        bars=len(ours),
        in_table=in_table,
    )


def _scaled(forecast: Array, *, samples: FoldSamples) -> Array:
    """Turn log returns back into what the network predicts."""
    if samples.target.kind is TargetKind.CLOSE:
        forecast = samples.last_close * np.exp(forecast)
    return samples.target_scaler.transform(forecast)


def _differs(how: str) -> RunDirectoryError:
    return RunDirectoryError(
        f"the stored network does not give the run's forecasts ({how}): it would not explain them.",
        advice="Run the same recipe into another folder (--out), and explain that run.",
    )
