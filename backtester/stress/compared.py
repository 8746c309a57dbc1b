"""Variants that were trained, held against the run: traded on the same dates, and judged by one rule."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from backtester.errors import BacktesterError
from backtester.forecasts import Forecasts
from backtester.judgement import Answer
from backtester.stress.axis import Case
from backtester.stress.context import Context, Outcome
from backtester.stress.paired import SHORTEST

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
    "trade_outcome",
    "trade_outcomes",
]

GAIN = "sharpe_difference"
GAIN_LABEL = "Sharpe ratio above buy-and-hold's, a year"
FEWEST = 2
"""Variants besides the run itself that an answer takes."""
LEAST_COMMON = 0.5
"""Share of the run's bars that a variant must leave in common to be compared with it."""
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
    cases : in the order of the outcomes, the run itself first; without figures where a variant has no
        forecasts, or too few bars in common with the run
    whole : over all of their own dates; None where there are no forecasts
    traded : cut to the common dates; None also where there are too few
    own : the run's gain there, as a Sharpe ratio a year; NaN where undefined
    others : that of each variant that is compared; 0 where it never trades, which gains nothing
    n_bars : common dates
    fewest : others that an answer takes
    notes : what was cut, and what failed
    """

    cases: tuple[Case, ...]
    whole: tuple[Traded | None, ...]
    traded: tuple[Traded | None, ...]
    own: float
    others: tuple[float, ...]
    n_bars: int
    fewest: int
    notes: tuple[str, ...]

    @property
    def answer(self) -> Answer:
        """By `holds`; *yes* where nothing changes, since then the gain cannot hang on it."""
        if not self.is_long_enough:
            return Answer.INCONCLUSIVE
        if self.changes_nothing and self.own > 0.0:
            return Answer.YES
        return holds(self.own, others=self.others, fewest=self.fewest)

    @property
    def is_long_enough(self) -> bool:
        """Whether the common dates can carry an answer."""
        return self.n_bars >= SHORTEST

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


def holds(own: float, *, others: Sequence[float], fewest: int = FEWEST) -> Answer:
    """Answer whether a gain holds when its circumstances change, by one rule for all axes.

    The run itself does not count, since it may have been chosen for its result.

    Parameters
    ----------
    own : the run's gain over buy-and-hold
    others : those under other circumstances
    fewest : of them that an answer takes

    Returns
    -------
    Answer : *no* where less than half of the others gain, or where their median is less than a quarter of
    the run's: then three quarters of it belong to the circumstances. *Yes* where four fifths of them gain
    and the median is at least half of the run's. Else *inconclusive*, as for fewer than ``fewest`` others,
    and where the run has no gain that could be lost

    Examples
    --------
    >>> str(holds(0.6, others=[0.5, 0.4, 0.7])), str(holds(0.6, others=[0.1, -0.2, 0.1]))
    ('yes', 'no')
    """
    if not own > 0.0 or len(others) < fewest:
        return Answer.INCONCLUSIVE
    share, middle = float(np.mean(np.asarray(others) > 0.0)), float(np.median(others))
    if share < HALF_STAND or middle < LITTLE_LEFT * own:
        return Answer.NO
    return Answer.YES if share >= MOST_STAND and middle >= MOST_LEFT * own else Answer.INCONCLUSIVE


def compare(context: Context, outcomes: Sequence[Outcome], *, fewest: int = FEWEST) -> Compared:
    """Trade the variants and hold them against the run, on the dates that all of them have.

    A variant that would leave less than half of the run's bars is left out: one long window must not shrink
    the comparison of all others to a few bars.

    Parameters
    ----------
    context : the run
    outcomes : on the run's own calendar, the run itself first
    fewest : other variants that an answer takes
    """
    whole, reasons = trade_outcomes(context, outcomes)
    failed = [bool(reason) for reason in reasons]
    dates, short = _common_dates(whole)
    for at, n_bars in short.items():
        reasons[at] = f"too little in common with the run: {n_bars:,} of its {len(context.bars):,} bars"
    kept = [one if at not in short else None for at, one in enumerate(whole)]
    found = [one for one in kept if one is not None]
    if any(len(one.bars) > len(dates) for one in found):
        dates = dates[1:]  # on which some buy while others hold already
    origins = _common([pd.DatetimeIndex(one.forecasts.frame["origin"]) for one in found])
    cut = [one and one.cut(origins=origins, dates=dates) for one in kept]
    figures = [
        None if one is None else context.figures(one.bars, holding=one.holding, forecasts=one.forecasts)
        for one in cut
    ]
    own = math.nan if figures[0] is None else figures[0][GAIN]
    return Compared(
        cases=tuple(
            _case(outcome, figures=values, own_gain=own, reason=reason, own=at == 0)
            for at, (outcome, values, reason) in enumerate(zip(outcomes, figures, reasons, strict=True))
        ),
        whole=tuple(whole),
        traded=tuple(cut),
        own=own,
        others=tuple(
            0.0 if math.isnan(values[GAIN]) else values[GAIN] for values in figures[1:] if values is not None
        ),
        n_bars=len(dates),
        fewest=fewest,
        notes=(
            *_cut_notes(context, dates=dates),
            *_failure_notes(outcomes, failed=failed),
            *_short_notes(outcomes, short=short),
        ),
    )


def _common(calendars: Sequence[pd.Index]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(functools.reduce(pd.Index.intersection, calendars))


def _common_dates(traded: Sequence[Traded | None]) -> tuple[pd.DatetimeIndex, dict[int, int]]:
    """Dates that the run, which is first, and its variants have; and who would leave too few, with how many.

    Those that share most with the run come first, so that as many as can be are compared.
    """
    calendars = {at: one.bars.index for at, one in enumerate(traded) if one is not None}
    own = calendars[0]
    shared = {at: len(own.intersection(dates)) for at, dates in calendars.items()}
    common, short = own, dict[int, int]()
    for at in sorted(calendars, key=lambda at: -shared[at]):
        left = common.intersection(calendars[at])
        if len(left) < LEAST_COMMON * len(own):
            short[at] = len(left)
        else:
            common = left
    return pd.DatetimeIndex(common), short


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
    own = Traded(forecasts=context.forecasts, bars=context.bars, holding=context.holding)
    found = [(own, ""), *(trade_outcome(context, outcome) for outcome in outcomes[1:])]
    return [traded for traded, _ in found], [reason for _, reason in found]


def trade_outcome(context: Context, outcome: Outcome) -> tuple[Traded | None, str]:
    """Trade the forecasts of one outcome over all of its dates; None and why, where that cannot be."""
    if outcome.forecasts is None:
        return None, outcome.reason
    try:
        bars = context.trade(outcome.forecasts, question=outcome.question)
        holding = context.hold(forecasts=outcome.forecasts, question=outcome.question)
    except BacktesterError as error:
        return None, error.message
    return Traded(forecasts=outcome.forecasts, bars=bars, holding=holding), ""


def _case(
    outcome: Outcome, *, figures: dict[str, float] | None, own_gain: float, reason: str, own: bool
) -> Case:
    """A case stands where its gain has the sign that the run's has on the same dates."""
    variant = outcome.variant
    if figures is None:
        return Case(label=variant.label, coordinates=variant.coordinates, note=reason)
    known = not (math.isnan(own_gain) or math.isnan(figures[GAIN]))
    return Case(
        label=variant.label,
        coordinates=variant.coordinates,
        figures=figures,
        stands=(figures[GAIN] > 0.0) == (own_gain > 0.0) if known else None,
        own=own,
    )


def _cut_notes(context: Context, *, dates: pd.DatetimeIndex) -> list[str]:
    own = context.bars.index
    few = [f"{len(dates)} common bars are too few for an answer."] if len(dates) < SHORTEST else []
    if len(dates) == len(own) or not len(dates):
        return few
    return [
        f"Compared on the {len(dates):,} bars from {dates[0].date()} to {dates[-1].date()} that all of them "
        f"have; the run itself has {len(own):,}, from {own[0].date()}.",
        *few,
    ]


def _failure_notes(outcomes: Sequence[Outcome], *, failed: Sequence[bool]) -> list[str]:
    labels = [outcome.variant.label for outcome, is_so in zip(outcomes, failed, strict=True) if is_so]
    return [f"No forecasts, for the reason in the table: {', '.join(labels)}."] if labels else []


def _short_notes(outcomes: Sequence[Outcome], *, short: Mapping[int, int]) -> list[str]:
    if not short:
        return []
    labels = [outcomes[at].variant.label for at in sorted(short)]
    return [
        f"Not compared, as they would leave less than half of the run's bars in common: {', '.join(labels)}."
    ]


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
    if not compared.is_long_enough:
        return f"Whether the gain hangs on {what} is open: {compared.n_bars} common bars are too few to tell."
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
