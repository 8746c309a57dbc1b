"""The kinds of ``[model]``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag

from backtester.recipe.kinds import REFERENCE, Parameters, Reference, discriminate
from backtester.recipe.section import Section

__all__ = ["BaselineModel", "LstmModel", "ModelSection", "ReferenceModel"]


class LstmModel(Section):
    """LSTM layers and one linear unit."""

    kind: Literal["lstm"] = "lstm"
    """Which model."""
    lookback: int = Field(default=20, ge=1, le=2000)
    """Bars in a window."""
    units: tuple[Annotated[int, Field(ge=1, le=10_000)], ...] = Field(
        default=(50,), min_length=1, max_length=8, strict=False
    )
    """Units of each LSTM layer, so `[50, 50]` is two layers."""
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Share of each layer's outputs dropped in training."""
    activation: Literal["tanh", "relu", "sigmoid", "linear"] = "tanh"
    """Of the cell output; tanh is the standard."""


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
    | Annotated[BaselineModel, Tag("last_price")]
    | Annotated[BaselineModel, Tag("last_return")]
    | Annotated[BaselineModel, Tag("mean_return")]
    | Annotated[ReferenceModel, Tag(REFERENCE)],
    discriminate(default="lstm"),
]
