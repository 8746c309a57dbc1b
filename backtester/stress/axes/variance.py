"""Variance: where the spread of the gain comes from, the seed, the window or the period."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.judgement import Answer
from backtester.judgement.sharpe import per_period_sharpe
from backtester.reporting.words import minus, percent, signed
from backtester.stress.axes.seeds import other_seeds
from backtester.stress.axes.windows import scaled_span
from backtester.stress.axis import AxisResult, Case, Picture, PictureKind
from backtester.stress.compared import GAIN, Compared, Traded, compare
from backtester.stress.components import Components, components
from backtester.stress.context import Context, Outcome, Variant

__all__ = ["AXIS", "Variance"]

_MOST_SEEDS = 5
_FEWEST_PERIODS = 3
_FULL = 0.5
"""Share of the bars of a year or quarter that it must have to count."""

_WORDS = {
    "period": "the period",
    "window": "the training window",
    "window_period": "the window in its period",
    "seed": "the seed",
    "seed_period": "the seed in its period",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variance:
    """Seeds × training windows × calendar years: components of the variance of the gain in a year.

    Five seeds at most, those of the axis *seeds*, with the training windows of the axis *windows*, so that
    most of it is trained already. Years that have half of their bars or more count; where there are fewer
    than three, quarters. Where a network is used for longer than such a period, the luck of its seed goes
    through several of them, and is taken so.

    Answered *yes* where the mean gain over all of them is surely above 0: the 90% interval that takes other
    periods, windows and seeds into account lies above it; *no* where the mean is 0 or below; else
    *inconclusive*, as for a run without a gain. Counted as trials are windows by their own axis, seeds never.
    """

    key: str = "variance"
    title: str = "Where the spread comes from"
    question: str = "How much of the spread of the gain is due to the seed, the window and the period?"

    def variants(self, context: Context) -> Sequence[Variant]:
        """Give the run, and every seed with every training window."""
        own_seed, own_train = context.recipe.seed, context.recipe.folds.train
        n_seeds = min(_MOST_SEEDS, context.settings.seeds)
        seeds = [own_seed, *other_seeds(context, n_seeds - 1)]
        scaled = [scaled_span(own_train, factor) for factor in context.settings.train_factors]
        trains = [own_train, *(train for train in dict.fromkeys(scaled) if train != own_train)]
        return [
            Variant(
                label=f"train {train}, seed {seed}"
                + (", the run's own" if (train, seed) == (own_train, own_seed) else ""),
                changes=({} if train == own_train else {"folds.train": train})
                | ({} if seed == own_seed else {"seed": seed}),
                coordinates={
                    "train": float(train) if isinstance(train, int) else train,
                    "seed": str(seed),
                },
            )
            for train in trains
            for seed in seeds
        ]

    def conclude(self, context: Context, outcomes: Sequence[Outcome]) -> AxisResult:
        """Take the variance apart."""
        compared = compare(context, outcomes)
        windows, notes = _windows(outcomes, compared=compared)
        blocks, unit = _blocks(context, compared=compared)
        table = _table(context, windows=windows, blocks=list(blocks.values()))
        shared = _serves_several(context, unit=unit)
        found = components(table, seed=context.seed("variance"), shared=shared) if table.size else None
        return AxisResult(
            answer=_answer(compared.own, found=found, n_blocks=len(blocks)),
            sentence=_sentence(found, unit=unit, n_blocks=len(blocks), n_windows=len(windows)),
            figure=GAIN,
            cases=[*_component_cases(found), *compared.cases],
            pictures=[
                Picture(
                    kind=PictureKind.BARS,
                    title=f"Shares of the variance of the gain in a {unit}",
                    figure="share",
                    figure_label="Share of the variance",
                    x="source",
                    percent=True,
                )
            ],
            facts=_facts(found, shape=table.shape, unit=unit),
            traded=compared.whole,
            notes=(*compared.notes, *notes),
        )


def _windows(outcomes: Sequence[Outcome], *, compared: Compared) -> tuple[list[list[Traded]], list[str]]:
    """The seeds of each training window, where all of them could be compared."""
    by_train: dict[float | str, list[Traded | None]] = {}
    for outcome, traded in zip(outcomes, compared.traded, strict=True):
        by_train.setdefault(outcome.variant.coordinates["train"], []).append(traded)
    whole, broken = [], []
    for train, found in by_train.items():
        known = [one for one in found if one is not None]
        if len(known) == len(found):
            whole.append(known)
        else:
            broken.append(str(train))
    named = f"Left out, as not every seed of theirs could be compared: train {', '.join(broken)}."
    return whole, [named] if broken else []


def _blocks(context: Context, *, compared: Compared) -> tuple[dict[str, pd.DatetimeIndex], str]:
    """Calendar years among the common dates, or quarters where there are few."""
    dates = next(pd.DatetimeIndex(one.bars.index) for one in compared.traded if one is not None)
    bars_a_year = context.recipe.data.periods_per_year
    years = _full(dates, frequency="Y", bars=bars_a_year)
    if len(years) >= _FEWEST_PERIODS:
        return years, "year"
    return _full(dates, frequency="Q", bars=bars_a_year / 4), "quarter"


def _serves_several(context: Context, *, unit: str) -> bool:
    """Whether a network is used for longer than a period."""
    bars = context.recipe.data.periods_per_year / (1 if unit == "year" else 4)
    longest: int = max(fold.test.stop - fold.test.start for fold in context.question.problem.folds)
    return longest > bars


def _full(dates: pd.DatetimeIndex, *, frequency: str, bars: float) -> dict[str, pd.DatetimeIndex]:
    """Those that have half of their bars or more."""
    periods = dates.to_period(frequency)
    return {
        str(period): dates[periods == period]
        for period in periods.unique()
        if np.sum(periods == period) >= max(3.0, _FULL * bars)
    }


def _table(
    context: Context, *, windows: Sequence[Sequence[Traded]], blocks: Sequence[pd.DatetimeIndex]
) -> NDArray[np.float64]:
    """Gains (seeds, windows, periods)."""
    n_seeds = len(windows[0]) if windows else 0
    table = np.empty((n_seeds, len(windows), len(blocks)))
    for window, seeds in enumerate(windows):
        for seed, traded in enumerate(seeds):
            table[seed, window] = [_gain(context, traded, dates=dates) for dates in blocks]
    return table


def _gain(context: Context, traded: Traded, *, dates: pd.DatetimeIndex) -> float:
    """Sharpe ratio above buy-and-hold's in a block, a year; that of cash is 0."""
    periods = context.recipe.data.periods_per_year
    sharpes = []
    for frame in (traded.bars, traded.holding):
        returns: NDArray[np.float64] = frame["return"].loc[dates].to_numpy(dtype=np.float64)
        ratio = per_period_sharpe(returns)
        sharpes.append(0.0 if math.isnan(ratio) else ratio * math.sqrt(periods))
    return sharpes[0] - sharpes[1]


def _answer(own: float, *, found: Components | None, n_blocks: int) -> Answer:
    if found is None or n_blocks < _FEWEST_PERIODS or not own > 0.0:
        return Answer.INCONCLUSIVE
    if found.mean <= 0.0:
        return Answer.NO
    return Answer.YES if found.mean_interval[0] > 0.0 else Answer.INCONCLUSIVE


def _sentence(found: Components | None, *, unit: str, n_blocks: int, n_windows: int) -> str:
    if not n_windows:
        return "In every training window there is a seed that could not be compared."
    if found is None or n_blocks < _FEWEST_PERIODS:
        return "The history is too short to take the variance of the gain apart."
    parts = [
        f"{percent(component.share, digits=0)} by {_WORDS[name]}"
        for name, component in sorted(found.by_source.items(), key=lambda pair: -_known(pair[1].share))
        if math.isfinite(component.share)
    ]
    low, high = found.mean_interval
    if not parts:
        return f"The gain in a {unit} never varies."
    return (
        f"The gain in Sharpe ratio varies from one {unit} to another: {', '.join(parts)}. Over all it is "
        f"{_signed(found.mean)} on average ({percent(found.level, digits=0)} interval {_signed(low)} to "
        f"{_signed(high)}, for other periods, windows and seeds)."
    )


def _signed(value: float) -> str:
    return minus(signed(value))


def _known(share: float) -> float:
    return share if math.isfinite(share) else -1.0


def _component_cases(found: Components | None) -> list[Case]:
    if found is None:
        return []
    return [
        Case(
            label=_WORDS[name],
            coordinates={"source": _WORDS[name]},
            figures={
                "share": component.share,
                "variance": component.variance,
                "variance_low": component.interval[0],
                "variance_high": component.interval[1],
            },
            note="a variance estimated below 0 counts as 0" if component.variance < 0.0 else "",
        )
        for name, component in found.by_source.items()
    ]


def _facts(found: Components | None, *, shape: tuple[int, ...], unit: str) -> dict[str, object]:
    if found is None:
        return {}
    n_seeds, n_windows, n_blocks = shape
    return {
        "windows": n_windows,
        "seeds": n_seeds,
        f"{unit}s": n_blocks,
        **{
            f"variance_{name}": {
                "estimate": component.variance,
                "low": component.interval[0],
                "high": component.interval[1],
            }
            for name, component in found.by_source.items()
        },
        "mean_gain": found.mean,
        "mean_gain_low": found.mean_interval[0],
        "mean_gain_high": found.mean_interval[1],
        "interval_level": found.level,
    }


AXIS = Variance()
