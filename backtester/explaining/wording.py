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
_FAR = 0.05
"""Share of the values read over the test span that lie outside those of the training."""
_CONSTANT = 0.1
"""Standard deviation of the forecast over that of the actual return."""


def sentence(
    facts: Sequence[Mapping[str, Any]], *, line: Mapping[str, Any], forecast: Mapping[str, Any]
) -> str:
    """Say in one sentence what the network does over its test span.

    Parameters
    ----------
    facts : of every cell, from `cell_facts`
    line : ``share`` of the forecast's variance over the test span that a straight line through the window
        gives, None where the forecast does not vary; ``share_before``, that in the windows it was fitted to;
        ``outside``, the share of the test span's values that lie outside those of the training
    forecast : ``sd_bp`` and ``actual_sd_bp``
    """
    most = max(cell["gates"][gate]["movement"] for cell in facts for gate in GATES)
    moved = "hardly move" if most < _HARDLY else "move a little" if most < _LITTLE else "open and close"
    share = line["share"]
    if share is None:
        return f"The gates {moved}, and the forecast is the same on every bar: the network is a constant."
    acts, linear = _filter(line)
    joined = "and" if (most < _LITTLE) == linear else "but"
    flat = ", and its forecast is nearly a constant" if _is_flat(forecast) else ""
    return f"The gates {moved}, {joined} {acts}{flat}."


def _filter(line: Mapping[str, Any]) -> tuple[str, bool]:
    """How much the network acts like a linear filter, and whether it mostly does."""
    share, before = line["share"], line["share_before"]
    line_is = "a straight line through the window explains"
    if share >= _LINEAR:
        told = f"{line_is} {_percent(share)} of the variance of its forecast"
        return f"{told}: here the network acts like a linear filter", True
    if before is not None and before >= _LINEAR and line["outside"] >= _FAR:
        return (
            f"{line_is} {_percent(before)} of the variance of its forecast before the test span and "
            f"{_percent(share)} in it: the network was a linear filter where it was trained, and "
            f"{_percent(line['outside'])} of what it reads now lies outside of that"
        ), True
    if share >= _MOSTLY:
        told = f"{line_is} {_percent(share)} of the variance of its forecast"
        return f"{told}: here the network is mostly a linear filter", True
    told = f"{line_is} only {_percent(share)} of the variance of its forecast"
    return f"{told}: here the network is no linear filter", False


def _is_flat(forecast: Mapping[str, Any]) -> bool:
    actual = forecast["actual_sd_bp"]
    return bool(actual) and forecast["sd_bp"] < _CONSTANT * actual


def points(
    facts: Sequence[Mapping[str, Any]],
    *,
    line: Mapping[str, Any],
    lags: Mapping[str, Any],
    forecast: Mapping[str, Any],
    lookback: int,
) -> list[dict[str, str]]:
    """Say what each picture shows, ``label`` and ``text`` each; parameters as for `sentence`.

    Parameters
    ----------
    facts : of the layer that is drawn
    lags : ``within``, the newest bars that hold 80% of the dependence
    lookback : bars in a window
    """
    told = [("Gates", _gates(facts))]
    for cell in facts:
        told.append((f"Memory, {cell['direction']}" if len(facts) > 1 else "Memory", _memory(cell)))
    if lags["within"]:
        told.append(
            (
                "Window",
                f"80% of what moves the forecast lies in the newest {lags['within']} of {lookback} bars.",
            )
        )
    if line["share"] is not None:
        told.append(("Straight line", _straight(line)))
    actual = forecast["actual_sd_bp"]
    varies = (
        f"Standard deviation {forecast['sd_bp']:,.3g} basis points around a mean of "
        f"{forecast['mean_bp']:,.3g}"
    )
    told.append(
        ("Forecast", f"{varies}." if actual is None else f"{varies}; what then happened: {actual:,.3g}.")
    )
    return [{"label": label, "text": text} for label, text in told]


def _gates(facts: Sequence[Mapping[str, Any]]) -> str:
    each = "; ".join(
        (f"{cell['direction']}: " if len(facts) > 1 else "")
        + ", ".join(f"{gate} {cell['gates'][gate]['movement']:.3f}" for gate in GATES)
        for cell in facts
    )
    return (
        "How far a unit's gate strays from its own mean over the bars (standard deviation, mean over the "
        f"units): {each}. Below {_HARDLY:g} they hardly move; from {_LITTLE:g} on they open and close."
    )


def _memory(cell: Mapping[str, Any]) -> str:
    found = cell["half_life"]
    return (
        f"By the forget gate alone, half of what a unit holds is gone after {_bars(found['median'])} "
        f"(median; {found['low']:,.1f} to {_bars(found['high'])} for the middle 80% of the units). "
        f"{_percent(found['share_beyond'])} of the units would keep half of it for longer than the window."
        f"{_as_begun(cell)}"
    )


def _straight(line: Mapping[str, Any]) -> str:
    before = "" if line["share_before"] is None else f"{_percent(line['share_before'])} there, "
    return (
        f"Fitted to the network's own forecasts of {line['n_fitted']:,} windows before the test span "
        f"({line['n_values']:,} values each), it explains {before}{_percent(line['share'])} of the variance "
        f"over the test span; {_of_newest(line['share_newest'])}. {_percent(line['outside'])} of the values "
        "in the test span's windows lie outside those of the training."
    )


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


def _percent(share: float) -> str:
    # 99.96% is not all of it
    if 0.995 <= share < 1.0:
        return f"{min(100.0 * share, 99.9):.1f}%"
    return f"{100.0 * max(share, 0.0):.0f}%"


def _bars(value: float) -> str:
    return f"{value:,.1f} bars" if value < 1000.0 else "over 1,000 bars"
