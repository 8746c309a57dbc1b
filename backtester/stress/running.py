"""A stress run: what is to be trained, the axes one after the other, and what is written."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from backtester.errors import BacktesterError
from backtester.files import write_json
from backtester.forecasts import Forecasts
from backtester.judging import judge_run, registry_of, trial_of
from backtester.question import Question
from backtester.recipe import published_mapping
from backtester.references import user_code_error
from backtester.reopening import reopen
from backtester.reporting import write_report
from backtester.reporting.page import page_title
from backtester.reporting.stress_page import write_stress_page
from backtester.run_directory import STRESS, RunRecord, lock_directory, read_json, read_run
from backtester.store import FoldStore, default_store_folder
from backtester.stress.axis import Axis, AxisResult, Choice
from backtester.stress.choosing import AXES, choose_axes
from backtester.stress.context import Context, Outcome, Variant
from backtester.stress.predicting import Prediction, predict
from backtester.stress.retraining import AskedVariant, ask_variants, train_variants
from backtester.stress.values import axis_values, stress_sentence, without_nan
from backtester.trials import Trial
from backtester.walkforward import Progress

__all__ = ["StressPlan", "plan_stress", "stress_run"]


@dataclass(frozen=True, kw_only=True)
class StressPlan:
    """A stress run, laid out.

    Parameters
    ----------
    context : the run
    axes : which, with what each wants trained
    prediction : of the time
    store : of trained folds
    """

    context: Context
    axes: tuple[tuple[Axis, tuple[AskedVariant, ...]], ...]
    prediction: Prediction
    store: FoldStore


def plan_stress(directory: Path, *, axes: Sequence[str] = (), changes: dict[str, Any]) -> StressPlan:
    """Lay out a stress run; trains at most a few networks to time them.

    Parameters
    ----------
    directory : of a finished run
    axes : by name; none: those of the recipe's ``[stress]``, which by default are all
    changes : keys of ``[stress]`` and ``[execution]`` to set

    Raises
    ------
    RunDirectoryError : see `reopen`
    RecipeError : no such axis, or a change that is not allowed
    """
    opened = reopen(directory, changes=changes, sections=("stress", "execution"))
    settings = opened.question.loaded.recipe.stress
    context = Context(record=opened.record, question=opened.question, settings=settings)
    chosen = choose_axes(axes or context.settings.axes, folder=Path.cwd())
    asked = tuple((axis, tuple(ask_variants(context, axis.variants(context)))) for axis in chosen)
    store = FoldStore(folder=Path(context.recipe.execution.store or default_store_folder()))
    prediction = predict(context, [item for _, items in asked for item in items], store=store)
    return StressPlan(context=context, axes=asked, prediction=prediction, store=store)


def stress_run(
    plan: StressPlan,
    *,
    step: Callable[[str], None],
    on_progress: Callable[[Progress], None],
) -> RunRecord:
    """Stress a run: train what is missing, conclude axis by axis, write ``stress.json`` and the pages.

    Axes that an earlier stress run did and this one does not are kept. Every variant that could have been
    chosen is registered as a trial, and the run is judged again.

    Parameters
    ----------
    plan : from `plan_stress`
    step : called with a sentence when a part begins
    on_progress : called after each network

    Returns
    -------
    RunRecord, read back from the files

    Raises
    ------
    LockedError : another process works in the run directory
    UserCodeError : the user's own axis failed
    StorageError : the disk is full or read-only
    """
    context = plan.context
    with lock_directory(context.record.directory):
        outcomes = _train(plan, step=step, on_progress=on_progress)
        axes, skipped, trials = dict[str, Any](), dict[str, str](), list[Trial]()
        for (axis, _), found in zip(plan.axes, outcomes, strict=True):
            step(f"Stress: {axis.title.lower()}.")
            result = _conclude(axis, context=context, outcomes=found)
            if len(result.cases) < 2:  # the run itself at most: nothing was changed
                skipped[axis.key] = result.sentence
                continue
            axes[axis.key] = axis_values(axis, result, retrained=bool(found), baseline=context.baseline)
            trials += [_trial_of_choice(context, choice) for choice in result.choices]
            if result.tried:
                trials += _trials_of(context, found)
        _write(context, axes=axes, skipped=skipped)
        registry = registry_of(context.recipe)
        for trial in trials:
            registry.register(trial)
        record, own = context.record, _own_trial(context)
        judge_run(
            record.directory,
            summary=record.summary,
            recipe=record.manifest["recipe"],
            trials=registry.on_market(own.dates, own.market),
            own=own,
        )
        judged = read_run(record.directory)
        write_report(judged)
    return judged


def _train(
    plan: StressPlan, *, step: Callable[[str], None], on_progress: Callable[[Progress], None]
) -> list[list[Outcome]]:
    """Train the variants of all axes together; give each axis its own."""
    total, begun, done = plan.prediction.networks, time.monotonic(), 0
    if total:
        step(f"Training {total} networks of {plan.prediction.variants} variants.")

    def tell(_: str, progress: Progress) -> None:
        nonlocal done
        done += 1
        rate = done / max(time.monotonic() - begun, 1e-9)
        left = max(total - done, 0) / rate
        on_progress(
            dataclasses.replace(progress, done=done, total=max(total, done), rate=rate, seconds_left=left)
        )

    everything = [item for _, items in plan.axes for item in items]
    outcomes = iter(
        train_variants(
            everything,
            store=plan.store,
            execution=plan.context.recipe.execution,
            on_progress=tell,
        )
    )
    return [[next(outcomes) for _ in items] for _, items in plan.axes]


def _conclude(axis: Axis, *, context: Context, outcomes: Sequence[Outcome]) -> AxisResult:
    try:
        return axis.conclude(context, outcomes)
    except BacktesterError:
        raise
    except Exception as error:
        if axis.key in AXES:
            raise
        raise user_code_error(error, file=None, what=f"stress axis {axis.key!r} failed") from error


def _write(context: Context, *, axes: dict[str, Any], skipped: dict[str, str]) -> None:
    """Write ``stress.json`` and its page; axes of an earlier stress run stay."""
    path = context.record.directory / STRESS
    before = read_json(path) if path.is_file() else {"axes": {}, "skipped": {}}
    together = before["axes"] | axes
    not_tried = {key: why for key, why in (before["skipped"] | skipped).items() if key not in together}
    order = [key for key in AXES if key in together] + [key for key in together if key not in AXES]
    ordered = {key: together[key] for key in order}
    stress = {
        "run": context.question.sha256,
        "baseline": without_nan(context.baseline),
        "sentence": stress_sentence(ordered),
        "settings": context.settings.model_dump(mode="json", exclude={"symbols", "axes"}),
        "order": order,
        "axes": ordered,
        "skipped": not_tried,
    }
    write_json(path, stress)
    write_stress_page(context.record.directory, stress, title=page_title(context.record))


def _own_trial(context: Context) -> Trial:
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


def _trials_of(context: Context, outcomes: Sequence[Outcome]) -> list[Trial]:
    """The trials among the variants: those on the run's own prices."""
    return [
        _trial_of(
            context,
            question=outcome.question,
            bars=context.trade(outcome.forecasts, question=outcome.question),
            forecasts=outcome.forecasts,
        )
        for outcome in outcomes
        if outcome.question is not None and outcome.forecasts is not None and outcome.variant.prices is None
    ]


def _trial_of_choice(context: Context, choice: Choice) -> Trial:
    (asked,) = ask_variants(context, [Variant(label="", changes=choice.changes)])
    if asked.question is None:
        raise RuntimeError(f"a setting that was traded is refused: {asked.reason}")
    return _trial_of(context, question=asked.question, bars=choice.bars, forecasts=context.forecasts)


def _trial_of(context: Context, *, question: Question, bars: pd.DataFrame, forecasts: Forecasts) -> Trial:
    holding = context.hold(forecasts=forecasts, question=question)
    figures = context.figures(bars, holding=holding, forecasts=forecasts)
    return trial_of(
        sha256=question.trial_sha256,
        name=question.directory_name,
        recipe_name=question.loaded.name,
        recipe=published_mapping(question.loaded.recipe),
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
