"""Commands to begin with: ``fetch`` gets prices, ``init`` a folder of one's own."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from backtester.cli.console import print_notes, say
from backtester.errors import BacktesterError, PricesError, UsageError

__all__ = ["fetch", "init"]

_LONGEST_SYMBOL = 300

STARTER = Path(__file__).parents[1] / "starter"


def fetch(
    symbols: Annotated[list[str], typer.Argument(metavar="SYMBOL...", help="Tickers as Yahoo writes them.")],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the CSV files.")] = Path(
        "prices"
    ),
    start: Annotated[
        str, typer.Option("--start", metavar="DATE", help="First session, e.g. 2005-01-03.")
    ] = "",
    end: Annotated[str, typer.Option("--end", metavar="DATE", help="Last session.")] = "",
    refresh: Annotated[bool, typer.Option("--refresh", help="Fetch again although a copy is kept.")] = False,
) -> None:
    """Fetch daily prices from Yahoo, check them, and write one CSV for each symbol.

    Examples:

      backtester fetch SPY MSFT

      backtester fetch KO --start 2005-01-03 --out dataset
    """
    from backtester.files import make_folder
    from backtester.prices import fetch_symbol, write_csv

    first, last = _date("--start", start), _date("--end", end)
    if first is not None and last is not None and first >= last:
        raise UsageError(f"--start {start} is not before --end {end}.", advice="Exchange them.")
    if not all(0 < len(symbol) <= _LONGEST_SYMBOL for symbol in symbols):
        raise UsageError("A symbol is empty, or too long for one.", advice="Write tickers as Yahoo does: SPY")
    make_folder(out)
    failed: list[BacktesterError] = []
    for symbol in symbols:
        try:
            prices = fetch_symbol(symbol, start=first, end=last, refresh=refresh)
        except PricesError as error:
            failed.append(error)
            say(f"{symbol}: {error}")
            continue
        path = out / f"{symbol.replace('/', '_')}.csv"
        write_csv(prices, path)
        print_notes([{"kind": note.kind.value, "text": f"{symbol}: {note.text}"} for note in prices.notes])
        typer.echo(f"{path}  {len(prices)} bars  {prices.dates[0]:%Y-%m-%d} to {prices.dates[-1]:%Y-%m-%d}")
    if failed:
        raise PricesError(
            f"{len(failed)} of {len(symbols)} symbols could not be fetched.",
            advice="What was fetched is kept; run the same command again for the rest.",
        )


def _date(option: str, text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}: not a date.", advice="Write it as 2005-01-03.") from error


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to fill.")] = Path(),
) -> None:
    """Make a folder with a recipe, a strategy and a README to start from.

    Example:

      backtester init demo && cd demo && backtester run recipe.toml
    """
    from backtester.files import make_folder, write_bytes

    sources = sorted(path for path in STARTER.iterdir() if path.is_file())
    present = [source.name for source in sources if (directory / source.name).exists()]
    if present:
        raise UsageError(
            f"{directory}: {', '.join(present)} exists already; nothing was written.",
            advice="Name another folder: backtester init DIR",
        )
    make_folder(directory)
    for source in sources:
        write_bytes(directory / source.name, source.read_bytes())
        typer.echo(str(directory / source.name))
    say(f"Now: cd {directory} && backtester run recipe.toml")
