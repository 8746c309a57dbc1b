"""The section ``[stress]``: which circumstances are changed, and how far."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from backtester.recipe.section import Section

__all__ = ["StressSection"]

Counts = tuple[Annotated[int, Field(ge=1)], ...]
Factors = tuple[Annotated[float, Field(gt=0.0, le=100.0)], ...]
BasisPoints = tuple[Annotated[float, Field(ge=0.0, le=1000.0)], ...]


class StressSection(Section):
    """What `backtester stress` changes; never changes a figure of the run."""

    axes: tuple[Annotated[str, Field(min_length=1)], ...] = Field(default=(), strict=False)
    """Axes by name, or your own as `"file.py:AXIS"`; `[]`: all that come along."""
    draws: int = Field(default=1000, ge=99, le=1_000_000)
    """Random strategies, shuffles and resamples, each."""
    costs_bp: BasisPoints = Field(default=(0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0), min_length=1, strict=False)
    """Costs a side, commission and slippage together, in basis points."""
    delays: Counts = Field(default=(1, 2, 3, 4, 5), min_length=1, strict=False)
    """Bars by which each forecast is acted on later."""
    thresholds_bp: tuple[float, ...] = Field(
        default=(-5.0, -2.0, 0.0, 2.0, 5.0, 10.0, 20.0), min_length=1, strict=False
    )
    """Thresholds of the strategy, in basis points of forecast return."""
    volume_share: float = Field(default=0.01, gt=0.0, le=1.0)
    """Share of a bar's volume that an order may be."""
    seeds: int = Field(default=10, ge=2, le=1000)
    """Seeds to train with, the run's own among them."""
    members: Counts = Field(default=(1, 3, 5), min_length=1, strict=False)
    """Networks a fold to average."""
    train_factors: Factors = Field(default=(0.5, 1.0, 1.5), min_length=1, strict=False)
    """Training windows, times the run's own."""
    test_factors: Factors = Field(default=(0.5, 1.0, 2.0), min_length=1, strict=False)
    """Test spans, times the run's own."""
    phases: int = Field(default=4, ge=2, le=252)
    """Starts of the fold schedule, spread over a test span, the run's own among them."""
    model_factors: Factors = Field(default=(0.5, 2.0), min_length=1, strict=False)
    """Lookback, units and epochs, each times the run's own, one at a time."""
    dropouts: tuple[Annotated[float, Field(ge=0.0, lt=1.0)], ...] = Field(default=(0.0, 0.2), strict=False)
    """Dropout of the network."""
    noise_bp: BasisPoints = Field(default=(1.0, 5.0), min_length=1, strict=False)
    """Noise on the prices: standard deviation in basis points."""
    noise_draws: int = Field(default=3, ge=1, le=1000)
    """Noisy histories for each."""
    placebos: int = Field(default=19, ge=9, le=10_000)
    """Histories without signal to train on; 19 is the least that can give p = 0.05."""
    symbols: tuple[str, ...] = Field(default=(), strict=False)
    """Price files, or folders of them, relative to the current folder."""
