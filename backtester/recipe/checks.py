"""Keys that are each allowed but do not fit together."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backtester.recipe.choices import Fill, Source
from backtester.recipe.models import BaselineModel, BidirectionalModel, LstmModel
from backtester.recipe.published import ForecastRows
from backtester.recipe.strategies import Threshold
from backtester.recipe.toml import format_value

if TYPE_CHECKING:
    from backtester.recipe.sections import Recipe

__all__ = ["Contradiction", "ContradictionsError", "find_contradictions"]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters but for tab and newline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Keys that do not fit together, and why.

    Parameters
    ----------
    keys : the keys concerned, as ``section.key``
    text : both values, and what would fit
    """

    keys: tuple[str, ...]
    text: str


class ContradictionsError(ValueError):
    """Raised while a recipe is made; pydantic wraps it, the loader unwraps it."""

    def __init__(self, contradictions: tuple[Contradiction, ...]) -> None:
        super().__init__("; ".join(found.text for found in contradictions))
        self.contradictions = contradictions


def find_contradictions(recipe: Recipe) -> tuple[Contradiction, ...]:
    """Give every pair of keys that do not fit together, in the order of the sections."""
    return (
        *_in_data(recipe),
        *_in_folds(recipe),
        *_in_model(recipe),
        *_in_strategy(recipe),
        *_in_broker(recipe),
        *_in_published(recipe),
        *_in_texts(recipe),
    )


def _in_texts(recipe: Recipe) -> Iterator[Contradiction]:
    """Refuse characters that no file name can have, or that would tell a terminal what to do."""
    for section, values in recipe.model_dump().items():
        for key, value in values.items() if isinstance(values, Mapping) else ():
            texts = value if isinstance(value, (list, tuple)) else [value]
            found = "".join(text for text in texts if isinstance(text, str))
            control = _CONTROL.search(found)
            if control:
                yield Contradiction(
                    keys=(f"{section}.{key}",),
                    text=f"{section}.{key} = {format_value(value)[:60]}: must not hold control characters "
                    f"(U+{ord(control.group()):04X}).",
                )


def _in_data(recipe: Recipe) -> Iterator[Contradiction]:
    data = recipe.data
    if data.source in {Source.CSV, Source.PARQUET} and not data.path:
        yield Contradiction(
            keys=("data.source", "data.path"),
            text=f'data.path = "": source = "{data.source.value}" needs the path of a file.',
        )
    if data.column and data.source not in {Source.CSV, Source.PARQUET}:
        yield Contradiction(
            keys=("data.column", "data.source"),
            text=f"data.column = {data.column!r}: chooses a column of a file; data.source is "
            f'"{data.source.value}".',
        )
    if data.start is not None and data.end is not None and data.start >= data.end:
        yield Contradiction(
            keys=("data.start", "data.end"),
            text=f"data.start = {data.start}: must be before data.end = {data.end}.",
        )


def _in_folds(recipe: Recipe) -> Iterator[Contradiction]:
    train, lookback = recipe.folds.train, recipe.model.lookback
    if isinstance(train, str):
        return
    if train <= lookback:
        yield Contradiction(
            keys=("folds.train", "model.lookback"),
            text=f"folds.train = {train}: must be more bars than model.lookback = {lookback}.",
        )
        return
    horizon, validation = recipe.target.horizon, _n_validation(recipe.folds.validation, train=train)
    needed = lookback + horizon + validation
    # Baselines learn nothing and need no training sample.
    if train <= needed and not isinstance(recipe.model, BaselineModel):
        yield Contradiction(
            keys=("folds.train", "model.lookback", "target.horizon", "folds.validation"),
            text=f"folds.train = {train}: leaves no training sample; must be more than model.lookback = "
            f"{lookback} + target.horizon = {horizon} + {validation} bars of validation = {needed}.",
        )


def _n_validation(share: float, *, train: int) -> int:
    """Bars of validation, rounded as the folds do."""
    return max(1, math.floor(share * train + 0.5)) if share > 0 else 0


def _in_model(recipe: Recipe) -> Iterator[Contradiction]:
    model = recipe.model
    if isinstance(model, LstmModel) and len(model.dropouts) != len(model.units):
        yield Contradiction(
            keys=("model.dropout", "model.units"),
            text=f"model.dropout = {list(model.dropouts)}: must be one number, or as many as the "
            f"{len(model.units)} of model.units.",
        )
    if isinstance(model, BidirectionalModel) and model.kernel > model.lookback:
        yield Contradiction(
            keys=("model.kernel", "model.lookback"),
            text=f"model.kernel = {model.kernel}: must not be above model.lookback = {model.lookback}.",
        )


def _in_strategy(recipe: Recipe) -> Iterator[Contradiction]:
    strategy = recipe.strategy
    if not isinstance(strategy, Threshold):
        return
    if strategy.exit_bp > strategy.enter_bp:
        yield Contradiction(
            keys=("strategy.exit_bp", "strategy.enter_bp"),
            text=f"strategy.exit_bp = {strategy.exit_bp}: must not be above "
            f"strategy.enter_bp = {strategy.enter_bp}.",
        )
    if strategy.short and strategy.enter_bp < 0.0:
        yield Contradiction(
            keys=("strategy.short", "strategy.enter_bp"),
            text=f"strategy.enter_bp = {strategy.enter_bp}: must be at least 0 with short = true, "
            "or one forecast asks for both sides.",
        )


def _in_broker(recipe: Recipe) -> Iterator[Contradiction]:
    if recipe.broker.fill is Fill.NEXT_CLOSE and recipe.target.horizon == 1:
        yield Contradiction(
            keys=("broker.fill", "target.horizon"),
            text='broker.fill = "next_close": needs target.horizon of at least 2, not 1: '
            "a one-bar forecast has expired when the order fills.",
        )


def _in_published(recipe: Recipe) -> Iterator[Contradiction]:
    published, lookback = recipe.published, recipe.model.lookback
    if published is None:
        return
    again = published.test is ForecastRows.AGAIN
    if again != (published.test_rows > 0):
        wanted = "must be above 0" if again else "must be left out"
        yield Contradiction(
            keys=("published.test_rows", "published.test"),
            text=f"published.test_rows = {published.test_rows}: {wanted} with "
            f'published.test = "{published.test.value}".',
        )
    elif published.test_rows == 1:
        yield Contradiction(
            keys=("published.test_rows", "published.test"),
            text='published.test_rows = 1: must be at least 2 with published.test = "again": the first row '
            "has no row before it to be scored by.",
        )
    strangers = sorted(set(published.scored_rows) - set(published.scores))
    if strangers:
        yield Contradiction(
            keys=("published.scored_rows", "published.scores"),
            text=f"published.scored_rows: {format_value(strangers[0])} has no score in published.scores.",
        )
    if published.validation_on_test and recipe.training.patience > 0:
        yield Contradiction(
            keys=("published.validation_on_test", "training.patience"),
            text=f"training.patience = {recipe.training.patience}: must be 0 with "
            "published.validation_on_test = true, or the rows that are forecast choose the network.",
        )
    if published.validation > 0.0 and published.validation_on_test:
        yield Contradiction(
            keys=("published.validation", "published.validation_on_test"),
            text=f"published.validation = {published.validation}: must be 0 with validation_on_test = true.",
        )
    if isinstance(published.train, int) and published.train <= lookback:
        yield Contradiction(
            keys=("published.train", "model.lookback"),
            text=f"published.train = {published.train}: must be more rows than model.lookback = {lookback}.",
        )
    if isinstance(recipe.model, BaselineModel):
        yield Contradiction(
            keys=("published.train", "model.kind"),
            text=f'model.kind = "{recipe.model.kind}": learns nothing, and [published] trains it; '
            "leave that section out.",
        )
