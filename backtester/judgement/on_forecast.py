"""Question 1 in figures: whether the forecast beats the last price, and the drift."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.judgement.bootstrap import block_length, interval, resampled_means
from backtester.judgement.evidence import Evidence
from backtester.judgement.forecast_tests import (
    clark_west,
    diebold_mariano,
    forecast_losses,
    pesaran_timmermann,
)

__all__ = ["on_forecast"]

Floats = NDArray[np.float64]


def on_forecast(evidence: Evidence, *, seed: int) -> dict[str, Any]:
    """Judge the forecasts, in log returns, against the last price (a return of 0) and the mean so far.

    Parameters
    ----------
    evidence : of the run
    seed : of the bootstrap

    Returns
    -------
    dict : ``against`` each benchmark, ``n`` forecasts scored, ``horizon`` (bars), ``direction``, ``folds``;
        NaN where undefined
    """
    frame = evidence.forecasts.assign(mean_return=evidence.baselines["mean_return"].to_numpy())
    horizon = int(frame["horizon"].iloc[0])
    frame = frame[frame["forecast"].notna() & frame["actual"].notna()]
    actual, forecast, mean = (_column(frame, name) for name in ("actual", "forecast", "mean_return"))
    return {
        "against": {
            name: _losses(actual, forecast, benchmark=benchmark)
            | _tests(actual, forecast, benchmark=benchmark, horizon=horizon)
            | {
                "r2_oos_interval": _interval(
                    actual, forecast, benchmark=benchmark, horizon=horizon, evidence=evidence, seed=seed
                )
            }
            for name, benchmark in (("last_price", np.zeros(len(frame))), ("mean_return", mean))
        },
        "n": len(frame),
        "horizon": horizon,
        "direction": asdict(pesaran_timmermann(actual, forecast, horizon=horizon)),
        "folds": [_fold(rows, fold=int(str(fold)), horizon=horizon) for fold, rows in frame.groupby("fold")],
    }


def _losses(actual: Floats, forecast: Floats, *, benchmark: Floats) -> dict[str, Any]:
    return asdict(forecast_losses(actual, forecast, benchmark=benchmark))


def _tests(actual: Floats, forecast: Floats, *, benchmark: Floats, horizon: int) -> dict[str, Any]:
    nested = clark_west(actual, forecast, benchmark=benchmark, horizon=horizon)
    # positive where the forecast has the smaller errors
    paired = diebold_mariano(actual - benchmark, actual - forecast, horizon=horizon)
    return {"clark_west": asdict(nested), "diebold_mariano": asdict(paired)}


def _interval(
    actual: Floats, forecast: Floats, *, benchmark: Floats, horizon: int, evidence: Evidence, seed: int
) -> list[float]:
    """Stationary-bootstrap interval of R² out of sample."""
    squares = np.column_stack([(actual - forecast) ** 2, (actual - benchmark) ** 2])
    difference = squares[:, 1] - squares[:, 0]
    if not difference.any():
        value = forecast_losses(actual, forecast, benchmark=benchmark).r2_oos
        return [value, value]
    # overlapping targets depend on one another over the horizon, so a block spans it at least
    block = max(horizon, block_length(difference))
    means = resampled_means(squares, block=block, draws=evidence.settings.draws, seed=seed)
    mse, mse_benchmark = means.T
    known = mse_benchmark > 0.0
    return list(interval(1.0 - mse[known] / mse_benchmark[known], level=evidence.interval_level))


def _fold(rows: pd.DataFrame, *, fold: int, horizon: int) -> dict[str, Any]:
    actual, forecast = _column(rows, "actual"), _column(rows, "forecast")
    nested = clark_west(actual, forecast, benchmark=0.0, horizon=horizon)
    return {
        "fold": fold,
        "n": len(rows),
        "r2_oos": forecast_losses(actual, forecast, benchmark=0.0).r2_oos,
        "clark_west": nested.statistic,
        "p_value": nested.p_value,
    }


def _column(frame: pd.DataFrame, name: str) -> Floats:
    return frame[name].to_numpy(dtype=np.float64)
