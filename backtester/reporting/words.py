"""Numbers and names as a reader sees them; a figure that does not exist is shown as a dash."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = [
    "DASH",
    "LABELS",
    "count",
    "is_missing",
    "minus",
    "money",
    "number",
    "percent",
    "plural",
    "probability",
    "ratio_sentence",
    "shortened",
    "signed",
    "signed_percent",
    "span",
    "strategy_words",
    "times",
]

DASH = "–"

LABELS: Mapping[str, str] = {
    "strategy": "Strategy",
    "buy_and_hold": "Buy-and-hold",
    "last_price": "Last price",
    "last_return": "Last return",
}
"""The curves that are compared, in the order in which they are always shown."""


def is_missing(value: Any) -> bool:
    """Whether there is no figure: null in the file, or not a number."""
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def number(value: Any, *, digits: int = 2) -> str:
    """Fixed decimals with thousands separators; a dash where there is none.

    Examples
    --------
    >>> number(1234.5), number(None), number(-0.001)
    ('1,234.50', '–', '0.00')
    """
    if is_missing(value):
        return DASH
    text = f"{value:,.{digits}f}"
    # a rounded zero has no sign
    return text.lstrip("-") if not any(digit in text for digit in "123456789") else text


def percent(value: Any, *, digits: int = 1) -> str:
    """Share as per cent.

    Examples
    --------
    >>> percent(0.1234), percent(-0.5), percent(None)
    ('12.3%', '-50.0%', '–')
    """
    return DASH if is_missing(value) else f"{number(100.0 * value, digits=digits)}%"


def signed(value: Any, *, digits: int = 2) -> str:
    """Fixed decimals, with a plus where it is above zero.

    Examples
    --------
    >>> signed(0.5), signed(-0.5), signed(0.001), signed(None)
    ('+0.50', '-0.50', '0.00', '–')
    """
    return _plus(value, number(value, digits=digits))


def signed_percent(value: Any, *, digits: int = 1) -> str:
    """Share as per cent, with a plus where it is above zero.

    Examples
    --------
    >>> signed_percent(0.123), signed_percent(-0.0001)
    ('+12.3%', '0.0%')
    """
    return _plus(value, percent(value, digits=digits))


def _plus(value: Any, text: str) -> str:
    shown = not is_missing(value) and value > 0 and any(digit in text for digit in "123456789")
    return f"+{text}" if shown else text


def probability(value: Any) -> str:
    """p-value, with what it is equal to or below.

    Examples
    --------
    >>> probability(0.0412), probability(0.00001), probability(None)
    ('p = 0.041', 'p < 0.001', 'no p-value')
    """
    if is_missing(value):
        return "no p-value"
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def count(value: Any) -> str:
    """Whole number with thousands separators."""
    return number(value, digits=0)


def times(value: Any) -> str:
    """Multiple of equity, such as a turnover.

    Examples
    --------
    >>> times(12.34)
    '12.3x'
    """
    return DASH if is_missing(value) else f"{number(value, digits=1)}x"


def money(value: Any) -> str:
    """Amount in the currency of the prices, without cents."""
    return count(value)


def minus(text: str) -> str:
    """Typographic minus and multiplication signs, for the page (a terminal gets plain ones)."""
    if text.startswith("-") and len(text) > 1:
        text = f"−{text[1:]}"
    return f"{text[:-1]}×" if text.endswith("x") and text[:-1].lstrip("−")[:1].isdigit() else text


def plural(n: int, noun: str) -> str:
    """Count and noun.

    Examples
    --------
    >>> plural(1, "fold"), plural(28, "fold")
    ('1 fold', '28 folds')
    """
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def shortened(text: str, longest: int) -> str:
    """Leave out the middle of a long name: its end tells the runs of one recipe apart.

    Examples
    --------
    >>> shortened("a-recipe-with-a-long-name-SPY-1a2b3c4d", 20)
    'a-recipe-…Y-1a2b3c4d'
    """
    if len(text) <= longest:
        return text
    head = (longest - 1) // 2
    return f"{text[:head]}…{text[len(text) - (longest - 1 - head) :]}"


def span(start: Any, end: Any) -> str:
    """Two dates as a span; a dash where there is none."""
    if not start or not end:
        return DASH
    return f"{str(start)[:10]} to {str(end)[:10]}"


def ratio_sentence(ratio: Any) -> str:
    """What an RMSE ratio against the last price means."""
    if is_missing(ratio):
        return "There is no forecast that could be compared with the last price."
    distance = percent(abs(ratio - 1.0), digits=2)
    if distance == "0.00%":
        return "The forecast errs as much as simply repeating the last price."
    if ratio < 1.0:
        return f"The forecast errs {distance} less than simply repeating the last price."
    return f"The forecast errs {distance} more than simply repeating the last price: it does not beat it."


_STRATEGIES: Mapping[str, str] = {
    "long_or_cash": "long above {threshold_bp:g} bp of forecast, else in cash",
    "long_short": "long above {threshold_bp:g} bp of forecast, short below −{threshold_bp:g} bp",
    "threshold": "enters above {enter_bp:g} bp of forecast, leaves below {exit_bp:g} bp",
    "volatility_scaled": "with the forecast, sized to {target_volatility:.0%} volatility a year",
}


def strategy_words(section: Mapping[str, Any]) -> str:
    """What a built-in strategy does, from its recipe section; empty for a user's own."""
    try:
        return _STRATEGIES.get(str(section.get("kind")), "").format_map(section)
    except (KeyError, ValueError):
        return ""
