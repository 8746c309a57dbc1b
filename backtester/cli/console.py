"""How the program speaks: results on stdout, everything else on stderr, no bars off a terminal."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from backtester.errors import BacktesterError

if TYPE_CHECKING:
    from backtester.pipeline import Listener
    from backtester.walkforward import Progress

__all__ = ["echo", "listening", "print_error", "print_json", "print_notes", "say", "terminal_width"]

_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters, those that turn the direction of writing, and bytes that are no text.

A file, a symbol or a name may hold them.
"""


def echo(text: str) -> None:
    """Print a result; what would steer a terminal is spelled out."""
    typer.echo(_plain(text))


def say(text: str) -> None:
    """Tell the user something that is not a result; what would steer a terminal is spelled out."""
    typer.echo(_plain(text), err=True)


def _plain(text: str) -> str:
    # As JSON spells it, so that a result for a script stays the same value.
    return _STEERING.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def print_error(error: BacktesterError) -> None:
    """Print an error: what is wrong, then what to do."""
    say(f"error: {error.message}")
    if error.advice:
        say(f"  {error.advice}")


def print_json(value: Mapping[str, Any] | list[Any]) -> None:
    """Print a result for a script."""
    echo(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False))


def print_notes(notes: list[dict[str, str]]) -> None:
    """Print what was repaired and what the user should know."""
    for note in notes:
        if note["kind"] != "info":
            say(f"{note['kind']}: {note['text']}")


def terminal_width() -> int:
    """Columns of the terminal, 80 off a terminal."""
    return shutil.get_terminal_size((80, 24)).columns


@contextmanager
def listening() -> Iterator[Listener]:
    """Show how a run goes: a bar on a terminal, plain lines elsewhere."""
    from backtester.pipeline import Listener

    if not sys.stderr.isatty():
        yield Listener(step=say, progress=_plain_progress())
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[about]}"),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        line = bar.add_task("training", total=None, about="", visible=False)

        def show(progress: Progress) -> None:
            bar.update(
                line,
                total=progress.total,
                completed=progress.done,
                about=_about(progress) + _workers(progress),
                visible=True,
            )

        yield Listener(
            step=lambda text: bar.console.print(_plain(text), markup=False, highlight=False), progress=show
        )


def _plain_progress() -> Any:
    told = -1

    def show(progress: Progress) -> None:
        nonlocal told
        tenth = 10 * progress.done // progress.total
        if tenth > told:
            told = tenth
            say(f"training {progress.done}/{progress.total}  {_about(progress)}")

    return show


def _about(progress: Progress) -> str:
    from backtester.tasks import fold_words

    loss = "" if progress.loss is None else f"  loss {progress.loss:.4f}"
    failed = "  failed" if progress.failed else ""
    rate = f"{progress.rate:.1f}/s  {progress.seconds_left:.0f} s left"
    return f"{fold_words(progress.fold)}{loss}{failed}  {rate}"


def _workers(progress: Progress) -> str:
    from backtester.tasks import fold_words

    states = ["idle" if fold is None else fold_words(fold) for fold in progress.busy_with[:8]]
    more = len(progress.busy_with) - len(states)
    return f"  workers: {', '.join(states)}{f' and {more} more' if more else ''}" if states else ""
