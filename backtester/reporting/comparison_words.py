"""Several runs beside each other, for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from backtester.recipe.toml import format_value
from backtester.reporting import words

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compared_table", "compared_text", "setting_text", "settings_texts"]

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
_HEAD = "".join(f"{name:>{width}}" for name, width, _ in _COLUMNS) + "  verdict"
_NUMBER = 3


def compared_text(figures: Mapping[str, Any], *, width: int = 80) -> str:
    """Write several runs beside each other, no wider than the terminal.

    Parameters
    ----------
    figures : of the comparison
    width : columns of the terminal; from 110 on names and settings stand beside the figures, from 79 on
        below the table, and on less each figure is named

    Returns
    -------
    str: lines without trailing spaces, no line break at the end; a missing figure is ``–``
    """
    tabular = width >= _NUMBER + _FIGURES
    blocks = [
        _fill(_heading(figures), width),
        *([_rows(figures, width=width), _key(figures, width=width)] if tabular else []),
        *([] if tabular else [_named(figures, width=width)]),
        _fill(_legend(figures), width),
        *(_fill(note, width) for note in figures["notes"]),
        _fill(figures["sentence"], width),
    ]
    texts = ("\n".join(line.rstrip() for line in lines) for lines in blocks)
    return "\n\n".join(text for text in texts if text)


def compared_table(figures: Mapping[str, Any]) -> pd.DataFrame:
    """Put several runs beside each other.

    Parameters
    ----------
    figures : of the comparison

    Returns
    -------
    frame: one row a run, by name; its figures as shares, not per cent, NaN where there is none, then the
    settings in which not all runs agree, by ``section.key``, None where a run has no such setting
    """
    import pandas as pd

    runs = figures["runs"]
    keys = dict.fromkeys(key for run in runs for key in run["differs"])
    rows = [
        {
            **{name: run[name] for name in ("cagr", "sharpe")},
            "sharpe_buy_and_hold": run["buy_and_hold"]["sharpe"],
            "gain": run["gain"]["value"],
            "gain_low": run["gain"]["interval"][0],
            "gain_high": run["gain"]["interval"][1],
            **{name: run[name] for name in ("p_value", "r2_oos", "max_drawdown")},
        }
        for run in runs
    ]
    table = pd.DataFrame(rows, index=pd.Index([run["name"] for run in runs], name="run"), dtype="float64")
    for name, values in (
        ("verdict", [run["verdict"] for run in runs]),
        *((key, [run["differs"].get(key) for run in runs]) for key in keys),
    ):
        table[name] = pd.Series(values, index=table.index, dtype="object")
    return table


def settings_texts(entry: Entry) -> list[str]:
    """Each setting of a run that not all of them share, as ``key = value``."""
    return [f"{key} = {setting_text(value)}" for key, value in entry["differs"].items()]


def setting_text(value: Any) -> str:
    """Write a setting as a recipe does."""
    return "left out" if value is None else str(format_value(value))


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
        f"{100 * figures['interval_level']:.0f}% interval; R²: of the forecast out of sample; p: of a gain "
        f"this large by luck, as one of {len(figures['runs'])}."
    )


def _rows(figures: Mapping[str, Any], *, width: int) -> Iterator[str]:
    """The table, with names where there is room for them."""
    room = _beside(width)
    yield " " * _NUMBER + _HEAD
    for entry in figures["runs"]:
        cells = f"{entry['run']:>{_NUMBER}}{_cells(entry)}"
        yield f"{cells:<{_NUMBER + _FIGURES}}  {_name(entry['name'], room)}" if room else cells
    yield from _held(figures, width=width)


def _key(figures: Mapping[str, Any], *, width: int) -> Iterator[str]:
    """Names, where the table has none, and settings."""
    for entry in figures["runs"]:
        number = f"{entry['run']:>{_NUMBER}} "
        settings = _settings(entry, room=width - len(number) - 2)
        if not _beside(width):
            yield number + _name(entry["name"], width - len(number))
            yield from (f"{'':{len(number) + 2}}{line}" for line in settings)
        else:
            yield from (f"{number if i == 0 else '':{len(number)}}{line}" for i, line in enumerate(settings))


def _beside(width: int) -> int:
    """Columns for a name beside the figures; 0 where there are too few."""
    room = width - _NUMBER - _FIGURES - 2
    return room if room >= _SHORTEST_NAME else 0


def _named(figures: Mapping[str, Any], *, width: int) -> Iterator[str]:
    for entry in figures["runs"]:
        number = f"{entry['run']} "
        yield number + _name(entry["name"], max(width - len(number), 8))
        parts = [f"{name} {write(entry)}" for name, _, write in _COLUMNS] + [str(entry["verdict"])]
        room = max(width - 4, 1)
        yield from (f"    {line}" for line in (*_settings(entry, room=room), *_wrapped(parts, room)))
    yield from _held(figures, width=width)


def _held(figures: Mapping[str, Any], *, width: int) -> Iterator[str]:
    for market in figures["markets"]:
        total, ratio = (f"{name} {write(market)}" for name, _, write in _COLUMNS[:2])
        yield from _wrapped([f"{_name(market['label'], width - 1)}:", f"{total},", ratio], width)


def _cells(entry: Entry) -> str:
    texts = "".join(f"{write(entry):>{width}}" for _, width, write in _COLUMNS)
    return f"{texts}  {entry['verdict']}"


def _settings(entry: Entry, *, room: int) -> list[str]:
    texts = settings_texts(entry)
    return _wrapped([*(f"{text}," for text in texts[:-1]), *texts[-1:]], room)


def _name(name: str, room: int) -> str:
    return words.shortened(_plain(name), min(room, _LONGEST_NAME))


def _fill(text: str, width: int) -> list[str]:
    return textwrap.wrap(_plain(text), width, break_on_hyphens=False)


def _wrapped(parts: Sequence[str], width: int) -> list[str]:
    plain = [_plain(part) for part in parts]
    # textwrap breaks at no-break spaces as little as a reader would
    glued = [part.replace(" ", "\xa0") if len(part) <= width else part for part in plain]
    lines = textwrap.wrap(" ".join(glued), width, break_on_hyphens=False)
    return [line.replace("\xa0", " ") for line in lines]


def _plain(text: str) -> str:
    """Keep what a folder or symbol is called from moving the cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
