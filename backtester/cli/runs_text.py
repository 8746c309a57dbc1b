"""The list of runs for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from backtester.recipe.toml import format_value

__all__ = ["runs_text"]

_COLUMNS = (("rmse_ratio", "ratio", 3), ("sharpe", "Sharpe", 2), ("sharpe_buy_and_hold", "held", 2))
_NUMBER = 7
_VERDICT = len("inconclusive")
_FIGURES = 1 + len(_COLUMNS) * _NUMBER + 2 + _VERDICT
_LEGEND = "ratio: forecast error over that of the last price; Sharpe: of the strategy; held: of buy-and-hold."
_TWIN = "the settings of another trial; prices, code or program differ"
_SHORTEST_NAME = 32

Entry = Mapping[str, Any]


def runs_text(entries: Sequence[Entry], *, width: int) -> str:
    """Render the list of `list_runs`, no wider than the terminal.

    Figures stand in columns before the name; on a narrow terminal below it.
    """
    wide = width >= _FIGURES + 2 + _SHORTEST_NAME
    blocks = []
    for _, group in groupby(entries, key=_section):
        of_group = list(group)
        lines = [*textwrap.wrap(_plain(_heading(of_group)), width)]
        beside = wide and any(_has_figures(entry) for entry in of_group)
        if beside:
            lines.append(_cells([heading for _, heading, _ in _COLUMNS], verdict="verdict"))
        twins = _twins(of_group)
        for entry in of_group:
            about = _about(entry, twin=_settings_key(entry) in twins)
            lines += _beside(entry, about, width=width) if beside else _stacked(entry, about, width=width)
        blocks.append("\n".join(line.rstrip() for line in lines))
    if any(_has_figures(entry) for entry in entries):
        blocks.append(textwrap.fill(_LEGEND, width))
    return "\n\n".join(blocks)


def _section(entry: Entry) -> tuple[Any, ...]:
    if entry["market"] is not None:
        return ("market", entry["market"])
    return ("damaged",) if entry["state"] == "damaged" else ("unknown", entry["symbol"])


def _heading(entries: Sequence[Entry]) -> str:
    kind = _section(entries[0])[0]
    if kind == "damaged":
        return "Damaged"
    symbols = ", ".join(dict.fromkeys(entry["symbol"] for entry in entries))
    if kind == "unknown":
        return f"{symbols}, not in the registry"
    start, end = min(entry["start"] for entry in entries), max(entry["end"] for entry in entries)
    n_trials = entries[0]["trials_on_market"]
    return f"{symbols}, {start} to {end}: {n_trials} {'trial' if n_trials == 1 else 'trials'}"


def _about(entry: Entry, *, twin: bool) -> Iterator[list[str]]:
    """Give paragraphs, each of parts that stay in one line where they can."""
    state = {"done": "", "deleted": " [deleted or elsewhere]"}.get(entry["state"], f" [{entry['state']}]")
    # other evidence than a walk-forward test, whatever else the run differs in
    split = " [single split]" if entry["scheme"] == "single" else ""
    leaking = " [leak]" if entry["leaks"] else ""
    yield [entry["name"] + leaking + split + state]
    for leak in entry["leaks"]:
        yield leak.split()
    if entry["reason"]:
        yield entry["reason"].split()
    if entry["differs"]:
        *most, last = (f"{key} = {_value(value)}" for key, value in entry["differs"].items())
        yield [*(f"{setting}," for setting in most), last]
    if twin:
        yield _TWIN.split()


def _beside(entry: Entry, about: Iterator[list[str]], *, width: int) -> Iterator[str]:
    room = width - _FIGURES - 2
    figures = _figures(entry)
    for i, parts in enumerate(about):
        for line in _wrapped(parts, room if i == 0 else room - 2):
            yield f"{figures:<{_FIGURES}}  {'' if i == 0 else '  '}{line}"
            figures = ""


def _stacked(entry: Entry, about: Iterator[list[str]], *, width: int) -> Iterator[str]:
    for i, parts in enumerate(about):
        indent = "  " if i == 0 else "    "
        yield from (f"{indent}{line}" for line in _wrapped(parts, max(width - len(indent), 1)))
        if i == 0 and _has_figures(entry):
            yield from _labelled(entry, width=width)


def _labelled(entry: Entry, *, width: int) -> list[str]:
    figures = [f"{heading} {_number(entry[key], digits)}" for key, heading, digits in _COLUMNS]
    verdict = [entry["verdict"]] if entry["verdict"] else []
    return [f"    {line}" for line in _wrapped([*figures, *verdict], max(width - 4, 1))]


def _figures(entry: Entry) -> str:
    if not _has_figures(entry):
        return ""
    numbers = [_number(entry[key], digits) for key, _, digits in _COLUMNS]
    return _cells(numbers, verdict=entry["verdict"] or "–")


def _cells(numbers: Sequence[str], *, verdict: str) -> str:
    return " " + "".join(f"{number:>{_NUMBER}}" for number in numbers) + f"  {verdict:<{_VERDICT}}"


def _has_figures(entry: Entry) -> bool:
    return any(entry[key] is not None for key, _, _ in _COLUMNS)


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _value(value: Any) -> str:
    return "left out" if value is None else format_value(value)


def _settings_key(entry: Entry) -> tuple[str, ...]:
    return tuple(f"{key}={_value(value)}" for key, value in entry["differs"].items())


def _twins(entries: Sequence[Entry]) -> set[tuple[str, ...]]:
    """Give the settings that several trials of one market share."""
    trials: dict[tuple[str, ...], set[str]] = {}
    for entry in entries:
        if entry["trial"] is not None:
            trials.setdefault(_settings_key(entry), set()).add(entry["trial"])
    return {key for key, ids in trials.items() if len(ids) > 1}


def _wrapped(parts: Sequence[str], width: int) -> list[str]:
    plain = [_plain(part) for part in parts]
    # textwrap breaks at no-break spaces as little as a reader would
    glued = [part.replace(" ", "\xa0") if len(part) <= width else part for part in plain]
    lines = textwrap.wrap(" ".join(glued), width, break_on_hyphens=False)
    return [line.replace("\xa0", " ") for line in lines]


def _plain(text: str) -> str:
    """Keep what a folder or recipe is called from moving the cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
