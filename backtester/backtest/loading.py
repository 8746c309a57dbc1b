"""From a recipe's ``[strategy]`` to a Backtrader class and its checked parameters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import backtrader as bt

from backtester.backtest.strategy import ForecastStrategy
from backtester.errors import RecipeError
from backtester.recipe.strategies import ReferenceStrategy, StrategySection
from backtester.references import load_reference, reference_file
from backtester.shipped import builtin_folder
from backtester.suggest import nearest

__all__ = ["LoadedStrategy", "load_strategy"]

_BUILTIN = {
    "long_or_cash": "LongOrCash",
    "long_short": "LongShort",
    "threshold": "Threshold",
    "volatility_scaled": "VolatilityScaled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedStrategy:
    """A strategy class, ready for Backtrader.

    Parameters
    ----------
    cls : subclass of ``backtrader.Strategy``
    parameters : values for its ``params``
    reference : ``file.py:Class`` of a user's own, for messages; empty for ours
    file : of a user's own, None where there is none
    """

    cls: type[Any]
    parameters: dict[str, Any]
    reference: str = ""
    file: Path | None = None

    @property
    def decides_by_forecast(self) -> bool:
        """Whether it only names exposures; a plain Backtrader strategy sends its own orders."""
        return issubclass(self.cls, ForecastStrategy)


def load_strategy(section: StrategySection, *, folder: Path, periods_per_year: int) -> LoadedStrategy:
    """Load the class that a recipe names.

    Parameters
    ----------
    section : the recipe's ``[strategy]``
    folder : of the recipe, to which a user's file is relative
    periods_per_year : bars in a year

    Returns
    -------
    LoadedStrategy

    Raises
    ------
    RecipeError : no such file, or no such class in it; the class is no Backtrader strategy, or names
        no exposure; a parameter is not among its ``params``
    UserCodeError : the file raises while it is imported
    """
    base = {
        "max_exposure": section.max_exposure,
        "rebalance_band": section.rebalance_band,
        "periods_per_year": periods_per_year,
    }
    if not isinstance(section, ReferenceStrategy):
        reference = f"{section.kind}.py:{_BUILTIN[section.kind]}"
        cls = _strategy_class(
            load_reference(reference, folder=builtin_folder("strategies")), reference=reference
        )
        return LoadedStrategy(cls=cls, parameters=base | section.model_dump(exclude={"kind"}))
    # anew for each run: what one run through the bars left behind would be the future of the next
    own = load_reference(section.kind, folder=folder, fresh=True)
    cls = _strategy_class(own, reference=section.kind)
    _check_own_parameters(section.parameters, cls=cls, base=base)
    given = base if issubclass(cls, ForecastStrategy) else {}
    return LoadedStrategy(
        cls=cls,
        parameters=given | section.parameters,
        reference=section.kind,
        file=reference_file(section.kind, folder=folder),
    )


def _strategy_class(found: object, *, reference: str) -> type[Any]:
    if not (isinstance(found, type) and issubclass(found, bt.Strategy)):
        raise RecipeError(
            f"[strategy] kind = {reference!r}: this is {found!r}, not a Backtrader strategy.",
            advice="Name a class derived from backtester.backtest.ForecastStrategy or backtrader.Strategy.",
        )
    if issubclass(found, ForecastStrategy) and found.target_exposure is ForecastStrategy.target_exposure:
        raise RecipeError(
            f"[strategy] kind = {reference!r}: {found.__name__} does not say which exposure it wants.",
            advice="Define target_exposure(self, forecast) in it, which returns a number.",
        )
    own = _own_at_open(found)
    if own:
        raise RecipeError(
            f"[strategy] kind = {reference!r}: {found.__name__} has a {own} of its own, "
            "which could see the day's close before it trades at the open.",
            advice="Decide in target_exposure; for orders of your own derive from backtrader.Strategy.",
        )
    return found


_AT_OPEN = ("next_open", "nextstart_open", "prenext_open", "_next_open", "_oncepost_open")


def _own_at_open(found: type[Any]) -> str:
    """Which method of a forecast strategy, called at the open with the day's bar at hand, is not ours."""
    if not issubclass(found, ForecastStrategy):
        return ""
    return next(
        (name for name in _AT_OPEN if getattr(found, name) is not getattr(ForecastStrategy, name)), ""
    )


def _check_own_parameters(parameters: dict[str, Any], *, cls: type[Any], base: dict[str, Any]) -> None:
    known = [str(name) for name in cls.params._getkeys()]
    by_forecast = issubclass(cls, ForecastStrategy)
    for name in parameters:
        if by_forecast and name in base:
            raise RecipeError(
                f"[strategy.parameters] {name} does not belong here.",
                advice="Set max_exposure and rebalance_band in [strategy], periods_per_year in [data].",
            )
        if name not in known:
            own = [each for each in known if not (by_forecast and each in base)]
            raise RecipeError(
                f"[strategy.parameters] {name}: {cls.__name__} has no such parameter.{nearest(name, own)}",
                advice=f"Its params are: {', '.join(own) or 'none'}.",
            )
