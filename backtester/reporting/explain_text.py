"""What an LSTM does, for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

__all__ = ["explain_text"]


def explain_text(values: Mapping[str, Any], *, width: int) -> str:
    """Give what is seen as plain text: the sentence, the points, the caution.

    Parameters
    ----------
    values : ``explain.json``
    width : columns of the terminal
    """
    found = values["agreement"]
    head = (
        f"Fold {values['fold']}, member {values['member']}: {values['symbol']}, {values['dates'][0]} to "
        f"{values['dates'][-1]}. NumPy gives the stored forecasts of its {found['bars']} bars to "
        f"{found['largest']:.0e} of the scaled target."
    )
    parts = [
        values["sentence"],
        head,
        *(f"- {point['label']}: {point['text']}" for point in values["points"]),
        values["caution"],
    ]
    return "\n\n".join(
        textwrap.fill(part, width=max(40, min(width, 110)), subsequent_indent="  " if part[0] == "-" else "")
        for part in parts
    )
