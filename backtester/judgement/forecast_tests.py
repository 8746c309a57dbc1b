"""Tests of forecasts against what came and against a simpler forecast.

All in returns, never in price levels: the R² of levels is near 1 for any forecast. A forecast of the last
price is a return of 0. With a horizon h above 1 neighbouring targets overlap, so that losses depend on each
other over h - 1 bars: every test here takes these lags in, at equal weights. Bartlett's weights at the same
lags would leave out a third of the variance; they step in where equal ones give none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, stdtr

from backtester.judgement.hac import Kernel, MeanTest, autocovariances, mean_test

__all__ = [
    "DirectionTest",
    "ForecastLosses",
    "LossTest",
    "clark_west",
    "diebold_mariano",
    "forecast_losses",
    "pesaran_timmermann",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class LossTest:
    """A statistic and how often luck alone would reach it; NaN where undefined."""

    statistic: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionTest:
    """Whether the directions of forecasts and of moves go together.

    Parameters
    ----------
    hit_rate : share of right directions
    expected_hit_rate : the share that independent directions with these shares of ups would have
    statistic, p_value : one-sided; NaN where all forecasts or all moves have one direction: that holds no
        information on direction, whatever the hit rate
    n : forecasts judged; those of exactly 0 and moves of exactly 0 are left out
    """

    hit_rate: float
    expected_hit_rate: float
    statistic: float
    p_value: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastLosses:
    """How far forecasts were off, beside a benchmark.

    Parameters
    ----------
    rmse, mae : of the forecast, in returns
    rmse_benchmark, mae_benchmark : of the benchmark, in returns
    u2 : rmse over rmse_benchmark (Theil's U2 where that is the last price)
    r2_oos : 1 - u2²
    """

    rmse: float
    rmse_benchmark: float
    mae: float
    mae_benchmark: float
    u2: float
    r2_oos: float


def forecast_losses(actual: ArrayLike, forecast: ArrayLike, *, benchmark: ArrayLike) -> ForecastLosses:
    """Measure how far forecasts were off.

    Parameters
    ----------
    actual, forecast : arrays (n,), returns, no NaN
    benchmark : array (n,), or one number for all; 0 is the last price

    Returns
    -------
    ForecastLosses; NaN for no forecasts, u2 and r2_oos also for a benchmark that was never off

    Source
    ------
    R² out of sample: 1 - MSE / MSE of the benchmark, Campbell and Thompson (2008), eq. 1.

    Examples
    --------
    >>> round(forecast_losses([0.02, -0.01], [0.01, -0.01], benchmark=0.0).r2_oos, 12)
    0.8
    """
    y, f, b = _columns(actual, forecast, benchmark)
    if len(y) == 0:
        return ForecastLosses(**dict.fromkeys(ForecastLosses.__slots__, math.nan))
    mse, mse_benchmark = float(np.mean((y - f) ** 2)), float(np.mean((y - b) ** 2))
    ratio = mse / mse_benchmark if mse_benchmark > 0.0 else math.nan
    return ForecastLosses(
        rmse=math.sqrt(mse),
        rmse_benchmark=math.sqrt(mse_benchmark),
        mae=float(np.mean(np.abs(y - f))),
        mae_benchmark=float(np.mean(np.abs(y - b))),
        u2=math.sqrt(ratio),
        r2_oos=1.0 - ratio,
    )


def clark_west(actual: ArrayLike, forecast: ArrayLike, *, benchmark: ArrayLike, horizon: int) -> LossTest:
    """Ask whether forecasts hold any signal that a simpler model, nested in theirs, lacks.

    Under the null the larger model's extra parameters only add noise, so that its squared error is expected
    to be the larger one; this test takes that noise off. It does not ask whether the forecasts were better:
    `forecast_losses` does.

    Parameters
    ----------
    actual, forecast : arrays (n,), returns over the horizon, one a bar, no NaN
    benchmark : array (n,), forecasts of the simpler model, or one number for all; 0 is the last price
    horizon : bars, 1 or more

    Returns
    -------
    LossTest, the p-value one-sided from the normal distribution; NaN for no more forecasts than horizon
    and where forecast and benchmark are the same throughout

    Source
    ------
    Clark and West (2007): the t-statistic of the mean of
    c = (y - f₁)² - [(y - f₂)² - (f₁ - f₂)²] = 2 (y - f₁)(f₂ - f₁), f₁ the benchmark's forecast. Its variance
    by `mean_test` with horizon - 1 lags. Against 0 it is the t of y·f, the profit of a position in
    proportion to the forecast.

    Examples
    --------
    >>> round(clark_west([2, -1, 1, -1], [1, -1, -1, -2], benchmark=0, horizon=1).statistic, 6)
    1.632993
    """
    y, f, b = _columns(actual, forecast, benchmark)
    found = _mean_over(2.0 * (y - b) * (f - b), horizon=horizon)
    return LossTest(statistic=found.statistic, p_value=float(ndtr(-found.statistic)))


def diebold_mariano(
    errors: ArrayLike, other_errors: ArrayLike, *, horizon: int, power: float = 2.0
) -> LossTest:
    """Ask which of two forecasts was off by less.

    For forecasts of nested models it rarely rejects, whatever is true: there `clark_west` is the test.

    Parameters
    ----------
    errors, other_errors : arrays (n,), actual minus forecast of either, same bars, no NaN
    horizon : bars, 1 or more
    power : of the loss |error|^power; 2 squared, 1 absolute

    Returns
    -------
    LossTest, above 0 where the second forecast was better, the p-value two-sided from t(n - 1); NaN for
    no more errors than horizon and where the losses do not differ or differ by a constant

    Source
    ------
    Diebold and Mariano (1995) with the correction of Harvey, Leybourne and Newbold (1997), eq. 9; agrees
    with ``dm.test`` of R's forecast package. The variance by `mean_test` with horizon - 1 lags.

    Examples
    --------
    >>> round(diebold_mariano([2, 1, -2, 1], [1, 1, 1, -1], horizon=1).statistic, 6)
    1.732051
    """
    first, second = (np.asarray(values, dtype=np.float64) for values in (errors, other_errors))
    found = _mean_over(np.abs(first) ** power - np.abs(second) ** power, horizon=horizon)
    n, h = len(first), horizon
    shrunk = math.nan if n <= h else math.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    statistic = found.statistic * shrunk
    return LossTest(statistic=statistic, p_value=2.0 * float(stdtr(n - 1, -abs(statistic))))


def pesaran_timmermann(actual: ArrayLike, forecast: ArrayLike, *, horizon: int = 1) -> DirectionTest:
    """Ask whether forecasts knew the direction, beyond what always saying the usual one would give.

    Parameters
    ----------
    actual, forecast : arrays (n,), returns over the horizon, one a bar, no NaN
    horizon : bars, 1 or more

    Returns
    -------
    DirectionTest

    Source
    ------
    Pesaran and Timmermann (1992), eq. 6: S = (P - P*) / √(V(P) - V(P*)), whose denominator simplifies to
    √(4 p_y (1 - p_y) p_f (1 - p_f) (n - 1) / n²), with p the shares of ups. So S = r n / √(n - 1), r the
    correlation of the directions. That takes directions as serially independent; where targets overlap the
    variance is multiplied by 1 + 2 Σ_{k<h} ρ_y(k) ρ_f(k), never below 1, with ρ the autocorrelations of the
    directions: Bartlett's (1935) variance of the correlation of two independent series.

    Examples
    --------
    >>> found = pesaran_timmermann([1, 1, -1, -1, 1], [1, 1, -1, 1, -1])
    >>> found.hit_rate, round(found.expected_hit_rate, 6), round(found.statistic, 6), found.n
    (0.6, 0.52, 0.416667, 5)
    """
    y, f = (np.asarray(values, dtype=np.float64) for values in (actual, forecast))
    directed = (y != 0.0) & (f != 0.0)
    up, said_up = y[directed] > 0.0, f[directed] > 0.0
    n = len(up)
    if n == 0:
        return DirectionTest(
            hit_rate=math.nan, expected_hit_rate=math.nan, statistic=math.nan, p_value=math.nan, n=0
        )
    p_y, p_f = float(np.mean(up)), float(np.mean(said_up))
    hit_rate = float(np.mean(up == said_up))
    expected = p_y * p_f + (1.0 - p_y) * (1.0 - p_f)
    variance = 4.0 * p_y * (1.0 - p_y) * p_f * (1.0 - p_f) * (n - 1) / n**2
    decidable = variance > 0.0 and n > horizon
    if decidable:
        variance *= _overlap(up, said_up, horizon=horizon)
    statistic = (hit_rate - expected) / math.sqrt(variance) if decidable else math.nan
    return DirectionTest(
        hit_rate=hit_rate,
        expected_hit_rate=expected,
        statistic=statistic,
        p_value=float(ndtr(-statistic)),
        n=n,
    )


def _columns(*values: ArrayLike) -> list[NDArray[np.float64]]:
    first, *others = (np.asarray(column, dtype=np.float64) for column in values)
    return [first, *(np.broadcast_to(column, first.shape) for column in others)]


def _mean_over(values: NDArray[np.float64], *, horizon: int) -> MeanTest:
    return mean_test(values, lags=horizon - 1, kernel=Kernel.RECTANGULAR)


def _overlap(first: NDArray[np.bool_], second: NDArray[np.bool_], *, horizon: int) -> float:
    products = autocovariances(first, horizon - 1) * autocovariances(second, horizon - 1)
    return max(1.0, float(1.0 + 2.0 * np.sum(products[1:]) / products[0]))
