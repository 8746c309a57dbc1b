"""What ``published.json`` holds, typed key by key."""

from __future__ import annotations

from typing import TypedDict

__all__ = [
    "PUBLISHED_CSV",
    "PUBLISHED_JSON",
    "ErrorRecord",
    "ExaminedRecord",
    "ExaminedSeedRecord",
    "FailureRecord",
    "FlawRecord",
    "ForecastRecord",
    "PartRecord",
    "PublishedRecord",
    "SeedRecord",
    "SpreadRecord",
    "TrainRecord",
    "WalkForwardRecord",
]

PUBLISHED_CSV = "published.csv"
PUBLISHED_JSON = "published.json"


class TrainRecord(TypedDict):
    """The rows that train.

    ``rows`` up to the split, ``start`` and ``end`` their sessions in time (ISO), ``samples`` that are
    fitted, ``validation`` those that early stopping watches (0: none).
    """

    rows: int
    start: str
    end: str
    samples: int
    validation: int


class ForecastRecord(TypedDict):
    """The rows that are forecast: how many, and their sessions in time (ISO)."""

    rows: int
    start: str
    end: str


class ErrorRecord(TypedDict):
    """How far forecasts were off, in units of price."""

    rmse: float
    mae: float


class SeedRecord(TypedDict):
    """One network, scored by itself; entry j is column ``forecast_j`` of ``published.csv``, from 1.

    ``seed`` of the network; ``rmse``, ``mae`` in units of price; ``ratio`` of its RMSE to the last price's
    (null where that is never off); ``direction`` the share of right directions among the ``direction_n``
    rows where both the price and the forecast moved (null for none); ``epochs`` made; ``loss`` and
    ``validation_loss`` of each, in scaled units, the latter empty where nothing is watched.
    """

    seed: int
    rmse: float
    mae: float
    ratio: float | None
    direction: float | None
    direction_n: int
    epochs: int
    loss: list[float]
    validation_loss: list[float]


class FailureRecord(TypedDict):
    """A network that gave nothing, and why."""

    seed: int
    reason: str


class SpreadRecord(TypedDict):
    """RMSE over the networks, in units of price; ``sd`` with ddof 1, null for one network."""

    mean: float
    sd: float | None
    min: float
    max: float


class PartRecord(TypedDict):
    """Some of the rows that are forecast, scored by themselves; ``rmse`` is the mean over the networks."""

    key: str
    title: str
    rows: int
    rmse: float | None
    last_price_rmse: float


class FlawRecord(TypedDict):
    """A flaw that was found in rows or settings: a key for programs, a title and a sentence for readers."""

    key: str
    title: str
    text: str


class ExaminedSeedRecord(TypedDict):
    """A network that scored below the last price; ``p_value`` of the paired test, null where undefined."""

    seed: int
    rmse: float
    ratio: float
    p_value: float | None


class ExaminedRecord(TypedDict):
    """What a score below the last price may come from, before it is believed.

    ``in_training``, ``in_inputs``, ``in_own_window``: how many of the rows that are forecast are training
    targets, stand in a training window, stand in their own window.
    """

    seeds: list[ExaminedSeedRecord]
    in_training: int
    in_inputs: int
    in_own_window: int
    text: str


class WalkForwardRecord(TypedDict):
    """The other mode's figures, copied from ``summary.json`` for the sentence: in its own units."""

    rmse: float | None
    rmse_last_price: float | None
    ratio: float | None


class PublishedRecord(TypedDict):
    """``published.json``.

    ``source``, ``column`` and ``order`` as in the recipe; ``rows`` of the history, ``start`` and ``end`` in
    time; ``rmse``, ``ratio`` (the mean over the networks) are null where every network failed;
    ``published_rmse`` is the source's own score for this symbol, null where it gives none; ``parts`` is
    empty where all rows are alike; ``examined`` is null where no network scored below the last price.
    """

    source: str
    symbol: str
    column: str
    order: str
    rows: int
    start: str
    end: str
    lookback: int
    epochs: int
    train: TrainRecord
    test: ForecastRecord
    last_price: ErrorRecord
    seeds: list[SeedRecord]
    failures: list[FailureRecord]
    rmse: SpreadRecord | None
    ratio: float | None
    published_rmse: float | None
    parts: list[PartRecord]
    flaws: list[FlawRecord]
    examined: ExaminedRecord | None
    walk_forward: WalkForwardRecord
    sentence: str
