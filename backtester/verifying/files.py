"""The files of a run against their checksums, and against what is computed anew, cell by cell."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backtester.checksums import CHECKSUMS, read_checksums, sha256_of
from backtester.errors import StorageError
from backtester.run_directory import (
    ADDED_FILES,
    DATA_FILES,
    LOCK,
    MANIFEST,
    PAGE,
    PAGES,
    PUBLISHED_FILES,
    data_files,
    page_files,
)
from backtester.verifying.finding import Finding

__all__ = ["altered", "differences", "listed_files", "notes_on_files"]

TOLERANCE = 1e-9
"""Relative: below it the last digits of another library or processor."""
_MOST = 5


def altered(directory: Path) -> list[Finding]:
    """Compare every file of a run with its checksum.

    Returns
    -------
    A finding for each file that is missing, has other bytes, or has no checksum, and for a list of
    checksums that is no list
    """
    try:
        known = read_checksums(directory)
    except StorageError as error:
        return [Finding(file=CHECKSUMS, where="", text=error.message.rpartition(": ")[2])]
    found = []
    for name in listed_files(directory):
        if name not in known:
            found.append(Finding(file=CHECKSUMS, where="", text=f"has no checksum of {name}"))
            continue
        try:
            digest = sha256_of(directory / name)
        except OSError as error:
            found.append(Finding(file=name, where="", text=f"cannot be read ({error.strerror})"))
            continue
        if digest != known[name]:
            text = f"its bytes are not those that the run wrote (or {CHECKSUMS} was altered)"
            found.append(Finding(file=name, where="", text=text))
    if PAGE not in known and not (directory / PAGE).is_file():
        found.append(Finding(file=PAGE, where="", text="is missing"))
    strange = sorted(set(known) - _ours(directory))
    found += [
        Finding(file=CHECKSUMS, where="", text=f"names {name!r}, which is no file of a run")
        for name in strange
    ]
    return found


def listed_files(directory: Path) -> tuple[str, ...]:
    """Name the files that must have a checksum, and those that have one; none of them need be there.

    A version before this one kept none of the manifest and the pages, so that these count where the list has
    the manifest.
    """
    known = _known(directory)
    sealed = (PAGE, *page_files(directory), MANIFEST) if MANIFEST in known else ()
    others = (name for name in known if name in _ours(directory))
    return tuple(dict.fromkeys((*data_files(directory), *sealed, *others)))


def notes_on_files(directory: Path) -> list[str]:
    """Say which files are none of the run's, and which nothing vouches for."""
    known = _known(directory)
    bare = [name for name in (MANIFEST, *page_files(directory)) if name not in known]
    notes = []
    if bare and MANIFEST not in known:
        notes.append(
            f"{CHECKSUMS} has none of {', '.join(bare)}, as a version before this one wrote it: whether they "
            "were altered is not known."
        )
    ours = {*_ours(directory), *page_files(directory), CHECKSUMS, LOCK}
    foreign = sorted(
        path.name
        for path in directory.iterdir()
        if path.name not in ours and not path.name.endswith(".unfinished")
    )
    if foreign:
        more = f" and {len(foreign) - _MOST} more" if len(foreign) > _MOST else ""
        notes.append(f"No file of this run, and not looked at: {', '.join(foreign[:_MOST])}{more}.")
    return notes


def _known(directory: Path) -> dict[str, str]:
    try:
        return read_checksums(directory)
    except StorageError:
        return {}


def _ours(directory: Path) -> set[str]:
    """Every name that a run can have, but for a page whose data are not there and that no list names."""
    pages = {name for name in PAGES if name in _known(directory) or name in page_files(directory)}
    return {*DATA_FILES, *PUBLISHED_FILES, *ADDED_FILES, MANIFEST, *pages}


def differences(name: str, *, found: bytes, computed: bytes) -> list[Finding]:
    """Say where a file differs from what is computed anew; digits beyond `TOLERANCE` do not count.

    Parameters
    ----------
    name : of the file; a table, JSON, or a page
    found, computed : its bytes in the run, and as computed from the other files
    """
    if found == computed:
        return []
    try:
        if name.endswith(".csv"):
            apart = _cells(found.decode(), computed.decode())
        elif name.endswith(".json"):
            apart = _keys(json.loads(found), json.loads(computed), path="")
        else:
            return [Finding(file=name, where="", text="is not the page that these files give")]
        places = [next(apart, None) for _ in range(_MOST)]
    except (ValueError, LookupError, TypeError) as error:
        return [Finding(file=name, where="", text=f"cannot be read ({error})")]
    return [
        Finding(
            file=name, where=where, text=f"has {_short(mine)}, which is {_short(anew)} when computed again"
        )
        for where, mine, anew in filter(None, places)
    ]


def _cells(found: str, computed: str) -> Iterator[tuple[str, Any, Any]]:
    mine, anew = (list(csv.reader(text.splitlines())) for text in (found, computed))
    header = anew[0] if anew else []
    if not mine or mine[0] != header:
        yield "header", mine[:1], header
        return
    if len(mine) != len(anew):
        yield "length", f"{len(mine) - 1} rows", f"{len(anew) - 1} rows"
    for line, (row, other) in enumerate(zip(mine, anew, strict=False), start=1):
        if len(row) != len(other):
            yield f"line {line}", row, other
            continue
        for column, one, two in zip(header, row, other, strict=True):
            if not _alike(_value(one), _value(two)):
                yield f"line {line}, column {column}", one, two


def _keys(found: Any, computed: Any, *, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(found, dict) and isinstance(computed, dict):
        for key in sorted({*found, *computed}):
            if (key in found) != (key in computed):
                yield f"{path}{key}", found.get(key, "nothing"), computed.get(key, "nothing")
            else:
                yield from _keys(found[key], computed[key], path=f"{path}{key}.")
    elif isinstance(found, list) and isinstance(computed, list) and len(found) == len(computed):
        for place, (one, two) in enumerate(zip(found, computed, strict=True)):
            yield from _keys(one, two, path=f"{path}{place}.")
    elif not _alike(found, computed):
        yield path.rstrip("."), found, computed


def _value(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _alike(one: Any, two: Any) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, two))
    if numbers:
        return math.isclose(one, two, rel_tol=TOLERANCE, abs_tol=1e-12) or (one != one and two != two)
    return type(one) is type(two) and bool(one == two)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."
