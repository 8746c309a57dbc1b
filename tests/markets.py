"""Markets with a known answer, for anyone's tests."""

import numpy as np
import pandas as pd

from backtester.prices import Prices, prices_from_frame


def market(returns: np.ndarray, *, symbol: str, seed: int = 0) -> Prices:
    """Prices with these log returns; opens are the last close times half a basis point of noise."""
    close = 100 * np.exp(np.cumsum(returns))
    noise = np.random.default_rng(10_000 + seed).normal(0, 0.5e-4, len(close))
    opens = np.concatenate([[100.0], close[:-1]]) * np.exp(noise)
    frame = pd.DataFrame(
        {
            "open": opens,
            "high": np.maximum(opens, close) * 1.0001,
            "low": np.minimum(opens, close) * 0.9999,
            "close": close,
            "volume": 1e6,
        },
        index=pd.bdate_range("2000-01-03", periods=len(close), name="date"),
    )
    return prices_from_frame(frame, symbol=symbol)


def random_walk(n_bars: int, *, seed: int, sd: float = 0.01) -> Prices:
    """Nothing to find."""
    return market(np.random.default_rng(seed).normal(0, sd, n_bars), symbol=f"RW{seed}", seed=seed)


def ar1(n_bars: int, *, seed: int, phi: float, sd: float = 0.01) -> Prices:
    """Each return is phi times the last one plus noise: R² = phi², best forecast phi·r."""
    noise = np.random.default_rng(100 + seed).normal(0, sd, n_bars)
    returns = np.zeros(n_bars)
    for t in range(1, n_bars):
        returns[t] = phi * returns[t - 1] + noise[t]
    return market(returns, symbol=f"AR{seed}", seed=seed)


def ar1_best_sharpe(phi: float, *, periods_per_year: int = 252) -> float:
    """Annual Sharpe ratio of sign(phi·r) without costs, mean |phi|·E|r| over unit second moment."""
    return float(abs(phi) * np.sqrt(2 / np.pi) / np.sqrt(1 - 2 * phi**2 / np.pi) * np.sqrt(periods_per_year))
