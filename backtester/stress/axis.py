"""What an axis of stress is, and what comes of one: cases, a picture, an answer, a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from backtester.judgement import Answer

if TYPE_CHECKING:
    import pandas as pd

    from backtester.stress.compared import Traded
    from backtester.stress.context import Context, Outcome, Variant

__all__ = ["Axis", "AxisResult", "Case", "Choice", "Picture", "PictureKind"]


class PictureKind(StrEnum):
    """How cases are drawn."""

    BARS = "bars"
    """One bar a case: ``x`` its label or a coordinate."""
    LINE = "line"
    """A number against a coordinate, the baseline marked; one line for each value of ``group``."""
    STRIP = "strip"
    """Every case a dot, the baseline a line: a distribution."""
    HEATMAP = "heatmap"
    """A number over two coordinates, the baseline marked."""
    HISTOGRAM = "histogram"
    """Draws of a null distribution, the observed value a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One circumstance, and the figures there.

    Parameters
    ----------
    label : in words, for tables
    coordinates : where it lies on the axis, e.g. ``{"commission_bp": 10.0}``
    figures : by the names of `Context.figures`, and an axis's own; NaN where undefined
    stands : whether the run's conclusion stands there; None where that cannot be asked
    note : what the reader must know, e.g. why there is no figure
    own : whether this is the run itself, which cannot speak for itself and so is left out of all counts
    """

    label: str
    coordinates: Mapping[str, float | str] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    stands: bool | None = None
    note: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """How an axis is drawn.

    Parameters
    ----------
    kind : see `PictureKind`
    title : above it
    figure : the figure of the cases that is drawn
    figure_label : its name and unit
    x, y, group : coordinates of the cases, as far as the kind has them
    x_label, y_label : their names and units
    percent : whether the figure is a share
    baseline : the run's own value; NaN for none
    draws : of a histogram
    """

    kind: PictureKind
    title: str
    figure: str
    figure_label: str
    x: str = ""
    y: str = ""
    group: str = ""
    x_label: str = ""
    y_label: str = ""
    percent: bool = False
    baseline: float = float("nan")
    draws: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A setting that was traded with the run's own forecasts and could have been chosen.

    Parameters
    ----------
    changes : keys of the recipe
    bars : as `Context.trade` gave them
    """

    changes: Mapping[str, Any]
    bars: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisResult:
    """What came of one axis.

    Parameters
    ----------
    answer : whether the result holds along the axis
    sentence : what was found, in plain words, with its figures
    figure : the figure of the cases that the overview shows
    cases : in the order of the table
    pictures : at least one
    facts : further figures by name, e.g. a p-value; NaN where undefined
    chance : whether the cases are draws in which there is nothing to find: their median and their worst say
        nothing of the run
    tried : whether the axis's variants could have been chosen: each counts as a trial
    traded : the outcomes as the axis traded them, over all of their own dates, so that none is traded twice
        where they count as trials; empty where it did not
    choices : settings that could have been chosen and needed no training: each whose returns are its own
        counts as a trial
    notes : what the reader must know
    """

    answer: Answer
    sentence: str
    figure: str
    cases: Sequence[Case]
    pictures: Sequence[Picture]
    facts: Mapping[str, Any] = field(default_factory=dict)
    chance: bool = False
    tried: bool = False
    traded: Sequence[Traded | None] = ()
    choices: Sequence[Choice] = ()
    notes: Sequence[str] = ()


class Axis(Protocol):
    """One way to change the circumstances; an object with these, or a module of the user's.

    Parameters
    ----------
    key : a word for `--axis` and for ``stress.json``
    title : a heading
    question : what the axis asks, one sentence
    """

    key: str
    title: str
    question: str

    def variants(self, context: Context) -> Sequence[Variant]:
        """Give what must be trained; nothing where the stored forecasts are enough."""

    def conclude(self, context: Context, outcomes: Sequence[Outcome]) -> AxisResult:
        """Make cases and answer from what was trained, in the order of the variants."""
