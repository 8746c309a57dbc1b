"""The one source of randomness: a seed for every purpose, independent of the order of work."""

from __future__ import annotations

import hashlib

__all__ = ["seed_of"]


def seed_of(run_seed: int, purpose: str, *parts: str | int) -> int:
    """Derive the seed for one purpose from the seed of the run.

    Parameters
    ----------
    run_seed : the recipe's ``seed``
    purpose : what it is for, e.g. ``"weights"`` or ``"shuffle"``
    *parts : what it belongs to, e.g. symbol, fold, member

    Returns
    -------
    int in [0, 2**31): the same for the same arguments on any machine, in any order of calls

    Examples
    --------
    >>> seed_of(7, "weights", "SPY", 0, 0) == seed_of(7, "weights", "SPY", 0, 0)
    True
    >>> seed_of(7, "weights", "SPY", 0, 0) == seed_of(7, "weights", "SPY", 1, 0)
    False
    """
    text = "\x1f".join([str(run_seed), purpose, *map(str, parts)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
