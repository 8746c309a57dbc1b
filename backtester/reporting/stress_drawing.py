"""What the pictures of a stress test have in common: values, places, the run's own value, looks."""

from __future__ import annotations

import math
import statistics
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import plotly.graph_objects as go

from backtester.reporting import words
from backtester.reporting.chart_style import ANSWERS, COLOURS, INK
from backtester.reporting.interval_plot import Mark, add_marks
from backtester.reporting.stress_words import LOWER_IS_BETTER, REFERENCES, known, unit_of, writer_of

__all__ = ["LONGEST_TICK", "Case", "Drawing", "middle_of", "ordered", "shown", "titled"]

Case = Mapping[str, Any]

_LONGEST_LABEL = 40
_LONGEST_TITLE = 48
_HATCHED: Mapping[str, Any] = {
    "shape": "/",
    "fillmode": "overlay",
    "fgcolor": "#ffffff",
    "fgopacity": 0.8,
    "size": 7,
    "solidity": 0.25,
}
LONGEST_TICK = 18
"""Letters beside or below a plot on a phone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A picture of ``stress.json`` with the cases that have its figure.

    Parameters
    ----------
    picture : how it is drawn
    cases : in the order of the axis
    """

    picture: Mapping[str, Any]
    cases: Sequence[Case]

    @property
    def figure_key(self) -> str:
        """Figure that is drawn."""
        return str(self.picture["figure"])

    @property
    def draws(self) -> list[float]:
        """Draws of a histogram that are numbers."""
        return known(self.picture["draws"])

    @property
    def lower_is_better(self) -> bool:
        """Whether less is better."""
        return self.figure_key in LOWER_IS_BETTER

    @property
    def reference(self) -> float:
        """Value that is no better than doing nothing."""
        return REFERENCES.get(self.figure_key, 0.0)

    @property
    def own(self) -> float | None:
        """The run's own value; None where it has none."""
        found = self.picture["baseline"]
        return None if words.is_missing(found) else float(found)

    @property
    def own_text(self) -> str:
        """The run's own value in words."""
        return f"this run {self.text(self.own)}"

    @property
    def tickformat(self) -> str:
        """Of the figure's axis, in d3's notation."""
        return ".2~%" if unit_of(self.figure_key, percent=bool(self.picture["percent"])) == "%" else ""

    def value(self, case: Case) -> float:
        """Figure of a case; NaN where it has none."""
        found = case["figures"].get(self.figure_key)
        return math.nan if words.is_missing(found) else float(f"{float(found):.8g}")

    def values(self, cases: Sequence[Case] | None = None) -> list[float]:
        """Figures of cases, all of them by default."""
        return [self.value(case) for case in (self.cases if cases is None else cases)]

    @property
    def others(self) -> list[Case]:
        """Cases that are counted: not the run itself, unless there is nothing else."""
        return [case for case in self.cases if not case.get("own")] or list(self.cases)

    def text(self, value: Any) -> str:
        """Write a value of the figure."""
        beside = self.draws if self.picture["kind"] == "histogram" else self.values()
        write = writer_of(self.figure_key, beside, percent=bool(self.picture["percent"]))
        return words.minus(write(value))

    def place(self, case: Case, *, on: str) -> Any:
        """Where a case lies on a coordinate of the picture (``x``, ``y``, ``group``); its label without."""
        return case["coordinates"].get(self.picture[on], case["label"])

    def groups(self, *, by: str) -> dict[Any, list[Case]]:
        """Cases by a coordinate of the picture; all in one where the picture names none."""
        if not self.picture[by]:
            return {"": list(self.cases)}
        names = ordered([self.place(case, on=by) for case in self.cases])
        return {name: [case for case in self.cases if self.place(case, on=by) == name] for name in names}

    def ends(self, *more: float | None) -> tuple[float, float]:
        """Ends of the figure's axis, with room for all values, the run's own and ``more``."""
        beside = self.draws if self.picture["kind"] == "histogram" else self.values()
        numbers = [*beside, *known([self.own, *more])]
        lowest, highest = min(numbers), max(numbers)
        room = 0.06 * (highest - lowest) or 0.5 * abs(lowest) or 1.0
        return lowest - room, highest + room

    def hover(self, cases: Sequence[Case] | None = None) -> dict[str, Any]:
        """Label and figure of each case, as its text on hovering."""
        told = [
            f"{shown(case['label'])}<br>{self.text(self.value(case))}"
            for case in (self.cases if cases is None else cases)
        ]
        return {"customdata": told, "hovertemplate": "%{customdata}<extra></extra>"}

    def look(self, case: Case, *, colour: str = COLOURS["strategy"]) -> tuple[str, bool]:
        """Colour of a case, and whether it comes to another conclusion; red only where it is worse, too."""
        differs = case["stands"] is False
        bar = self.reference if self.own is None else self.own
        gain = (bar - self.value(case)) if self.lower_is_better else (self.value(case) - bar)
        return (ANSWERS["no"] if differs and gain < 0.0 else colour), differs

    def dots(self, cases: Sequence[Case], *, colour: str = COLOURS["strategy"]) -> dict[str, Any]:
        """Give a dot for each case, a cross where it comes to another conclusion."""
        looks = [self.look(case, colour=colour) for case in cases]
        return {
            "color": [found for found, _ in looks],
            "symbol": ["x" if differs else "circle" for _, differs in looks],
            "size": 9,
            "line": {"color": "#ffffff", "width": 0.8},
        }

    def add_bars(
        self, figure: go.Figure, *, places: Sequence[int], lying: bool, width: float, written: bool = False
    ) -> None:
        """Draw a bar for each case, hatched where it comes to another conclusion."""
        looks = [self.look(case) for case in self.cases]
        for colour, differs in dict.fromkeys(looks):
            mine = [number for number, found in enumerate(looks) if found == (colour, differs)]
            cases = [self.cases[number] for number in mine]
            lengths = [round(value - self.reference, 10) for value in self.values(cases)]
            at = [places[number] for number in mine]
            figure.add_bar(
                x=lengths if lying else at,
                y=at if lying else lengths,
                base=self.reference,
                orientation="h" if lying else "v",
                width=width,
                marker={"color": colour, **({"pattern": _HATCHED} if differs else {})},
                text=[self.text(value) for value in self.values(cases)] if written else None,
                textposition="outside",
                textangle=0,
                textfont={"size": 11, "color": INK},
                cliponaxis=False,
                showlegend=False,
                **self.hover(cases),
            )
        figure.update_layout(barmode="overlay")

    def along(self, figure: go.Figure, *, ends: tuple[float, float], height: float) -> None:
        """Lay the figure's axis level, with a line for the run's own value and one for the reference."""
        if ends[0] <= self.reference <= ends[1]:
            figure.add_vline(x=self.reference, line={"color": INK, "width": 1.2}, layer="below")
        if self.own is not None:
            own = Mark(label=self.own_text, at=self.own, dash="dash")
            add_marks(figure, [own], ends=ends, height=height)
        figure.update_xaxes(
            range=list(ends),
            zeroline=False,
            nticks=7,
            tickformat=self.tickformat,
            title_text=titled(self.picture["figure_label"]),
        )
        figure.update_layout(hovermode="closest", showlegend=False)

    def upright(self, figure: go.Figure) -> None:
        """Stand the figure's axis up, with a line for the run's own value, which the legend names."""
        ends = self.ends(self.reference)
        figure.update_layout(hovermode="closest", margin={"b": 48})
        figure.update_xaxes(title_text=titled(self.picture["x_label"]), showgrid=False, zeroline=False)
        figure.update_yaxes(
            title_text=titled(self.picture["figure_label"]),
            tickformat=self.tickformat,
            range=list(ends),
            zeroline=False,
        )
        figure.add_hline(y=self.reference, line={"color": "#8a94a3", "width": 1.2}, layer="below")
        if self.own is None:
            return
        line = {"color": INK, "width": 1.4, "dash": "dash"}
        figure.add_hline(y=self.own, line=line)
        text = self.own_text
        # a shape has no place in the legend: an empty line has
        figure.add_scatter(
            x=[None], y=[None], mode="lines", line=line, showlegend=True, name=text[:1].upper() + text[1:]
        )


def shown(text: Any, *, longest: int = _LONGEST_LABEL) -> str:
    """Label for a chart: short, and without the markup that plotly would read in it."""
    if isinstance(text, (int, float)):
        return words.minus(f"{text:.10g}")
    return escape(words.shortened(str(text), longest), quote=False)


def titled(text: Any) -> str:
    """Name of an axis of a chart, in two lines where one is too short on a phone."""
    lines = textwrap.wrap(str(text), width=_LONGEST_TITLE, max_lines=2, placeholder="…")
    return "<br>".join(escape(line, quote=False) for line in lines)


def ordered(places: Sequence[Any]) -> list[Any]:
    """Distinct places: numbers by size, names as they come."""
    found = list(dict.fromkeys(places))
    return sorted(found) if all(isinstance(place, (int, float)) for place in found) else found


def middle_of(values: Sequence[float]) -> float:
    """Median, for figures that stand at the same place."""
    return float(f"{statistics.median(values):.8g}")
