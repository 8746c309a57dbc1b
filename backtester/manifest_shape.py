"""What ``run.json`` must have to be read as that of a run: its keys, and the kinds of their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backtester.errors import StorageError

__all__ = ["check_shape"]

_NOTE = {"kind": str, "text": str}
_DAY = (str, type(None))
_FOLD: Mapping[str, Any] = {
    "index": int,
    "state": str,
    "reason": str,
    "members": [dict],
    "test_bars": int,
    **{f"{part}_{end}": _DAY for part in ("train", "validation", "test") for end in ("start", "end")},
}
_SHAPE: Mapping[str, Any] = {
    "program": {"version": str},
    "question_sha256": str,
    "recipe_name": str,
    "recipe": {
        "seed": int,
        "data": {"symbol": str, "periods_per_year": int},
        "features": {"columns": [str]},
        "target": {"horizon": int},
        "folds": {"scheme": str, "train": (int, float, str), "test": (int, float, str)},
        "model": {"kind": str},
        "training": dict,
        "strategy": {"kind": str},
        "broker": {"cash": (int, float), "risk_free_rate": (int, float)},
        "verdict": dict,
        "report": dict,
        "execution": dict,
    },
    "data": {
        "source": str,
        "name": str,
        "sha256": str,
        "bars_sha256": str,
        "symbol": str,
        "adjustment": str,
        "start": str,
        "end": str,
        "bars": int,
        "notes": [_NOTE],
    },
    "versions": {"python": str},
    "cpu": str,
    "folds": [_FOLD],
    "notes": [_NOTE],
    "timing": dict,
    "started": str,
    "state": str,
    "reason": str,
}
_LATER: Mapping[str, Any] = {
    "code": [{"reference": str, "sha256": str}],
    "leaks": [{"sentence": str}],
    "published": dict,
}
"""What a version before this did not write, or writes only sometimes."""


def check_shape(manifest: Mapping[str, Any], *, where: str) -> None:
    """Check that a manifest has what every part of the program reads in it.

    Parameters
    ----------
    manifest : from ``run.json``
    where : the file, for the message

    Raises
    ------
    StorageError : a key is missing, or its value is of another kind
    """
    later = {key: kind for key, kind in _LATER.items() if key in manifest}
    problem = _problem(manifest, shape={**_SHAPE, **later}, place="")
    if problem:
        raise StorageError(
            f"{where}: is not as the program writes it: {problem}.",
            advice="Nothing was deleted. Restore the file, or move the folder away and run again.",
        )


def _problem(value: Any, *, shape: Any, place: str) -> str:
    if isinstance(shape, Mapping):
        if not isinstance(value, dict):
            return f"{place} is no table"
        inner = ((f"{place}.{key}".lstrip("."), key, kind) for key, kind in shape.items())
        found = (
            _problem(value[key], shape=kind, place=where) if key in value else f"{where} is missing"
            for where, key, kind in inner
        )
        return next(filter(None, found), "")
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{place} is no array"
        each = (_problem(item, shape=shape[0], place=f"{place}.{at}") for at, item in enumerate(value))
        return next(filter(None, each), "")
    if not isinstance(value, shape) or (isinstance(value, bool) and shape is not bool):
        return f"{place} is {value!r}"[:80]
    return ""
