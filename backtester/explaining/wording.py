"""What is seen, in plain sentences; the thresholds of the words stand here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from backtester.explaining.looking import GATES

__all__ = ["CAUTION", "points", "sentence"]

CAUTION = (
    "A picture of gates says how a network computes, not whether its forecast is worth anything: it is no "
    "evidence of skill. That is what the verdict is for."
)
_HARDLY, _LITTLE = 0.02, 0.08
"""Movement of a gate: standard deviation over the bars, mean over the units."""
_BEGUN = 1.0 / (1.0 + math.exp(-1.0))
"""Keras begins the forget gate's bias at 1 and all others at 0 (``unit_forget_bias``)."""
_LINEAR, _MOSTLY = 0.9, 0.5
"""Share of the forecast's variance that a straight line gives."""
_CONSTANT = 0.1
"""Standard deviation of the forecast over that of the actual return."""


def sentence(
    facts: Sequence[Mapping[str, Any]], *, line: Mapping[str, Any], forecast: Mapping[str, Any]
) -> str:
    """Say in one sentence what the network does over its test span.

    Parameters
    ----------
    facts : of every cell, from `cell_facts`
    line : ``share``, of the variance explained by a straight line through the window; None for no variance
    forecast : ``sd_bp`` and ``actual_sd_bp``
    """
    most = max(cell["gates"][gate]["movement"] for cell in facts for gate in GATES)
    moved = "hardly move" if most < _HARDLY else "move a little" if most < _LITTLE else "open and close"
    share, ratio = line["share"], _ratio(forecast)
    if share is None:
        return f"The gates {moved}, and the forecast is the same on every bar: the network is a constant."
    told = f"explains {_percent(share)} of the variance of its forecast"
    if share >= _LINEAR:
        acts = f"a straight line through the window {told}: here the network acts like a linear filter"
    elif share >= _MOSTLY:
        acts = f"a straight line through the window {told}: here the network is mostly a linear filter"
    elif share > 0.0:
        acts = f"a straight line through the window {told} only: here the network is not a linear filter"
    else:
        acts = (
            "a straight line fitted to what it said in training explains nothing of its forecast here: the "
            "network is not a linear filter"
        )
    joined = "and" if (most < _LITTLE) == (share >= _MOSTLY) else "but"
    flat = "" if ratio is None or ratio >= _CONSTANT else ", and its forecast is nearly a constant"
    return f"The gates {moved}, {joined} {acts}{flat}."


def points(
    facts: Sequence[Mapping[str, Any]],
    *,
    line: Mapping[str, Any],
    lags: Mapping[str, Any],
    forecast: Mapping[str, Any],
    lookback: int,
) -> list[str]:
    """Say what each picture shows, a sentence each; parameters as for `sentence`.

    Parameters
    ----------
    lags : ``within``, the newest bars that hold 80 % of the dependence
    lookback : bars in a window
    """
    told = [
        "How far a gate strays from its own mean over the bars (standard deviation, mean over the units): "
        + "; ".join(
            f"{cell['name']}: " + ", ".join(f"{gate} {cell['gates'][gate]['movement']:.3f}" for gate in GATES)
            for cell in facts
        )
        + f". Below {_HARDLY:g} they hardly move; from {_LITTLE:g} on they open and close."
    ]
    for cell in facts:
        found = cell["half_life"]
        told.append(
            f"Memory of {cell['name']}: by the forget gate alone, half of what a unit holds is gone after "
            f"{_bars(found['median'])} (median; {found['low']:,.1f} to {_bars(found['high'])} for the middle "
            f"80 % of the units). {_percent(found['share_beyond'])} of the units would keep half of it for "
            f"longer than the window.{_as_begun(cell)}"
        )
    if lags["within"]:
        told.append(
            f"80 % of what moves the forecast lies in the newest {lags['within']} of {lookback} bars."
        )
    if line["share"] is not None:
        told.append(
            f"The straight line was fitted to the network's own forecasts of {line['n_fitted']:,} windows "
            f"before the test span ({line['n_values']:,} values each) and explains {_percent(line['share'])} "
            f"of the variance over the test span; {_of_newest(line['share_newest'])}."
        )
    actual = forecast["actual_sd_bp"]
    told.append(
        f"The forecast has a standard deviation of {forecast['sd_bp']:.3g} basis points around "
        f"{forecast['mean_bp']:.3g}"
        + ("." if actual is None else f"; what then happened has one of {actual:.3g}.")
    )
    return told


def _as_begun(cell: Mapping[str, Any]) -> str:
    """Say where forget gates never left the place at which training found them."""
    forget = cell["gates"]["forget"]
    if abs(forget["mean"] - _BEGUN) > _HARDLY or forget["movement"] >= _HARDLY:
        return ""
    return (
        f" The forget gates stand where Keras begins them, at sigmoid(1) = {_BEGUN:.2f}, a half-life of 2.2 "
        "bars: the training has hardly taught them anything."
    )


def _of_newest(share: float | None) -> str:
    if share is None or share <= 0.0:
        return "one through the newest bar alone explains nothing"
    return f"one through the newest bar alone {_percent(share)}"


def _ratio(forecast: Mapping[str, Any]) -> float | None:
    actual = forecast["actual_sd_bp"]
    return forecast["sd_bp"] / actual if actual else None


def _percent(share: float) -> str:
    # 99.96 % is not all of it
    if 0.995 <= share < 1.0:
        return f"{min(100.0 * share, 99.9):.1f} %"
    return f"{100.0 * max(share, 0.0):.0f} %"


def _bars(value: float) -> str:
    return f"{value:,.1f} bars" if value < 1000.0 else "over 1,000 bars"
