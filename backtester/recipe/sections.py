"""The sections of a recipe: every key with its type, default, unit and range.

The reference page ``docs/recipe.md`` is made from these classes and from those of ``models.py`` and
``strategies.py``.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from backtester.recipe.audit import AuditSection
from backtester.recipe.checks import ContradictionsError, find_contradictions
from backtester.recipe.choices import (
    ExecutorKind,
    Fill,
    Loss,
    OnBadRow,
    OnLeak,
    Optimizer,
    PriceKind,
    ScalerKind,
    Scheme,
    Source,
    TargetKind,
)
from backtester.recipe.models import (
    BaselineModel,
    BidirectionalModel,
    LstmModel,
    ModelSection,
    ReferenceModel,
)
from backtester.recipe.published import PublishedSection
from backtester.recipe.section import Section, Session, Span
from backtester.recipe.strategies import (
    LongOrCash,
    LongShort,
    ReferenceStrategy,
    StrategySection,
    Threshold,
    VolatilityScaled,
)
from backtester.recipe.stress import StressSection

__all__ = [
    "AuditSection",
    "BaselineModel",
    "BidirectionalModel",
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
    "OnBadRow",
    "OnLeak",
    "PriceKind",
    "PublishedSection",
    "Recipe",
    "ReferenceModel",
    "ReferenceStrategy",
    "ReportSection",
    "ScalerKind",
    "Scheme",
    "Section",
    "Source",
    "StrategySection",
    "StressSection",
    "TargetKind",
    "TargetSection",
    "Threshold",
    "TrainingSection",
    "VerdictSection",
    "VolatilityScaled",
]


class DataSection(Section):
    """Which prices, and what to believe about them."""

    source: Source = Field(default=Source.SAMPLE, strict=False)
    """Where the prices come from."""
    symbol: str = Field(default="SPY", min_length=1, max_length=300)
    """The sample's name, the ticker at Yahoo, or a name for the file's prices."""
    path: str = ""
    """The file, for `csv` and `parquet`; relative to the recipe's folder."""
    column: str = Field(default="", max_length=300)
    """A file's column, by its header, whose prices serve as close; `""`: the one named Close."""
    start: Session | None = None
    """First session used; left out: from the beginning."""
    end: Session | None = None
    """Last session used; left out: to the end."""
    price: PriceKind = Field(default=PriceKind.ADJUSTED, strict=False)
    """`adjusted` scales open, high, low and close by adj_close / close where there is an adjusted close."""
    date_format: str = ""
    """A `strptime` format such as `%d/%m/%Y`, only where dates are ambiguous."""
    on_bad_row: OnBadRow = Field(default=OnBadRow.REFUSE, strict=False)
    """`drop` leaves out rows that cannot be right, at most 1 % of them, with a note."""
    confirmed_jumps: tuple[Session, ...] = Field(default=(), strict=False)
    """Dates of large overnight moves that are real."""
    periods_per_year: int = Field(default=252, ge=1, le=366)
    """Bars in a year, for annual figures."""
    refresh: bool = False
    """Fetch from Yahoo again although a copy is kept."""


class FoldsSection(Section):
    """How history is cut into training and test spans."""

    train: Span = 750
    """Length of the training window: bars, or a calendar span such as `"3Y"`, `"18M"`, `"6W"`."""
    test: Span = 63
    """Length of a test span, and so how often the network is retrained: bars or a calendar span."""
    scheme: Scheme = Field(default=Scheme.ROLLING, strict=False)
    """`rolling` keeps the window's length, `expanding` its start; `single` is one split at `train`."""
    phase: int = Field(default=0, ge=0)
    """Shift of the first test span, in bars."""
    validation: float = Field(default=0.1, ge=0.0, le=0.5)
    """Share of the training window, its last part, that early stopping watches; 0 for none."""
    embargo: int = Field(default=0, ge=0)
    """Bars left out between training window and test span, on top of the purge."""


class FeaturesSection(Section):
    """What the model sees."""

    columns: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=("log_return",), min_length=1, strict=False
    )
    """Named features such as `"volatility(20)"`, or your own as `"file.py:function"`."""
    scaler: ScalerKind = Field(default=ScalerKind.STANDARD, strict=False)
    """How the features are scaled, each by itself; fitted on the training part alone."""


class TargetSection(Section):
    """What the model forecasts."""

    kind: TargetKind = Field(default=TargetKind.LOG_RETURN, strict=False)
    """The log return over the horizon, or the close at its end."""
    horizon: int = Field(default=1, ge=1, le=252)
    """How many bars ahead."""
    scaler: ScalerKind = Field(default=ScalerKind.STANDARD, strict=False)
    """How the target is scaled; fitted on the training part alone, undone after predicting."""


class TrainingSection(Section):
    """How a network is fitted."""

    outputs: ClassVar[int] = 1  # numbers for each sample; no key: a forecast is one number

    epochs: int = Field(default=10, ge=1, le=100_000)
    """Passes over the training samples."""
    batch_size: int = Field(default=32, ge=1)
    """Samples in one step."""
    learning_rate: float = Field(default=0.001, gt=0.0, le=10.0)
    """Step size of the optimizer."""
    optimizer: Optimizer = "adam"
    """A Keras optimizer by name."""
    loss: Loss = "mse"
    """A Keras loss by name."""
    patience: int = Field(default=5, ge=0)
    """Epochs without a better validation loss before stopping, best weights kept; 0: no early stopping."""
    members: int = Field(default=1, ge=1, le=1000)
    """Networks in each fold, each with its own seed; their forecasts are averaged."""
    warm_start: bool = False
    """`true`: a fold begins from the weights of the fold before it, so that folds depend on each other."""


class BrokerSection(Section):
    """What trading costs."""

    cash: float = Field(default=100_000.0, gt=0.0)
    """Equity at the start, in the currency of the prices."""
    commission_bp: float = Field(default=1.0, ge=0.0, le=1000.0)
    """Commission in basis points of the traded value, each side."""
    slippage_bp: float = Field(default=1.0, ge=0.0, le=1000.0)
    """How much worse than the fill price an order fills, in basis points."""
    fractional: bool = True
    """`false`: whole shares only."""
    risk_free_rate: float = Field(default=0.0, gt=-0.5, lt=1.0)
    """A year, 0.02 is 2 %; subtracted in the Sharpe ratio."""
    fill: Fill = Field(default=Fill.NEXT_OPEN, strict=False)
    """Where an order decided at a close fills: the next bar's open, or its close (needs `horizon` >= 2)."""


class VerdictSection(Section):
    """What counts as an answer; fixed before the result is known."""

    level: float = Field(default=0.05, gt=0.0, le=0.2)
    """Chance of a false yes at each question; the intervals shown cover 1 - 2 · level."""
    smallest_sharpe: float = Field(default=0.3, gt=0.0, le=10.0)
    """Smallest interesting gain in Sharpe ratio over buy-and-hold, a year: below it is a no."""
    smallest_r2: float = Field(default=0.001, gt=0.0, lt=1.0)
    """Smallest interesting out-of-sample R² of the forecast, in returns: below it is a no."""
    draws: int = Field(default=10_000, ge=199, le=1_000_000)
    """Bootstrap draws."""


class ExecutionSection(Section):
    """Where the training runs; never changes a figure."""

    executor: ExecutorKind = Field(default=ExecutorKind.PROCESSES, strict=False)
    """`serial` is one worker process; `ray` needs the extra `walkforward-backtester[ray]`."""
    workers: int = Field(default=0, ge=0, le=1024)
    """Worker processes; 0: one for each core, and with `ray` one for each core of the cluster."""
    address: str = ""
    """A Ray cluster's address, e.g. `"auto"`; `""`: a cluster of its own on this machine."""
    store: str = ""
    """Folder of trained folds, relative to the current folder; `""`: in the user's cache directory."""
    registry: str = ""
    """Folder of the trial registry, relative to the current folder; `""`: in the user's data directory."""


class ReportSection(Section):
    """Where the report goes; never changes a figure."""

    directory: str = "reports"
    """Folder that holds the run directories; relative to the current folder."""
    title: str = Field(default="", max_length=300)
    """Title of the page; `""`: recipe and symbol."""


class Recipe(Section):
    """One question, in full."""

    seed: int = Field(default=7, ge=0, lt=2**31)
    """All randomness follows from it."""
    data: DataSection = DataSection()
    folds: FoldsSection = FoldsSection()
    features: FeaturesSection = FeaturesSection()
    target: TargetSection = TargetSection()
    model: ModelSection = LstmModel()
    training: TrainingSection = TrainingSection()
    strategy: StrategySection = LongOrCash()
    broker: BrokerSection = BrokerSection()
    verdict: VerdictSection = VerdictSection()
    stress: StressSection = StressSection()
    audit: AuditSection = AuditSection()
    published: PublishedSection | None = None
    execution: ExecutionSection = ExecutionSection()
    report: ReportSection = ReportSection()

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Recipe:
        found = find_contradictions(self)
        if found:
            raise ContradictionsError(found)
        return self
