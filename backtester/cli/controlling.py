"""The command for controls: data on which the right answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backtester.cli.console import echo, listening, print_json, say
from backtester.errors import FitError, LeakError

__all__ = ["control"]

control = typer.Typer(
    help="Train where the right answer is known; apart from all runs on prices.", no_args_is_help=True
)


@control.callback()
def _controls() -> None:
    """Hold the command's name: with a single command typer would leave it out."""


@control.command("digits")
def digits(
    *,
    mnist: Annotated[
        Path | None, typer.Option("--mnist", metavar="FILE", help="mnist.npz as Keras has it.")
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", min=1, help="Networks for each arrangement. [default: 5; with --mnist 1]"),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option("--image", metavar="FILE", help="A picture of a digit to read: PNG, JPEG, .npy, .csv."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder to write. [default: reports/control-digits]"),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Worker processes; 0: one a core.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train on handwritten digits, where there is something to find, and on shuffled labels, where not.

    The training code is that of `run`. What was trained is kept: a second call, or one with --image, trains
    nothing. Exit code 9 where the digits were not found, 5 where shuffled labels were not like guessing.

    Examples:

      backtester control digits

      backtester control digits --image seven.png

      backtester control digits --mnist mnist.npz --seeds 3
    """
    from backtester.control import control_digits

    with listening() as listener:
        control = control_digits(
            mnist=mnist,
            seeds=seeds,
            image=image,
            out=out,
            workers=workers,
            step=listener.step,
            on_progress=listener.progress,
        )
    summary = control.summary
    if as_json:
        print_json({**summary, "directory": str(control.directory), "page": str(control.page)})
    else:
        from backtester.reporting.control_text import control_text

        echo(f"{control_text(summary)}\n\n{control.answer}\n\nPage: {control.page}")
    say(f"{control.n_trained} fits; the others were in the store.")
    if not summary["nothing_found"]:
        raise LeakError(
            "Shuffled labels did not give what guessing gives.",
            advice="Above it, labels reach the network on another way; see the page.",
        )
    if not summary["found"]:
        raise FitError("The digits were not found as often as is required.", advice="See the page.")
