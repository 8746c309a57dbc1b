"""Synthetic prices: the whole run again on histories of the same volatility, without a signal."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backtester.judgement import Answer
from backtester.prices import Prices
from backtester.stress.axis import AxisResult, Case, Picture, PictureKind
from backtester.stress.compared import GAIN, GAIN_LABEL, trade_outcomes
from backtester.stress.context import Context, Outcome, Variant

__all__ = ["AXIS", "Synthetic", "placebo_p_value", "placebo_prices"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthetic:
    """Train and trade on placebos, and see where the real result lies among them.

    A placebo has the real bars with random signs around their mean (see `placebo_prices`): the same size of
    every move on the same day, so the same clusters of volatility and the same fat tails, and the same drift;
    but whether the next move is up or down, nobody can know. A permutation of blocks would keep the clusters
    too, but also the signal within a block; one of single bars destroys the clusters, and with them what
    scaling by volatility earns without any forecast. So what a placebo earns is drift, costs and the timing
    of volatility; what the run earns beyond is its forecast.

    Answered *yes* where the p-values of both the forecast (R² out of sample) and the gain (Sharpe difference)
    are at most the recipe's ``verdict.level``; *no* where half of the placebos or more gain as much; else
    *inconclusive*, as for a run without a gain. Placebos are no trials.
    """

    key: str = "synthetic"
    title: str = "Histories without signal"
    question: str = "Would the same recipe find as much where there is nothing to find?"

    def variants(self, context: Context) -> Sequence[Variant]:
        """Give the run and the same on placebos."""
        prices = context.question.prices
        return [
            Variant(label="the real prices, the run's own", coordinates={"prices": "real"}),
            *(
                Variant(
                    label=f"placebo {draw}",
                    prices=placebo_prices(prices, seed=context.seed("synthetic", draw)),
                    coordinates={"prices": "placebo", "draw": float(draw)},
                )
                for draw in range(1, context.settings.placebos + 1)
            ),
        ]

    def conclude(self, context: Context, outcomes: Sequence[Outcome]) -> AxisResult:
        """Hold the run against the placebos."""
        traded, reasons = trade_outcomes(context, outcomes)
        cases = []
        for at, (outcome, one, reason) in enumerate(zip(outcomes, traded, reasons, strict=True)):
            figures = one and context.figures(one.bars, holding=one.holding, forecasts=one.forecasts)
            variant = outcome.variant
            cases.append(
                Case(
                    label=variant.label,
                    coordinates=variant.coordinates,
                    figures=figures or {},
                    note=reason,
                    own=at == 0,
                )
            )
        own = cases[0].figures
        draws = {
            name: [_or_nothing(case.figures[name]) for case in cases[1:] if case.figures]
            for name in ("r2_oos", GAIN)
        }
        p_values = {name: placebo_p_value(own[name], draws=draws[name]) for name in draws}
        n_failed = sum(bool(reason) for reason in reasons)
        return AxisResult(
            answer=_answer(own, p_values=p_values, level=context.recipe.verdict.level),
            sentence=_sentence(own, draws=draws, p_values=p_values),
            figure=GAIN,
            cases=cases,
            pictures=_pictures(own, draws=draws),
            facts={
                "placebos": len(draws[GAIN]),
                "p_value_r2_oos": p_values["r2_oos"],
                "p_value_sharpe_difference": p_values[GAIN],
            },
            chance=True,
            traded=traded,
            notes=_notes(context, n=len(draws[GAIN]), n_failed=n_failed),
        )


def placebo_prices(prices: Prices, *, seed: int) -> Prices:
    """Give the bars random signs around their mean return.

    Parameters
    ----------
    prices : of one symbol, which it keeps: so its networks keep their seeds
    seed : of the signs

    Returns
    -------
    Prices of the same dates; valid bars, with the same first and last close up to rounding

    Source
    ------
    With c the log return of a bar and m its mean over all bars, the placebo's is m ± (c - m), each sign as
    likely as the other, less the mean that the signs happened to leave: so buy-and-hold earns over the whole
    what it really earned. Where the sign is minus the bar stands on its head: open, high and low are mirrored
    too (open about the mean open, high and low about m, and widened by the few basis points that the open
    or the close may lie beyond them). Volume stays on its day. If what is left of a return without its mean
    is as likely up as down whatever came before, the real history is one draw of many that are alike, and
    the p-value of any statistic is exact up to the estimate of m.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    flipped = generator.random(len(prices) - 1) < 0.5
    close = prices.column("close")
    logs = {
        name: np.log(prices.column(name)[1:] / close[:-1])
        for name in ("open", "high", "low", "close")
        if prices.has(name)
    }
    mean = float(np.mean(logs["close"]))
    low, high = logs.get("low", logs["close"]), logs.get("high", logs["close"])
    mirrored = {"close": 2.0 * mean - logs["close"], "high": 2.0 * mean - low, "low": 2.0 * mean - high}
    if "open" in logs:
        mirrored["open"] = 2.0 * float(np.mean(logs["open"])) - logs["open"]
    drawn = {name: np.where(flipped, mirrored[name], logs[name]) for name in logs}
    ends = [drawn[name] for name in ("open", "close") if name in drawn]
    if "high" in drawn:
        drawn["high"] = np.maximum.reduce([drawn["high"], *ends])
    if "low" in drawn:
        drawn["low"] = np.minimum.reduce([drawn["low"], *ends])
    left = float(np.mean(drawn["close"])) - mean
    new_close = close[0] * np.exp(np.concatenate(([0.0], np.cumsum(drawn["close"] - left))))
    columns = {
        name: np.concatenate((prices.column(name)[:1], new_close[:-1] * np.exp(values - left)))
        for name, values in drawn.items()
        if name != "close"
    }
    # exactly what the parts of a bar are multiplied from, so that rounding makes no bar invalid
    columns["close"] = np.concatenate((close[:1], new_close[:-1] * np.exp(drawn["close"] - left)))
    return dataclasses.replace(
        prices, frame=prices.frame.assign(**columns), source_name=f"{prices.source_name} with random signs"
    )


def placebo_p_value(value: float, *, draws: Sequence[float]) -> float:
    """Give the chance of a result as large, from results without signal.

    Parameters
    ----------
    value : the real one
    draws : the others; NaN for none

    Returns
    -------
    float, (1 + number of draws as large) / (draws + 1): the real one counts among them, so that it is never
    0; NaN where the value is

    Examples
    --------
    >>> placebo_p_value(2.0, draws=[1.0, 2.0, 3.0])
    0.75
    """
    if math.isnan(value):
        return math.nan
    return (1 + sum(draw >= value for draw in draws)) / (len(draws) + 1)


def _or_nothing(value: float) -> float:
    """A strategy that never trades gains nothing."""
    return 0.0 if math.isnan(value) else value


def _answer(own: Mapping[str, float], *, p_values: Mapping[str, float], level: float) -> Answer:
    if not own[GAIN] > 0.0 or math.isnan(own["r2_oos"]):
        return Answer.INCONCLUSIVE
    if p_values[GAIN] > 0.5:
        return Answer.NO
    return Answer.YES if max(p_values.values()) <= level else Answer.INCONCLUSIVE


def _sentence(
    own: Mapping[str, float], *, draws: Mapping[str, Sequence[float]], p_values: Mapping[str, float]
) -> str:
    n = len(draws[GAIN])
    if n == 0:
        return "No history without signal could be trained on."
    if math.isnan(own[GAIN]):
        return "The strategy never trades, so that there is no gain to hold against histories without signal."
    as_good = {name: sum(draw >= own[name] for draw in found) for name, found in draws.items()}
    return (
        f"Of {n} histories with the same volatility and no signal, {as_good['r2_oos']} gave a forecast as "
        f"good (p = {p_values['r2_oos']:.3f}) and {as_good[GAIN]} a gain over buy-and-hold as large "
        f"(p = {p_values[GAIN]:.3f})."
    )


def _pictures(own: Mapping[str, float], *, draws: Mapping[str, Sequence[float]]) -> list[Picture]:
    shown = (
        (GAIN, GAIN_LABEL, "The gain where there is nothing to find", False),
        ("r2_oos", "R² out of sample", "The forecast where there is nothing to find", True),
    )
    return [
        Picture(
            kind=PictureKind.HISTOGRAM,
            title=title,
            figure=name,
            figure_label=label,
            percent=percent,
            baseline=own[name],
            draws=tuple(draws[name]),
        )
        for name, label, title, percent in shown
    ]


def _notes(context: Context, *, n: int, n_failed: int) -> list[str]:
    level = context.recipe.verdict.level
    notes = []
    if n_failed:
        notes.append(f"{n_failed} placebos have no forecasts, for the reason in the table, and are left out.")
    if 1.0 / (n + 1) > level:
        notes.append(
            f"{n} placebos cannot give a p-value of {level:g}; {math.ceil(1.0 / level - 1e-9) - 1} can: "
            "set stress.placebos."
        )
    return notes


AXIS = Synthetic()
