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
    """The rows that are forecast: how many, how many of them are scored, and their sessions in time (ISO).

    Not scored, neither for a network nor for the last price, is a row without a neighbour before it.
    """

    rows: int
    scored: int
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
    rows where both the price and the forecast moved (null for none, and where time is read backwards);
    ``epochs`` made; ``loss`` and ``validation_loss`` of each, in scaled units, the latter empty where nothing
    is watched.
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
    """Some of the rows that are forecast, scored by themselves.

    ``rmse`` is the mean over the networks; ``last_price_rmse`` is null for a row that is not scored.
    """

    key: str
    title: str
    rows: int
    rmse: float | None
    last_price_rmse: float | None


class FlawRecord(TypedDict):
    """A flaw that was found in rows or settings: a key for programs, a title and a sentence for readers.

    ``leak``: by it a forecast knew what it could not have known.
    """

    key: str
    title: str
    text: str
    leak: bool


class ExaminedSeedRecord(TypedDict):
    """A network that scored below the last price; ``p_value`` of the paired test, null where undefined."""

    seed: int
    rmse: float
    ratio: float
    p_value: float | None


class ExaminedRecord(TypedDict):
    """What a score below the last price may come from, before it is believed.

    ``published_rmse``: the source's own score where that is below, else null. ``in_training``, ``watched``,
    ``in_inputs``, ``later``: how many of the rows that are forecast are training targets, are watched in the
    training, stand in a training window, are told from later sessions. ``repeated``: samples of the test that
    are samples of the training too, number for number. ``scaler_changes``: whether the scaler would be
    another without the rows that are forecast.
    """

    seeds: list[ExaminedSeedRecord]
    published_rmse: float | None
    in_training: int
    watched: int
    in_inputs: int
    repeated: int
    later: int
    scaler_changes: bool
    text: str


class WalkForwardRecord(TypedDict):
    """The other mode: what it forecasts, and its figures, copied from ``summary.json``.

    ``name``: ``walk-forward`` or ``single split``; ``column`` is forecast, ``horizon`` sessions ahead, from
    the features ``reads``; ``train`` bars (or a calendar span) train a network, which is used for ``test``
    bars, null where there is one split.
    """

    name: str
    column: str
    horizon: int
    reads: list[str]
    train: int | str
    test: int | str | None
    rmse: float | None
    rmse_last_price: float | None
    ratio: float | None


class PublishedRecord(TypedDict):
    """``published.json``.

    ``source``, ``column`` and ``order`` as in the recipe; ``baseline`` is what ``last_price`` is in words:
    where time is read backwards, the price of the row read before is the next session's; ``rows`` of the
    history, ``start`` and ``end`` in time; ``rmse``, ``ratio`` (the mean over the networks) are null where
    every network failed;
    ``published_rmse`` is the source's own score for this symbol, null where it gives none; ``parts`` is
    empty where all rows are alike; ``examined`` is null where neither a network nor the source scored below
    the last price.
    """

    source: str
    symbol: str
    column: str
    order: str
    baseline: str
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
