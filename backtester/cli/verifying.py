"""The command that checks whether a run is what the program wrote."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from backtester.cli.console import echo, print_json, say
from backtester.cli.running import JsonOption
from backtester.errors import RunDirectoryError, StorageError

__all__ = ["verify"]


def verify(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")],
    *,
    retrain: Annotated[
        int, typer.Option("--retrain", metavar="N", min=0, help="Train N folds, chosen at random, again.")
    ] = 0,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Of that choice. [default: other folds each time]")
    ] = None,
    pages: Annotated[bool, typer.Option(help="Draw the pages again as well.")] = True,
    code: Annotated[
        bool,
        typer.Option(
            help="Compute again, by your own files where the run names some; --no-code: compare bytes alone."
        ),
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Compute every figure of a run again from its own files, and say which file was altered.

    Checksums first; then trades, returns, figures, tests and verdict from prices and forecasts, and the pages
    from those. With --retrain, networks are trained again and their forecasts compared bit for bit. Your own
    strategy, model or feature is run from the current folder, where it is the file that the run used; with
    --no-code nothing is run. Exit 8 where something is not as the run wrote it, 4 where it cannot be computed
    again here.

    Examples:

      backtester verify reports/lstm-SPY-1a2b3c4d

      backtester verify reports/lstm-SPY-1a2b3c4d --retrain 3
    """
    from backtester.verifying import verify_run

    with redirect_stdout(sys.stderr):  # a user's strategy may print
        found = verify_run(run, n_retrained=retrain, seed=seed, pages=pages, code=code, step=say)
    if as_json:
        print_json(found.as_dict())
    else:
        echo("\n".join([*(f"checked  {text}" for text in found.checked), *found.notes]))
    if not found.sound:
        raise StorageError(
            "\n".join(finding.line for finding in found.findings),
            advice="Trust no figure of this run; run its recipe again.",
        )
    if found.unfinished:
        raise RunDirectoryError(
            found.unfinished,
            advice="The bytes of its files are those that the run wrote; --no-code looks at these alone.",
        )
    if not as_json:
        follows = ", and the figures follow from them" if code else ""
        echo(f"\nThe files that SHA256SUMS names are as the run wrote them{follows}.")
