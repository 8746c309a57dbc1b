"""The kinds of ``[model]``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag

from backtester.recipe.kinds import REFERENCE, Parameters, Reference, discriminate
from backtester.recipe.section import Allowed, Section

__all__ = ["BaselineModel", "BidirectionalModel", "LstmModel", "ModelSection", "ReferenceModel"]

_Share = Annotated[float, Field(ge=0.0, lt=1.0)]
_Sizes = tuple[Annotated[int, Field(ge=1, le=10_000)], ...]

Dropout = Annotated[
    _Share | Annotated[tuple[_Share, ...], Field(min_length=1, max_length=8, strict=False)],
    Allowed(text="a number, at least 0, below 1, or an array of one for each layer"),
]


class LstmModel(Section):
    """LSTM layers and one linear unit."""

    kind: Literal["lstm"] = "lstm"
    """Which model."""
    lookback: int = Field(default=20, ge=1, le=2000)
    """Bars in a window."""
    units: _Sizes = Field(default=(50,), min_length=1, max_length=8, strict=False)
    """Units of each LSTM layer, so `[50, 50]` is two layers."""
    dropout: Dropout = 0.0
    """Share of each layer's outputs dropped in training: one for all, or `[0.2, 0.25]`, one for each."""
    activation: Literal["tanh", "relu", "sigmoid", "linear"] = "tanh"
    """Of the cell output; tanh is the standard."""

    @property
    def dropouts(self) -> tuple[float, ...]:
        """The dropout of each layer."""
        return self.dropout if isinstance(self.dropout, tuple) else (self.dropout,) * len(self.units)


class BidirectionalModel(Section):
    """A convolution along the window, LSTM layers that read it both ways, dense layers, one linear unit."""

    kind: Literal["bidirectional"]
    """Which model."""
    lookback: int = Field(default=30, ge=1, le=2000)
    """Bars in a window; at least `kernel`."""
    filters: int = Field(default=32, ge=1, le=10_000)
    """Filters of the convolution, with ReLU."""
    kernel: int = Field(default=3, ge=1, le=2000)
    """Bars that a filter spans; nothing is padded."""
    units: _Sizes = Field(default=(64, 64, 64), min_length=1, max_length=8, strict=False)
    """Units of each LSTM layer, in each of its two directions."""
    dense: _Sizes = Field(default=(32,), max_length=8, strict=False)
    """Units of each dense layer after them, with ReLU; `[]` for none."""


class BaselineModel(Section):
    """A forecaster that learns nothing, traded as the strategy: a control."""

    kind: Literal["last_price", "last_return", "mean_return"]
    """Which model."""
    lookback: int = Field(default=1, ge=1, le=2000)
    """Bars in a window; baselines use none, it only sets the first fold's samples."""


class ReferenceModel(Section):
    """A Keras builder or a scikit-learn regressor of your own."""

    kind: Reference
    """`"file.py:name"` or `"module:name"`; a file is relative to the recipe's folder."""
    lookback: int = Field(default=20, ge=1, le=2000)
    """Bars in a window; a scikit-learn regressor gets them side by side."""
    parameters: Parameters = Field(default_factory=dict)
    """Handed to the builder or the regressor, checked against its signature."""


ModelSection = Annotated[
    Annotated[LstmModel, Tag("lstm")]
    | Annotated[BidirectionalModel, Tag("bidirectional")]
    | Annotated[BaselineModel, Tag("last_price")]
    | Annotated[BaselineModel, Tag("last_return")]
    | Annotated[BaselineModel, Tag("mean_return")]
    | Annotated[ReferenceModel, Tag(REFERENCE)],
    discriminate(default="lstm"),
]
