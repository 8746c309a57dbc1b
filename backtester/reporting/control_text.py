"""The positive control for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backtester.reporting import words

__all__ = ["control_text"]

_ROWS = {
    "held_out": "a fifth held out",
    "other_writers": "other writers (last 360)",
    "given": "the file's test images",
    "shuffled": "shuffled labels",
}


def control_text(summary: Mapping[str, Any]) -> str:
    """Table of accuracies, and what was made of a picture."""
    lines = [f"{'read rightly':26}{'network':>9}{'interval':>18}{'logistic':>11}"]
    for arrangement in summary["arrangements"]:
        network, logistic = arrangement["network"], arrangement["logistic"]
        low, high = (words.number(100.0 * end, digits=1) for end in network["interval"])
        lines.append(
            f"{_ROWS[arrangement['key']]:26}{words.percent(network['accuracy']):>9}{f'{low} to {high}':>18}"
            f"{words.percent(logistic['accuracy']):>11}"
        )
    picture = summary["picture"]
    if picture is not None:
        shares = enumerate(picture["probabilities"])
        lines += [
            "",
            f"{picture['name']} is read as {picture['digit']} ({'; '.join(picture['steps'])}):",
            "  ".join(f"{digit}: {words.percent(share)}" for digit, share in shares),
        ]
    return "\n".join(lines)
