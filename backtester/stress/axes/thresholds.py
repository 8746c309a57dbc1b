"""Thresholds: whether the strategy's parameters stand on a plateau or on a needle."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from backtester.errors import RecipeError, UserCodeError
from backtester.judgement import Answer
from backtester.recipe import (
    LongOrCash,
    LongShort,
    ReferenceStrategy,
    StrategySection,
    Threshold,
    VolatilityScaled,
)
from backtester.reporting.words import percent
from backtester.stress.axis import AxisResult, Case, Choice, Picture, PictureKind
from backtester.stress.context import Context, Outcome, Variant
from backtester.stress.paired import GAIN, GONE, KEPT, above, gain_left, no_gain, traded_case

__all__ = ["AXIS", "Thresholds"]

Point = tuple[float, ...]

EXPOSURES = (0.5, 0.75)
"""Largest exposures, times the recipe's; not above it, which would be leverage that nobody asked for."""
FACTORS = (0.5, 0.75, 1.5, 2.0)
"""Parameters, times the recipe's."""

_LABELS = {
    "threshold_bp": "Threshold (bp)",
    "enter_bp": "Enter above (bp)",
    "exit_bp": "Leave below (bp)",
    "max_exposure": "Largest exposure",
    "target_volatility": "Target volatility, a year",
    "window": "Window of the volatility (bars)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The strategy with other parameters, as a grid around its own.

    Neighbours are the next value down and the next one up of one parameter, with the others as they are.

    Notes
    -----
    No, a needle: along one parameter, every neighbour has less than a quarter of the gain left. Yes, a
    plateau: every neighbour has at least half. Inconclusive: anything between, a strategy without a number
    to change, and a run without a gain. Settings with which it never trades are left out.
    """

    key: str = "thresholds"
    title: str = "Parameters"
    question: str = "Does the gain depend on the very parameters of the strategy?"

    def variants(self, context: Context) -> Sequence[Variant]:
        """Train nothing."""
        return ()

    def conclude(self, context: Context, outcomes: Sequence[Outcome]) -> AxisResult:
        """Trade with every setting of the grid."""
        grid = _grid_of(context)
        traded = {point: _trade(context, grid, point=point) for point in grid.points}
        cases = {point: case for point, (case, _) in traded.items()}
        answer, sentence, kept = _answer(context, grid, cases=cases)
        gains = [case.figures["sharpe_difference"] for case in cases.values()]
        own = cases[grid.own].figures["sharpe_difference"]
        return AxisResult(
            answer=answer,
            sentence=sentence,
            figure="sharpe_difference",
            cases=tuple(cases.values()),
            pictures=_pictures(context, grid),
            facts={
                "settings": len(cases),
                "settings_with_gain": sum(gain > 0.0 for gain in gains),
                "rank_of_own": 1 + sum(gain > own for gain in gains),
                **{f"kept_{name}": share for name, share in kept.items()},
            },
            choices=[choice for _, choice in traded.values() if choice is not None],
            notes=grid.notes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """Settings of a strategy.

    Parameters
    ----------
    names : the parameters
    own : the recipe's values
    points : all settings, the recipe's among them
    groups : names of the parameters that are drawn in one picture, one or two
    notes : what is left out
    """

    names: tuple[str, ...]
    own: Point
    points: tuple[Point, ...]
    groups: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = field(default=())

    def coordinates(self, point: Point) -> dict[str, float]:
        """Give the parameters of the pictures that this setting is drawn in."""
        shown: set[str] = set()
        for group in self.groups:
            others = [at for at, name in enumerate(self.names) if name not in group]
            if all(point[at] == self.own[at] for at in others):
                shown.update(group)
        return {name: value for name, value in zip(self.names, point, strict=True) if name in shown}

    def is_choice(self, point: Point) -> bool:
        """Whether this is a trial of its own: at buy-and-hold's risk all exposures are the same one."""
        return point != self.own and all(
            value == own
            for name, value, own in zip(self.names, point, self.own, strict=True)
            if name == "max_exposure"
        )

    def neighbours(self, name: str) -> list[Point]:
        """Give the settings one step down and one step up."""
        at = self.names.index(name)
        line = sorted(
            point for point in self.points if all(i == at or v == self.own[i] for i, v in enumerate(point))
        )
        here = line.index(self.own)
        return [line[step] for step in (here - 1, here + 1) if 0 <= step < len(line)]


def _grid_of(context: Context) -> _Grid:
    section, tried = context.recipe.strategy, set(context.settings.thresholds_bp)
    if isinstance(section, ReferenceStrategy):
        return _own_parameters(section)
    if isinstance(section, Threshold):
        names = ("enter_bp", "exit_bp")
        points = itertools.product(tried | {section.enter_bp}, tried | {section.exit_bp})
        fitting = [
            (enter, leave)
            for enter, leave in points
            if leave <= enter and not (section.short and enter < 0.0)
        ]
        return _grid(section, names=names, points=fitting, groups=(names,))
    thresholds = tried | {section.threshold_bp}
    if not isinstance(section, LongOrCash):
        thresholds = {value for value in thresholds if value >= 0.0}
    if isinstance(section, VolatilityScaled):
        return _volatility_grid(section, thresholds=thresholds)
    names = ("threshold_bp", "max_exposure")
    exposures = {section.max_exposure, *(factor * section.max_exposure for factor in EXPOSURES)}
    return _grid(section, names=names, points=itertools.product(thresholds, exposures), groups=(names,))


def _volatility_grid(section: VolatilityScaled, *, thresholds: set[float]) -> _Grid:
    targets = {section.target_volatility, *(factor * section.target_volatility for factor in FACTORS)}
    windows = {section.window, *(round(factor * section.window) for factor in FACTORS)}
    points = [
        *itertools.product(
            {value for value in targets if value <= 5.0},
            {value for value in windows if 2 <= value <= 1000},
            [section.threshold_bp],
        ),
        *((section.target_volatility, section.window, value) for value in thresholds),
    ]
    names = ("target_volatility", "window", "threshold_bp")
    return _grid(section, names=names, points=points, groups=(names[:2], names[2:]))


def _grid(
    section: LongOrCash | LongShort | Threshold | VolatilityScaled,
    *,
    names: tuple[str, ...],
    points: itertools.product[tuple[float, ...]] | Sequence[tuple[float, ...]],
    groups: tuple[tuple[str, ...], ...],
) -> _Grid:
    own = tuple(float(getattr(section, name)) for name in names)
    found = {tuple(float(value) for value in point) for point in points}
    return _Grid(names=names, own=own, points=tuple(sorted(found | {own})), groups=groups)


def _own_parameters(section: ReferenceStrategy) -> _Grid:
    numbers = {
        name: value
        for name, value in section.parameters.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and value != 0
    }
    names, own = tuple(numbers), tuple(float(value) for value in numbers.values())
    points = {own}
    for at, value in enumerate(numbers.values()):
        for factor in FACTORS:
            changed = float(round(factor * value)) if isinstance(value, int) else factor * value
            points.add((*own[:at], changed, *own[at + 1 :]))
    left_out = [name for name in section.parameters if name not in numbers]
    notes = [f"Not changed, as {', '.join(left_out)}: no number other than 0."] if left_out else []
    return _Grid(
        names=names,
        own=own,
        points=tuple(sorted(points)),
        groups=tuple((name,) for name in names),
        notes=tuple(notes),
    )


def _trade(context: Context, grid: _Grid, *, point: Point) -> tuple[Case, Choice | None]:
    """Trade with one setting; see `_Grid.is_choice` for which are choices."""
    values = dict(zip(grid.names, point, strict=True))
    label = ", ".join(f"{name} {value:g}" for name, value in values.items()) or "as it is"
    label += " (the run's)" if point == grid.own and grid.names else ""
    coordinates = grid.coordinates(point)
    try:
        bars = context.bars if point == grid.own else context.trade(strategy=_changed(context, values))
    except (RecipeError, UserCodeError) as error:
        nan = dict.fromkeys(context.baseline, math.nan)
        return Case(label=label, coordinates=coordinates, figures=nan, note=str(error)), None
    note = "" if (bars["turnover"] > 0.0).any() else "never trades"
    case = traded_case(
        context,
        label=label,
        bars=bars,
        holding=context.holding,
        coordinates=coordinates,
        note=note,
        own=point == grid.own,
    )
    if not grid.is_choice(point):
        return case, None
    place = "strategy.parameters" if isinstance(context.recipe.strategy, ReferenceStrategy) else "strategy"
    section = _changed(context, values)
    given = section.parameters if isinstance(section, ReferenceStrategy) else section.model_dump()
    return case, Choice(changes={f"{place}.{name}": given[name] for name in values}, bars=bars)


def _changed(context: Context, values: Mapping[str, float]) -> StrategySection:
    section = context.recipe.strategy
    if not isinstance(section, ReferenceStrategy):
        kinds = {name: type(getattr(section, name)) for name in values}
        return section.model_copy(update={name: kinds[name](value) for name, value in values.items()})
    parameters = {name: type(section.parameters[name])(value) for name, value in values.items()}
    return section.model_copy(update={"parameters": section.parameters | parameters})


def _answer(
    context: Context, grid: _Grid, *, cases: Mapping[Point, Case]
) -> tuple[Answer, str, dict[str, float]]:
    gains = [case.figures["sharpe_difference"] for case in cases.values()]
    counted = f"{sum(gain > 0.0 for gain in gains)} of {len(gains)} settings"
    reason = no_gain(context)
    if reason:
        return Answer.INCONCLUSIVE, f"{reason} There is one in {counted}.", {}
    near = {
        name: [cases[point] for point in grid.neighbours(name) if _left(context, cases[point]) is not None]
        for name in grid.names
    }
    near = {name: found for name, found in near.items() if found}
    if not near:
        return Answer.INCONCLUSIVE, "The strategy has no number that could be changed a little.", {}
    kept = {name: max(_left(context, case) or 0.0 for case in found) for name, found in near.items()}
    needle = min(kept, key=lambda name: kept[name])
    if kept[needle] < GONE:
        sides = " and ".join(f"at {_value(case, needle)} {_gain(case)}" for case in near[needle])
        return (
            Answer.NO,
            f"A needle: with {needle} {_value(cases[grid.own], needle)} the Sharpe ratio is "
            f"{_gain(cases[grid.own])}, {sides}.",
            kept,
        )
    everyone = [case for found in near.values() for case in found]
    least = min(everyone, key=lambda case: _left(context, case) or 0.0)
    share = _left(context, least) or 0.0
    where = f"{percent(share, digits=0)} of it with {least.label}"
    if share >= KEPT:
        return (
            Answer.YES,
            f"A plateau: every neighbouring setting keeps the gain, at the least {where}; there is a gain in "
            f"{counted}.",
            kept,
        )
    return (
        Answer.INCONCLUSIVE,
        f"A slope: a step to the side keeps {where}; there is a gain in {counted}.",
        kept,
    )


def _left(context: Context, case: Case) -> float | None:
    """Share of the gain left; None where it never trades or could not be tried."""
    share = gain_left(context, case.figures)
    return None if math.isnan(share) else share


def _value(case: Case, name: str) -> str:
    return f"{case.coordinates[name]:g}"


def _gain(case: Case) -> str:
    return above(case.figures["sharpe_difference"])


def _pictures(context: Context, grid: _Grid) -> tuple[Picture, ...]:
    baseline = context.baseline["sharpe_difference"]
    pictures = []
    for x, *others in grid.groups:
        label, kind = _LABELS.get(x, x), PictureKind.HEATMAP if others else PictureKind.LINE
        pictures.append(
            Picture(
                kind=kind,
                title=f"Gain over buy-and-hold by {' and '.join((x, *others))}",
                figure="sharpe_difference",
                figure_label=GAIN,
                x=x,
                x_label=label,
                y=others[0] if others else "",
                y_label=_LABELS.get(others[0], others[0]) if others else "",
                baseline=baseline,
            )
        )
    if "max_exposure" in grid.names:
        pictures.append(
            Picture(
                kind=PictureKind.LINE,
                title="Gain over buy-and-hold by the threshold",
                figure="sharpe_difference",
                figure_label=GAIN,
                x="threshold_bp",
                x_label=_LABELS["threshold_bp"],
                group="max_exposure",
                baseline=baseline,
            )
        )
    if not pictures:
        pictures.append(
            Picture(
                kind=PictureKind.BARS,
                title="Gain over buy-and-hold",
                figure="sharpe_difference",
                figure_label=GAIN,
                baseline=baseline,
            )
        )
    return tuple(pictures)


AXIS = Thresholds()
