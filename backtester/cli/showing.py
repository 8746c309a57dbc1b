"""Commands that show what was computed before."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backtester.cli.console import print_json, say, terminal_width

__all__ = ["report", "runs"]


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")],
) -> None:
    """Draw the pages of a run again, from its files.

    Example:

      backtester report reports/lstm-SPY-1a2b3c4d
    """
    from backtester.pipeline import redraw

    record = redraw(run)
    typer.echo(f"Report: {record.directory / 'index.html'}")


def runs(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder that holds run directories.")
    ] = Path("reports"),
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """List the runs in a folder, each with its headline.

    Examples:

      backtester runs

      backtester runs results --json
    """
    from backtester.listing import list_runs, runs_text

    found = list_runs(directory)
    if as_json:
        print_json(found)
    elif found:
        typer.echo(runs_text(found, width=terminal_width()))
    else:
        say(f"No runs in {directory}. Begin with: backtester run lstm")
