"""Repeat a run from its manifest: the same recipe on the same bars, in another place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backtester.errors import UsageError
from backtester.manifest import changed_versions
from backtester.pipeline import Listener, answer
from backtester.reopening import reopen
from backtester.run_directory import SUMMARY, RunRecord, check_files, read_run

__all__ = ["Repeated", "repeat"]

_COMPARED = ("forecasts.csv", "orders.csv", "returns.csv")
_SECTIONS = ("execution", "report", "audit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """A run and its repetition.

    Parameters
    ----------
    first, again : the run, and the repetition
    versions : libraries and this program by name, ``(then, now)``, where they differ
    """

    first: RunRecord
    again: RunRecord
    versions: Mapping[str, tuple[str, str]]

    @property
    def differing(self) -> tuple[str, ...]:
        """Name the files in which the two differ, of forecasts, orders, returns and figures."""
        apart = [
            name
            for name in _COMPARED
            if (self.first.directory / name).read_bytes() != (self.again.directory / name).read_bytes()
        ]
        first, again = (_figures(record) for record in (self.first, self.again))
        return (*apart, *(() if first == again else (SUMMARY,)))

    @property
    def same(self) -> bool:
        """Whether forecasts, orders, returns and figures are the same to the bit."""
        return not self.differing

    @property
    def sentence(self) -> str:
        """Whether it came out the same, and what differs in versions."""
        if self.same:
            outcome = "Forecasts, orders, returns and figures are the same, bit for bit"
        else:
            outcome = f"The repetition differs in {', '.join(self.differing)}"
        differing = [f"{name} {then} then, {now} now" for name, (then, now) in self.versions.items()]
        if differing:
            return f"{outcome}; other versions: {', '.join(differing)}."
        return f"{outcome}; all versions are the same."


def _figures(record: RunRecord) -> dict[str, Any]:
    """Give what the run earned and forecast; what was tried beside it, and so its judgement, may be other."""
    return {key: value for key, value in record.summary.items() if key not in ("judgement", "verdict")}


def repeat(
    directory: Path, *, out: Path, changes: Mapping[str, Any] | None = None, listener: Listener | None = None
) -> Repeated:
    """Repeat a finished run.

    Parameters
    ----------
    directory : of the run; its bars are read from there, the user's own files from the current folder
    out : folder for the repetition
    changes : keys of ``[execution]``, ``[report]`` and ``[audit]``
    listener : hears of the progress

    Raises
    ------
    UsageError : the repetition would lie where the run is, or a change would make it another run
    StorageError : a file of the run is not as it was written
    RunDirectoryError : code that it names is not what the run used
    BacktesterError : what stopped it
    """
    foreign = [key for key in changes or {} if key.partition(".")[0] not in _SECTIONS]
    if foreign:
        raise UsageError(
            f"{foreign[0]}: a repetition is of the same recipe.",
            advice="Only keys of [execution], [report] and [audit] can be set here; "
            "run the changed recipe instead.",
        )
    first = read_run(directory)
    check_files(directory)
    question = reopen(directory, changes=changes, sections=_SECTIONS, whole=False).question.known_here()
    if (out / question.directory_name).resolve() == directory.resolve():
        raise UsageError(
            f"{directory}: a run is not repeated in its own place.", advice="Name another folder with --out."
        )
    again = answer(question, out=out, listener=listener)
    return Repeated(first=first, again=again, versions=changed_versions(first.manifest))
