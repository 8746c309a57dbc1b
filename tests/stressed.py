"""Finished runs to stress, with planted forecasts: nothing is trained."""

import zlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from backtester.forecasts import Forecasts
from backtester.prices import Prices
from backtester.question import Question
from backtester.stress.axis import Axis
from backtester.stress.context import Context, Outcome, Variant
from backtester.stress.retraining import ask_variants
from backtester.walkforward import baseline_table
from tests.questions import SMALL_LSTM, question

Signal = Callable[[Variant, Question], np.ndarray]
"""Forecasts of a variant, one for each bar of its prices."""

OWN = Variant(label="own")


def planted(asked: Question, forecast: np.ndarray, *, sd: float = np.nan) -> Forecasts:
    """The table of forecasts that a question would have, with these in it."""
    table = baseline_table(asked.problem, kind="last_price", dates=asked.prices.dates).frame
    here = forecast[asked.prices.dates.get_indexer(table["origin"])]
    return Forecasts(
        frame=table.assign(forecast=here, forecast_sd=sd, forecast_price=table["last_price"] * np.exp(here))
    )


def context_of(
    prices: Prices, signal: Signal, *, stress: dict[str, Any] | None = None, **sections: Any
) -> Context:
    """A run on these prices whose forecasts are those of the signal."""
    asked = question(prices, **{"model": SMALL_LSTM, "stress": stress or {}, **sections})
    record = SimpleNamespace(forecasts=planted(asked, signal(OWN, asked)).frame)
    return Context(record=record, question=asked, settings=asked.loaded.recipe.stress)


def outcomes_of(context: Context, axis: Axis, signal: Signal) -> list[Outcome]:
    """What would come of an axis's variants if they forecast by the signal."""
    found = []
    for item in ask_variants(context, axis.variants(context)):
        asked = item.question
        table = None if asked is None else planted(asked, signal(item.variant, asked))
        found.append(Outcome(variant=item.variant, question=asked, forecasts=table, reason=item.reason))
    return found


def returns_of(prices: Prices) -> np.ndarray:
    """Log returns (n_bars,), the first 0."""
    return np.diff(np.log(prices.column("close")), prepend=np.log(prices.column("close")[0]))


def coins(*parts: object, n: int, sd: float = 0.003) -> np.ndarray:
    """Forecasts that know nothing, others for other parts."""
    return np.random.default_rng(zlib.crc32(repr(parts).encode())).normal(0.0, sd, n)


def effect(variant: Variant, asked: Question, *, phi: float = 0.3) -> np.ndarray:
    """The best forecast of an AR(1), learnt a little differently by every variant."""
    prices = asked.prices
    return phi * returns_of(prices) + 0.2 * coins(variant.label, n=len(prices))


def prophet(asked: Question) -> np.ndarray:
    """A fluke: forecasts that happen to be right on most days."""
    coming = np.append(returns_of(asked.prices)[1:], 0.0)
    return 0.5 * coming + coins("prophet", n=len(coming), sd=0.004)
