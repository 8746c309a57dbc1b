"""The user's own code that a finished run names: looked at before any of it is imported.

A run directory may come from someone else, and what its recipe names is run with the reader's rights. So a
file is taken from the current folder alone, by the bare name that a run writes, and only where it has the
bytes that the run used; nothing is taken from the run directory itself.
"""

from __future__ import annotations

import importlib.util
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from backtester.errors import RecipeError, RunDirectoryError
from backtester.recipe import bare_reference
from backtester.references import reference_sha256
from backtester.run_directory import MANIFEST, RunRecord

__all__ = ["check_code", "other_modules"]

_ASKED = (("features", "columns"), ("model", "kind"), ("strategy", "kind"))
_ALL = (*_ASKED, ("stress", "axes"))
_ALTERED = f"No run writes that: {MANIFEST} was altered. Run nothing that it names."


def check_code(record: RunRecord) -> None:
    """Check the code that a run names, without importing any of it.

    Raises
    ------
    RunDirectoryError : it lies in another folder than the current one, or within the run; it is not here; or
        it is not what the run used
    """
    for reference in _references(record):
        _check_place(reference, directory=record.directory)
        if not _is_file(reference):
            _find_top(reference, directory=record.directory)
    listed = record.manifest.get("code")  # a version before this listed none
    for reference in () if listed is None else _references(record, sections=_ASKED):
        if reference not in _known(record):
            raise RunDirectoryError(
                f"{MANIFEST}: its recipe names {reference!r}, which is not among the code that the run used.",
                advice=_ALTERED,
            )
    for reference, then in _known(record).items():
        now = _sha256(reference)
        if now != then and not _is_installed(reference):
            raise RunDirectoryError(
                f"{_place(reference)} is not the file that the run used (its SHA-256 differs).",
                advice="Put the file as it was into the current folder; "
                "or run the recipe again, which is another question then.",
            )


def other_modules(record: RunRecord) -> list[str]:
    """Name installed modules that are not what the run used, a sentence each; `check_code` comes first."""
    return [
        f"{_place(reference)} is another version here than the run was made with: figures may differ."
        for reference, then in _known(record).items()
        if _is_installed(reference) and _sha256(reference) != then
    ]


def _references(record: RunRecord, *, sections: Sequence[tuple[str, str]] = _ALL) -> Iterator[str]:
    """What the recipe of a run names outside the program, in the places where code is named."""
    recipe: dict[str, Any] = record.manifest["recipe"]
    for section, key in sections:
        named = recipe.get(section, {}).get(key, ())
        for text in (named,) if isinstance(named, str) else named:
            if isinstance(text, str) and ":" in text:
                yield text


def _known(record: RunRecord) -> dict[str, str]:
    """SHA-256 of what the run used, by reference; of what its recipe does not name, nothing is known."""
    named = set(_references(record))
    code = record.manifest.get("code", ())
    return {entry["reference"]: entry["sha256"] for entry in code if entry["reference"] in named}


def _check_place(reference: str, *, directory: Path) -> None:
    if bare_reference(reference) != reference or "/" in _place(reference):
        raise RunDirectoryError(f"{MANIFEST}: names code in a folder: {reference!r}.", advice=_ALTERED)
    if _is_file(reference) and _within(Path.cwd() / _place(reference), folder=directory):
        raise RunDirectoryError(
            f"{_place(reference)}: lies within the run; code is taken from no run directory.",
            advice="Change to the folder of your own files, and name the run from there.",
        )


def _find_top(reference: str, *, directory: Path) -> None:
    """Find the package around a module without importing it, and check that it is not within the run."""
    top = _place(reference).partition(".")[0]
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise RunDirectoryError(
            f"{reference!r}, which this run names, is not installed here.",
            advice="Install it; `--no-code` of `backtester verify` compares the files alone.",
        )
    for place in (spec.origin, *(spec.submodule_search_locations or ())):
        if place and _within(Path(place), folder=directory):
            raise RunDirectoryError(
                f"{reference!r}: lies within the run; code is taken from no run directory.",
                advice="Change to the folder of your own files, and name the run from there.",
            )


def _within(path: Path, *, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _place(reference: str) -> str:
    return reference.rpartition(":")[0]


def _is_file(reference: str) -> bool:
    return _place(reference).endswith(".py")


def _sha256(reference: str) -> str:
    try:
        return reference_sha256(reference, folder=Path.cwd())
    except RecipeError as error:
        raise RunDirectoryError(
            f"{_place(reference)}, which this run names, is not here: {error.message}",
            advice="Put the file as it was into the current folder; "
            "`--no-code` of `backtester verify` compares the files alone.",
        ) from error


def _is_installed(reference: str) -> bool:
    """Whether a module comes from where packages are installed, so that its version tells it apart."""
    if _is_file(reference):
        return False
    spec = importlib.util.find_spec(_place(reference))
    places = [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib", "stdlib")]
    return bool(spec and spec.origin and any(_within(Path(spec.origin), folder=place) for place in places))
