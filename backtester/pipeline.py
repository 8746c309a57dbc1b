"""A run: the parts in order. The only place that knows them all."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from backtester.backtest import Trading, buy_and_hold, trade
from backtester.errors import BacktesterError, InterruptedRunError
from backtester.execution import open_executor
from backtester.files import make_folder, write_bytes, write_json
from backtester.forecasts import Forecasts
from backtester.manifest import Manifest
from backtester.models import BASELINES
from backtester.prices import Note
from backtester.question import Question
from backtester.reporting import write_report
from backtester.run_directory import (
    LOCK,
    MANIFEST,
    SUMMARY,
    RunRecord,
    claim_directory,
    lock_directory,
    read_record,
    read_run,
    write_checksums,
    write_table,
)
from backtester.store import FoldStore, default_store_folder
from backtester.summary import summarise
from backtester.walkforward import (
    Progress,
    WalkForward,
    baseline_table,
    forecast_table,
    open_work,
    walk_forward,
)

__all__ = ["Listener", "answer", "redraw"]


def _say_nothing(_: object) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who wants to hear how a run goes.

    Parameters
    ----------
    step : called with a sentence when a part begins
    progress : called after each training task
    """

    step: Callable[[str], None] = _say_nothing
    progress: Callable[[Progress], None] = _say_nothing


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
    LockedError : another process works on the same question
    RunDirectoryError : the place holds something else
    StorageError : the disk is full or read-only
    InterruptedRunError : stopped by the user; what was trained is kept
    """
    listener = listener or Listener()
    question.check_tradable()
    directory = Path(out or question.loaded.recipe.report.directory) / question.directory_name
    if claim_directory(directory, question_sha256=question.sha256):
        listener.step("This question was answered before; nothing is computed.")
        return _with_present_title(read_run(directory), question=question)
    try:
        with _held(directory):
            # Another process may have answered it since.
            if not claim_directory(directory, question_sha256=question.sha256):
                _work(question, directory=directory, listener=listener)
    except KeyboardInterrupt as error:
        raise InterruptedRunError(
            "Interrupted; every fold that was trained is kept.", advice="Run the same recipe again to go on."
        ) from error
    return read_run(directory)


def redraw(directory: Path) -> RunRecord:
    """Draw the pages of a finished run again from its files.

    Raises
    ------
    RunDirectoryError : there is no finished run
    """
    record = read_run(directory)
    write_report(record)
    return record


def _work(question: Question, *, directory: Path, listener: Listener) -> None:
    started = time.monotonic()
    recipe = question.loaded.recipe
    store = FoldStore(folder=Path(recipe.execution.store or default_store_folder()))
    work = open_work(question.problem, store=store)
    if work.missing:
        listener.step(
            f"Starting to train {len(work.missing)} networks ({len(work.stored)} are in the store)."
        )
    with (
        open_executor(recipe.execution, problem=question.problem, tasks=work.missing) as executor,
        _manifest_of(question, directory=directory) as manifest,
    ):
        result = walk_forward(
            question.problem,
            work=work,
            store=store,
            executor=executor,
            on_progress=listener.progress,
            started=started,
        )
        manifest.record_training(result)
        listener.step("Trading the forecasts and the baselines.")
        notes = _write_results(question, result=result, directory=directory)
        manifest.record_notes((*question.notes, *result.notes, *notes))
        listener.step("Writing the report.")
        manifest.record_wall_time(time.monotonic() - started)
        manifest.set_state("reporting")
        write_report(read_record(directory))
        manifest.record_wall_time(time.monotonic() - started)
        failed = any(outcome.failures for outcome in result.outcomes)
        manifest.set_state("incomplete" if failed else "done")


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


def _write_results(question: Question, *, result: WalkForward, directory: Path) -> tuple[Note, ...]:
    """Trade and write all data files; gives what the reader must know."""
    recipe, prices, problem = question.loaded.recipe, question.prices, question.problem
    tables = {kind: baseline_table(problem, kind=kind, dates=prices.dates) for kind in BASELINES}
    if recipe.model.kind in BASELINES:
        forecasts = tables[recipe.model.kind]
    else:
        forecasts = forecast_table(problem, outcomes=result.outcomes, dates=prices.dates)
    traded = _trade_all(question, forecasts=forecasts, tables=tables)
    question.check_code()  # the strategy's file was read just now, maybe minutes after the question
    summary = summarise(
        recipe,
        symbol=prices.symbol,
        forecasts=forecasts,
        baselines={kind: tables[kind] for kind in ("last_return", "mean_return")},
        traded=traded,
    )
    write_table(directory / "prices.csv", prices.frame.reset_index(names="date"))
    write_bytes(directory / "forecasts.csv", forecasts.to_csv().encode())
    for name, column in (("returns.csv", "return"), ("exposures.csv", "exposure")):
        frame = pd.DataFrame({key: trading.bars[column] for key, trading in traded.items()})
        write_table(directory / name, frame.reset_index(names="date"))
    for name in ("orders", "trades"):
        rows = [
            _labelled(getattr(trading, name), name=key, symbol=prices.symbol)
            for key, trading in traded.items()
        ]
        write_table(directory / f"{name}.csv", pd.concat([row for row in rows if len(row)] or rows[:1]))
    write_json(directory / SUMMARY, summary)
    write_checksums(directory)
    return traded["strategy"].notes


def _trade_all(
    question: Question, *, forecasts: Forecasts, tables: dict[str, Forecasts]
) -> dict[str, Trading]:
    """Trade the model and the baselines by the same rules, and hold."""
    recipe, prices = question.loaded.recipe, question.prices
    traded = {
        name: trade(
            prices,
            table,
            strategy=recipe.strategy,
            broker=recipe.broker,
            folder=question.loaded.folder,
            periods_per_year=recipe.data.periods_per_year,
        )
        for name, table in (
            ("strategy", forecasts),
            ("last_price", tables["last_price"]),
            ("last_return", tables["last_return"]),
        )
    }
    held = buy_and_hold(prices, forecasts, broker=recipe.broker)
    return {
        "strategy": traded["strategy"],
        "buy_and_hold": held,
        "last_price": traded["last_price"],
        "last_return": traded["last_return"],
    }


def _labelled(frame: pd.DataFrame, *, name: str, symbol: str) -> pd.DataFrame:
    labelled = frame.reset_index(drop=True)
    labelled.insert(0, "strategy", name)
    labelled.insert(1, "symbol", symbol)
    return labelled


def _with_present_title(record: RunRecord, *, question: Question) -> RunRecord:
    """The title belongs to the page, not to the question: draw the page again where it changed."""
    title = question.loaded.recipe.report.title
    if record.manifest["recipe"]["report"]["title"] == title:
        return record
    record.manifest["recipe"]["report"]["title"] = title
    write_json(record.directory / MANIFEST, record.manifest)
    return redraw(record.directory)
