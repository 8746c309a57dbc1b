"""Explored prices for a terminal: the refusal first, then every finding."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from backtester.exploring.exploration import Exploration, Together
from backtester.exploring.finding import Finding, Level
from backtester.reporting.explore_words import LEVEL_WORDS, counted, headline

__all__ = ["explored_text"]

_LABEL = 9
_NAME = 12


def explored_text(files: Sequence[Exploration], *, together: Together | None, width: int = 80) -> str:
    """Write what was found, no wider than the terminal.

    Parameters
    ----------
    files : each by itself
    together : beside each other; None where there is one file
    width : columns of the terminal

    Returns
    -------
    str: lines without trailing spaces, no line break at the end. Of one file every finding is told, of
    several only what all of them show together, refusals and warnings
    """
    blocks = [_fill(headline(files), width=width)]
    if len(files) == 1:
        blocks += [_finding(finding, width=width) for finding in files[0].findings]
        seasons = files[0].values["seasons"]
        blocks += [_fill(seasons["sentence"], width=width)] if seasons else []
    else:
        blocks += [
            _fill(f"{found.table.name}: refused. {found.refusal.message}", width=width)
            for found in files
            if found.refusal is not None
        ]
        blocks += [_finding(finding, width=width) for finding in (together.findings if together else ())]
        blocks.append("\n".join(_line(found, width=width) for found in files))
    return "\n\n".join(blocks)


def _fill(text: str, *, width: int) -> str:
    return textwrap.fill(text, width=max(width, 40), break_on_hyphens=False)


def _finding(finding: Finding, *, width: int) -> str:
    label = LEVEL_WORDS[finding.level][0].ljust(_LABEL)
    body = textwrap.fill(
        finding.text,
        width=max(width, 40),
        initial_indent=" " * _LABEL,
        subsequent_indent=" " * _LABEL,
        break_on_hyphens=False,
    )
    return f"{label}{finding.title}\n{body}"


def _line(found: Exploration, *, width: int) -> str:
    loud = [finding.title for finding in found.findings if finding.level is Level.WARNING]
    text = f"{found.table.symbol.ljust(_NAME)} {counted(found)}" + (f": {'; '.join(loud)}" if loud else "")
    return textwrap.fill(
        text, width=max(width, 40), subsequent_indent=" " * (_NAME + 1), break_on_hyphens=False
    )
