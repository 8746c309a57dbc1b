"""Variants that were trained, held against the run: traded on the same dates, and judged by one rule."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from backtester.errors import BacktesterError
from backtester.forecasts import Forecasts
from backtester.judgement import Answer
from backtester.stress.axis import Case
from backtester.stress.context import Context, Outcome

__all__ = [
    "FEWEST",
    "GAIN",
    "GAIN_LABEL",
    "LITTLE_LEFT",
    "MOST_LEFT",
    "Compared",
    "Traded",
    "compare",
    "gain_words",
    "hangs_words",
    "holds",
    "trade_outcomes",
]

GAIN = "sharpe_difference"
GAIN_LABEL = "Sharpe ratio above buy-and-hold's, a year"
FEWEST = 2
"""Variants besides the run itself that an answer takes."""
MOST_STAND, HALF_STAND = 0.8, 0.5
MOST_LEFT, LITTLE_LEFT = 0.5, 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """A variant's forecasts, traded.

    Parameters
    ----------
    forecasts : out of sample
    bars, holding : of the strategy and of buy-and-hold, by date
    """

    forecasts: Forecasts
    bars: pd.DataFrame
    holding: pd.DataFrame

    def cut(self, *, origins: pd.DatetimeIndex, dates: pd.DatetimeIndex) -> Traded:
        """Leave out what others do not have."""
        frame = self.forecasts.frame
        return Traded(
            forecasts=Forecasts(frame=frame[frame["origin"].isin(origins)]),
            bars=self.bars.loc[dates],
            holding=self.holding.loc[dates],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The run and its variants on the dates that all of them have.

    Parameters
    ----------
    cases : in the order of the outcomes, the run itself first; NaN where a variant has no forecasts
    traded : cut to those dates; None where there are no forecasts
    own : the run's gain there, as a Sharpe ratio a year; NaN where undefined
    others : that of each variant that could be traded; 0 where it never trades, which gains nothing
    notes : what was cut, and what failed
    """

    cases: tuple[Case, ...]
    traded: tuple[Traded | None, ...]
    own: float
    others: tuple[float, ...]
    notes: tuple[str, ...]

    @property
    def answer(self) -> Answer:
        """By `holds`; *yes* where nothing changes, since then the gain cannot hang on it."""
        if self.changes_nothing and self.own > 0.0:
            return Answer.YES
        return holds(self.own, others=self.others)

    @property
    def changes_nothing(self) -> bool:
        """Whether all of them make the same forecasts, up to rounding."""
        frames = [one.forecasts.frame["forecast"].to_numpy() for one in self.traded if one is not None]
        return len(frames) > 1 and all(
            len(frame) == len(frames[0])
            and np.allclose(frame, frames[0], rtol=1e-9, atol=1e-15, equal_nan=True)
            for frame in frames[1:]
        )

    def weakest(self) -> Case | None:
        """The variant with the least gain."""
        found = [case for case in self.cases[1:] if math.isfinite(case.figures.get(GAIN, math.nan))]
        return min(found, key=lambda case: case.figures[GAIN], default=None)


def holds(own: float, *, others: Sequence[float]) -> Answer:
    """Answer whether a gain holds when its circumstances change, by one rule for all axes.

    The run itself does not count, since it may have been chosen for its result.

    Parameters
    ----------
    own : the run's gain over buy-and-hold
    others : those under other circumstances

    Returns
    -------
    Answer : *no* where less than half of the others gain, or where their median is less than a quarter of
    the run's: then three quarters of it belong to the circumstances. *Yes* where four fifths of them gain
    and the median is at least half of the run's. Else *inconclusive*, as for fewer than two others, and
    where the run has no gain that could be lost

    Examples
    --------
    >>> str(holds(0.6, others=[0.5, 0.4, 0.7])), str(holds(0.6, others=[0.1, -0.2, 0.1]))
    ('yes', 'no')
    """
    if not own > 0.0 or len(others) < FEWEST:
        return Answer.INCONCLUSIVE
    share, middle = float(np.mean(np.asarray(others) > 0.0)), float(np.median(others))
    if share < HALF_STAND or middle < LITTLE_LEFT * own:
        return Answer.NO
    return Answer.YES if share >= MOST_STAND and middle >= MOST_LEFT * own else Answer.INCONCLUSIVE


def compare(context: Context, outcomes: Sequence[Outcome]) -> Compared:
    """Trade the variants and hold them against the run, on the dates that all of them have.

    Parameters
    ----------
    context : the run
    outcomes : on the run's own calendar, the run itself first
    """
    whole, reasons = trade_outcomes(context, outcomes)
    found = [one for one in whole if one is not None]
    dates = _common([one.bars.index for one in found])
    origins = _common([pd.DatetimeIndex(one.forecasts.frame["origin"]) for one in found])
    if any(len(one.bars) > len(dates) for one in found):
        dates = dates[1:]  # on which some buy while others hold already
    cut = [one and one.cut(origins=origins, dates=dates) for one in whole]
    cases = tuple(
        _case(context, outcome, traded=traded, reason=reason)
        for outcome, traded, reason in zip(outcomes, cut, reasons, strict=True)
    )
    others = [case.figures[GAIN] for case, one in zip(cases[1:], cut[1:], strict=True) if one is not None]
    return Compared(
        cases=cases,
        traded=tuple(cut),
        own=cases[0].figures[GAIN],
        others=tuple(0.0 if math.isnan(gain) else gain for gain in others),
        notes=(*_cut_notes(context, dates=dates), *_failure_notes(cases, reasons=reasons)),
    )


def _common(calendars: Sequence[pd.Index]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(functools.reduce(pd.Index.intersection, calendars))


def trade_outcomes(context: Context, outcomes: Sequence[Outcome]) -> tuple[list[Traded | None], list[str]]:
    """Trade the forecasts of each outcome over all of its own dates.

    Parameters
    ----------
    context : the run, whose own bars stand for the first outcome
    outcomes : the run itself first

    Returns
    -------
    Traded of each, None where there are no forecasts or they cannot be traded; and why, in the same order
    """
    traded: list[Traded | None] = [
        Traded(forecasts=context.forecasts, bars=context.bars, holding=context.holding)
    ]
    reasons = [""]
    for outcome in outcomes[1:]:
        if outcome.forecasts is None:
            traded.append(None)
            reasons.append(outcome.reason)
            continue
        try:
            bars = context.trade(outcome.forecasts, question=outcome.question)
            holding = context.hold(forecasts=outcome.forecasts, question=outcome.question)
        except BacktesterError as error:
            traded.append(None)
            reasons.append(error.message)
            continue
        traded.append(Traded(forecasts=outcome.forecasts, bars=bars, holding=holding))
        reasons.append("")
    return traded, reasons


def _case(context: Context, outcome: Outcome, *, traded: Traded | None, reason: str) -> Case:
    variant = outcome.variant
    if traded is None:
        return Case(label=variant.label, coordinates=variant.coordinates, note=reason)
    figures = context.figures(traded.bars, holding=traded.holding, forecasts=traded.forecasts)
    return Case(
        label=variant.label,
        coordinates=variant.coordinates,
        figures=figures,
        stands=context.stands(figures),
    )


def _cut_notes(context: Context, *, dates: pd.DatetimeIndex) -> list[str]:
    own = context.bars.index
    if len(dates) == len(own):
        return []
    if not len(dates):
        return ["The variants have no date in common."]
    return [
        f"Compared on the {len(dates):,} bars from {dates[0].date()} to {dates[-1].date()} that all of them "
        f"have; the run itself has {len(own):,}, from {own[0].date()}."
    ]


def _failure_notes(cases: Sequence[Case], *, reasons: Sequence[str]) -> list[str]:
    failed = [case.label for case, reason in zip(cases, reasons, strict=True) if reason]
    return [f"No forecasts, for the reason in the table: {', '.join(failed)}."] if failed else []


def gain_words(gain: float) -> str:
    """Say how a Sharpe ratio stands to buy-and-hold's.

    Examples
    --------
    >>> gain_words(0.421), gain_words(-0.02)
    ('0.42 above', '0.02 below')
    """
    if math.isnan(gain):
        return "undefined against"
    return f"{abs(gain):.2f} {'above' if gain >= 0.0 else 'below'}"


def hangs_words(compared: Compared, *, what: str, others: str) -> str:
    """Say whether the gain hangs on something.

    Parameters
    ----------
    compared : the run and its variants
    what : it may hang on, e.g. ``"the seed"``
    others : the variants in words, e.g. ``"other seeds"``
    """
    found = compared.others
    if not found:
        return f"Whether the gain hangs on {what} is open: there are no {others} to compare with."
    if not compared.own > 0.0:
        opening = f"There is no gain over buy-and-hold that could hang on {what}"
    elif compared.changes_nothing:
        return f"{what[:1].upper()}{what[1:]} changes nothing: all {len(found) + 1} forecasts are the same."
    else:
        opening = {
            Answer.YES: f"The gain does not hang on {what}",
            Answer.NO: f"The gain hangs on {what}",
            Answer.INCONCLUSIVE: f"Whether the gain hangs on {what} is open",
        }[compared.answer]
    n_gain = sum(gain > 0.0 for gain in found)
    return (
        f"{opening}: the run's own Sharpe ratio is {gain_words(compared.own)} buy-and-hold's, the median of "
        f"{len(found)} {others} {gain_words(float(np.median(found)))} (from {gain_words(min(found))} to "
        f"{gain_words(max(found))}; {n_gain} of {len(found)} gain)."
    )
