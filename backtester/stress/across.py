"""One recipe on many symbols: how many gain, and how many would by luck, as they move together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.judgement.bootstrap import block_length, interval, product, resampled_counts
from backtester.stress.compared import Traded

__all__ = ["Across", "Counted", "across_symbols"]

Floats = NDArray[np.float64]

_LEVEL = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many symbols are above nothing, and how many would be if none really were.

    Parameters
    ----------
    n : those that are
    by_luck, often_by_luck : mean of the draws; what one draw in twenty reaches or exceeds
    p_value : chance of as many by luck, (1 + draws as large) / (draws + 1)
    draws : (draws,) number in each draw
    """

    n: int
    by_luck: float
    often_by_luck: float
    p_value: float
    draws: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Across:
    """What many symbols say together.

    Parameters
    ----------
    n : symbols
    gaining : whose Sharpe ratio is above buy-and-hold's
    forecasting : whose RMSE is below that of the last price
    correlation : of the gains, the mean over pairs; NaN for fewer than two
    effective : symbols that would say as much if they were independent; NaN where their gains never move
    mean_gain, mean_gain_interval : of the Sharpe ratio above buy-and-hold's, a year, over the symbols
    level : of the interval
    """

    n: int
    gaining: Counted
    forecasting: Counted
    correlation: float
    effective: float
    mean_gain: float
    mean_gain_interval: tuple[float, float]
    level: float = _LEVEL


def across_symbols(traded: Sequence[Traded], *, periods_per_year: int, draws: int, seed: int) -> Across:
    """Take symbols together, with their correlation, from resamples of dates for all of them at once.

    Parameters
    ----------
    traded : one of each symbol, over its own dates
    periods_per_year : bars in a year
    draws, seed : of the stationary bootstrap

    Returns
    -------
    Across. A symbol that is never traded gains nothing: 0

    Notes
    -----
    By luck: each resample's gain less the gain itself, which is a draw from a market where no gain is real
    and everything else as it is. For the last price this is generous to luck, since a network that learns
    from noise does worse than the last price.

    Source
    ------
    Effective number n / (1 + (n - 1)ρ), ρ the mean correlation of the gains between symbols over the
    resamples, at least 0 (Kish 1965, the design effect of clusters).
    """
    if not traded:
        nothing = Counted(n=0, by_luck=math.nan, often_by_luck=math.nan, p_value=math.nan, draws=())
        return Across(
            n=0, gaining=nothing, forecasting=nothing, correlation=math.nan, effective=0.0,
            mean_gain=math.nan, mean_gain_interval=(math.nan, math.nan),
        )  # fmt: skip
    panel = _panel(traded)
    scale = math.sqrt(periods_per_year)
    n_dates = len(panel[0])
    gain, skill = (found[0] for found in _figures(np.ones((1, n_dates)), panel=panel))
    chunks = [
        _figures(counts, panel=panel)
        for counts in resampled_counts(n_dates, block=_block(panel), draws=draws, seed=seed)
    ]
    gains, skills = (np.concatenate(found) for found in zip(*chunks, strict=True))
    correlation = _mean_correlation(gains)
    n = len(traded)
    means = scale * np.mean(gains, axis=1)
    return Across(
        n=n,
        gaining=_counted(gain, draws=gains),
        forecasting=_counted(skill, draws=skills),
        correlation=correlation,
        effective=n / (1.0 + (n - 1) * max(correlation, 0.0)) if n > 1 else float(n),
        mean_gain=scale * float(np.mean(gain)),
        mean_gain_interval=interval(means, _LEVEL),
    )


def _panel(traded: Sequence[Traded]) -> tuple[Floats, ...]:
    """Columns (dates, symbols), 0 where a symbol has no bar: bars, strategy, holding, squared errors."""
    strategy = pd.concat([one.bars["return"] for one in traded], axis=1).sort_index()
    holding = pd.concat([one.holding["return"] for one in traded], axis=1).sort_index()
    errors = [_squared_errors(one) for one in traded]
    missed, missed_by_last = (
        pd.concat([pair[part] for pair in errors], axis=1).sort_index() for part in (0, 1)
    )
    dates = strategy.index.union(holding.index).union(missed.index)
    frames = [frame.reindex(dates) for frame in (strategy, holding, missed, missed_by_last)]
    present = frames[0].notna().to_numpy(dtype=np.float64)
    return (present, *(frame.fillna(0.0).to_numpy(dtype=np.float64) for frame in frames))


def _squared_errors(traded: Traded) -> tuple[pd.Series, pd.Series]:
    """Of the forecast price and of the last price as the forecast, by origin."""
    scored = traded.forecasts.scored
    last_price = scored["last_price"].to_numpy(dtype=np.float64)
    came = last_price * np.exp(scored["actual"].to_numpy(dtype=np.float64))
    forecast = last_price * np.exp(scored["forecast"].to_numpy(dtype=np.float64))
    index = pd.DatetimeIndex(scored["origin"])
    return pd.Series((came - forecast) ** 2, index=index), pd.Series((came - last_price) ** 2, index=index)


def _figures(counts: Floats, *, panel: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Sharpe difference per bar and 1 - RMSE ratio², (draws, symbols) each."""
    present, strategy, holding, missed, missed_by_last = panel
    bars = product(counts, present)
    sharpes = []
    for returns in (strategy, holding):
        mean = _ratio(product(counts, returns), bars)
        variance = _ratio(product(counts, returns**2), bars) - mean**2
        moves = variance > 1e-12 * np.maximum(mean**2, 1e-300)
        sharpes.append(np.where(moves, mean / np.sqrt(np.where(moves, variance, 1.0)), math.nan))
    gain = sharpes[0] - sharpes[1]
    errors, errors_by_last = product(counts, missed), product(counts, missed_by_last)
    skill = np.where(
        errors_by_last > 0.0, 1.0 - errors / np.where(errors_by_last > 0.0, errors_by_last, 1.0), 0.0
    )
    return np.where(np.isnan(gain), 0.0, gain), skill


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0.0)


def _block(panel: Sequence[Floats]) -> int:
    """Block length for the mean over the symbols of what the strategy earns above holding, at equal risk."""
    present, strategy, holding = panel[:3]
    differences = np.zeros(len(present))
    for column in range(present.shape[1]):
        here = present[:, column] > 0.0
        for returns, sign in ((strategy, 1.0), (holding, -1.0)):
            sd = float(np.std(returns[here, column]))
            if sd > 0.0:
                differences[here] += sign * returns[here, column] / sd
    found = int(np.max(np.sum(present, axis=1)))
    return block_length(differences / max(found, 1))


def _counted(figure: Floats, *, draws: Floats) -> Counted:
    n = int(np.sum(figure > 0.0))
    # what does not move at all is no gain
    by_luck = np.sum(draws - figure > 1e-12, axis=1)
    return Counted(
        n=n,
        by_luck=float(np.mean(by_luck)),
        often_by_luck=float(np.quantile(by_luck, 0.95, method="higher")),
        p_value=float((1 + np.sum(by_luck >= n)) / (len(by_luck) + 1)),
        draws=tuple(by_luck.astype(np.float64).tolist()),
    )


def _mean_correlation(draws: Floats) -> float:
    moving = draws[:, np.std(draws, axis=0) > 1e-12]
    k = moving.shape[1]
    if k < 2:
        return math.nan
    matrix = np.corrcoef(moving, rowvar=False)
    return float((np.sum(matrix) - k) / (k * (k - 1)))
