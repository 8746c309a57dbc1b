"""Delay: what is left of the gain for who acts later."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from backtester.backtest import one_bar_later
from backtester.forecasts import Forecasts
from backtester.judgement import Answer
from backtester.recipe import Fill
from backtester.reporting.words import percent, plural
from backtester.stress.axis import AxisResult, Case, Picture, PictureKind
from backtester.stress.context import Context, Outcome, Variant
from backtester.stress.paired import GAIN, above, no_gain, traded_case

__all__ = ["AXIS", "Delay", "bars_later"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """Each forecast acted on some bars later, and orders filled at the next close.

    Notes
    -----
    Yes: there is a gain at the shortest delay, one bar. No: there is none. Inconclusive: a run without a
    gain. A gain that fades with the delay is no fault: a signal of one bar must.
    """

    key: str = "delay"
    title: str = "Delay"
    question: str = "Is there a gain for who acts on the forecast some bars later?"

    def variants(self, context: Context) -> Sequence[Variant]:
        """Train nothing."""
        return ()

    def conclude(self, context: Context, outcomes: Sequence[Outcome]) -> AxisResult:
        """Hand the forecasts over later; buy-and-hold waits for none."""
        late = [_late(context, n_bars=n_bars) for n_bars in sorted(set(context.settings.delays))]
        at_close, note = _at_close(context)
        answer, sentence = _answer(context, late)
        return AxisResult(
            answer=answer,
            sentence=sentence,
            figure="sharpe_difference",
            cases=(*late, *at_close),
            pictures=tuple(
                Picture(
                    kind=PictureKind.LINE,
                    title=title,
                    figure=figure,
                    figure_label=label,
                    x="delay_bars",
                    x_label="Bars later than in the run",
                    baseline=context.baseline[figure],
                )
                for figure, title, label in (
                    ("sharpe_difference", "Gain over buy-and-hold by the delay", GAIN),
                    ("sharpe", "Sharpe ratio by the delay", "Sharpe ratio, a year"),
                )
            ),
            facts={
                f"sharpe_kept_{case.coordinates['delay_bars']:g}": case.figures["sharpe_kept"]
                for case in late
            },
            notes=(note,) if note else (),
        )


def bars_later(forecasts: Forecasts, *, n_bars: int) -> Forecasts:
    """Hand each forecast over so many bars after it was made; see `one_bar_later`."""
    return functools.reduce(lambda table, _: one_bar_later(table), range(n_bars), forecasts)


def _late(context: Context, *, n_bars: int) -> Case:
    case = traded_case(
        context,
        label=f"{plural(n_bars, 'bar')} later",
        bars=context.trade(bars_later(context.forecasts, n_bars=n_bars)),
        holding=context.holding,
        coordinates={"delay_bars": float(n_bars)},
    )
    return _with_kept(context, case)


def _at_close(context: Context) -> tuple[tuple[Case, ...], str]:
    """Fill at the next close where the forecast still holds then; else say why not."""
    broker, horizon = context.recipe.broker, context.recipe.target.horizon
    if broker.fill is Fill.NEXT_CLOSE:
        return (), "The run itself fills at the next close."
    if horizon < 2:
        return (), (
            "No fill at the next close: a forecast of one bar has expired by then. "
            "The delay of one bar is the nearest to it."
        )
    later = broker.model_copy(update={"fill": Fill.NEXT_CLOSE})
    case = traded_case(
        context,
        label="at the next close",
        bars=context.trade(broker=later),
        holding=context.hold(broker=later),
        coordinates={"fill": Fill.NEXT_CLOSE.value},
    )
    return (_with_kept(context, case),), ""


def _with_kept(context: Context, case: Case) -> Case:
    own = context.baseline["sharpe"]
    kept = case.figures["sharpe"] / own if own > 0.0 else math.nan
    return Case(
        label=case.label,
        coordinates=case.coordinates,
        figures={**case.figures, "sharpe_kept": kept},
        stands=case.stands,
        note=case.note,
    )


def _answer(context: Context, late: Sequence[Case]) -> tuple[Answer, str]:
    first = late[0]
    gain = first.figures["sharpe_difference"]
    reason = no_gain(context)
    if reason:
        return Answer.INCONCLUSIVE, f"{reason} Acted on {first.label} it is {above(gain)}."
    # a strategy that no longer trades has no gain either
    if not gain > 0.0:
        return Answer.NO, (
            f"The gain needs the very next fill: acted on {first.label} the Sharpe ratio is {above(gain)}."
            f"{_kept(late)}"
        )
    return Answer.YES, f"Acted on {first.label} the Sharpe ratio is {above(gain)}.{_kept(late)}"


def _kept(late: Sequence[Case]) -> str:
    """Say how the strategy's own Sharpe ratio fades."""
    shares = [
        f"{percent(case.figures['sharpe_kept'], digits=0)} {case.label}"
        for case in late
        if not math.isnan(case.figures["sharpe_kept"])
    ]
    return f" Left of the strategy's own: {', '.join(shares)}." if shares else ""


AXIS = Delay()
