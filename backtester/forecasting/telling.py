"""A forecast as plain text, for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

__all__ = ["forecast_text"]

_NARROWEST = 40
_WIDEST = 100
_INDENT = "  "


def forecast_text(values: Mapping[str, Any], *, width: int = 80) -> str:
    """Tell a forecast: its price and interval, what the strategy would do, what such forecasts were worth.

    Parameters
    ----------
    values : from `NextForecast.as_dict`
    width : columns of the terminal

    Returns
    -------
    str: lines without trailing spaces, no line break at the end
    """
    width = min(max(width, _NARROWEST), _WIDEST)
    head = f"{values['symbol']}, {values['recipe']}: {values['target']}"
    paragraphs = [
        ("last close", _price(values["last_price"])),
        ("forecast", _forecast(values["forecast"])),
        (f"{_level(values)} interval", _interval(values)),
        ("exposure", _exposure(values["exposure"])),
    ]
    worth = [
        *(("leak", f"{_plain(leak)}: what follows is no evidence") for leak in values["leaks"]),
        ("forecasts", _worth(values)),
        ("intervals", _held(values)),
        ("verdict", _plain(values["verdict"])),
    ]
    return "\n".join(
        [
            *textwrap.wrap(_plain(head), width=width),
            "",
            *_rows(paragraphs, width=width),
            "",
            "How good such forecasts were",
            *_rows(worth, width=width),
        ]
    )


def _rows(rows: list[tuple[str, str]], *, width: int) -> list[str]:
    column = max(len(name) for name, _ in rows) + 4
    lines: list[str] = []
    for name, text in rows:
        lines += textwrap.wrap(
            text,
            width=width,
            initial_indent=f"{_INDENT}{name}".ljust(column),
            subsequent_indent=" " * column,
        )
    return lines


def _forecast(forecast: Mapping[str, Any]) -> str:
    members = "" if forecast["sd"] is None else f", standard deviation of its members {forecast['sd']:.2%}"
    return f"{_price(forecast['price'])}, {_change(forecast['return'])}{members}"


def _interval(values: Mapping[str, Any]) -> str:
    found = values["interval"]
    if found["reason"]:
        return _plain(found["reason"])
    lower, upper = (found[name] for name in ("lower_price", "upper_price"))
    return (
        f"{_price(lower)} to {_price(upper)}, {_change(lower / values['last_price'] - 1.0)} to "
        f"{_change(upper / values['last_price'] - 1.0)}"
    )


def _exposure(exposure: Mapping[str, Any]) -> str:
    where = "open" if exposure["fill"] == "next_open" else "close"
    now, later = f"{exposure['now']:.0%}", f"{exposure['next']:.0%}"
    if exposure["side"] is None:
        return f"{later} at the next {where}, as now: no order"
    doing = "buys" if exposure["side"] == "buy" else "sells"
    return f"{later} at the next {where}, from {now} now: {doing}"


def _worth(values: Mapping[str, Any]) -> str:
    found = values["accuracy"]
    if not found["n"]:
        return "none whose outcome is known"
    parts = [f"{found['n']:,} out of sample since {found['since']}"]
    ratio = found["rmse_ratio"]
    if ratio is not None:
        worse = ", which was the better forecast" if ratio > 1.0 else ""
        parts.append(f"RMSE {ratio:.4f} times the last price's{worse}")
    if found["hit_rate"] is not None:
        parts.append(f"right direction in {found['hit_rate']:.1%} of {found['hit_rate_n']:,}")
    return "; ".join(parts)


def _held(values: Mapping[str, Any]) -> str:
    every, late = values["coverage"], values["coverage_late"]
    if not every["n"]:
        return f"no {_level(values)} interval whose outcome is known"
    told = f"at {_level(values)} they held {every['share']:.1%} of {every['n']:,} outcomes, walk-forward"
    if every["unbounded"]:
        told += f" ({every['unbounded']:,} of these intervals had no end)"
    if every["n"] < 100:
        return f"{told}; so few say little"
    return told if every["n"] == late["n"] else f"{told}; {late['share']:.1%} of the last {late['n']}"


def _level(values: Mapping[str, Any]) -> str:
    return f"{100.0 * values['interval']['level']:.4g}%"


def _change(share: float) -> str:
    return f"{share:+.2%}".replace("-", "−")


def _price(price: float) -> str:
    return f"{price:,.2f}" if price >= 1.0 else f"{price:.4g}"


def _plain(text: Any) -> str:
    """Text that moves no cursor and breaks no line."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in str(text)).split())
