import numpy as np
import pandas as pd
import pytest

from backtester.prices.table import Adjustment, Prices


def prices_of(frame):
    return Prices(
        symbol="TEST",
        frame=frame,
        source="frame",
        source_name="",
        source_sha256="",
        adjustment=Adjustment.UNKNOWN,
    )


@pytest.fixture
def make_prices():
    """Prices from a frame."""
    return prices_of


@pytest.fixture
def of_closes():
    """Prices from closes alone, on business days."""

    def make(*closes):
        index = pd.bdate_range("2024-01-01", periods=len(closes), name="date")
        return prices_of(pd.DataFrame({"close": np.array(closes, dtype=np.float64)}, index=index))

    return make


@pytest.fixture
def walk():
    """A random walk of 90 business days with all columns, among them a flat stretch."""
    chances = np.random.default_rng(20240101)
    index = pd.bdate_range("2024-01-01", periods=90, name="date")
    moves = chances.normal(0.0, 0.02, size=90)
    moves[40:48] = 0.0
    close = 50.0 * np.exp(np.cumsum(moves))
    open_ = close * np.exp(chances.normal(0.0, 0.01, size=90))
    high = np.maximum(open_, close) * np.exp(chances.uniform(0.0, 0.01, size=90))
    low = np.minimum(open_, close) * np.exp(-chances.uniform(0.0, 0.01, size=90))
    volume = chances.integers(1_000, 9_000, size=90).astype(np.float64)
    frame = pd.DataFrame(
        {"open": open_, "high": high, "low": low, "close": close, "volume": volume}, index=index
    )
    return prices_of(frame)
