"""How good forecasts were."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from backtester.forecasts import Forecasts
from backtester.metrics.figures import defined

__all__ = ["ForecastAccuracy", "forecast_accuracy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastAccuracy:
    """How good forecasts were, beside the last price as the forecast.

    Parameters
    ----------
    rmse, mae : of the forecast price, in price units
    rmse_last_price, mae_last_price : of the last price as the forecast, in price units
    rmse_ratio : rmse over rmse_last_price; below 1 beats the last price
    u2 : the same ratio in log returns (Theil's U2)
    r2_oos : 1 - mse / mse of the last price, in log returns (Campbell and Thompson 2008); 1 - u2²
    hit_rate : share of right directions, forecasts and moves of exactly 0 left out
    hit_rate_n : forecasts that the hit rate is taken from
    n : forecasts with an actual
    """

    rmse: float
    rmse_last_price: float
    rmse_ratio: float
    mae: float
    mae_last_price: float
    u2: float
    r2_oos: float
    hit_rate: float
    hit_rate_n: int
    n: int

    def as_dict(self) -> dict[str, float | int | None]:
        """Figures by name, None where one is not defined."""
        return defined(asdict(self))


def forecast_accuracy(forecasts: Forecasts) -> ForecastAccuracy:
    """Judge forecasts against what came.

    Parameters
    ----------
    forecasts : of which the rows with both a forecast and an actual are used

    Returns
    -------
    ForecastAccuracy; NaN for what is not defined: everything without a row, ratios where the price
    never moved, the hit rate of forecasts that are all 0
    """
    scored = forecasts.scored
    actual, forecast, last_price = (
        scored[name].to_numpy(dtype=np.float64) for name in ("actual", "forecast", "last_price")
    )
    came = last_price * np.exp(actual)
    missed, missed_by_last = came - last_price * np.exp(forecast), came - last_price
    rmse, rmse_last = _rms(missed), _rms(missed_by_last)
    u2 = _ratio(_rms(actual - forecast), _rms(actual))
    directed = (forecast != 0.0) & (actual != 0.0)
    hits = int(np.sum(np.sign(forecast[directed]) == np.sign(actual[directed])))
    return ForecastAccuracy(
        rmse=rmse,
        rmse_last_price=rmse_last,
        rmse_ratio=_ratio(rmse, rmse_last),
        mae=_mean(np.abs(missed)),
        mae_last_price=_mean(np.abs(missed_by_last)),
        u2=u2,
        r2_oos=1.0 - u2**2,
        hit_rate=_ratio(hits, int(np.sum(directed))),
        hit_rate_n=int(np.sum(directed)),
        n=len(scored),
    )


def _mean(values: NDArray[np.float64]) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def _rms(values: NDArray[np.float64]) -> float:
    return math.sqrt(_mean(values**2))


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0.0 else math.nan
