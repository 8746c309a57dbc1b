"""The positive control from end to end: train, score, and write its own directory."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from backtester.control.data import Dataset, bundled_digits, read_mnist
from backtester.control.picture import Picture, prepare_picture, read_picture
from backtester.control.problem import DigitsProblem, logistic_problem, network_problem
from backtester.control.splits import arrangements_of, splits_of
from backtester.control.summary import KIND, summary_of
from backtester.control.tables import epochs_table, misread_table, readings_table
from backtester.control.training import Trained, train
from backtester.errors import InterruptedRunError, RunDirectoryError, StorageError, UsageError
from backtester.files import make_folder, write_json
from backtester.recipe import ExecutionSection
from backtester.run_directory import LOCK, PAGE, SUMMARY, lock_directory, read_json, write_table
from backtester.store import FoldStore, default_store_folder
from backtester.walkforward import Progress, say_nothing

__all__ = ["Control", "control_digits"]

READINGS, EPOCHS, MISREAD = "readings.csv", "epochs.csv", "misread.csv"
_MOST_SEEDS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A finished control.

    Parameters
    ----------
    directory : with ``index.html``, ``summary.json`` and the tables
    summary : the figures; see docs/control.md
    n_trained : fits that were not in the store
    """

    directory: Path
    summary: dict[str, Any]
    n_trained: int

    @property
    def page(self) -> Path:
        """The page."""
        return self.directory / PAGE

    @property
    def answer(self) -> str:
        """What came out, in a sentence or two."""
        return str(self.summary["answer"])

    @property
    def passed(self) -> bool:
        """Whether the digits were found, and nothing under shuffled labels."""
        return bool(self.summary["passed"])

    @property
    def readings(self) -> pd.DataFrame:
        """Every reading of a test image."""
        return pd.read_csv(self.directory / READINGS)


def control_digits(
    *,
    mnist: str | Path | None = None,
    seeds: int | None = None,
    image: str | Path | None = None,
    out: str | Path | None = None,
    workers: int = 0,
    store: str | Path | None = None,
    step: Callable[[str], None] = say_nothing,
    on_progress: Callable[[Progress], None] = say_nothing,
) -> Control:
    """Train on handwritten digits, where there is something to find, and on shuffled labels, where not.

    The code is that which trains on prices: workers, store, compiled fit. Nothing of a control enters the
    registry of trials or a verdict.

    Parameters
    ----------
    mnist : ``mnist.npz`` as Keras has it; default: the digits that scikit-learn brings along
    seeds : networks for each arrangement; default: 5, with ``mnist`` 1
    image : a picture of a digit to read with the trained networks
    out : directory to write; default: ``reports/control-digits``, with ``mnist`` ``reports/control-mnist``
    workers : processes; 0: one for each core
    store : folder of trained networks; default: in the user's cache directory
    step, on_progress : hear of the progress

    Raises
    ------
    UsageError : a file that is not what it should be, or a number of seeds out of range
    RunDirectoryError : the place for the output holds something else
    LockedError : another control works there
    FoldsFailedError : a fit failed, or no worker can be started
    StorageError : the disk is full or read-only
    InterruptedRunError : stopped by the user; what was trained is kept
    """
    dataset = bundled_digits() if mnist is None else read_mnist(Path(mnist))
    n_seeds = seeds if seeds is not None else 1 if dataset.n_test else 5
    if not 1 <= n_seeds <= _MOST_SEEDS:
        raise UsageError(f"{n_seeds} seeds.", advice=f"Ask for 1 to {_MOST_SEEDS}.")
    picture = None if image is None else _picture(Path(image), side=dataset.images.shape[1])
    directory = Path("reports") / f"control-{dataset.name}" if out is None else Path(out)
    _check_place(directory)
    make_folder(directory)
    fit = functools.partial(
        train,
        store=FoldStore(folder=default_store_folder() if store is None else Path(store)),
        execution=ExecutionSection(workers=workers),
        on_progress=on_progress,
    )
    try:
        with lock_directory(directory):
            return _work(dataset, n_seeds=n_seeds, picture=picture, directory=directory, step=step, fit=fit)
    except KeyboardInterrupt as error:
        raise InterruptedRunError(
            "Interrupted; every network that was trained is kept.", advice="Run the same command to go on."
        ) from error


def _work(
    dataset: Dataset,
    *,
    n_seeds: int,
    picture: Picture | None,
    directory: Path,
    step: Callable[[str], None],
    fit: Callable[[DigitsProblem], Trained],
) -> Control:
    from backtester.reporting.control_page import write_control_page

    splits = splits_of(dataset, seeds=n_seeds)
    problem = network_problem(dataset, splits=splits)
    step(f"Training the network on {dataset.name}: {len(splits)} fits, fewer where they are in the store.")
    networks = fit(problem)
    step("Fitting logistic regression.")
    logistic = fit(logistic_problem(dataset, splits=splits))
    readings = readings_table(splits, networks=networks.results, logistic=logistic.results)
    summary = summary_of(
        dataset,
        splits=splits,
        readings=readings,
        networks=networks.results,
        problem=problem,
        picture=picture,
    )
    write_json(directory / SUMMARY, summary)
    write_table(directory / READINGS, readings)
    write_table(directory / EPOCHS, epochs_table(splits, networks=networks.results))
    write_table(
        directory / MISREAD,
        misread_table(readings, dataset=dataset, arrangement=arrangements_of(dataset)[0]),
    )
    write_control_page(directory)
    return Control(directory=directory, summary=summary, n_trained=networks.n_trained + logistic.n_trained)


def _picture(path: Path, *, side: int) -> Picture:
    return prepare_picture(read_picture(path), name=path.name, side=side)


def _check_place(directory: Path) -> None:
    """Refuse a place that holds something else than a control."""
    advice = "Nothing was changed. Name another folder with --out."
    if directory.exists() and not directory.is_dir():
        raise RunDirectoryError(f"{directory}: is a file, not a folder.", advice=advice)
    ours = (LOCK, f".{SUMMARY}.")  # what a control leaves that was killed before it had written anything
    if not directory.exists() or all(path.name.startswith(ours) for path in directory.iterdir()):
        return
    try:
        kind = read_json(directory / SUMMARY).get("kind")
    except StorageError:
        kind = None
    if kind != KIND:
        raise RunDirectoryError(f"{directory}: holds something else than a control.", advice=advice)
