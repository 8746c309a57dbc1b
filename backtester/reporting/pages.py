"""All pages of a run: the one to read first, and those of what other commands added to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backtester.checksums import update_checksums
from backtester.errors import StorageError
from backtester.reporting.explain_page import write_explain_page
from backtester.reporting.page import page_title, write_index
from backtester.reporting.stress_page import write_stress_page
from backtester.run_directory import ADDED_FILES, EXPLAIN, STRESS, RunRecord, page_files, read_json

__all__ = ["write_added_page", "write_report"]


def write_report(record: RunRecord) -> Path:
    """Write every page of a run into its directory.

    Writes ``index.html``, ``tearsheet_buy_and_hold.html`` and ``tearsheet_last_price.html``, and where
    `stress` or `explain` left their figures, ``stress.html`` and ``explain.html``: each shows the verdict or
    the title, and none may show an older one. They depend on the files of the run alone: drawn again, they
    have the same bytes.

    Parameters
    ----------
    record : a finished run, from ``read_run``

    Returns
    -------
    path of ``index.html``

    Raises
    ------
    StorageError : a file of `stress` or `explain` is damaged, or the disk is full or read-only
    """
    for name in ADDED_FILES:  # first: the other page lists what is there
        if (record.directory / name).is_file():
            write_added_page(record, name=name)
    page = write_index(record)
    update_checksums(record.directory, names=page_files(record.directory))
    return page


def write_added_page(record: RunRecord, *, name: str) -> Path:
    """Write the page of what `stress` or `explain` left.

    Parameters
    ----------
    record : a finished run
    name : ``stress.json`` or ``explain.json``

    Raises
    ------
    StorageError : the file is missing or damaged, or the disk is full or read-only
    """
    directory, title = record.directory, page_title(record)
    if name == STRESS:
        with _drawn_from(directory / STRESS) as stress:
            return write_stress_page(directory, stress, title=title)
    with _drawn_from(directory / EXPLAIN) as values:
        return write_explain_page(directory, values, verdict=record.summary.get("verdict"), title=title)


@contextlib.contextmanager
def _drawn_from(path: Path) -> Iterator[dict[str, Any]]:
    values = read_json(path)
    try:
        yield values
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise StorageError(
            f"{path}: is not as the program writes it ({type(error).__name__}: {error}).",
            advice=f"Write it anew: backtester {path.stem} {path.parent}",
        ) from error
