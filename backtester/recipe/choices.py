"""The choices that a recipe offers by name."""

from __future__ import annotations

from enum import Enum
from typing import Literal

__all__ = [
    "ExecutorKind",
    "Fill",
    "Loss",
    "OnBadRow",
    "OnLeak",
    "Optimizer",
    "PriceKind",
    "ScalerKind",
    "Scheme",
    "Source",
    "TargetKind",
]


class Source(Enum):
    """Where the prices come from."""

    SAMPLE = "sample"
    CSV = "csv"
    PARQUET = "parquet"
    YAHOO = "yahoo"


class PriceKind(Enum):
    """Which prices to use where the source has an adjusted close."""

    ADJUSTED = "adjusted"
    RAW = "raw"


class OnBadRow(Enum):
    """What to do with a row that cannot be right."""

    REFUSE = "refuse"
    DROP = "drop"


class OnLeak(Enum):
    """What to do with a run whose own code sees the future."""

    REFUSE = "refuse"
    REPORT = "report"


class Scheme(Enum):
    """How the training window moves."""

    ROLLING = "rolling"
    EXPANDING = "expanding"
    SINGLE = "single"


class ScalerKind(Enum):
    """How values are scaled; always fitted on the training part alone."""

    STANDARD = "standard"
    MINMAX = "minmax"
    NONE = "none"


class TargetKind(Enum):
    """What the model is asked for."""

    LOG_RETURN = "log_return"
    CLOSE = "close"


class Fill(Enum):
    """At which price of the next bar an order fills."""

    NEXT_OPEN = "next_open"
    NEXT_CLOSE = "next_close"


class ExecutorKind(Enum):
    """Where the training tasks run."""

    SERIAL = "serial"
    PROCESSES = "processes"
    RAY = "ray"


# Names as in keras.optimizers and keras.losses; written out so that a recipe is checked without
# importing Keras (seconds), and compared with the installed Keras by a test. Left out: what only
# wraps or schedules another optimizer, and losses that mean nothing for a scaled return of either sign.
Optimizer = Literal[
    "adadelta",
    "adafactor",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "ftrl",
    "lion",
    "nadam",
    "rmsprop",
    "sgd",
]

Loss = Literal[
    "huber",
    "log_cosh",
    "mae",
    "mape",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mse",
]
