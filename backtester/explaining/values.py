"""``explain.json``: what the page draws, as JSON values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtester.explaining.looking import GATES, PARTS, Cell

__all__ = ["cell_facts", "cell_values", "listed", "reading_order"]

_QUANTILES = (0.1, 0.9)
_SHUT, _OPEN = 0.1, 0.9
_DIGITS = 5


def listed(values: NDArray[np.floating], *, digits: int = _DIGITS) -> Any:
    """Give an array as lists, rounded to significant digits; None for what is not finite."""
    if values.ndim > 1:
        return [listed(row, digits=digits) for row in values]
    return [float(f"{value:.{digits}g}") if np.isfinite(value) else None for value in values.tolist()]


def reading_order(cell: Cell) -> NDArray[np.int64]:
    """Units in the order of the heat maps: by their mean forget gate, the one that keeps longest first."""
    order: NDArray[np.int64] = np.argsort(-cell.forget.mean(axis=0), kind="stable")
    return order


def cell_facts(cell: Cell, *, steps: int) -> dict[str, Any]:
    """Give the figures of a cell.

    Parameters
    ----------
    cell : of any layer
    steps : that it reads in a window

    Returns
    -------
    ``gates``: of each the ``mean``, ``movement`` (standard deviation over the bars, mean over the units), and
    the shares of unit-bars at which it is ``shut`` (below 0.1) or ``open`` (above 0.9); ``half_life``: its
    median, 10 % and 90 % quantile over the units, in bars, and the ``share_beyond`` the window
    """
    half_lives = cell.half_lives
    low, median, high = np.quantile(half_lives, [_QUANTILES[0], 0.5, _QUANTILES[1]])
    return {
        "name": cell.name,
        "layer": cell.layer,
        "direction": cell.direction,
        "units": cell.units,
        "gates": {
            gate: {
                "mean": _number(values.mean()),
                "movement": _number(values.std(axis=0).mean()),
                "shut": _number((values < _SHUT).mean()),
                "open": _number((values > _OPEN).mean()),
            }
            for gate, values in ((gate, getattr(cell, gate)) for gate in GATES)
        },
        "half_life": {
            "low": _number(low),
            "median": _number(median),
            "high": _number(high),
            "share_beyond": _number((half_lives > steps).mean()),
        },
    }


def cell_values(cell: Cell, *, units: tuple[int, ...]) -> dict[str, Any]:
    """Give all that is drawn of a cell.

    Parameters
    ----------
    cell : of the layer that is shown
    units : drawn by themselves

    Returns
    -------
    ``order``: unit numbers, as the rows of ``maps`` (a row a unit, a column a bar); ``bands`` over the units
    at each bar and ``window`` at each step of the last window (``mean``, ``low``, ``high``); ``half_lives``
    of the units in ``order``; ``lines``: each part of the units asked for, by bar
    """
    order = reading_order(cell)
    return {
        "name": cell.name,
        "order": order.tolist(),
        "bands": {part: _band(getattr(cell, part)) for part in PARTS},
        "maps": {part: listed(getattr(cell, part)[:, order].T, digits=3) for part in PARTS},
        "window": {part: _band(cell.window[part]) for part in PARTS},
        "half_lives": listed(cell.half_lives[order]),
        "lines": {
            str(unit): {part: listed(getattr(cell, part)[:, unit]) for part in PARTS} for unit in units
        },
    }


def _band(values: NDArray[np.float64]) -> dict[str, list[float]]:
    """Mean and quantiles over the units of (n, units)."""
    low, high = np.quantile(values, _QUANTILES, axis=1)
    return {"mean": listed(values.mean(axis=1)), "low": listed(low), "high": listed(high)}


def _number(value: Any) -> float:
    return float(f"{float(value):.{_DIGITS}g}")
