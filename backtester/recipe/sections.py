"""The sections of a recipe: every key with its type, default, unit and range.

The reference page ``docs/recipe.md`` is made from these classes.
"""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

__all__ = [
    "BaselineModel",
    "BrokerSection",
    "DataSection",
    "ExecutionSection",
    "ExecutorKind",
    "FeaturesSection",
    "Fill",
    "FoldsSection",
    "LongOrCash",
    "LongShort",
    "LstmModel",
    "ModelSection",
    "PriceKind",
    "Recipe",
    "ReferenceModel",
    "ReferenceStrategy",
    "ReportSection",
    "ScalerKind",
    "Scheme",
    "Section",
    "Source",
    "StrategySection",
    "TargetKind",
    "TargetSection",
    "Threshold",
    "TrainingSection",
    "VolatilityScaled",
]


class Section(BaseModel):
    """Base of all sections: frozen, unknown keys refused, no infinite numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


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


class DataSection(Section):
    """Which prices."""

    source: Source = Source.SAMPLE
    """Where the prices come from."""
    symbol: str = Field(default="SPY", min_length=1, max_length=300)
    """The sample's name, the ticker at Yahoo, or a name for the file's prices."""
    path: str = ""
    """The file, for `csv` and `parquet`; relative to the recipe's folder."""
    start: date | None = None
    """First session used."""
    end: date | None = None
    """Last session used."""
    price: PriceKind = PriceKind.ADJUSTED
    """`adjusted` scales open, high, low and close by adj_close / close where there is an adjusted close."""
    date_format: str = ""
    """A `strptime` format such as `%d/%m/%Y`, only where dates are ambiguous."""
    on_bad_row: OnBadRow = OnBadRow.REFUSE
    """`drop` leaves out rows that cannot be right, at most 1 % of them, with a note."""
    confirmed_jumps: tuple[date, ...] = ()
    """Dates of large overnight moves that are real."""
    periods_per_year: int = Field(default=252, ge=1, le=366)
    """Bars in a year, for annual figures."""
    refresh: bool = False
    """Fetch from Yahoo again although a copy is kept."""


class FoldsSection(Section):
    """How history is cut into training and test spans."""

    train: int | str = 750
    """Length of the training window: bars, or a calendar span such as `"3Y"`, `"18M"`, `"6W"`."""
    test: int | str = 63
    """Length of a test span, and so how often the network is retrained: bars or a calendar span."""
    scheme: Scheme = Scheme.ROLLING
    """`rolling` keeps the window's length, `expanding` its start; `single` is one split at `train`."""
    phase: int = Field(default=0, ge=0)
    """Shift of the first test span, in bars."""
    validation: float = Field(default=0.1, ge=0.0, le=0.5)
    """Share of the training window, its last part, for early stopping; 0 for none."""
    embargo: int = Field(default=0, ge=0)
    """Bars left out between training window and test span, on top of the purge."""


class FeaturesSection(Section):
    """What the model sees."""

    columns: tuple[str, ...] = Field(default=("log_return",), min_length=1)
    """Named features such as `"volatility(20)"`, or your own as `"file.py:function"`."""
    scaler: ScalerKind = ScalerKind.STANDARD
    """Fitted on the training part alone."""


class TargetSection(Section):
    """What the model forecasts."""

    kind: TargetKind = TargetKind.LOG_RETURN
    """The log return over the horizon, or the close at its end."""
    horizon: int = Field(default=1, ge=1, le=252)
    """How many bars ahead."""
    scaler: ScalerKind = ScalerKind.STANDARD
    """Fitted on the training part alone, undone after predicting."""


class LstmModel(Section):
    """LSTM layers and one linear unit."""

    kind: Literal["lstm"] = "lstm"
    lookback: int = Field(default=20, ge=1, le=2000)
    """Bars in a window."""
    units: tuple[int, ...] = Field(default=(50,), min_length=1, max_length=8)
    """Units of each LSTM layer, so `[50, 50]` is two layers."""
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Share of each layer's outputs dropped in training."""
    activation: Literal["tanh", "relu", "sigmoid", "linear"] = "tanh"
    """Of the cell output; tanh is the standard."""


class BaselineModel(Section):
    """A forecaster that learns nothing, traded as the strategy: a control."""

    kind: Literal["last_price", "last_return", "mean_return"]
    lookback: int = Field(default=1, ge=1, le=2000)
    """Bars in a window; baselines use none, it only sets the first fold's samples."""


class ReferenceModel(Section):
    """A Keras builder or a scikit-learn regressor of your own."""

    kind: str = Field(pattern=r".+:.+")
    """`"file.py:name"` or `"module:name"`."""
    lookback: int = Field(default=20, ge=1, le=2000)
    """Bars in a window; a scikit-learn regressor gets them side by side."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Handed to the builder or the regressor, checked against its signature."""


def _kind(*named: str, reference: str) -> Discriminator:
    def tag(value: Any) -> str:
        kind = value.get("kind", named[0]) if isinstance(value, dict) else getattr(value, "kind", "")
        if ":" in str(kind):
            return reference
        return str(kind)

    return Discriminator(tag)


ModelSection = Annotated[
    Annotated[LstmModel, Tag("lstm")]
    | Annotated[BaselineModel, Tag("last_price")]
    | Annotated[BaselineModel, Tag("last_return")]
    | Annotated[BaselineModel, Tag("mean_return")]
    | Annotated[ReferenceModel, Tag("reference")],
    _kind("lstm", reference="reference"),
]


class TrainingSection(Section):
    """How a network is fitted."""

    epochs: int = Field(default=10, ge=1, le=100_000)
    """Passes over the training samples."""
    batch_size: int = Field(default=32, ge=1)
    """Samples in one step."""
    learning_rate: float = Field(default=0.001, gt=0.0, le=10.0)
    """Of the optimizer."""
    optimizer: str = "adam"
    """A Keras optimizer by name."""
    loss: str = "mse"
    """A Keras loss by name."""
    patience: int = Field(default=5, ge=0)
    """Epochs without a better validation loss before stopping, best weights kept; 0: no early stopping."""
    members: int = Field(default=1, ge=1, le=1000)
    """Networks in each fold, averaged, each with its own seed."""


class _StrategyBase(Section):
    max_exposure: float = Field(default=1.0, gt=0.0, le=10.0)
    """Largest exposure as a share of equity; above 1 is leverage."""
    rebalance_band: float = Field(default=0.05, ge=0.0)
    """An order goes out only when the wanted exposure moved by more than this."""


class LongOrCash(_StrategyBase):
    """Long while the forecast is above the threshold, else in cash."""

    kind: Literal["long_or_cash"] = "long_or_cash"
    threshold_bp: float = 0.0
    """Basis points of forecast return."""


class LongShort(_StrategyBase):
    """Long above the threshold, short below its negative, else in cash."""

    kind: Literal["long_short"]
    threshold_bp: float = Field(default=0.0, ge=0.0)
    """Basis points of forecast return."""


class Threshold(_StrategyBase):
    """Long from one threshold on, until the forecast falls below a second one."""

    kind: Literal["threshold"]
    enter_bp: float = 5.0
    """Enter when the forecast is above; basis points."""
    exit_bp: float = 0.0
    """Leave when the forecast is below; basis points; not above `enter_bp`."""
    short: bool = False
    """Whether to go short by the mirrored thresholds."""


class VolatilityScaled(_StrategyBase):
    """In the direction of the forecast, sized so that the recent volatility meets a target."""

    kind: Literal["volatility_scaled"]
    threshold_bp: float = Field(default=0.0, ge=0.0)
    """Basis points of forecast return."""
    target_volatility: float = Field(default=0.10, gt=0.0, le=5.0)
    """A year."""
    window: int = Field(default=20, ge=2, le=1000)
    """Bars of past returns that the volatility is taken from."""
    short: bool = False
    """Whether to go short on negative forecasts."""


class ReferenceStrategy(_StrategyBase):
    """A Backtrader strategy of your own."""

    kind: str = Field(pattern=r".+:.+")
    """`"file.py:Class"`."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Handed to the class, checked against its `params`."""


StrategySection = Annotated[
    Annotated[LongOrCash, Tag("long_or_cash")]
    | Annotated[LongShort, Tag("long_short")]
    | Annotated[Threshold, Tag("threshold")]
    | Annotated[VolatilityScaled, Tag("volatility_scaled")]
    | Annotated[ReferenceStrategy, Tag("reference")],
    _kind("long_or_cash", reference="reference"),
]


class BrokerSection(Section):
    """What trading costs."""

    cash: float = Field(default=100_000.0, gt=0.0)
    """Equity at the start."""
    commission_bp: float = Field(default=1.0, ge=0.0, le=1000.0)
    """Commission in basis points of the traded value, each side."""
    slippage_bp: float = Field(default=1.0, ge=0.0, le=1000.0)
    """How much worse than the fill price an order fills, in basis points."""
    fractional: bool = True
    """`false`: whole shares only."""
    risk_free_rate: float = Field(default=0.0, gt=-0.5, lt=1.0)
    """A year; subtracted in the Sharpe ratio."""
    fill: Fill = Fill.NEXT_OPEN
    """An order decided at a close fills at the next bar's open, or at its close (needs `horizon` of 2 or more)."""


class ExecutionSection(Section):
    """Where the training runs; never changes a figure."""

    executor: ExecutorKind = ExecutorKind.PROCESSES
    """`serial` is one worker process."""
    workers: int = Field(default=0, ge=0, le=1024)
    """Worker processes; 0: one for each core."""
    store: str = ""
    """Folder of trained folds; default: in the user's cache directory."""


class ReportSection(Section):
    """Where the report goes; never changes a figure."""

    directory: str = "reports"
    """Folder that holds the run directories; relative to the current folder."""
    title: str = Field(default="", max_length=300)
    """Title of the page; default: recipe and symbol."""


class Recipe(Section):
    """One question, in full."""

    seed: int = Field(default=7, ge=0, lt=2**31)
    """From which all randomness follows."""
    data: DataSection = DataSection()
    folds: FoldsSection = FoldsSection()
    features: FeaturesSection = FeaturesSection()
    target: TargetSection = TargetSection()
    model: ModelSection = LstmModel()
    training: TrainingSection = TrainingSection()
    strategy: StrategySection = LongOrCash()
    broker: BrokerSection = BrokerSection()
    execution: ExecutionSection = ExecutionSection()
    report: ReportSection = ReportSection()
