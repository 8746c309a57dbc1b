"""Whether forecasts at the wrong bars, or with the wrong sign, do as well."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.forecasts import Forecasts
from backtester.judgement import Answer
from backtester.recipe import ReferenceStrategy
from backtester.reporting.words import plural, probability
from backtester.stress.axis import AxisResult, Case, Picture, PictureKind
from backtester.stress.chance import (
    FEWEST_LAGS,
    HALF,
    Contest,
    as_good,
    blind_lags,
    contest_of,
    decide_by_forecast,
    seeing_lags_note,
    share_as_good,
)
from backtester.stress.context import Context, Outcome, Variant
from backtester.stress.paired import GAIN, above, no_gain
from backtester.stress.paths import shifted_orders

__all__ = ["AXIS", "Placebo"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_LATER = (1, 2, 3, 5, 10, 21, 42, 63, 126, 189, 250)
_EARLIER = (-1, -2, -3, -5, -10, -21)
_FORGOTTEN = 21
"""Bars, a month, from which on a forecast counts as one for the wrong bars."""
_PLACEBOS = 250
"""The most; on 6,000 bars they lie some 20 bars apart."""
_LOOKS_AHEAD = "looks ahead: it knows bars that it trades, and says nothing of the run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placebo:
    """The run's forecasts handed out at other bars, or with the other sign.

    Forecasts move round the circle of the bars, and the strategy decides anew (one of the user's own, which
    only Backtrader runs, has its orders moved). Three things are looked at:

    - placebos: up to 250 lags, evenly spread from a month on, without those at which a forecast would meet
      bars that it had seen, as far as the history allows (`blind_lags`). Their share that does as well is a
      p-value.
    - the sign flipped: what is gained by a forecast is lost by its opposite.
    - some bars later and earlier: the gain should fade with age. Earlier looks ahead and must look better
      where forecasts follow prices; it is shown to be compared with, and decides nothing.

    Notes
    -----
    At the level of ``[verdict]``. Yes: p is at most the level, and with the sign flipped the Sharpe ratio is
    below buy-and-hold's and below the median placebo's. No: half or more of the placebos do as well, or the
    flipped forecasts do. Inconclusive otherwise, for a run without a gain, which hangs on nothing, and where
    the strategy never changes what it holds or never trades.
    """

    key: str = "placebo"
    title: str = "Placebo"
    question: str = "Do forecasts for other bars, or with the other sign, do as well?"

    def variants(self, context: Context) -> Sequence[Variant]:
        """Train nothing."""
        return ()

    def conclude(self, context: Context, outcomes: Sequence[Outcome]) -> AxisResult:
        """Shift and flip, and say whether it mattered."""
        contest = contest_of(context)
        lags = _placebo_lags(contest)
        own = float(contest.differences([_moved(contest, lags=np.array([0]))])[0])
        values = contest.differences(_chunks(contest, lags=lags))
        p_value = share_as_good(values, own)
        flipped = _case(contest, "Sign flipped", returns=_flipped(contest), own=own)
        shifted = _shifted_cases(contest, own=own)
        known = values[np.isfinite(values)]
        median = float(np.median(known)) if len(known) else math.nan
        loss = flipped.figures["sharpe_difference"]
        counted = (
            f"{as_good(values, p_value)} of {len(values):,} shifts of the forecasts to other "
            f"bars do as well ({probability(p_value)}), and with the sign flipped the Sharpe ratio is "
            f"{above(loss)}."
        )
        undecided = _undecided(contest, lags=lags, p_value=p_value, counted=counted)
        if undecided:
            answer, sentence = Answer.INCONCLUSIVE, undecided
        else:
            answer = _answer(p_value, own=own, loss=loss, median=median, level=context.recipe.verdict.level)
            sentence = f"{_LEADS[answer]}: {counted}"
        return AxisResult(
            answer=answer,
            sentence=sentence,
            figure="sharpe_difference",
            cases=[flipped, *shifted],
            pictures=_pictures(values, own=own),
            facts={
                "p_value": p_value,
                "placebos": len(values),
                "median_placebo": median,
                "flipped": loss,
                "observed": own,
            },
            chance=True,
            notes=list(_notes(contest)),
        )


_LEADS = {
    Answer.YES: "The gain hangs on the right bar and the right sign",
    Answer.NO: "Placebos do as well",
    Answer.INCONCLUSIVE: "Placebos are not clearly worse",
}


def _undecided(contest: Contest, *, lags: Integers, p_value: float, counted: str) -> str:
    """Say why placebos cannot decide; empty where they can."""
    if len(lags) < FEWEST_LAGS:
        return "There are too few bars to move a forecast to others."
    if math.isnan(p_value):
        return "The strategy never traded: a placebo does the same."
    if not contest.changes:
        return "The strategy never changed what it held, whatever the forecast: so does a placebo."
    reason = no_gain(contest.context)
    return f"{reason} {counted[:1].upper()}{counted[1:]}" if reason else ""


def _answer(p_value: float, *, own: float, loss: float, median: float, level: float) -> Answer:
    if p_value >= HALF or loss >= own:
        return Answer.NO
    if p_value <= level and loss < min(0.0, median):
        return Answer.YES
    return Answer.INCONCLUSIVE


def _placebo_lags(contest: Contest) -> Integers:
    blind = blind_lags(contest.context, n_bars=len(contest.venue))
    if not len(blind):
        return blind
    far = blind[blind >= _FORGOTTEN] if blind[-1] >= 2 * _FORGOTTEN else blind
    n = min(len(far), _PLACEBOS, contest.context.settings.draws)
    return far[np.round(np.linspace(0, len(far) - 1, n)).astype(np.int64)]


def _moved(contest: Contest, *, lags: Integers) -> Floats:
    """Orders (k, n) on forecasts so many bars later, round the circle."""
    if isinstance(contest.context.recipe.strategy, ReferenceStrategy):
        return shifted_orders(contest.orders, lags=lags)
    n = len(contest.venue)
    source = (np.arange(n) - lags[:, None]) % n
    return decide_by_forecast(contest, forecasts=contest.venue.forecasts[source])


def _chunks(contest: Contest, *, lags: Integers) -> Iterator[Floats]:
    at_once = contest.venue.paths_at_once
    for start in range(0, len(lags), at_once):
        yield _moved(contest, lags=lags[start : start + at_once])


def _flipped(contest: Contest) -> Floats:
    context = contest.context
    frame = context.forecasts.frame
    table = Forecasts(
        frame=frame.assign(
            forecast=-frame["forecast"], forecast_price=frame["last_price"] * np.exp(-frame["forecast"])
        )
    )
    return context.trade(table)["return"].to_numpy(dtype=np.float64)


def _shifted_cases(contest: Contest, *, own: float) -> list[Case]:
    n = len(contest.venue)
    lags = [lag for lag in (0, *_LATER, *_EARLIER) if abs(lag) <= n // 2]
    returns = contest.returns(_moved(contest, lags=np.array(lags)))
    return [
        _case(contest, _when(lag), returns=path, own=own, lag=lag)
        for lag, path in zip(lags, returns, strict=True)
    ]


def _case(contest: Contest, label: str, *, returns: Floats, own: float, lag: int | None = None) -> Case:
    """A case stands where the run, which gains, does better than this placebo."""
    context = contest.context
    bars = pd.DataFrame({"return": returns}, index=context.holding.index)
    figures = context.figures(bars, holding=context.holding)
    difference = figures["sharpe_difference"]
    if lag is not None and lag < 0:
        # under a name of its own: no share of the overview, nor on the scale of what is honest
        return Case(
            label=label,
            coordinates={"lead_bars": float(-lag)},
            figures={"looking_ahead": difference},
            note=_LOOKS_AHEAD,
        )
    asked = lag != 0 and own > 0.0 and not math.isnan(difference)
    return Case(
        label=label,
        coordinates={"sign": "flipped"} if lag is None else {"lag_bars": float(lag)},
        figures=figures,
        stands=difference < own if asked else None,
        own=lag == 0,
    )


def _when(lag: int) -> str:
    if lag == 0:
        return "As in the run"
    return f"{plural(abs(lag), 'bar')} {'later' if lag > 0 else 'earlier'}"


def _pictures(values: Floats, *, own: float) -> tuple[Picture, ...]:
    return (
        Picture(
            kind=PictureKind.HISTOGRAM,
            title="Forecasts shifted to other bars, and the run",
            figure="sharpe_difference",
            figure_label=GAIN,
            baseline=own,
            draws=tuple(values[np.isfinite(values)].tolist()),
        ),
        Picture(
            kind=PictureKind.LINE,
            title="Acted on later: the gain by the age of the forecast",
            figure="sharpe_difference",
            figure_label=GAIN,
            x="lag_bars",
            x_label="Bars later than in the run",
            baseline=own,
        ),
        Picture(
            kind=PictureKind.LINE,
            title="Acted on earlier: what looking ahead would give",
            figure="looking_ahead",
            figure_label=GAIN,
            x="lead_bars",
            x_label="Bars earlier than in the run",
            baseline=own,
        ),
    )


def _notes(contest: Contest) -> Iterator[str]:
    seeing = seeing_lags_note(contest.context, n_bars=len(contest.venue))
    if seeing:
        yield seeing
    yield (
        "Forecasts acted on earlier than they were made look ahead. They are shown to be compared with: "
        "for who follows prices they must look better, and that is no sign of a leak."
    )
    if isinstance(contest.context.recipe.strategy, ReferenceStrategy):
        yield (
            "The strategy is your own and decides in Backtrader alone: its orders were shifted in place of "
            "the forecasts. Only the flipped forecasts were traded anew."
        )


AXIS = Placebo()
