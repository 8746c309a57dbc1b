"""The comparison: strategy, buy-and-hold, last price, last return, as a frame and as plain text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from backtester.reporting import words

if TYPE_CHECKING:
    import pandas as pd

    from backtester.run_directory import RunRecord

__all__ = ["ROWS", "comparison_table", "comparison_text", "known_series", "row_texts"]


def _fall(value: Any) -> str:
    return words.percent(value if words.is_missing(value) else -abs(value))


ROWS: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("total_return", "Total return", words.percent),
    ("cagr", "Return a year", words.percent),
    ("volatility", "Volatility a year", words.percent),
    ("sharpe", "Sharpe ratio", words.number),
    ("max_drawdown", "Largest drawdown", _fall),
    ("turnover", "Turnover a year", words.times),
    ("trades", "Trades", words.count),
    ("exposure", "Average exposure", words.percent),
    ("costs", "Costs", words.money),
)
"""Key in ``summary.json``, label, format."""

_LABEL_WIDTH = 18
_COLUMN_WIDTH = 14
_NARROW_COLUMN = 11


def known_series(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """Which of the four compared curves this run has, in their fixed order."""
    return tuple(name for name in words.LABELS if name in summary["strategies"])


def row_texts(summary: Mapping[str, Any]) -> list[tuple[str, str, list[str]]]:
    """Each row of the comparison: key, label, one text for each curve."""
    figures = summary["strategies"]
    names = known_series(summary)
    return [(key, label, [write(figures[name].get(key)) for name in names]) for key, label, write in ROWS]


def comparison_table(record: RunRecord) -> pd.DataFrame:
    """Compare strategy, buy-and-hold, last price and last return.

    Returns
    -------
    frame: one row for each key of ``ROWS``, one column for each curve, float64; NaN where
    there is no figure (a flat curve has no Sharpe ratio). Shares, not per cent; costs in money.
    """
    import pandas as pd

    figures = record.summary["strategies"]
    columns = {
        name: [float("nan") if figures[name].get(key) is None else figures[name][key] for key, *_ in ROWS]
        for name in known_series(record.summary)
    }
    index = pd.Index([key for key, *_ in ROWS], name="figure")
    return pd.DataFrame(columns, index=index, dtype="float64")


def comparison_text(summary: Mapping[str, Any], *, width: int = 80) -> str:
    """Compare strategy, buy-and-hold, last price and last return, for a terminal.

    Parameters
    ----------
    summary : ``summary.json``
    width : columns of the terminal; below 74 the curves are shown two by two, which needs 40

    Returns
    -------
    str: lines without trailing spaces, no line break at the end; a missing figure is ``–``
    """
    labels = [words.LABELS[name] for name in known_series(summary)]
    rows = [(label, texts) for _, label, texts in row_texts(summary)]
    if width >= _LABEL_WIDTH + _COLUMN_WIDTH * len(labels):
        return _block(labels, rows, column=_COLUMN_WIDTH)
    column = _COLUMN_WIDTH if width >= _LABEL_WIDTH + 2 * _COLUMN_WIDTH else _NARROW_COLUMN
    blocks = [
        _block(labels[at : at + 2], [(label, texts[at : at + 2]) for label, texts in rows], column=column)
        for at in range(0, len(labels), 2)
    ]
    return "\n\n".join(blocks)


def _block(labels: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]], *, column: int) -> str:
    # "Buy-and-hold" has 12 letters: the narrow columns break a name at its last space or hyphen
    heads = [_head(label, width=column - 1) for label in labels]
    depth = max(len(head) for head in heads)
    lines = [
        " " * _LABEL_WIDTH
        + "".join(([""] * (depth - len(head)) + head)[line].rjust(column) for head in heads)
        for line in range(depth)
    ]
    lines += [
        label.ljust(_LABEL_WIDTH) + "".join(text.rjust(column) for text in texts) for label, texts in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


def _head(label: str, *, width: int) -> list[str]:
    if len(label) <= width:
        return [label]
    cut = max(label.rfind(" "), label.rfind("-"))
    return [label[: cut + 1].rstrip(), label[cut + 1 :]]
