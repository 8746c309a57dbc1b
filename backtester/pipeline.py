"""A run: the parts in order. The only place that knows them all."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from backtester.audit import NOT_REPRODUCIBLE, Audit, quick_audit
from backtester.claiming import claim_directory
from backtester.errors import BacktesterError, InterruptedRunError, LeakError, StorageError, UserCodeError
from backtester.execution import open_executor
from backtester.files import make_folder
from backtester.judging import judge_run, notes_on, registry_of, trial_of
from backtester.manifest import Manifest
from backtester.published import write_published
from backtester.question import Question
from backtester.recipe import OnLeak, shareable_mapping
from backtester.reporting import write_report
from backtester.results import forecasts_of, write_results
from backtester.run_directory import (
    ADDED_FILES,
    JUDGED_FILES,
    LOCK,
    MANIFEST,
    PAGES,
    RunRecord,
    check_files,
    lock_directory,
    read_record,
    read_run,
    write_manifest,
)
from backtester.store import FoldStore, default_store_folder
from backtester.walkforward import Progress, open_work, say_nothing, walk_forward

__all__ = ["Listener", "answer", "redraw"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who wants to hear how a run goes.

    Parameters
    ----------
    step : called with a sentence when a part begins
    progress : called after each training task
    """

    step: Callable[[str], None] = say_nothing
    progress: Callable[[Progress], None] = say_nothing


def answer(question: Question, *, out: Path | None = None, listener: Listener | None = None) -> RunRecord:
    """Answer a question: train what is missing, trade, and write the run directory.

    Parameters
    ----------
    question : from ``ask``
    out : folder that holds run directories; default: the recipe's ``report.directory``
    listener : hears of the progress

    Returns
    -------
    RunRecord, read back from the files; a question that was answered before is read from there at once

    Raises
    ------
    PricesError : the first forecast is made at the last bar
    LeakError : the user's own feature or strategy sees the future, and ``audit.on_leak`` refuses that
    UserCodeError : it gives something else each time
    LockedError : another process works on the same question
    RunDirectoryError : the place holds something else
    StorageError : the disk is full or read-only
    InterruptedRunError : stopped by the user; what was trained is kept
    """
    listener = listener or Listener()
    question.check_tradable()
    directory = Path(out or question.loaded.recipe.report.directory) / question.directory_name
    if _claimed(directory, question=question):
        _check_leaks(read_run(directory), question=question)
        record = _with_present_trials(read_run(directory), question=question, listener=listener)
        return _with_present_title(record, question=question)
    try:
        audit = _audited(question)
        for note in audit.notes:
            listener.step(note.text)
        with _held(directory):
            # Another process may have answered it since.
            if not _claimed(directory, question=question):
                _work(question, directory=directory, listener=listener, audit=audit)
    except KeyboardInterrupt as error:
        raise InterruptedRunError(
            "Interrupted; every fold that was trained is kept.", advice="Run the same recipe again to go on."
        ) from error
    return read_run(directory)


def _claimed(directory: Path, *, question: Question) -> bool:
    recipe = shareable_mapping(question.loaded.recipe)
    return claim_directory(directory, question_sha256=question.sha256, recipe=recipe)


def redraw(directory: Path) -> RunRecord:
    """Draw the pages of a finished run again from its files, those of `stress` and `explain` among them.

    Raises
    ------
    RunDirectoryError : there is no finished run
    LockedError : another process works in the run directory
    StorageError : a file is damaged, or the disk is full or read-only
    """
    read_run(directory)  # a folder without a run gets no lock
    with lock_directory(directory):
        check_files(directory, also=(MANIFEST, *ADDED_FILES))
        return _redrawn(directory)


def _redrawn(directory: Path) -> RunRecord:
    """Draw again where the lock is held."""
    record = read_run(directory)
    write_report(record)
    return record


def _audited(question: Question) -> Audit:
    """Look for what sees the future in the user's own features and strategy, before anything is made."""
    audit = quick_audit(question)
    if audit.random:
        raise UserCodeError("\n".join(check.line for check in audit.random), advice=NOT_REPRODUCIBLE)
    if audit.leaks and question.loaded.recipe.audit.on_leak is OnLeak.REFUSE:
        raise LeakError(
            "\n".join(audit.lines),
            advice="`backtester audit` tells more. --allow-leaks runs on; page and verdict then say so.",
        )
    return audit


def _check_leaks(record: RunRecord, *, question: Question) -> None:
    """Refuse the answer of a run that was let go on with a leak, where this one is not."""
    leaks = record.manifest.get("leaks", [])
    if leaks and question.loaded.recipe.audit.on_leak is OnLeak.REFUSE:
        raise LeakError(
            "\n".join(f"{leak['sentence']}: {leak['text']}" for leak in leaks),
            advice=f"{record.directory} was run with --allow-leaks; say so again to have its answer.",
        )


def _work(question: Question, *, directory: Path, listener: Listener, audit: Audit) -> None:
    started = time.monotonic()
    recipe = question.loaded.recipe
    store = FoldStore(folder=Path(recipe.execution.store or default_store_folder()))
    registry = registry_of(recipe)
    registry.prepare()  # a registry that cannot be written is told before the training, not after it
    joint = question.joint
    problem = joint or question.problem
    work = open_work(problem, store=store)
    if work.missing:
        store.prepare()
        listener.step(
            f"Starting to train {len(work.missing)} networks ({len(work.stored)} are in the store)."
        )
    with (
        open_executor(recipe.execution, problem=problem, tasks=work.missing) as executor,
        _manifest_of(question, directory=directory) as manifest,
    ):
        manifest.record_leaks(audit.found)
        manifest.set_state("running")
        result = walk_forward(
            problem,
            work=work,
            store=store,
            executor=executor,
            on_progress=listener.progress,
            started=started,
        )
        manifest.record_training(result)
        listener.step("Trading the forecasts and the baselines.")
        forecasts = forecasts_of(question, result=result)
        results = write_results(question, forecasts=forecasts, directory=directory)
        if joint is not None:
            write_published(
                joint,
                beside=result.beside,
                forecast=results.summary["forecast"],
                recipe=recipe,
                directory=directory,
            )
        manifest.record_notes(
            (*question.notes, *audit.notes, *result.notes, *results.notes, *notes_on(registry, recipe=recipe))
        )
        listener.step("Judging the evidence.")
        failed = any(outcome.failures for outcome in result.outcomes)
        # with a hole it is seen all the same, and counts beside the whole that may follow
        trial = registry.identify(results.trial.known_by_its_returns() if failed else results.trial)
        registry.register(trial)
        judge_run(
            directory,
            summary=results.summary,
            recipe=shareable_mapping(recipe),
            trials=registry.on_market(trial.dates, trial.market),
            own=trial,
        )
        listener.step("Writing the report.")
        manifest.record_wall_time(time.monotonic() - started)
        manifest.set_state("reporting")
        write_report(read_record(directory))
        manifest.record_wall_time(time.monotonic() - started)
        manifest.set_state("incomplete" if failed or result.beside.failures else "done")


@contextlib.contextmanager
def _held(directory: Path) -> Iterator[None]:
    """Make and lock the run directory; where no run began in it, leave nothing behind."""
    made = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    make_folder(directory)
    with lock_directory(directory):
        try:
            yield
        finally:
            if not (directory / MANIFEST).exists():
                (directory / LOCK).unlink(missing_ok=True)
                with contextlib.suppress(OSError):  # not empty: someone else's
                    for folder in made:
                        folder.rmdir()


@contextlib.contextmanager
def _manifest_of(question: Question, *, directory: Path) -> Iterator[Manifest]:
    """Begin the manifest, and leave word in it of how the run ended."""
    manifest = Manifest(question, path=directory / MANIFEST)
    manifest.set_state("running")
    try:
        yield manifest
    except KeyboardInterrupt:
        manifest.set_state("interrupted")
        raise
    except Exception as error:
        reason = error.message if isinstance(error, BacktesterError) else f"{type(error).__name__}: {error}"
        with contextlib.suppress(BacktesterError):  # the disk may be full: the first error counts
            manifest.set_state("failed", reason=reason)
        raise


def _with_present_trials(record: RunRecord, *, question: Question, listener: Listener) -> RunRecord:
    """Judge a finished run again where more was tried on its market since: the first of twenty tries too."""
    check_files(record.directory, leaving_out=JUDGED_FILES)
    registry = registry_of(question.loaded.recipe)
    trial = trial_of(
        sha256=question.trial_sha256,
        name=record.directory.name,
        recipe_name=record.manifest["recipe_name"],
        recipe=record.manifest["recipe"],
        summary=record.summary,
        returns=record.returns["strategy"],
        close=record.prices["close"],
    )
    trial = registry.identify(trial)
    try:
        registry.register(trial)  # it may have been made elsewhere, or with another registry
    except StorageError as error:
        listener.step(f"The trial registry cannot be written ({error.message}); the answer is read as it is.")
        return record
    trials = registry.on_market(trial.dates, trial.market)
    # what the figures say, not the snapshot beside them, which may be the newer one after an interruption
    judged = {row["trial"] for row in record.summary["judgement"]["search"]["table"]}
    if {found.sha256[:12] for found in trials} <= judged and _is_whole(record.directory):
        listener.step("This question was answered before; nothing is computed.")
        return record
    listener.step(
        "This question was answered before; it is judged again beside all "
        f"{len(trials)} trials on its market."
    )
    with lock_directory(record.directory):
        judge_run(
            record.directory,
            summary=record.summary,
            recipe=record.manifest["recipe"],
            trials=trials,
            own=trial,
        )
        return _redrawn(record.directory)


def _is_whole(directory: Path) -> bool:
    """Whether judgement and pages were written to their end; a later one may have been interrupted."""
    try:
        check_files(directory, also=tuple(PAGES))
    except StorageError:
        return False
    return True


def _with_present_title(record: RunRecord, *, question: Question) -> RunRecord:
    """The title belongs to the page, not to the question: draw the page again where it changed."""
    title = question.loaded.recipe.report.title
    if record.manifest["recipe"]["report"]["title"] == title:
        return record
    with lock_directory(record.directory):
        record = read_run(record.directory)
        record.manifest["recipe"]["report"]["title"] = title
        # killed between, the title differs still, and the same run again writes all of it
        write_report(record)
        write_manifest(record.directory, record.manifest)
        return record
