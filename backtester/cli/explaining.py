"""The command that shows what an LSTM does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backtester.cli.console import echo, print_json, terminal_width

__all__ = ["explain"]


def explain(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")],
    *,
    fold: Annotated[
        int | None,
        typer.Option("--fold", metavar="N", help="Which fold. [default: the last with a whole test span]"),
    ] = None,
    member: Annotated[
        int, typer.Option("--member", metavar="N", help="Which of the fold's networks, from 0 on.")
    ] = 0,
    layer: Annotated[
        int, typer.Option("--layer", metavar="N", help="Which LSTM layer is drawn, from 1 on.")
    ] = 1,
    unit: Annotated[
        list[int] | None,
        typer.Option("--unit", metavar="N", help="A unit to draw by itself, from 0 on; repeatable."),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option("--store", metavar="DIR", help="The fold store. [default: the run's, or the user's]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Look inside the LSTM of a run: its gates, cell state and memory over real prices.

    Takes the weights of one trained network from the fold store, computes it again in NumPy over the fold's
    test span, checks that the forecasts are the stored ones, and writes explain.html and explain.json into
    the run directory. Nothing is trained. A picture of gates is no evidence of skill.

    Examples:

      backtester explain reports/lstm-SPY-1a2b3c4d

      backtester explain reports/lstm-SPY-1a2b3c4d --fold 3 --unit 0 --unit 12
    """
    from backtester.explaining.running import explain as explain_run
    from backtester.reporting.explain_text import explain_text

    found = explain_run(run, fold=fold, member=member, layer=layer, units=unit or [], store=store)
    if as_json:
        print_json({**found.values, "page": str(found.page)})
        return
    echo(explain_text(found.values, width=terminal_width()))
    echo(f"\nPage: {found.page}")
