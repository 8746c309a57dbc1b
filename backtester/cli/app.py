"""The program ``backtester``: its commands."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from backtester.cli import (
    auditing,
    comparing,
    controlling,
    explaining,
    exploring,
    fetching,
    forecasting,
    running,
    showing,
    starting,
    storing,
    stressing,
    verifying,
)

__all__ = ["app"]

app = typer.Typer(
    name="backtester",
    help="Learn, before any money is at risk, whether a neural price forecast is worth trading.",
    epilog=(
        "Begin with: backtester run lstm\n\n"
        "Exit codes: 0 done, 1 the reader of the output is gone or a flaw of the program, 2 the command "
        "line, 3 prices, 4 recipe or own code, 5 something sees the future, 6 inconclusive, 7 in use by "
        "another process, 8 disk, memory or a damaged file, 9 folds without forecast, 130 interrupted."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("run")(running.run)
app.command("plan")(running.plan)
app.command("stress")(stressing.stress)
app.command("explore")(exploring.explore)
app.command("explain")(explaining.explain)
app.command("audit")(auditing.audit)
app.command("verify")(verifying.verify)
app.command("forecast")(forecasting.forecast)
app.command("report")(showing.report)
app.command("runs")(showing.runs)
app.command("compare")(comparing.compare)
app.command("fetch")(fetching.fetch)
app.command("init")(starting.init)
app.add_typer(controlling.control, name="control")
app.add_typer(storing.store, name="store")


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - as typer calls it
    if wanted:
        from importlib import metadata

        typer.echo(metadata.version("walkforward-backtester"))
        raise typer.Exit


@app.callback()
def options(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[  # read before the command, which need not be there then
        bool,
        typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Read the options that hold for every command."""
    if debug:
        os.environ["BACKTESTER_DEBUG"] = "1"
