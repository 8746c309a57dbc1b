"""What tells settings apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["varying_settings"]

# They change no figure: no run is another one by them.
_WITHOUT_EFFECT = ("execution.", "report.", "stress.", "audit.", "data.refresh")


def varying_settings(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Give the keys that tell these settings apart, in their order.

    A key that only one kind of model or strategy has follows from the kind; one that only a newer
    version of the program has is at its default.

    Parameters
    ----------
    settings : from `flat_settings`

    Examples
    --------
    >>> varying_settings([{"seed": 7, "report.title": "a"}, {"seed": 8, "report.title": "b"}])
    ['seed']
    """
    found = []
    for key in dict.fromkeys(key for one in settings for key in one):
        having = [one for one in settings if key in one]
        values = {json.dumps(one[key], sort_keys=True) for one in having}
        if not key.startswith(_WITHOUT_EFFECT) and (len(values) > 1 or _is_extra(key, settings=settings)):
            found.append(key)
    return found


def _is_extra(key: str, *, settings: Sequence[Mapping[str, Any]]) -> bool:
    """Whether it is a parameter of the user's own model or strategy that some of its kind lack."""
    section, _, rest = key.partition(".")
    if not rest.startswith("parameters."):
        return False
    having = {one[f"{section}.kind"] for one in settings if key in one}
    return any(key not in one and one.get(f"{section}.kind") in having for one in settings)
