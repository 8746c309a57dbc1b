"""A stress run: what is to be trained, the axes one after the other, and what is written."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backtester.errors import BacktesterError
from backtester.files import write_json
from backtester.judging import judge_run, registry_of
from backtester.references import user_code_error
from backtester.reopening import reopen
from backtester.reporting import write_report
from backtester.run_directory import (
    JUDGED_FILES,
    STRESS,
    RunRecord,
    check_files,
    lock_directory,
    read_json,
    read_run,
    write_checksums,
)
from backtester.store import FoldStore, default_store_folder
from backtester.stress.axis import Axis, AxisResult
from backtester.stress.choosing import AXES, choose_axes
from backtester.stress.context import Context, Outcome
from backtester.stress.counting import own_trial, trials_of
from backtester.stress.predicting import Prediction, predict
from backtester.stress.retraining import AskedVariant, ask_variants, train_variants
from backtester.stress.values import (
    axis_values,
    stress_answer,
    stress_sentence,
    with_earlier,
    without_nan,
)
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
    notes : on versions that differ from the run's
    """

    context: Context
    axes: tuple[tuple[Axis, tuple[AskedVariant, ...]], ...]
    prediction: Prediction
    store: FoldStore
    notes: tuple[str, ...] = ()


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
    check_files(directory, leaving_out=JUDGED_FILES)  # these may be half of an earlier stress run's
    settings = opened.question.loaded.recipe.stress
    context = Context(record=opened.record, question=opened.question, settings=settings)
    chosen = choose_axes(axes or context.settings.axes, folder=Path.cwd())
    asked = tuple((axis, tuple(ask_variants(context, axis.variants(context)))) for axis in chosen)
    store = FoldStore(folder=Path(context.recipe.execution.store or default_store_folder()))
    prediction = predict(context, asked, store=store)
    return StressPlan(context=context, axes=asked, prediction=prediction, store=store, notes=opened.notes)


def stress_run(
    plan: StressPlan,
    *,
    step: Callable[[str], None],
    on_progress: Callable[[Progress], None],
) -> RunRecord:
    """Stress a run: train what is missing, conclude axis by axis, write ``stress.json`` and the pages.

    Axes that an earlier stress run did and this one does not are kept, each with the settings that it was
    done with. Every variant that could have been chosen is registered as a trial, and the run is judged
    again.

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
    FoldsFailedError, RecipeError : no worker can be started; nothing is written
    StorageError : the disk or the trial registry is full or read-only
    """
    context, directory = plan.context, plan.context.record.directory
    for note in plan.notes:
        step(note)
    with lock_directory(directory):
        registry = registry_of(context.recipe)
        registry.prepare()  # a registry that cannot be written is told before the training, not after it
        before = _before(directory)
        outcomes = _train(plan, step=step, on_progress=on_progress)
        own = registry.identify(own_trial(context))
        axes, skipped, trials = dict[str, Any](), dict[str, str](), [own]
        for (axis, _), found in zip(plan.axes, outcomes, strict=True):
            step(f"Stress: {axis.title.lower()}.")
            result = _conclude(axis, context=context, outcomes=found)
            if len(result.cases) < 2:  # the run itself at most: nothing was changed
                skipped[axis.key] = result.sentence
                continue
            if axis.key in before["axes"] and not _came_of_it(found, result=result):
                step(f"{axis.title}: no variant could be traded; what was found earlier stays.")
                continue
            tried = trials_of(context, result, outcomes=found, own=own)
            values = axis_values(
                axis,
                result,
                retrained=bool(found),
                n_tried=len(tried),
                baseline=context.baseline,
                settings=_settings(context),
            )
            axes[axis.key] = with_earlier(values, before=before["axes"].get(axis.key))
            trials += tried
        # Killed anywhere from here on, nothing is counted less than it was tried, and the same stress run
        # again writes all of it: the trials first, then what the judgement reads, then what reads it.
        for trial in trials:
            registry.register(registry.identify(trial))
        stress = _stress(context, before=before, axes=axes, skipped=skipped)
        write_json(directory / STRESS, stress)
        judge_run(
            directory,
            summary=context.record.summary,
            recipe=context.record.manifest["recipe"],
            trials=registry.on_market(own.dates, own.market),
            own=own,
        )
        judged = read_run(directory)
        stress |= stress_answer(judged.summary["verdict"])
        write_json(directory / STRESS, stress)
        write_checksums(directory)
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


def _came_of_it(outcomes: Sequence[Outcome], *, result: AxisResult) -> bool:
    """Whether a variant other than the run itself was traded; an axis that trains nothing has no variants."""
    others = [
        outcome.forecasts is not None and not (result.traded and result.traded[at] is None)
        for at, outcome in enumerate(outcomes)
        if outcome.variant.changes or outcome.variant.prices is not None or outcome.question is None
    ]
    return not outcomes or any(others)


def _before(directory: Path) -> dict[str, Any]:
    """What an earlier stress run left."""
    path = directory / STRESS
    return read_json(path) if path.is_file() else {"axes": {}, "skipped": {}}


def _settings(context: Context) -> dict[str, Any]:
    return context.settings.model_dump(mode="json", exclude={"symbols", "axes"})


def _stress(
    context: Context, *, before: Mapping[str, Any], axes: Mapping[str, Any], skipped: Mapping[str, str]
) -> dict[str, Any]:
    """Give ``stress.json``, but for its answer; axes of an earlier stress run stay."""
    together = {**before["axes"], **axes}
    not_tried = {key: why for key, why in {**before["skipped"], **skipped}.items() if key not in together}
    order = [key for key in AXES if key in together] + [key for key in together if key not in AXES]
    ordered = {key: together[key] for key in order}
    return {
        "run": context.question.sha256,
        "answer": None,
        "reason": "",
        "baseline": without_nan(context.baseline),
        "sentence": stress_sentence(ordered),
        "order": order,
        "axes": ordered,
        "skipped": not_tried,
    }
