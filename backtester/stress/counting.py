"""Which variants of a stress run could have been chosen: each counts as a trial."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from backtester.forecasts import Forecasts
from backtester.judging import trial_of
from backtester.question import Question
from backtester.recipe import shareable_mapping
from backtester.stress.axis import AxisResult, Choice
from backtester.stress.compared import trade_outcome
from backtester.stress.context import Context, Outcome, Variant
from backtester.stress.retraining import ask_variants
from backtester.stress.values import without_nan
from backtester.trials import Trial, same_returns

__all__ = ["own_trial", "trials_of"]


def own_trial(context: Context) -> Trial:
    """Give the trial of the run itself."""
    record = context.record
    return trial_of(
        sha256=context.question.trial_sha256,
        name=record.directory.name,
        recipe_name=record.manifest["recipe_name"],
        recipe=record.manifest["recipe"],
        summary=record.summary,
        returns=record.returns["strategy"],
        close=record.prices["close"],
    )


def trials_of(
    context: Context, result: AxisResult, *, outcomes: Sequence[Outcome], own: Trial
) -> list[Trial]:
    """Give the trials among the variants of an axis.

    Parameters
    ----------
    context : the run
    result : what came of the axis
    outcomes : what was trained for it; those on other prices could not be chosen for this market
    own : the run's own trial

    Returns
    -------
    Trials with returns of their own: a setting that trades like the run, or like another one, is no further
    chance to be lucky
    """
    found = [own]
    for trial in (*_of_choices(context, result.choices), *_of_outcomes(context, result, outcomes=outcomes)):
        if not any(_is_same(trial, known) for known in found):
            found.append(trial)
    return found[1:]


def _is_same(one: Trial, other: Trial) -> bool:
    return one.sha256 == other.sha256 or (
        one.dates.equals(other.dates) and same_returns(one.returns, other.returns)
    )


def _of_choices(context: Context, choices: Sequence[Choice]) -> Iterator[Trial]:
    for choice in choices:
        (asked,) = ask_variants(context, [Variant(label="", changes=choice.changes)])
        if asked.question is None:
            raise RuntimeError(f"a setting that was traded is refused: {asked.reason}")
        yield _trial(
            context,
            question=asked.question,
            bars=choice.bars,
            holding=context.hold(question=asked.question),
            forecasts=context.forecasts,
        )


def _of_outcomes(context: Context, result: AxisResult, *, outcomes: Sequence[Outcome]) -> Iterator[Trial]:
    if not result.tried:
        return
    for at, outcome in enumerate(outcomes):
        if outcome.question is None or outcome.variant.prices is not None:
            continue
        # what cannot be traded could not have been chosen either
        one = result.traded[at] if result.traded else trade_outcome(context, outcome)[0]
        if one is not None:
            yield _trial(
                context,
                question=outcome.question,
                bars=one.bars,
                holding=one.holding,
                forecasts=one.forecasts,
            )


def _trial(
    context: Context, *, question: Question, bars: pd.DataFrame, holding: pd.DataFrame, forecasts: Forecasts
) -> Trial:
    figures = context.figures(bars, holding=holding, forecasts=forecasts)
    return trial_of(
        sha256=question.trial_sha256,
        name=question.directory_name,
        recipe_name=question.loaded.name,
        recipe=shareable_mapping(question.loaded.recipe),
        summary=_headline(context, figures),
        returns=bars["return"],
        close=context.record.prices["close"],
    )


def _headline(context: Context, figures: dict[str, float]) -> dict[str, Any]:
    clean = without_nan(figures)
    return {
        "symbols": context.record.summary["symbols"],
        "forecast": {"rmse_ratio": clean["rmse_ratio"]},
        "strategies": {
            "strategy": {"sharpe": clean["sharpe"]},
            "buy_and_hold": {"sharpe": clean["sharpe_holding"]},
        },
    }
