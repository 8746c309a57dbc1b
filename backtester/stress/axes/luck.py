"""How often luck does as well: random times, shuffled forecasts, resampled bars."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backtester.forecasts import Forecasts
from backtester.judgement import Answer
from backtester.judgement.bootstrap import block_length, one_sided_p_value, resampled_sharpes
from backtester.recipe import ReferenceStrategy
from backtester.recipe.strategies import Threshold
from backtester.reporting.words import probability
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
from backtester.stress.paired import GAIN, no_gain

__all__ = ["AXIS", "Luck"]

Floats = NDArray[np.float64]

_SHUFFLES_IN_BACKTRADER = 19
"""Of a user's own strategy, a second or so each; the least that can give p = 0.05."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draws:
    """One kind of luck: what it draws, and the strategy among it."""

    key: str
    label: str
    observed: float
    values: Floats
    p_value: float

    def case(self, *, level: float, gains: bool) -> Case:
        known = self.values[np.isfinite(self.values)]
        low, median, high = np.quantile(known, [0.05, 0.5, 0.95]) if len(known) else (math.nan,) * 3
        return Case(
            label=self.label,
            coordinates={"luck": self.key},
            figures={
                "sharpe_difference": float(median),
                "low": float(low),
                "high": float(high),
                "observed": self.observed,
                "p_value": self.p_value,
                "draws": float(len(self.values)),
            },
            # without a gain there is nothing that luck could have given
            stands=None if math.isnan(self.p_value) or not gains else self.p_value <= level,
        )

    def picture(self) -> Picture:
        return Picture(
            kind=PictureKind.HISTOGRAM,
            title=self.label,
            figure="sharpe_difference",
            figure_label=GAIN,
            baseline=self.observed,
            draws=tuple(self.values[np.isfinite(self.values)].tolist()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Luck:
    """Where the strategy lies among strategies that know nothing.

    Three kinds of luck, ``draws`` of each, all by the Sharpe ratio above buy-and-hold's:

    - random times: the strategy's own path of exposures, moved round the circle of its bars by random lags.
      Turnover, exposure and autocorrelation stay (but for the entry and the seam); what is lost is when.
      Lags at which a decision would meet bars that its forecast had seen are left out as far as the history
      allows (`blind_lags`).
    - shuffled forecasts: each bar gets the forecast of another, drawn anew for each by the same lags, and the
      strategy decides anew. As that also raises turnover, both sides are taken before costs.
      A user's own strategy, which only Backtrader runs, gets fewer shuffles.
    - resampled bars: the stationary bootstrap of the returns of strategy and buy-and-hold, drawn together:
      how often days drawn by luck would give a gain as large if there were none.

    Notes
    -----
    At the level of ``[verdict]``. Yes: the p-value of each is at most the level. No: half or more of the
    random times, or of the shuffles, do as well, so that the strategy is no better than a typical random
    one. Inconclusive otherwise, for a run without a gain, of which there is nothing to explain, and where the
    strategy never changes what it holds or never trades.
    """

    key: str = "luck"
    title: str = "Luck"
    question: str = "How many strategies that know nothing do as well?"

    def variants(self, context: Context) -> Sequence[Variant]:
        """Give nothing: the stored forecasts are enough."""
        return ()

    def conclude(self, context: Context, outcomes: Sequence[Outcome]) -> AxisResult:
        """Draw, and say where the strategy lies."""
        contest = contest_of(context)
        kinds = (_random_times(contest), _shuffled(contest), _resampled(context))
        level = context.recipe.verdict.level
        answer, sentence = _answer(contest, kinds, level=level)
        return AxisResult(
            answer=answer,
            sentence=sentence,
            figure="sharpe_difference",
            cases=[kind.case(level=level, gains=not no_gain(context)) for kind in kinds],
            pictures=[kind.picture() for kind in kinds],
            facts={
                **{f"p_value_{kind.key}": kind.p_value for kind in kinds},
                **{f"draws_{kind.key}": len(kind.values) for kind in kinds},
            },
            chance=True,
            notes=list(_notes(context, contest=contest)),
        )


def _random_times(contest: Contest) -> _Draws:
    context = contest.context
    lags = blind_lags(context, n_bars=len(contest.venue))
    if len(lags) > context.settings.draws:
        generator = np.random.Generator(np.random.PCG64(context.seed("luck", "times")))
        lags = generator.choice(lags, size=context.settings.draws, replace=False)
    observed = float(contest.differences([contest.orders[None, :]])[0])
    values = contest.differences(contest.shifted(lags))
    return _Draws(
        key="times",
        label="Random times, same turnover and exposure",
        observed=observed,
        values=values,
        p_value=share_as_good(values, observed),
    )


def _shuffled(contest: Contest) -> _Draws:
    free = contest.without_costs()
    if isinstance(contest.context.recipe.strategy, ReferenceStrategy):
        observed, values = _shuffled_in_backtrader(free)
    else:
        own = decide_by_forecast(free, forecasts=free.venue.forecasts[None, :])
        observed = float(free.differences([own])[0])
        values = free.differences(_shuffles(free))
    return _Draws(
        key="shuffles",
        label="Shuffled forecasts, before costs",
        observed=observed,
        values=values,
        p_value=share_as_good(values, observed),
    )


def _shuffles(contest: Contest) -> Iterator[Floats]:
    """Orders on shuffled forecasts, a chunk at a time."""
    left = contest.context.settings.draws
    generator = _dealer(contest.context)
    while left:
        k = min(left, contest.venue.paths_at_once)
        left -= k
        drawn = _dealt(contest.venue.forecasts, k=k, context=contest.context, generator=generator)
        yield decide_by_forecast(contest, forecasts=drawn)


def _dealer(context: Context) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(context.seed("luck", "shuffles")))


def _dealt(forecasts: Floats, *, k: int, context: Context, generator: np.random.Generator) -> Floats:
    """Give each bar another's forecast (k, n), by a lag of its own; a bar without one stays without."""
    known = np.flatnonzero(~np.isnan(forecasts))
    drawn = np.full((k, len(forecasts)), math.nan)
    lags = blind_lags(context, n_bars=len(known))
    if len(lags):
        source = np.arange(len(known)) - generator.choice(lags, size=(k, len(known)))
        drawn[:, known] = forecasts[known][source % len(known)]
    return drawn


def _shuffled_in_backtrader(contest: Contest) -> tuple[float, Floats]:
    context = contest.context
    broker = context.recipe.broker.model_copy(update={"commission_bp": 0.0, "slippage_bp": 0.0})
    generator, frame = _dealer(context), context.forecasts.frame
    values = frame["forecast"].to_numpy(dtype=np.float64)
    holding = context.hold(broker=broker)

    def difference(forecasts: Forecasts) -> float:
        bars = context.trade(forecasts, broker=broker)
        return context.figures(bars, holding=holding)["sharpe_difference"]

    found = []
    for _ in range(min(_SHUFFLES_IN_BACKTRADER, context.settings.draws)):
        drawn = _dealt(values, k=1, context=context, generator=generator)[0]
        found.append(difference(Forecasts(frame=frame.assign(forecast=drawn))))
    return difference(context.forecasts), np.array(found)


def _resampled(context: Context) -> _Draws:
    periods = context.recipe.data.periods_per_year
    mine, held = (frame["return"].to_numpy(dtype=np.float64) for frame in (context.bars, context.holding))
    sharpes = resampled_sharpes(
        np.column_stack([mine, held]),
        block=block_length(mine - held),
        draws=context.settings.draws,
        seed=context.seed("luck", "bars"),
    )
    drawn = (sharpes[:, 0] - sharpes[:, 1]) * math.sqrt(periods)
    observed = context.baseline["sharpe_difference"]
    return _Draws(
        key="bars",
        label="Resampled bars, the gain taken out",
        observed=observed,
        values=drawn - observed,
        p_value=one_sided_p_value(drawn, observed),
    )


def _answer(contest: Contest, kinds: Sequence[_Draws], *, level: float) -> tuple[Answer, str]:
    if len(blind_lags(contest.context, n_bars=len(contest.venue))) < FEWEST_LAGS:
        return Answer.INCONCLUSIVE, "There are too few bars to move what the strategy did to others."
    if any(math.isnan(kind.p_value) for kind in kinds):
        return Answer.INCONCLUSIVE, "The strategy's return never varied: luck has nothing to explain."
    if not contest.changes:
        return (
            Answer.INCONCLUSIVE,
            "The strategy never changed what it held: it has no timing that luck could have given.",
        )
    at_random, shuffled, resampled = kinds
    counted = (
        f"{as_good(at_random.values, at_random.p_value)} of {len(at_random.values):,} random strategies with "
        f"the same turnover and exposure do as well ({probability(at_random.p_value)}), and "
        f"{as_good(shuffled.values, shuffled.p_value)} of {len(shuffled.values):,} with shuffled forecasts "
        f"({probability(shuffled.p_value)})"
    )
    reason = no_gain(contest.context)
    if reason:
        return Answer.INCONCLUSIVE, f"{reason} {counted[:1].upper()}{counted[1:]}."
    counted += f"; bars drawn by luck give as large a gain with {probability(resampled.p_value)}."
    if max(kind.p_value for kind in kinds) <= level:
        return Answer.YES, f"Luck does not explain it: {counted}"
    if max(at_random.p_value, shuffled.p_value) >= HALF:
        return Answer.NO, f"Luck does as well: {counted}"
    return Answer.INCONCLUSIVE, f"Luck is not ruled out: {counted}"


def _notes(context: Context, *, contest: Contest) -> Iterator[str]:
    strategy, draws = context.recipe.strategy, context.settings.draws
    n_lags = len(blind_lags(context, n_bars=len(contest.venue)))
    if n_lags < draws:
        yield f"There are only {n_lags:,} ways to move the path."
    seeing = seeing_lags_note(context, n_bars=len(contest.venue))
    if seeing:
        yield seeing
    if isinstance(strategy, ReferenceStrategy):
        yield (
            "The strategy is your own and decides in Backtrader alone, so that forecasts are shuffled only "
            f"{min(_SHUFFLES_IN_BACKTRADER, draws)} times; random times have one order a bar, at the open."
        )
    if isinstance(strategy, Threshold):
        yield ("With two thresholds a shuffle also changes how long positions are held, and so the exposure.")


AXIS = Luck()
