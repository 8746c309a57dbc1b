"""The command that looks at price files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backtester.cli.console import echo, print_json, say, terminal_width
from backtester.cli.running import SetOption

__all__ = ["explore"]

PAGE = Path("exploration.html")


def explore(
    prices: Annotated[
        list[str],
        typer.Argument(
            metavar="PRICES...", help="CSV or Parquet files, folders of them, or bundled prices such as SPY."
        ),
    ],
    *,
    date_format: Annotated[
        str,
        typer.Option("--date-format", metavar="FORMAT", help="How dates are written, e.g. %d/%m/%Y."),
    ] = "",
    symbol: Annotated[
        str,
        typer.Option(
            "--symbol", metavar="NAME", help="Which rows to take where a file holds several symbols."
        ),
    ] = "",
    changes: SetOption = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The page to write.")] = PAGE,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Look at prices before anything is trained on them: every quirk by its name, and every picture.

    Tells what each finding means and what `run` does with it, and writes a page with prices, returns,
    volume, distributions, autocorrelation, volatility, seasons and missing days; of several files also how
    they move together. Ends with 3 where `run` would refuse a file, after a page of what can be read.

    Examples:

      backtester explore SPY

      backtester explore prices/KO.csv --date-format %d/%m/%Y --out ko.html

      backtester explore prices/ --json
    """
    from backtester.errors import PricesError
    from backtester.explored import explore as explore_prices
    from backtester.reporting.explore_page import COMMAND
    from backtester.reporting.explore_text import explored_text
    from backtester.reporting.placing import check_page_place

    check_page_place(out, command=COMMAND)  # before the figures, which take seconds
    say("Looking at the prices.")
    found = explore_prices(prices, symbol=symbol, date_format=date_format, changes=changes or [])
    for refused in found.refused:
        say(f"refused: {refused.refusal.message if refused.refusal else ''}")
    page = found.write(out)
    if as_json:
        print_json({**found.summary, "page": str(page)})
    else:
        text = explored_text(found.files, together=found.together, width=terminal_width())
        echo(f"{text}\n\nPage: {page}")
    if len(found.files) == 1 and found.refused and found.refused[0].refusal is not None:
        refusal = found.refused[0].refusal
        raise PricesError(refusal.message, advice=refusal.advice)
    if found.refused:
        names = ", ".join(refused.table.name for refused in found.refused[:5])
        raise PricesError(
            f"{len(found.refused)} of {len(found.files)} files are refused by `backtester run`: {names}.",
            advice="The page tells why, file by file.",
        )
