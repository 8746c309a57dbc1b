"""Commands that show what was computed before."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backtester.cli.console import echo, print_json, say, terminal_width

__all__ = ["report", "runs"]

REPORTS = Path("reports")


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")],
) -> None:
    """Draw the pages of a run again, from its files.

    Example:

      backtester report reports/lstm-SPY-1a2b3c4d
    """
    from backtester.pipeline import redraw

    record = redraw(run)
    echo(f"Report: {record.directory / 'index.html'}")


def runs(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder that holds run directories.")
    ] = REPORTS,
    *,
    registry: Annotated[
        Path | None,
        typer.Option(
            "--registry", metavar="DIR", help="The trial registry. [default: in the user's data directory]"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """List every trial ever run, by market, and what tells each from the others there.

    A trial stays in the registry when its run directory is deleted. Runs in DIR that the registry does not
    hold, and what is damaged, come last.

    Examples:

      backtester runs

      backtester runs results --json
    """
    from backtester.cli.runs_text import runs_text
    from backtester.listing import list_runs
    from backtester.trials import TrialRegistry, default_registry_folder

    opened = TrialRegistry(folder=registry or default_registry_folder())
    found = list_runs(directory, registry=opened, must_exist=directory != REPORTS)
    if as_json:
        print_json(found)
    elif found:
        echo(runs_text(found, width=terminal_width()))
    else:
        say(f"No runs in {directory}, and no trials. Begin with: backtester run lstm")
