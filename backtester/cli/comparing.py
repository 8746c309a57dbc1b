"""The command that puts several finished runs beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backtester.cli.console import echo, print_json, say, terminal_width

__all__ = ["compare"]

PAGE = Path("comparison.html")


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run directories, two or more.")],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The page to write.")] = PAGE,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Put several finished runs beside each other, and tell what the best of them is worth.

    All figures are of the dates that the runs have in common. A page with curves and intervals is written
    to FILE; a file that is no such page is never replaced.

    Examples:

      backtester compare reports/lstm-SPY-1a2b3c4d reports/lstm-SPY-5e6f7a8b

      backtester compare reports/lstm-SPY-* --out spy.html --json
    """
    from backtester.comparing import compare_runs
    from backtester.reporting import check_place, compared_text, write_comparison

    check_place(out)  # before the figures, which take seconds
    say("Comparing the runs.")
    comparison = compare_runs(runs)
    page = write_comparison(comparison, path=out)
    if as_json:
        print_json({**comparison.figures, "page": str(page)})
    else:
        echo(f"{compared_text(comparison.figures, width=terminal_width())}\n\nPage: {page}")
