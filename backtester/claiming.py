"""Whose place a run directory is: a question's own, nobody's yet, or something else's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backtester.errors import RunDirectoryError
from backtester.manifest_shape import check_shape
from backtester.run_directory import DATA_FILES, FINISHED, LOCK, MANIFEST, PAGE, PUBLISHED_FILES, read_json
from backtester.trials import flat_settings, varying_settings

__all__ = ["claim_directory"]


def claim_directory(
    directory: Path, *, question_sha256: str, recipe: Mapping[str, Any] | None = None
) -> bool:
    """Check that a question may have this place; whether it is already answered there.

    Parameters
    ----------
    directory : which need not be there
    question_sha256 : the question's
    recipe : the question's, as ``run.json`` has it; None: what differs from a run there is not told

    Raises
    ------
    RunDirectoryError : a file, or a folder that holds something else than a run of this question; with the
        keys of the recipe that differ
    StorageError : its manifest is damaged
    """
    other = f"{directory}: holds something else than a run of this recipe on these prices"
    advice = "Nothing was changed. Move it away, or choose another folder with --out."
    for place in (directory, *directory.parents):
        if place.exists() and not place.is_dir():
            raise RunDirectoryError(f"{place}: is a file, not a folder.", advice=advice)
    if not directory.exists():
        return False
    if not (directory / MANIFEST).exists():
        # A run that was killed early leaves its lock, and perhaps half a manifest under a temporary name.
        ours = (LOCK, f".{MANIFEST}.")
        if any(not path.name.startswith(ours) for path in directory.iterdir()):
            raise RunDirectoryError(f"{other} ({MANIFEST} is missing).", advice=advice)
        return False
    manifest = read_json(directory / MANIFEST)
    if manifest.get("question_sha256") != question_sha256:
        there = manifest.get("recipe")
        differing = _differing(there if isinstance(there, dict) else {}, recipe=recipe or {})
        told = f"; these keys differ: {', '.join(differing)}" if differing else ""
        raise RunDirectoryError(f"{other}{told}.", advice=advice)
    if manifest.get("state") not in FINISHED:
        return False
    check_shape(manifest, where=str(directory / MANIFEST))
    beside = PUBLISHED_FILES if manifest["recipe"].get("published") else ()
    return manifest["state"] == "done" and all(
        (directory / name).is_file() for name in (*DATA_FILES, *beside, PAGE)
    )


def _differing(there: Mapping[str, Any], *, recipe: Mapping[str, Any]) -> list[str]:
    """Name the keys that tell two recipes apart, with the value there and the one asked for."""
    if not there or not recipe:
        return []
    then, now = flat_settings(there), flat_settings(recipe)
    return [f"{key} ({then.get(key)!r} there, {now.get(key)!r} now)" for key in varying_settings([then, now])]
