"""Open a finished run for stress: ask its question again, from its own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backtester.errors import RecipeError, RunDirectoryError
from backtester.prices import Prices, prices_from_frame
from backtester.question import ask
from backtester.recipe import LoadedRecipe, StressSection, recipe_from_mapping
from backtester.run_directory import RunRecord, read_run
from backtester.stress.context import Context

__all__ = ["open_context"]


def open_context(directory: Path, *, changes: dict[str, Any]) -> Context:
    """Open a finished run.

    Parameters
    ----------
    directory : of the run
    changes : keys of ``[stress]`` and ``[execution]`` to set on top of the run's recipe

    Raises
    ------
    RunDirectoryError : no finished run; one with a failed fold; or one whose question is another one now:
        made by another version of the program, or with files that are not here or were edited
    RecipeError : a change that is not allowed
    """
    foreign = [key for key in changes if not key.startswith(("stress.", "execution."))]
    if foreign:
        raise RecipeError(
            f"{foreign[0]}: would make it another run.",
            advice="Only keys of [stress] and [execution] can be set here; run the changed recipe instead.",
        )
    record = read_run(directory)
    if record.manifest["state"] == "incomplete":
        raise RunDirectoryError(
            f"{directory}: some folds of this run have no forecast.",
            advice="Run the same recipe again first: only these folds are trained.",
        )
    loaded = _loaded(record, changes=changes)
    question = ask(loaded, prices=_prices(record, loaded=loaded))
    if question.sha256 != record.manifest["question_sha256"]:
        raise RunDirectoryError(
            f"{directory}: its question cannot be asked again here: it was made by version "
            f"{record.manifest['program']['version']}, or files that its recipe names were edited since.",
            advice="Run its recipe again, then stress that run.",
        )
    settings: StressSection = loaded.recipe.stress
    return Context(record=record, question=question, settings=settings)


def _loaded(record: RunRecord, *, changes: dict[str, Any]) -> LoadedRecipe:
    # Files of the user's are looked for in the current folder, since a run names no other.
    return recipe_from_mapping(
        record.manifest["recipe"],
        name=record.manifest["recipe_name"],
        folder=Path.cwd(),
        overrides=changes,
    )


def _prices(record: RunRecord, *, loaded: LoadedRecipe) -> Prices:
    return prices_from_frame(record.prices, symbol=loaded.recipe.data.symbol, data=loaded.recipe.data)
