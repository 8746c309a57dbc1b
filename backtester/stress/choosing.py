"""Which axes there are, and which are wanted."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from backtester.errors import RecipeError
from backtester.references import load_reference
from backtester.stress.axis import Axis
from backtester.suggest import nearest

__all__ = ["AXES", "choose_axes"]

AXES: tuple[str, ...] = (
    *("periods", "regimes", "crises", "costs", "delay", "thresholds", "size", "luck", "placebo"),
    *("seeds", "members", "windows", "phase", "model", "noise", "synthetic", "symbols", "variance"),
)
"""Those that come along, each a module of `backtester.stress.axes`, in the order of the page."""


def choose_axes(names: Sequence[str], *, folder: Path) -> list[Axis]:
    """Give axes by name, or a user's own as ``"file.py:AXIS"``; all that come along for no name.

    Raises
    ------
    RecipeError : no such axis, an object that is none, or two axes of one key, which would overwrite each
        other in ``stress.json``
    UserCodeError : the user's file failed
    """
    found: dict[str, str] = {}
    axes = []
    for name in dict.fromkeys(names or AXES):
        axis = _axis(name, folder=folder)
        if name not in AXES and axis.key in AXES:
            raise RecipeError(
                f"stress.axes = {name!r}: has the key {axis.key!r}, as an axis that comes along has.",
                advice="Give it another key.",
            )
        if axis.key in found:
            raise RecipeError(
                f"stress.axes = {name!r}: has the key {axis.key!r}, as {found[axis.key]!r} has.",
                advice="Give one of them another key.",
            )
        found[axis.key] = name
        axes.append(axis)
    return axes


def _axis(name: str, *, folder: Path) -> Axis:
    if name in AXES:
        axis: Axis = importlib.import_module(f"backtester.stress.axes.{name}").AXIS
        return axis
    if ":" not in name:
        raise RecipeError(
            f"stress.axes = {name!r}: there is no such axis.",
            advice=f'Axes: {", ".join(AXES)}; or your own as "file.py:AXIS".{nearest(name, AXES)}',
        )
    own = load_reference(name, folder=folder)
    lacking = [
        part for part in ("key", "title", "question", "variants", "conclude") if not hasattr(own, part)
    ]
    if lacking:
        raise RecipeError(
            f"stress.axes = {name!r}: is no axis; it lacks {', '.join(lacking)}.",
            advice="docs/stress.md shows an axis of one's own.",
        )
    return cast(Axis, own)
