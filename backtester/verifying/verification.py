"""Verify a run: its bytes, what follows from them, and some of its networks."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from backtester.errors import BacktesterError
from backtester.manifest import changed_versions
from backtester.models import BASELINES
from backtester.reopening import ask_again
from backtester.run_directory import MANIFEST, RunRecord, data_files, read_run
from backtester.verifying.computing import compute_again, manifest_findings
from backtester.verifying.files import altered
from backtester.verifying.finding import Finding, Verification
from backtester.verifying.retraining import choose_folds, retrain

__all__ = ["verify_run"]


def verify_run(
    directory: Path,
    *,
    n_retrained: int = 0,
    seed: int | None = None,
    pages: bool = True,
    step: Callable[[str], None] = lambda _: None,
) -> Verification:
    """Verify a finished run.

    Parameters
    ----------
    directory : of the run
    n_retrained : folds that are trained again, chosen at random
    seed : of that choice; None: others each time
    pages : also draw the page again
    step : told what begins

    Returns
    -------
    Verification

    Raises
    ------
    RunDirectoryError : there is no finished run
    """
    if not (directory / MANIFEST).is_file():
        read_run(directory)
    step("Comparing the files with their checksums.")
    findings = altered(directory)
    checked = [f"The bytes of {len(data_files(directory))} files against their checksums."]
    try:
        record = read_run(directory)
        notes = _versions(record)
        step("Computing trades, figures and judgement again.")
        question = ask_again(record)
        findings += manifest_findings(record, question=question)
        with tempfile.TemporaryDirectory() as folder:
            findings += compute_again(record, question=question, folder=Path(folder), pages=pages)
        checked.append(
            "Trades, returns, figures, tests and verdict, computed again from prices and forecasts."
        )
        if pages:
            checked.append("The page, drawn again.")
        if n_retrained and question.problem.model.kind not in BASELINES:
            folds = choose_folds(record, n=n_retrained, seed=seed)
            step(f"Training folds {', '.join(map(str, folds))} again.")
            with tempfile.TemporaryDirectory() as folder:
                findings += retrain(record, question=question, folds=folds, store=Path(folder))
            checked.append(f"Folds {', '.join(map(str, folds))}, trained again, bit for bit.")
    except BacktesterError as error:
        if not findings:
            raise
        notes = [f"The rest could not be looked at: {error.message}"]
    return Verification(checked=tuple(checked), findings=tuple(_once(findings)), notes=tuple(notes))


def _versions(record: RunRecord) -> list[str]:
    return [
        f"{name} is {now} here, the run was made with {then}: last digits may differ."
        for name, (then, now) in changed_versions(record.manifest).items()
    ]


def _once(findings: list[Finding]) -> list[Finding]:
    return list(dict.fromkeys(findings))
