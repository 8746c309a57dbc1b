"""Several runs beside each other, for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from backtester.recipe.toml import format_value
from backtester.reporting import words

__all__ = ["compared_text", "setting_text", "settings_texts", "shortened"]

Entry = Mapping[str, Any]

_SHORTEST_NAME = 32
_LONGEST_NAME = 40


def _interval(entry: Entry) -> str:
    bounds = entry["gain"]["interval"]
    if any(words.is_missing(bound) for bound in bounds):
        return words.DASH
    return f"{words.signed(bounds[0])} to {words.signed(bounds[1])}"


def _p(entry: Entry) -> str:
    p_value = entry["p_value"]
    if words.is_missing(p_value):
        return words.DASH
    return "<0.001" if p_value < 0.001 else words.number(p_value, digits=3)


_COLUMNS: tuple[tuple[str, int, Callable[[Entry], str]], ...] = (
    ("return", 8, lambda entry: words.percent(entry["cagr"])),
    ("Sharpe", 7, lambda entry: words.number(entry["sharpe"])),
    ("held", 7, lambda entry: words.number(entry["buy_and_hold"]["sharpe"])),
    ("gain", 7, lambda entry: words.signed(entry["gain"]["value"])),
    ("interval", 16, _interval),
    ("R²", 9, lambda entry: words.percent(entry["r2_oos"], digits=2)),
    ("p", 8, _p),
)
_VERDICT = len("inconclusive")
_FIGURES = sum(width for _, width, _ in _COLUMNS) + 2 + _VERDICT


def compared_text(figures: Mapping[str, Any], *, width: int = 80) -> str:
    """Write several runs beside each other, no wider than the terminal.

    Parameters
    ----------
    figures : of the comparison
    width : columns of the terminal; from 110 on name and settings stand beside the figures, from 76 on
        above them, and below that each figure is named

    Returns
    -------
    str: lines without trailing spaces, no line break at the end; a missing figure is ``–``
    """
    blocks = ["\n".join(_fill(_heading(figures), width)), _table(figures, width=width)]
    blocks.append("\n".join(_fill(_legend(figures), width)))
    blocks += ["\n".join(_fill(note, width)) for note in figures["notes"]]
    blocks.append("\n".join(_fill(figures["sentence"], width)))
    return "\n\n".join(blocks)


def settings_texts(entry: Entry) -> list[str]:
    """Each setting of a run that not all of them share, as ``key = value``."""
    return [f"{key} = {setting_text(value)}" for key, value in entry["differs"].items()]


def setting_text(value: Any) -> str:
    """Write a setting as a recipe does."""
    return "left out" if value is None else str(format_value(value))


def shortened(name: str, longest: int) -> str:
    """Leave out the middle of a long name: its end tells runs of one recipe apart.

    Examples
    --------
    >>> shortened("a-recipe-with-a-long-name-SPY-1a2b3c4d", 20)
    'a-recipe-…Y-1a2b3c4d'
    """
    if len(name) <= longest:
        return name
    head = (longest - 1) // 2
    return f"{name[:head]}…{name[len(name) - (longest - 1 - head) :]}"


def _heading(figures: Mapping[str, Any]) -> str:
    symbols = ", ".join(dict.fromkeys(str(run["symbol"]) for run in figures["runs"]))
    dates = figures["dates"]
    return (
        f"{len(figures['runs'])} runs on {symbols}, {dates['start']} to {dates['end']}, "
        f"{dates['bars']:,} common dates"
    )


def _legend(figures: Mapping[str, Any]) -> str:
    return (
        "return: a year; held: Sharpe ratio of buy-and-hold; gain: Sharpe ratio above it, a year, with its "
        f"{100 * figures['interval_level']:.0f} % interval; R²: of the forecast out of sample; p: of a gain "
        f"this large by luck, as one of {len(figures['runs'])}."
    )


def _table(figures: Mapping[str, Any], *, width: int) -> str:
    head = "".join(f"{name:>{column}}" for name, column, _ in _COLUMNS) + "  verdict"
    lines: list[str] = []
    if width >= _FIGURES + 2 + _SHORTEST_NAME:
        lines += [head, *_beside(figures, width=width)]
    elif width >= _FIGURES:
        lines += [head, *_above(figures, width=width)]
    else:
        lines += list(_named(figures, width=width))
    return "\n".join(line.rstrip() for line in lines)


def _beside(figures: Mapping[str, Any], *, width: int) -> Iterator[str]:
    room = width - _FIGURES - 2
    for entry in figures["runs"]:
        cells = _cells(entry)
        for i, line in enumerate(_about(entry, room=room)):
            yield f"{cells if i == 0 else '':<{_FIGURES}}  {line}"
    for market in figures["markets"]:
        yield f"{_held_cells(market):<{_FIGURES}}    {_name(market['label'], room - 2)}"


def _above(figures: Mapping[str, Any], *, width: int) -> Iterator[str]:
    for entry in figures["runs"]:
        yield from _about(entry, room=width)
        yield _cells(entry)
    for market in figures["markets"]:
        yield f"  {_name(market['label'], width - 2)}"
        yield _held_cells(market)


def _named(figures: Mapping[str, Any], *, width: int) -> Iterator[str]:
    for entry in figures["runs"]:
        yield from _about(entry, room=width)
        parts = [f"{name} {write(entry)}" for name, _, write in _COLUMNS] + [str(entry["verdict"])]
        yield from (f"    {line}" for line in _wrapped(parts, max(width - 4, 1)))
    for market in figures["markets"]:
        yield f"  {_name(market['label'], max(width - 2, 8))}"
        parts = [f"{name} {write(market)}" for name, _, write in _COLUMNS[:2]]
        yield from (f"    {line}" for line in _wrapped(parts, max(width - 4, 1)))


def _cells(entry: Entry) -> str:
    texts = "".join(f"{write(entry):>{width}}" for _, width, write in _COLUMNS)
    return f"{texts}  {entry['verdict']}"


def _held_cells(market: Entry) -> str:
    return "".join(f"{write(market):>{width}}" for _, width, write in _COLUMNS[:2])


def _about(entry: Entry, *, room: int) -> Iterator[str]:
    """Number, name and settings; a name is shortened rather than broken."""
    number = f"{entry['run']} "
    yield number + _name(entry["name"], max(room - len(number), 8))
    settings = settings_texts(entry)
    if settings:
        *most, last = settings
        yield from (
            f"{' ' * len(number)}  {line}"
            for line in _wrapped([*(f"{text}," for text in most), last], max(room - len(number) - 2, 1))
        )


def _name(name: str, room: int) -> str:
    return shortened(_plain(name), min(room, _LONGEST_NAME))


def _fill(text: str, width: int) -> list[str]:
    return textwrap.wrap(_plain(text), width, break_on_hyphens=False) or [""]


def _wrapped(parts: Sequence[str], width: int) -> list[str]:
    plain = [_plain(part) for part in parts]
    # textwrap breaks at no-break spaces as little as a reader would
    glued = [part.replace(" ", "\xa0") if len(part) <= width else part for part in plain]
    lines = textwrap.wrap(" ".join(glued), width, break_on_hyphens=False)
    return [line.replace("\xa0", " ") for line in lines]


def _plain(text: str) -> str:
    """Keep what a folder or symbol is called from moving the cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
