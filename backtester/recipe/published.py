"""The section ``[published]``: how a system was scored where it was published."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from backtester.recipe.section import Allowed, Section, Session

__all__ = ["ForecastRows", "Order", "PublishedSection", "ScalerRows"]


class Order(Enum):
    """The order in which rows are read."""

    OLDEST_FIRST = "oldest_first"
    NEWEST_FIRST = "newest_first"


class ForecastRows(Enum):
    """Which rows are forecast."""

    REST = "rest"
    AGAIN = "again"


class ScalerRows(Enum):
    """Which rows the scaler is fitted on."""

    ALL = "all"
    TRAIN = "train"


def _check_rows(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("not a number")
    if isinstance(value, int) and value >= 2:
        return value
    if isinstance(value, float) and 0.0 < value < 1.0:
        return value
    raise ValueError("not a share or a number of rows")


TrainRows = Annotated[
    int | float,
    BeforeValidator(_check_rows),
    Allowed(text="a share of the rows, above 0, below 1, or a number of rows, at least 2"),
]

Series = Literal["open", "high", "low", "close"]

_Pair = Annotated[tuple[Annotated[int, Field(ge=2)], Annotated[int, Field(ge=1)]], Field(strict=False)]

Counts = Annotated[
    dict[str, _Pair],
    Allowed(text="a table of two numbers of rows, all and those forecast, by symbol"),
]

Scores = Annotated[
    dict[str, Annotated[float, Field(gt=0.0)]], Allowed(text="a table of numbers, each above 0, by symbol")
]


class PublishedSection(Section):
    """How the system was scored where it was published; left out: there is the walk-forward alone.

    Network, lookback, epochs, batch, loss and optimizer are those of `[model]` and `[training]`, the scaler's
    kind is `features.scaler`. What comes of it stands beside the walk-forward and never enters its figures.
    """

    source: str = Field(default="", max_length=1000)
    """Where it was published."""
    column: Series = "close"
    """The series that is read and forecast."""
    order: Order = Field(default=Order.OLDEST_FIRST, strict=False)
    """In which order the rows are read; `newest_first` lets time run backwards."""
    train: TrainRows = 0.95
    """The first rows, which train: a share of them all, rounded up, or their number."""
    test: ForecastRows = Field(default=ForecastRows.REST, strict=False)
    """What is forecast: the `rest` of the rows, or the first `test_rows` of the same rows once `again`."""
    test_rows: int = Field(default=0, ge=0)
    """How many rows are forecast with `test = "again"`, at least 2: the first has no row before it."""
    scaler_rows: ScalerRows = Field(default=ScalerRows.ALL, strict=False)
    """What the scaler is fitted on: `all` rows, those that are forecast too, or the `train` rows."""
    validation: float = Field(default=0.0, ge=0.0, le=0.5)
    """Share of the training samples, their last part, that early stopping watches."""
    validation_on_test: bool = False
    """`true`: the loss is also taken on the rows that are forecast; it selects nothing."""
    seeds: int = Field(default=1, ge=1, le=100)
    """Networks, each with its own seed and scored by itself."""
    scores: Scores = Field(default_factory=dict)
    """The RMSE that was published, by symbol."""
    scored_until: Session | None = None
    """Last session of the prices that it was published for: a score of other prices is not shown."""
    scored_rows: Counts = Field(default_factory=dict)
    """Rows of those prices, and how many are forecast, by symbol: a score of another split is not shown."""
    scored_column: Series = "close"
    """The series that the score is of."""
    scored_order: Order = Field(default=Order.OLDEST_FIRST, strict=False)
    """The order of rows that the score is of."""
    scored_test: ForecastRows = Field(default=ForecastRows.REST, strict=False)
    """The kind of test that the score is of."""
