"""The program ``backtester``: its commands, and how errors reach the user."""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated

import typer

from backtester.cli import running, showing, starting, storing
from backtester.cli.console import print_error
from backtester.errors import BacktesterError, InterruptedRunError

__all__ = ["app", "main"]

app = typer.Typer(
    name="backtester",
    help="Learn, before any money is at risk, whether a neural price forecast is worth trading.",
    epilog="Begin with: backtester run lstm",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("run")(running.run)
app.command("plan")(running.plan)
app.command("report")(showing.report)
app.command("runs")(showing.runs)
app.command("fetch")(starting.fetch)
app.command("init")(starting.init)
app.add_typer(storing.store, name="store")


@app.callback()
def options(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """Read the options that hold for every command."""
    if version:
        from importlib import metadata

        typer.echo(metadata.version("walkforward-backtester"))
        raise typer.Exit
    if debug:
        os.environ["BACKTESTER_DEBUG"] = "1"


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run the program; errors become a message on stderr and an exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app()
    except BacktesterError as error:
        if os.environ.get("BACKTESTER_DEBUG"):
            raise
        print_error(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # the reader of our output is gone (`backtester runs | head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except KeyboardInterrupt:
        print_error(InterruptedRunError("Interrupted."))
        sys.exit(InterruptedRunError.exit_code)
