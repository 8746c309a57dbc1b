"""The command ``fetch``: prices of a list of symbols from Yahoo."""

from __future__ import annotations

import shlex
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backtester.cli.console import echo, print_json, print_notes, say, terminal_width
from backtester.errors import PricesError, UsageError

if TYPE_CHECKING:
    from backtester.prices import Fetched, FetchedSymbol

__all__ = ["fetch"]

_DAILY = "1d"
_OUT = Path("prices")


def fetch(
    symbols: Annotated[
        list[str] | None, typer.Argument(metavar="SYMBOL", help="Tickers as Yahoo writes them.")
    ] = None,
    *,
    listed: Annotated[
        Path | None,
        typer.Option("--list", metavar="FILE", help="More symbols: a text file, or a CSV column Symbol."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the CSV files.")] = _OUT,
    start: Annotated[
        str, typer.Option("--start", metavar="DATE", help="First session, e.g. 2005-01-03.")
    ] = "",
    end: Annotated[str, typer.Option("--end", metavar="DATE", help="Last session.")] = "",
    interval: Annotated[
        str, typer.Option("--interval", metavar="1d", help="Daily bars, and no others.")
    ] = _DAILY,
    adjusted: Annotated[
        bool, typer.Option("--adjusted", help="Scale open, high, low and close for dividends and splits.")
    ] = False,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Ask again although a copy is kept, and take a changed past.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Fetch daily prices from Yahoo, check them, and write one CSV for each symbol.

    What Yahoo sent is kept. A copy of today, or of a span that is over, is not asked for again: the same
    command goes on where it was stopped, and offline an older copy is used and named. What failed is
    told at the end, with exit code 3.

    Examples:

      backtester fetch SPY MSFT

      backtester fetch KO --start 2005-01-03 --adjusted --out dataset

      backtester fetch --list sp500.txt --out dataset
    """
    from backtester.prices import fetch as fetch_all
    from backtester.prices import read_symbols

    if interval != _DAILY:
        raise UsageError(
            f"--interval {interval}: only {_DAILY} is there. A bar is a session here: folds, annual figures, "
            "costs and fills at the next open all count sessions.",
            advice="Leave --interval out.",
        )
    first, last = _date("--start", start), _date("--end", end)
    names = [*(symbols or []), *(read_symbols(listed) if listed is not None else ())]
    n_symbols = len({name.upper() for name in names})
    n_done = 0

    def tell(one: FetchedSymbol) -> None:
        nonlocal n_done
        n_done += 1
        say(f"[{n_done}/{n_symbols}] {_line(one)}")
        print_notes([{"kind": note.kind.value, "text": note.text} for note in one.notes])

    fetched = fetch_all(
        names, start=first, end=last, adjusted=adjusted, refresh=refresh, out=out, on_symbol=tell
    )
    n_failed = len(fetched.failed)
    if as_json:
        print_json({"symbols": [one.figures for one in fetched.symbols], "failed": n_failed})
    else:
        from backtester.cli.fetched_text import fetched_text

        echo(fetched_text(fetched, width=terminal_width()))
    if n_failed:
        options = {"--start": start, "--end": end, "--out": "" if out == _OUT else str(out)}
        again = [word for option, value in options.items() if value for word in (option, value)]
        raise _failure(fetched, options=[*again, *(["--adjusted"] if adjusted else [])])


def _line(one: FetchedSymbol) -> str:
    figures = one.figures
    if one.prices is None:
        return f"{one.symbol}  {one.state.value}: {one.said}"
    of = f" of {one.fetched}" if one.state.value in {"kept", "offline"} else ""
    span = f"{figures['rows']} bars  {figures['start']} to {figures['end']}"
    return f"{one.symbol}  {one.state.value}{of}  {span}" + (f"  {one.said}" if one.said else "")


def _failure(fetched: Fetched, *, options: list[str]) -> PricesError:
    advice = ["What was fetched is kept; run the same command again for the rest."]
    told_otherwise = [one.symbol for one in fetched.failed if one.state.value in {"changed", "adjusted"}]
    if told_otherwise:
        command = ["backtester", "fetch", "--refresh", *options]
        # A symbol may begin as an option does.
        command += ["--"] if any(symbol.startswith("-") for symbol in told_otherwise) else []
        advice.append(f"To take a changed past: {shlex.join([*command, *told_otherwise])}")
    n_symbols = len(fetched.symbols)
    return PricesError(
        f"{len(fetched.failed)} of {n_symbols} symbols are not as asked for.", advice="\n  ".join(advice)
    )


def _date(option: str, text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}: not a date.", advice="Write it as 2005-01-03.") from error
