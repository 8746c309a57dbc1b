"""Plotly figures of a stress test: five kinds of pictures for whatever an axis found."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from backtester.reporting import words
from backtester.reporting.chart_style import COLOURS, INK, MUTED, OTHERS, blank_figure
from backtester.reporting.stress_drawing import LONGEST_TICK, Case, Drawing, middle_of, ordered, shown
from backtester.reporting.stress_spreads import heatmap, histogram, strip

__all__ = ["picture_figure", "picture_words"]

_LINES = (COLOURS["strategy"], COLOURS["last_return"], OTHERS["mean_return"], INK, COLOURS["buy_and_hold"])
_DASHES = ("solid", "dash", "dot", "dashdot")
_MOST_LYING = 30
_LONGEST_BELOW = 7
"""Letters of a label that stand below a bar on a phone; a longer one stands above a lying bar."""
_MOST_TEXTS = 8
_LYING_HEIGHT = 38
_TENFOLD = 1000.0
"""Places this far apart lie on a scale of tenfold steps."""


def picture_figure(picture: Mapping[str, Any], cases: Sequence[Case]) -> go.Figure:
    """Draw one picture of an axis.

    Parameters
    ----------
    picture : of ``stress.json``; an unknown kind is drawn as bars
    cases : of the same axis

    Returns
    -------
    figure; one without traces where there is nothing to draw
    """
    drawing = _drawing(picture, cases)
    if not (drawing.draws if picture["kind"] == "histogram" else drawing.cases):
        return blank_figure(height=120)
    return _KINDS.get(str(picture["kind"]), _bars)(drawing)


def picture_words(picture: Mapping[str, Any], cases: Sequence[Case]) -> str:
    """Say what a picture shows: its caption, and all that a reader has who cannot see it."""
    drawing = _drawing(picture, cases)
    drawn = picture["kind"] == "histogram"
    values = drawing.draws if drawn else drawing.values(drawing.others)
    if not values:
        return "There is no figure to draw."
    said = f"{picture['figure_label']}: {words.plural(len(values), 'draw' if drawn else 'case')}"
    if len(values) > 1:
        lowest, middle, highest = (drawing.text(at(values)) for at in (min, middle_of, max))
        said += f" from {lowest} to {highest}, median {middle}"
    said += "." if drawing.own is None else f"; {drawing.own_text}."
    return said + (_beaten(drawing) if drawn else _fallen(drawing))


def _drawing(picture: Mapping[str, Any], cases: Sequence[Case]) -> Drawing:
    """Take the cases that have the figure and lie on the picture's coordinates; all where none lies there."""
    every = Drawing(picture=picture, cases=cases)
    scored = [case for case in cases if not math.isnan(every.value(case))]
    needed = {picture[on] for on in ("x", "y") if picture[on]}
    placed = [case for case in scored if needed <= set(case["coordinates"])]
    return Drawing(picture=picture, cases=placed or scored)


def _beaten(drawing: Drawing) -> str:
    own, draws = drawing.own, drawing.draws
    if own is None:
        return ""
    n = sum(value <= own if drawing.lower_is_better else value >= own for value in draws)
    share = words.percent(n / len(draws))
    return f" {n:,} of {len(draws):,} ({share}) are as good as this run or better (blue)."


def _fallen(drawing: Drawing) -> str:
    look, told = _LOOKS.get(str(drawing.picture["kind"]), _BAR_LOOKS)
    return told.format(reference=drawing.reference) + _count_fallen(drawing, look=look)


def _count_fallen(drawing: Drawing, *, look: str) -> str:
    asked = [case for case in drawing.others if case["stands"] is not None]
    fallen = sum(case["stands"] is False for case in asked)
    if not asked:
        return ""
    if not fallen:
        return " The conclusion stands in each."
    return f" {look}: another conclusion than that of this run ({fallen:,} of {len(asked):,})."


_BAR_LOOKS = ("Hatched", "")
_LOOKS: Mapping[str, tuple[str, str]] = {
    "line": ("Cross", ""),
    "strip": ("Cross", " Black bar: the median."),
    "heatmap": ("✗", " Blue is better than {reference:g}, orange worse; framed: as this run."),
}
"""How a case of another conclusion looks, and what else there is to see."""


def _bars(drawing: Drawing) -> go.Figure:
    names = [shown(drawing.place(case, on="x")) for case in drawing.cases]
    longest = max(map(len, names))
    if longest > _LONGEST_BELOW and len(names) <= _MOST_LYING:
        return _lying_bars(drawing, names=names)
    figure = blank_figure(height=320)
    drawing.add_bars(
        figure,
        # by number: two cases may have the same name
        places=range(len(names)),
        lying=False,
        # a few bars would fill the page like a wall
        width=min(0.75, 0.1 * len(names)),
        written=len(names) <= _MOST_TEXTS,
    )
    drawing.upright(figure)
    step = 1 if longest <= _LONGEST_BELOW else math.ceil(len(names) / 10)
    ticks = list(range(0, len(names), step))
    figure.update_xaxes(
        tickvals=ticks,
        ticktext=[shown(drawing.place(drawing.cases[tick], on="x"), longest=LONGEST_TICK) for tick in ticks],
    )
    return figure


def _lying_bars(drawing: Drawing, *, names: Sequence[str]) -> go.Figure:
    """Bars under their names, the first case on top."""
    places = list(range(len(names)))[::-1]
    top, plot, bottom = 30, _LYING_HEIGHT * len(names), 48
    figure = blank_figure(height=top + plot + bottom)
    drawing.add_bars(figure, places=places, lying=True, width=0.36)
    for place, name, value in zip(places, names, drawing.values(), strict=True):
        for end, side, text in ((0, "left", name), (1, "right", f"<b>{drawing.text(value)}</b>")):
            figure.add_annotation(
                x=end,
                xref="paper",
                xanchor=side,
                y=place,
                yshift=15,
                text=text,
                showarrow=False,
                font={"size": 12, "color": INK if end == 0 else MUTED},
                bgcolor="rgba(255,255,255,0.8)",
                borderpad=1,
            )
    drawing.along(figure, ends=drawing.ends(drawing.reference), height=plot)
    figure.update_layout(margin={"t": top, "b": bottom})
    figure.update_yaxes(visible=False, range=[-0.45, len(names) - 0.2], fixedrange=True)
    return figure


def _line(drawing: Drawing) -> go.Figure:
    places = ordered([drawing.place(case, on="x") for case in drawing.cases])
    numbers = all(isinstance(place, (int, float)) for place in places)
    figure = blank_figure(height=340)
    groups = drawing.groups(by="group")
    for number, (name, members) in enumerate(groups.items()):
        colour = _LINES[number % len(_LINES)]
        found = [drawing.place(case, on="x") for case in members]
        at = found if numbers else [places.index(place) for place in found]
        values = drawing.values(members)
        figure.add_scatter(
            x=sorted(set(at)),
            # several cases at one place: the line runs through the middle of them
            y=[
                middle_of([value for place, value in zip(at, values, strict=True) if place == x])
                for x in sorted(set(at))
            ],
            mode="lines",
            name=shown(name),
            showlegend=len(groups) > 1,
            hoverinfo="skip",
            line={"color": colour, "width": 2, "dash": _DASHES[number % len(_DASHES)]},
        )
        figure.add_scatter(
            x=at,
            y=values,
            mode="markers",
            showlegend=False,
            marker=drawing.dots(members, colour=colour),
            **drawing.hover(members),
        )
    drawing.upright(figure)
    if not numbers:
        figure.update_xaxes(
            tickvals=list(range(len(places))),
            ticktext=[shown(place, longest=LONGEST_TICK) for place in places],
        )
        return figure
    if places[0] > 0 and places[-1] / places[0] >= _TENFOLD:
        figure.update_xaxes(type="log", dtick=1)
    elif len(places) <= _MOST_TEXTS and _readable(places):
        figure.update_xaxes(tickvals=places)
    return figure


def _readable(places: Sequence[float]) -> bool:
    """Whether a tick at each place can be read."""
    width = places[-1] - places[0]
    return all(after - before >= 0.08 * width for before, after in itertools.pairwise(places))


_KINDS: Mapping[str, Callable[[Drawing], go.Figure]] = {
    "bars": _bars,
    "line": _line,
    "strip": strip,
    "heatmap": heatmap,
    "histogram": histogram,
}
