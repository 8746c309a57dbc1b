"""The run directory: what a run leaves behind, and the lock that keeps two runs apart."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from backtester.checksums import CHECKSUMS, read_checksums, sha256_of, update_checksums
from backtester.errors import LockedError, RunDirectoryError, StorageError
from backtester.files import json_bytes, storage_error, write_bytes
from backtester.manifest_shape import check_shape

__all__ = [
    "ADDED_FILES",
    "CHECKSUMS",
    "DATA_FILES",
    "EXPLAIN",
    "FINISHED",
    "JUDGED_FILES",
    "LOCK",
    "MANIFEST",
    "PAGE",
    "PAGES",
    "PUBLISHED_FILES",
    "STRESS",
    "SUMMARY",
    "UNFINISHED",
    "RunRecord",
    "check_files",
    "data_files",
    "leaks_of",
    "lock_directory",
    "page_files",
    "read_json",
    "read_manifest",
    "read_record",
    "read_run",
    "read_tables",
    "write_checksums",
    "write_manifest",
    "write_table",
]

MANIFEST = "run.json"
SUMMARY = "summary.json"
STRESS = "stress.json"
EXPLAIN = "explain.json"
LOCK = ".lock"
TABLES: Mapping[str, tuple[str, ...]] = {
    "prices.csv": ("date",),
    "forecasts.csv": ("origin", "target_date"),
    "baselines.csv": ("origin",),
    "returns.csv": ("date",),
    "exposures.csv": ("date",),
    "orders.csv": ("decided", "filled"),
    "trades.csv": ("entry_date", "exit_date"),
    "variants.csv": ("date",),
    "trials.csv": ("start", "end"),
    "trial_returns.csv": ("date",),
}
# an all-digit hash or symbol is a name, not a number
_TEXTS = {"symbol": "str", "trial": "str", "recipe": "str"}
DATA_FILES = (SUMMARY, *TABLES)
PUBLISHED_FILES = ("published.json", "published.csv")
"""Beside them, where the recipe has a section ``[published]``."""
ADDED_FILES = (STRESS, EXPLAIN)
"""What other commands add to a finished run."""
JUDGED_FILES = (SUMMARY, "trials.csv", "trial_returns.csv")
"""What judging a run again writes anew."""
PAGE = "index.html"
PAGES: Mapping[str, str] = {
    PAGE: SUMMARY,
    "tearsheet_buy_and_hold.html": SUMMARY,
    "tearsheet_last_price.html": SUMMARY,
    "stress.html": STRESS,
    "explain.html": EXPLAIN,
}
"""Each page, and the file without which it is none of this run."""
_DAMAGED = "Nothing was deleted. Restore the file, or move the folder away and run again."
FINISHED = ("done", "incomplete")
UNFINISHED = ("running", "reporting", "interrupted", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A finished run, as its files tell it; see docs/run-directory.md for the columns.

    Parameters
    ----------
    directory : where the files are
    manifest : ``run.json``
    summary : ``summary.json``
    prices, returns, exposures, variants, trial_returns : indexed by date
    forecasts, baselines, orders, trades, trials : one row each
    """

    directory: Path
    manifest: dict[str, Any]
    summary: dict[str, Any]
    prices: pd.DataFrame
    forecasts: pd.DataFrame
    returns: pd.DataFrame
    exposures: pd.DataFrame
    orders: pd.DataFrame
    trades: pd.DataFrame
    baselines: pd.DataFrame
    variants: pd.DataFrame
    trials: pd.DataFrame
    trial_returns: pd.DataFrame


def read_run(directory: Path) -> RunRecord:
    """Read a finished run from its files.

    Raises
    ------
    RunDirectoryError : there is no finished run in this folder
    StorageError : a file is missing or cannot be read
    """
    if not (directory / MANIFEST).is_file():
        raise RunDirectoryError(
            f"{directory}: no run here ({MANIFEST} is missing).",
            advice="Name a folder that `backtester run` made; `backtester runs` lists them.",
        )
    manifest = read_json(directory / MANIFEST)
    if manifest.get("state") not in FINISHED:
        raise RunDirectoryError(
            f"{directory}: this run is not finished (state: {manifest.get('state')!r}).",
            advice="Run the same recipe again; it goes on where it stopped.",
        )
    return read_record(directory)


def read_record(directory: Path) -> RunRecord:
    """Read the files of a run whatever its state.

    Raises
    ------
    StorageError : a file is missing or cannot be read
    """
    return RunRecord(
        directory=directory,
        manifest=read_manifest(directory),
        summary=read_json(directory / SUMMARY),
        **read_tables(directory),
    )


def read_manifest(directory: Path) -> dict[str, Any]:
    """Read ``run.json``, whatever the state of the run.

    Raises
    ------
    StorageError : missing, unreadable, or without what every part of the program reads in it
    """
    manifest = read_json(directory / MANIFEST)
    check_shape(manifest, where=str(directory / MANIFEST))
    return manifest


def read_tables(directory: Path) -> dict[str, pd.DataFrame]:
    """Read the tables of a run by name, without suffix; those with a ``date`` are indexed by it.

    Raises
    ------
    StorageError : a file is missing or cannot be read
    """
    tables = {name: _read_table(directory / name, dates=dates) for name, dates in TABLES.items()}
    return {name.removesuffix(".csv"): _by_date(frame) for name, frame in tables.items()}


def _by_date(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.set_index("date") if "date" in frame else frame


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    StorageError : missing, unreadable, or not a JSON object
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StorageError(
            f"{path}: cannot be read ({error}).",
            advice=_DAMAGED,
        ) from error
    if not isinstance(value, dict):
        raise StorageError(f"{path}: holds no JSON object.", advice=_DAMAGED)
    return value


def _read_table(path: Path, *, dates: tuple[str, ...]) -> pd.DataFrame:
    try:
        return pd.read_csv(
            path,
            parse_dates=list(dates),
            dtype=_TEXTS,
            keep_default_na=False,
            na_values=[""],
        )
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read ({error}).") from error


def write_table(path: Path, frame: pd.DataFrame) -> None:
    """Write a table as CSV: ISO dates, shortest exact floats, blanks for NaN."""
    buffer = io.StringIO()
    frame.to_csv(buffer, index=False, date_format="%Y-%m-%d", lineterminator="\n")
    write_bytes(path, buffer.getvalue().encode("utf-8"))


def data_files(directory: Path) -> tuple[str, ...]:
    """Name the files that have a checksum: those of every run, and those that were added to this one."""
    added = (name for name in (*PUBLISHED_FILES, *ADDED_FILES) if (directory / name).is_file())
    return (*DATA_FILES, *added)


def page_files(directory: Path) -> tuple[str, ...]:
    """Name the pages that are there; that of `stress` or `explain` only beside what it is drawn from."""
    return tuple(
        name
        for name, source in PAGES.items()
        if (directory / name).is_file() and (directory / source).is_file()
    )


def write_checksums(directory: Path) -> None:
    """Write the checksums of the data files anew, those of pages and manifest stay."""
    update_checksums(directory, names=data_files(directory))


def write_manifest(directory: Path, manifest: Mapping[str, Any]) -> None:
    """Write ``run.json``; of a finished run, its checksum before: killed between, it is not finished."""
    content = json_bytes(manifest)
    if manifest.get("state") in FINISHED:
        update_checksums(directory, coming={MANIFEST: content})
    write_bytes(directory / MANIFEST, content)


def leaks_of(manifest: Mapping[str, Any]) -> list[str]:
    """Give what of a run sees the future, a sentence each; none where a version before this made it."""
    return [str(leak["sentence"]) for leak in manifest.get("leaks", ())]


def check_files(directory: Path, *, leaving_out: Sequence[str] = (), also: Sequence[str] = ()) -> None:
    """Check that the data files are those that the run wrote: half a table reads as well as a whole one.

    Parameters
    ----------
    directory : of the run
    leaving_out : files that are not checked
    also : further files that are, where there is a checksum of them

    Raises
    ------
    StorageError : one is missing, or its checksum differs
    """
    known = read_checksums(directory)
    beside = (name for name in (*PUBLISHED_FILES, *also) if name in known)
    for name in (*DATA_FILES, *beside):
        if name in leaving_out:
            continue
        try:
            digest = sha256_of(directory / name)
        except OSError as error:
            text = f"{directory / name}: cannot be read ({error.strerror})."
            raise StorageError(text, advice=_DAMAGED) from error
        if digest != known.get(name):
            raise StorageError(
                f"{directory / name}: is not the file that the run wrote (its checksum differs).",
                advice="Restore the file, or move the folder away and run the same recipe again.",
            )


@contextlib.contextmanager
def lock_directory(directory: Path) -> Iterator[None]:
    """Hold the run directory for this process; a lock left by a killed process does not block.

    Raises
    ------
    LockedError : another process holds it
    """
    import fcntl

    path = directory / LOCK
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o664)
    except OSError as error:
        raise storage_error(path, error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise LockedError(
                f"{directory}: in use by another run (process {holder}).",
                advice="Wait until it has ended; the same question is not worked on twice.",
            ) from error
        try:
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
        except OSError as error:
            raise storage_error(path, error) from error
        yield
    finally:
        os.close(descriptor)
