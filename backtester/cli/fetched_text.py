"""What became of a list of symbols, for the terminal: the good ones first, then what failed and why."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backtester.prices import Fetched, FetchedSymbol

__all__ = ["fetched_text"]

_STATE = len("not written")
_ROWS = 7
_SPAN = len("2020-01-01 to 2020-12-31")
_LEAST_PROBLEM = 30


def fetched_text(fetched: Fetched, *, width: int) -> str:
    """Render a table no wider than the terminal: symbol, state, rows, span, what was wrong."""
    ordered = sorted(fetched.symbols, key=lambda one: not one.state.is_good)
    widest = max(6, *(len(one.symbol) for one in ordered))
    lines = [f"{'symbol':{widest}}  {'state':{_STATE}} {'rows':>{_ROWS}}  {'span':{_SPAN}}"]
    for one in ordered:
        lines += _lines(one, widest=widest, width=width)
    n_good = len(fetched.symbols) - len(fetched.failed)
    files = [one.file for one in fetched.symbols if one.file is not None]
    lines.append("")
    lines.append(f"{n_good} of {len(fetched.symbols)} as asked for; {len(files)} CSV file(s)")
    if files:
        lines[-1] += f" in {files[0].parent}"
    return "\n".join(line.rstrip() for line in lines)


def _lines(one: FetchedSymbol, *, widest: int, width: int) -> list[str]:
    figures = one.figures
    rows = f"{figures['rows']:,}" if figures["rows"] else "–"
    span = f"{figures['start']} to {figures['end']}" if figures["rows"] else "–"
    line = f"{one.symbol:{widest}}  {one.state.value:{_STATE}} {rows:>{_ROWS}}  {span:{_SPAN}}"
    if not one.said:
        return [line]
    beside = width - len(line) - 2
    if beside >= _LEAST_PROBLEM:
        first, *rest = textwrap.wrap(one.said, beside) or [""]
        return [f"{line}  {first}", *(" " * (len(line) + 2) + text for text in rest)]
    indent = "    "
    return [line, *textwrap.wrap(one.said, max(width, 20), initial_indent=indent, subsequent_indent=indent)]
