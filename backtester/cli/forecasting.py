"""The command that forecasts the next session."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from backtester.cli.console import echo, listening, print_json, say, terminal_width
from backtester.cli.running import ExecutorOption, WorkersOption

__all__ = ["forecast"]


def forecast(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")],
    *,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Newer prices from a CSV (also .csv.gz) or Parquet file."),
    ] = None,
    yahoo: Annotated[
        str, typer.Option("--yahoo", metavar="SYMBOL", help="Newer prices from Yahoo, fetched now.")
    ] = "",
    level: Annotated[
        float,
        typer.Option("--level", metavar="SHARE", help="Share of outcomes the interval is to hold."),
    ] = 0.9,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Keys of [execution], e.g. execution.store=folds; with --csv also data.date_format and "
            "data.column, which say how it is read; repeatable.",
        ),
    ] = None,
    executor: ExecutorOption = "",
    workers: WorkersOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Forecast the next session from a run, with an interval, and say what such forecasts were worth.

    The network is trained on the latest window, once: it is kept. Newer prices must be those of the run as
    far as both go. The run directory is not changed.

    Examples:

      backtester forecast reports/lstm-SPY-1a2b3c4d

      backtester forecast reports/lstm-SPY-1a2b3c4d --csv SPY.csv --level 0.8
    """
    from backtester.forecasting.asking import forecast as forecast_next
    from backtester.forecasting.telling import forecast_text
    from backtester.recipe import parse_overrides

    settings: dict[str, Any] = parse_overrides(changes or [])
    settings |= {"execution.executor": executor} if executor else {}
    settings |= {} if workers is None else {"execution.workers": workers}
    with listening() as listener, redirect_stdout(sys.stderr):  # a user's strategy may print
        listener.step("Opening the run.")
        found = forecast_next(
            run,
            prices=csv,
            yahoo=yahoo,
            level=level,
            changes=settings,
            step=listener.step,
            on_progress=listener.progress,
        ).as_dict()
    if as_json:
        print_json(found)
    else:
        echo(forecast_text(found, width=terminal_width()))
    for note in found["notes"]:
        say(f"note: {note}")
