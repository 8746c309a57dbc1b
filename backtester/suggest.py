"""The nearest known name, for messages about an unknown one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["nearest"]


def nearest(word: str, choices: Iterable[str]) -> str:
    """Give the end of a message: the known name that was probably meant.

    Parameters
    ----------
    word : as the user wrote it
    choices : the known names

    Returns
    -------
    str, `` Did you mean 'NAME'?`` with its leading space, or ``""`` when nothing is near

    Examples
    --------
    >>> nearest("lookbak", ["lookback", "units"])
    " Did you mean 'lookback'?"
    >>> nearest("Units", ["lookback", "units"])
    " Did you mean 'units'?"
    >>> nearest("zzz", ["lookback", "units"])
    ''
    """
    by_folded: dict[str, str] = {}
    for choice in choices:
        by_folded.setdefault(choice.casefold(), choice)
    matches = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return f" Did you mean '{by_folded[matches[0]]}'?" if matches else ""
