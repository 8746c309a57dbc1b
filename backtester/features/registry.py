"""The list of named features, and how a name in a recipe is read.

To add a feature: write one decorated function in ``builtin.py``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from backtester.errors import RecipeError
from backtester.suggest import nearest

__all__ = ["Feature", "NamedFeature", "describe_features", "feature", "feature_names", "read_feature"]

_WRITTEN = re.compile(r"\s*(\w+)\s*(?:\((.*)\))?\s*")
_MOST_BARS = 100_000
_REGISTRY: dict[str, Feature] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One kind of feature, as it is documented.

    Parameters
    ----------
    name : as a recipe writes it, without brackets
    function : of the price frame and keyword-only parameters, gives a series on the frame's index
    formula : at bar t
    warmup : bars without a value at the start, in terms of the parameters
    needs : price columns
    positive : price columns that must be above 0 on every bar
    least : the smallest value of each parameter
    ascending : whether the second parameter must be more than the first
    """

    name: str
    function: Callable[..., pd.Series]
    formula: str
    warmup: str
    needs: tuple[str, ...]
    positive: tuple[str, ...] = ()
    least: int = 1
    ascending: bool = False

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters, in order."""
        return tuple(place.name for place in self._places())

    @property
    def n_required(self) -> int:
        """How many of the parameters have no default."""
        return sum(place.default is inspect.Parameter.empty for place in self._places())

    @property
    def usage(self) -> str:
        """How a recipe writes it, one form for each number of parameters.

        Examples
        --------
        ``"log_return"``, ``"macd(fast, slow, signal)"``, ``"ma_ratio(n) or ma_ratio(n, m)"``
        """
        forms = range(self.n_required, len(self.parameters) + 1)
        return " or ".join(_written(self.name, list(self.parameters[:n_given])) for n_given in forms)

    def _places(self) -> list[inspect.Parameter]:
        return list(inspect.signature(self.function).parameters.values())[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFeature:
    """A feature with its parameters, as one recipe names it."""

    feature: Feature
    arguments: tuple[int, ...]

    @property
    def name(self) -> str:
        """In its one canonical spelling, e.g. ``macd(12, 26, 9)``."""
        return _written(self.feature.name, [str(value) for value in self.arguments])

    def compute(self, prices: pd.DataFrame) -> pd.Series:
        """Give the series on the frame's index."""
        names = self.feature.parameters[: len(self.arguments)]
        return self.feature.function(prices, **dict(zip(names, self.arguments, strict=True)))


def feature(
    formula: str,
    *,
    warmup: str,
    needs: tuple[str, ...] = ("close",),
    positive: tuple[str, ...] = (),
    least: int = 1,
    ascending: bool = False,
) -> Callable[[Callable[..., pd.Series]], Callable[..., pd.Series]]:
    """Register the decorated function under its name; see `Feature` for the parameters."""

    def register(function: Callable[..., pd.Series]) -> Callable[..., pd.Series]:
        # A trailing underscore keeps `return` apart from Python's keyword.
        name = function.__name__.rstrip("_")
        _REGISTRY[name] = Feature(
            name=name,
            function=function,
            formula=formula,
            warmup=warmup,
            needs=needs,
            positive=positive,
            least=least,
            ascending=ascending,
        )
        return function

    return register


def describe_features() -> tuple[Feature, ...]:
    """Give all named features, by name."""
    return tuple(_REGISTRY[name] for name in sorted(_REGISTRY))


def read_feature(text: str) -> NamedFeature:
    """Read a feature's name with its parameters.

    Raises
    ------
    RecipeError : no such feature, or parameters that are not what it takes

    Examples
    --------
    >>> read_feature("macd( 12,26, 9 )").name
    'macd(12, 26, 9)'
    """
    match = _WRITTEN.fullmatch(text)
    if match is None or match[1] not in _REGISTRY:
        name = text if match is None else match[1]
        raise RecipeError(
            f"features.columns: there is no feature '{text}'.{nearest(name, _REGISTRY)}",
            advice=f"Allowed: {', '.join(kind.usage for kind in describe_features())}; "
            'or your own as "file.py:function".',
        )
    kind = _REGISTRY[match[1]]
    written = [part.strip() for part in match[2].split(",")] if match[2] and match[2].strip() else []
    return NamedFeature(feature=kind, arguments=_arguments(text, kind=kind, written=written))


def feature_names(columns: Sequence[str]) -> tuple[str, ...]:
    """Check the recipe's list of features, and give each in its canonical spelling.

    Parameters
    ----------
    columns : names, and references to a user's functions, which are kept as they are and not loaded

    Raises
    ------
    RecipeError : an unknown or wrong feature, the same one twice, or none
    """
    names = tuple(column.strip() if ":" in column else read_feature(column).name for column in columns)
    if not names:
        raise RecipeError("features.columns is empty.", advice="Name at least one feature.")
    twice = [name for place, name in enumerate(names) if name in names[:place]]
    if twice:
        raise RecipeError(f"features.columns names '{twice[0]}' twice.", advice="Name each feature once.")
    return names


def _arguments(text: str, *, kind: Feature, written: list[str]) -> tuple[int, ...]:
    places = kind.parameters
    if not kind.n_required <= len(written) <= len(places):
        raise RecipeError(
            f"features.columns: '{text}' has {len(written)} parameters.", advice=f"Write {kind.usage}."
        )
    numbers = [int(value) if value.isascii() and value.isdecimal() else None for value in written]
    arguments = tuple(number for number in numbers if number is not None)
    in_range = all(kind.least <= number <= _MOST_BARS for number in arguments)
    if len(arguments) < len(written) or not in_range:
        raise RecipeError(
            f"features.columns: '{text}' has a parameter out of range.",
            advice=f"Write {kind.usage}, each a whole number of bars from {kind.least} to {_MOST_BARS}.",
        )
    if kind.ascending and len(arguments) > 1 and arguments[1] <= arguments[0]:
        raise RecipeError(
            f"features.columns: '{text}': {places[0]} must be less than {places[1]}.",
            advice=f"Write {kind.usage}.",
        )
    return arguments


def _written(name: str, arguments: Sequence[str]) -> str:
    return f"{name}({', '.join(arguments)})" if arguments else name
