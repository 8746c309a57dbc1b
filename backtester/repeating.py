"""Repeat a run from its manifest: the same recipe on the same bars, in another place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backtester.errors import UsageError
from backtester.manifest import changed_versions
from backtester.pipeline import Listener, answer
from backtester.reopening import ask_again
from backtester.run_directory import RunRecord, read_run

__all__ = ["Repeated", "repeat"]


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
    def same(self) -> bool:
        """Whether the forecasts are the same to the bit."""
        first, again = (record.summary["forecasts_sha256"] for record in (self.first, self.again))
        return bool(first == again)

    @property
    def sentence(self) -> str:
        """Whether it came out the same, and what differs in versions."""
        outcome = "The forecasts are the same, bit for bit" if self.same else "The forecasts differ"
        differing = [f"{name} {then} then, {now} now" for name, (then, now) in self.versions.items()]
        if differing:
            return f"{outcome}; other versions: {', '.join(differing)}."
        return f"{outcome}; all versions are the same."


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
    BacktesterError : what stopped it
    """
    foreign = [key for key in changes or {} if key.partition(".")[0] not in ("execution", "report", "audit")]
    if foreign:
        raise UsageError(
            f"{foreign[0]}: a repetition is of the same recipe.",
            advice="Only keys of [execution], [report] and [audit] can be set here; "
            "run the changed recipe instead.",
        )
    first = read_run(directory)
    question = ask_again(first, changes=changes)
    if (out / question.directory_name).resolve() == directory.resolve():
        raise UsageError(
            f"{directory}: a run is not repeated in its own place.", advice="Name another folder with --out."
        )
    again = answer(question, out=out, listener=listener)
    return Repeated(first=first, again=again, versions=changed_versions(first.manifest))
