"""Verify a run: its bytes, what follows from them, and some of its networks."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backtester.errors import (
    BacktesterError,
    FoldsFailedError,
    InterruptedRunError,
    RunDirectoryError,
    StorageError,
    UsageError,
    UserCodeError,
)
from backtester.models import BASELINES
from backtester.reopening import ask_again, notes_on_versions
from backtester.run_directory import MANIFEST, UNFINISHED, RunRecord, read_json, read_run
from backtester.verifying.computing import compute_again, manifest_findings
from backtester.verifying.files import altered, listed_files, notes_on_files
from backtester.verifying.finding import Finding, Verification
from backtester.verifying.retraining import choose_folds, retrain

__all__ = ["verify_run"]


_NOT_OF_THE_FILES = (RunDirectoryError, UserCodeError, FoldsFailedError)
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENOMEM, errno.EMFILE)
_UNFORESEEN = (KeyError, ValueError, TypeError, AttributeError, IndexError, OSError, ArithmeticError)
"""What the parts raise over values that no run writes."""


def verify_run(
    directory: Path,
    *,
    n_retrained: int = 0,
    seed: int | None = None,
    pages: bool = True,
    code: bool = True,
    step: Callable[[str], None] = lambda _: None,
) -> Verification:
    """Verify a finished run.

    Parameters
    ----------
    directory : of the run
    n_retrained : folds that are trained again, chosen at random
    seed : of that choice; None: others each time
    pages : also draw the page again
    code : also compute what follows from the files, for which the user's own code that the run names is run
        from the current folder; False: compare the files with their checksums, and run nothing
    step : told what begins

    Returns
    -------
    Verification

    Raises
    ------
    UsageError : folds are to be trained again without code
    RunDirectoryError : there is no finished run
    """
    if n_retrained and not code:
        raise UsageError("Folds are trained again by code.", advice="Leave out --retrain or --no-code.")
    if _state(directory) in (None, *UNFINISHED):
        read_run(directory)
    step("Comparing the files with their checksums.")
    findings, notes = altered(directory), notes_on_files(directory)
    checked = [f"The bytes of {len(listed_files(directory))} files against their checksums."]
    unfinished = problem = ""
    try:
        record = read_run(directory)
        notes += notes_on_versions(record) if code else []
        if code:
            asked = _Asked(pages=pages, n_retrained=n_retrained, seed=seed, step=step)
            _compute(record, asked=asked, findings=findings, checked=checked)
        else:
            notes.append("Only bytes were compared: nothing was computed again, and no code was run.")
    except _NOT_OF_THE_FILES as error:
        unfinished = f"{error.message} {error.advice}".strip()
    except InterruptedRunError:
        raise
    except (BacktesterError, *_UNFORESEEN) as error:
        if _of_the_disk(error):
            raise
        problem = error.message if isinstance(error, BacktesterError) else f"{type(error).__name__}: {error}"
    if findings and (unfinished or problem):
        notes.append(f"The rest could not be looked at: {unfinished or problem}")
        unfinished = ""
    elif problem:
        text = f"cannot be computed again: {problem.replace(f'{directory}/', '')}"
        findings.append(Finding(file="the run", where="", text=text))
    return Verification(
        checked=tuple(checked),
        findings=tuple(dict.fromkeys(findings)),
        notes=tuple(dict.fromkeys(notes)),
        unfinished=unfinished,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    pages: bool
    n_retrained: int
    seed: int | None
    step: Callable[[str], None]


def _compute(record: RunRecord, *, asked: _Asked, findings: list[Finding], checked: list[str]) -> None:
    """Compute again what follows from the files; what was found before something failed stays found."""
    asked.step("Computing trades, figures and judgement again.")
    question = ask_again(record)
    findings += manifest_findings(record, question=question)
    with tempfile.TemporaryDirectory() as folder:
        findings += compute_again(record, question=question, folder=Path(folder), pages=asked.pages)
    checked.append("Trades, returns, figures, tests and verdict, computed again from prices and forecasts.")
    if asked.pages:
        checked.append("The pages, drawn again.")
    if asked.n_retrained and question.problem.model.kind not in BASELINES:
        folds = choose_folds(record, n=asked.n_retrained, seed=asked.seed)
        asked.step(f"Training folds {', '.join(map(str, folds))} again.")
        with tempfile.TemporaryDirectory() as folder:
            findings += retrain(record, question=question, folds=folds, store=Path(folder))
        checked.append(f"Folds {', '.join(map(str, folds))}, trained again, bit for bit.")


def _state(directory: Path) -> str | None:
    """Give the state of a run; None where there is no manifest, and empty where it cannot be read."""
    if not (directory / MANIFEST).is_file():
        return None
    try:
        return str(read_json(directory / MANIFEST).get("state"))
    except StorageError:
        return ""


def _of_the_disk(error: BaseException) -> bool:
    """Whether this machine failed, and not the files that are looked at."""
    causes = (error, error.__cause__)
    return any(isinstance(cause, OSError) and cause.errno in _DISK for cause in causes)
