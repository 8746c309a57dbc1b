"""The command that asks how far a result carries over."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

from backtester.cli.console import echo, listening, print_json, say, terminal_width
from backtester.cli.running import ExecutorOption, WorkersOption

__all__ = ["stress"]


def stress(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")],
    *,
    axis: Annotated[
        list[str] | None,
        typer.Option("--axis", metavar="NAME", help="An axis by name, or file.py:AXIS; repeatable."),
    ] = None,
    symbols: Annotated[
        list[Path] | None,
        typer.Option("--symbols", metavar="PATH", help="Price files, or a folder of them; repeatable."),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Keys of [stress] and [execution], e.g. stress.seeds=20; repeatable.",
        ),
    ] = None,
    executor: ExecutorOption = "",
    workers: WorkersOption = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only say what would be trained, and how long it will take.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Change the circumstances of a run, one axis at a time, and see whether its result carries over.

    Periods, costs, delay, thresholds, luck: from the forecasts as they are. Seeds, windows, model, noise,
    other symbols: trained again. What was trained is kept, so that a run that is stopped goes on.

    Examples:

      backtester stress reports/lstm-SPY-1a2b3c4d

      backtester stress reports/lstm-SPY-1a2b3c4d --axis seeds --axis costs --set stress.seeds=20

      backtester stress reports/lstm-SPY-1a2b3c4d --axis symbols --symbols prices/
    """
    from backtester.planning import duration_text
    from backtester.recipe import parse_overrides
    from backtester.reporting.stress_text import stress_text
    from backtester.run_directory import STRESS, read_json
    from backtester.stress.running import plan_stress, stress_run

    settings: dict[str, Any] = parse_overrides(changes or [])
    settings |= {"execution.executor": executor} if executor else {}
    settings |= {} if workers is None else {"execution.workers": workers}
    settings |= {"stress.symbols": [str(path) for path in symbols]} if symbols else {}
    with listening() as listener, redirect_stdout(sys.stderr):  # a user's strategy may print
        listener.step("Opening the run and laying out its variants.")
        planned = plan_stress(run, axes=axis or [], changes=settings)
        prediction = planned.prediction
        say(
            f"{len(planned.axes)} axes, {prediction.networks} networks of {prediction.variants} variants to "
            f"train: about {duration_text(prediction.seconds)}."
        )
        if plan:
            return
        record = stress_run(planned, step=listener.step, on_progress=listener.progress)
    values = read_json(record.directory / STRESS)
    if as_json:
        print_json({**values, "verdict": record.summary["verdict"], "directory": str(record.directory)})
        return
    echo(stress_text(values, width=terminal_width()))
    echo(f"\n{record.summary['verdict']['sentence']}\n\nReport: {record.directory / 'stress.html'}")
