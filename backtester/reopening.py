"""Re-open a finished run as the question that it answers, from its own files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from backtester.errors import RecipeError, RunDirectoryError
from backtester.manifest import changed_versions
from backtester.prices import Prices, prices_from_frame
from backtester.question import Question, ask
from backtester.recipe import LoadedRecipe, recipe_from_mapping
from backtester.run_code import check_code, other_modules
from backtester.run_directory import MANIFEST, RunRecord, read_run

__all__ = ["Opened", "Reopened", "ask_again", "directory_of", "notes_on_versions", "reopen"]


# A run names folders by their last part alone: taken as they stand they would be others, below this one.
_PLACES = {"execution.store": "", "execution.registry": ""}


class Opened(Protocol):
    """A run as Python has it, from ``backtester.run`` or ``backtester.open_run``."""

    @property
    def directory(self) -> Path:
        """Where its files are."""


def directory_of(run: str | Path | Opened) -> Path:
    """Give the directory of a run, however it is named."""
    return Path(run) if isinstance(run, str | Path) else run.directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """A finished run and its question, asked again.

    Parameters
    ----------
    record : its files
    question : the one that the run answered, with recipe, prices and folds
    notes : on versions that differ from the run's
    """

    record: RunRecord
    question: Question
    notes: tuple[str, ...] = ()


def reopen(
    directory: Path,
    *,
    changes: Mapping[str, Any] | None = None,
    sections: tuple[str, ...] = ("execution",),
    whole: bool = True,
) -> Reopened:
    """Re-open a finished run.

    Parameters
    ----------
    directory : of the run
    changes : keys of the recipe to set on top of the run's
    sections : whose keys may be set, as they change no question: ``("stress", "execution")``
    whole : refuse a run in which a fold failed

    Returns
    -------
    Reopened; the user's own files are looked for in the current folder, since a run names no other

    Raises
    ------
    RunDirectoryError : no finished run; one with a failed fold; or one whose question is another one now:
        with files that are not here or were edited
    RecipeError : a change that is not allowed
    """
    changes = dict(changes or {})
    foreign = [key for key in changes if key.partition(".")[0] not in sections]
    if foreign:
        allowed = " and ".join(f"[{section}]" for section in sections)
        raise RecipeError(
            f"{foreign[0]}: would make it another run.",
            advice=f"Only keys of {allowed} can be set here; run the changed recipe instead.",
        )
    record = read_run(directory)
    if whole and record.manifest["state"] == "incomplete":
        raise RunDirectoryError(
            f"{directory}: some folds of this run have no forecast.",
            advice="Run the same recipe again first: only these folds are trained.",
        )
    question = ask_again(record, changes=changes)
    if question.sha256 != record.manifest["question_sha256"]:
        raise RunDirectoryError(
            f"{directory}: its question cannot be asked again here: {MANIFEST} and prices.csv do not give "
            "the hash that it has, or files that its recipe names were edited since.",
            advice="`backtester verify` tells what was altered; or run its recipe again.",
        )
    return Reopened(record=record, question=question, notes=tuple(notes_on_versions(record)))


def notes_on_versions(record: RunRecord) -> list[str]:
    """Say what the run was made with in another version than is installed here, a sentence each."""
    return [
        f"{name} is {now} here, the run was made with {then}: last digits may differ."
        for name, (then, now) in changed_versions(record.manifest).items()
    ] + other_modules(record)


def ask_again(record: RunRecord, *, changes: Mapping[str, Any] | None = None) -> Question:
    """Ask what a run was asked, from its recipe and its prices, whether or not it is the same question now.

    Its hashes are those that the run's own version of the program gives it.

    Raises
    ------
    RunDirectoryError : code that it names is not here, not what the run used, or not where a run looks
    RecipeError, PricesError : what cannot be asked
    """
    check_code(record)
    loaded = _loaded(record, changes=dict(changes or {}))
    question = ask(loaded, prices=_prices(record, loaded=loaded))
    manifest = record.manifest
    code = {entry["reference"]: entry["sha256"] for entry in manifest.get("code", ())}
    return question.known_as(version=manifest["program"]["version"], code_sha256s=code)


def _loaded(record: RunRecord, *, changes: dict[str, Any]) -> LoadedRecipe:
    return recipe_from_mapping(
        record.manifest["recipe"],
        name=record.manifest["recipe_name"],
        folder=Path.cwd(),
        overrides=_PLACES | changes,
    )


def _prices(record: RunRecord, *, loaded: LoadedRecipe) -> Prices:
    # how the file was read that the run had its prices from: a run's own table has real dates and a close
    data = loaded.recipe.data.model_copy(update={"column": "", "date_format": ""})
    return prices_from_frame(record.prices, symbol=data.symbol, data=data)
