"""``run.json``: what was asked and how far it is; rewritten at each change of state."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from backtester.folds import Fold
from backtester.models.baselines import BASELINES
from backtester.prices import Note
from backtester.question import Question
from backtester.recipe import Recipe, bare_reference, shareable_mapping, shareable_text
from backtester.run_directory import write_manifest
from backtester.walkforward import FoldOutcome, WalkForward

__all__ = ["Manifest", "changed_versions", "program_version"]

_PACKAGES = (
    "backtrader",
    "keras",
    "numpy",
    "pandas",
    "quantstats",
    "scikit-learn",
    "tensorflow",
)


def program_version() -> str:
    """Version of this program."""
    return metadata.version("walkforward-backtester")


class Manifest:
    """The manifest of one run.

    Parameters
    ----------
    question : what is asked
    path : of ``run.json``
    """

    def __init__(self, question: Question, *, path: Path) -> None:
        self._question = question
        self._path = path
        self._content = _asked(question)

    def set_state(self, state: str, *, reason: str = "") -> None:
        """Record the state of the run and write the file."""
        reason = shareable_text(reason, recipe=self._question.loaded.recipe)
        self._content |= {"state": state, "reason": reason}
        write_manifest(self._path.parent, self._content)

    def record_training(self, result: WalkForward) -> None:
        """Record what came of each fold and where the time went."""
        recipe, dates = self._question.loaded.recipe, self._question.prices.dates
        self._content["folds"] = [
            _fold_entry(outcome, recipe=recipe, dates=dates) | {"state": self._state_of(outcome)}
            for outcome in result.outcomes
        ]
        self._content["timing"] = asdict(result.timing)
        if self._question.published is not None:
            failures = dict.fromkeys(failure.reason for failure in result.beside.failures)
            self._content["published"] = {
                "networks": len(result.beside.results),
                "failed": len(result.beside.failures),
                "reason": shareable_text("; ".join(failures), recipe=recipe),
            }

    def _state_of(self, outcome: FoldOutcome) -> str:
        if outcome.failures:
            return "failed"
        # A baseline has nothing to train, so its folds have no results and are done all the same.
        return "done" if outcome.results or self._question.problem.model.kind in BASELINES else "pending"

    def record_notes(self, notes: Sequence[Note]) -> None:
        """Record what the user must know beside the prices."""
        self._content["notes"] = _notes(notes, recipe=self._question.loaded.recipe)

    def record_leaks(self, leaks: Sequence[Mapping[str, Any]]) -> None:
        """Record what of the user's own code sees the future, where the run goes on all the same."""
        recipe = self._question.loaded.recipe
        self._content["leaks"] = [
            {
                key: shareable_text(value, recipe=recipe) if isinstance(value, str) else value
                for key, value in leak.items()
            }
            for leak in leaks
        ]

    def record_wall_time(self, seconds: float) -> None:
        """Record how long the whole took."""
        self._content["timing"] = {**self._content["timing"], "wall_seconds": seconds}


def _asked(question: Question) -> dict[str, Any]:
    prices = question.prices
    return {
        "program": {"name": "walkforward-backtester", "version": program_version()},
        "question_sha256": question.sha256,
        "recipe_name": question.loaded.name,
        "recipe": shareable_mapping(question.loaded.recipe),
        "code": [
            {"reference": bare_reference(reference), "sha256": sha256}
            for reference, sha256 in question.own_code.items()
        ],
        "data": {
            "source": prices.source,
            "name": prices.source_name,
            "sha256": prices.source_sha256,
            "bars_sha256": prices.sha256,
            "symbol": prices.symbol,
            "adjustment": prices.adjustment.value,
            "start": _day(prices.dates[0]),
            "end": _day(prices.dates[-1]),
            "bars": len(prices),
            "notes": _notes(prices.notes, recipe=question.loaded.recipe),
        },
        "versions": {"python": platform.python_version(), **_versions()},
        "cpu": f"{platform.machine()} {sys.platform}",
        "folds": [
            _fold_entry(
                FoldOutcome(fold=fold, results=(), failures=()),
                recipe=question.loaded.recipe,
                dates=prices.dates,
            )
            for fold in question.problem.folds
        ],
        "notes": _notes(question.notes, recipe=question.loaded.recipe),
        "timing": {},
        "started": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "state": "running",
        "reason": "",
    }


def changed_versions(manifest: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Name what a run was made with in another version than is installed here, ``(then, now)``."""
    now = {"walkforward-backtester": program_version(), **_versions()}
    then = {"walkforward-backtester": manifest["program"]["version"], **manifest["versions"]}
    return {name: (then[name], now[name]) for name in now if name in then and then[name] != now[name]}


def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in _PACKAGES}


def _notes(notes: Sequence[Note], *, recipe: Recipe) -> list[dict[str, str]]:
    return [{"kind": note.kind.value, "text": shareable_text(note.text, recipe=recipe)} for note in notes]


def _fold_entry(outcome: FoldOutcome, *, recipe: Recipe, dates: pd.DatetimeIndex) -> dict[str, Any]:
    fold: Fold = outcome.fold
    return {
        "index": fold.index,
        **_span("train", bars=fold.train, dates=dates),
        **_span("validation", bars=fold.validation, dates=dates),
        **_span("test", bars=fold.test, dates=dates),
        "test_bars": fold.test.stop - fold.test.start,
        "state": "pending",
        "reason": shareable_text(outcome.reason, recipe=recipe),
        "members": [
            {
                "member": result.task.member,
                "seed": result.seed,
                "epochs": result.report.epochs,
                "loss": result.report.loss[-1] if result.report.loss else None,
                "validation_loss": min(result.report.validation_loss, default=None),
            }
            for result in outcome.results
        ],
    }


def _span(name: str, *, bars: slice, dates: pd.DatetimeIndex) -> dict[str, str | None]:
    empty = bars.stop <= bars.start
    return {
        f"{name}_start": None if empty else _day(dates[bars.start]),
        f"{name}_end": None if empty else _day(dates[bars.stop - 1]),
    }


def _day(date: pd.Timestamp) -> str:
    return f"{date:%Y-%m-%d}"
