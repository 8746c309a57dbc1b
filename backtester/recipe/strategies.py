"""The kinds of ``[strategy]``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag

from backtester.recipe.kinds import REFERENCE, Parameters, Reference, discriminate
from backtester.recipe.section import Section

__all__ = [
    "LongOrCash",
    "LongShort",
    "ReferenceStrategy",
    "StrategySection",
    "Threshold",
    "VolatilityScaled",
]


class _StrategyBase(Section):
    kind: str
    """Which strategy."""
    max_exposure: float = Field(default=1.0, gt=0.0, le=10.0)
    """Largest exposure as a share of equity; above 1 is leverage."""
    rebalance_band: float = Field(default=0.05, ge=0.0)
    """An order goes out only when the wanted exposure moved by more than this."""


class LongOrCash(_StrategyBase):
    """Long while the forecast is above the threshold, else in cash."""

    kind: Literal["long_or_cash"] = "long_or_cash"
    """Which strategy."""
    threshold_bp: float = 0.0
    """Forecast return from which on it trades, in basis points."""


class LongShort(_StrategyBase):
    """Long above the threshold, short below its negative, else in cash."""

    kind: Literal["long_short"]
    """Which strategy."""
    threshold_bp: float = Field(default=0.0, ge=0.0)
    """Forecast return from which on it trades, in basis points."""


class Threshold(_StrategyBase):
    """Long from one threshold on, until the forecast falls below a second one."""

    kind: Literal["threshold"]
    """Which strategy."""
    enter_bp: float = 5.0
    """Enter when the forecast is above; basis points."""
    exit_bp: float = 0.0
    """Leave when the forecast is below; basis points; not above `enter_bp`."""
    short: bool = False
    """Whether to go short by the mirrored thresholds; needs `enter_bp` of 0 or more."""


class VolatilityScaled(_StrategyBase):
    """In the direction of the forecast, sized so that the recent volatility meets a target."""

    kind: Literal["volatility_scaled"]
    """Which strategy."""
    threshold_bp: float = Field(default=0.0, ge=0.0)
    """Forecast return from which on it trades, in basis points."""
    target_volatility: float = Field(default=0.10, gt=0.0, le=5.0)
    """Volatility aimed at, a year, 0.10 is 10 %."""
    window: int = Field(default=20, ge=2, le=1000)
    """Bars of past returns that the volatility is taken from."""
    short: bool = False
    """Whether to go short on negative forecasts."""


class ReferenceStrategy(_StrategyBase):
    """A Backtrader strategy of your own."""

    kind: Reference
    """`"file.py:Class"` or `"module:Class"`; a file is relative to the recipe's folder."""
    parameters: Parameters = Field(default_factory=dict)
    """Handed to the class, checked against its `params`."""


StrategySection = Annotated[
    Annotated[LongOrCash, Tag("long_or_cash")]
    | Annotated[LongShort, Tag("long_short")]
    | Annotated[Threshold, Tag("threshold")]
    | Annotated[VolatilityScaled, Tag("volatility_scaled")]
    | Annotated[ReferenceStrategy, Tag(REFERENCE)],
    discriminate(default="long_or_cash"),
]
