"""Several files beside each other: common dates, correlations, and how they seem to have been chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.cluster import hierarchy
from scipy.spatial import distance

from backtester.exploring.distribution import log_returns
from backtester.exploring.finding import Finding, Level, joined

__all__ = ["together_findings", "together_values"]

FEWEST_DATES = 60
SURVIVORS = 5
"""Files from which on equal ends tell something of how they were chosen."""
_SHARE = 0.9
_N_PAIRS = 5
_FEW_MISSING = 0.5


def together_values(closes: Mapping[str, pd.Series]) -> dict[str, Any]:
    """Spans, common dates and correlations of several symbols.

    Parameters
    ----------
    closes : closes as used, by date, for each symbol; two or more

    Returns
    -------
    dict of ``spans`` (``symbol``, ``start``, ``end``, ``bars``), ``common_dates``, ``start``, ``end``,
    ``symbols`` (ordered so that those that move together stand together), ``correlations`` (Pearson, of log
    returns from one common date to the next; in the order of ``symbols``), ``mean_correlation``, ``highest``
    and ``lowest`` (pairs), ``missing`` (for each symbol the dates that most of the others have in its span);
    correlations are None for fewer than 60 common dates
    """
    spans = [
        {
            "symbol": symbol,
            "start": f"{close.index[0]:%Y-%m-%d}",
            "end": f"{close.index[-1]:%Y-%m-%d}",
            "bars": len(close),
        }
        for symbol, close in closes.items()
    ]
    common = pd.concat(list(closes.values()), axis=1, join="inner", keys=list(closes)).dropna()
    values: dict[str, Any] = {
        "spans": spans,
        "common_dates": len(common),
        "start": f"{common.index[0]:%Y-%m-%d}" if len(common) else None,
        "end": f"{common.index[-1]:%Y-%m-%d}" if len(common) else None,
        "missing": _missing(closes),
        "symbols": list(closes),
        "correlations": None,
        "mean_correlation": None,
        "highest": [],
        "lowest": [],
    }
    if len(common) < FEWEST_DATES:
        return values
    returns = pd.DataFrame({symbol: log_returns(common[symbol]) for symbol in common})
    return values | _correlations(returns)


def _correlations(returns: pd.DataFrame) -> dict[str, Any]:
    moving = returns.loc[:, returns.std() > 0.0]
    names = [str(name) for name in moving]
    if len(names) < 2:
        return {}
    matrix = np.corrcoef(moving.to_numpy().T)
    matrix = np.clip((matrix + matrix.T) / 2.0, -1.0, 1.0)
    np.fill_diagonal(matrix, 1.0)
    order = list(range(len(names)))
    if len(names) > 2:
        apart = distance.squareform(1.0 - matrix, checks=False)
        order = [int(place) for place in hierarchy.leaves_list(hierarchy.linkage(apart, method="average"))]
    names, matrix = [names[place] for place in order], matrix[np.ix_(order, order)]
    upper = [(row, column) for row in range(len(names)) for column in range(row + 1, len(names))]
    ranked = sorted(upper, key=lambda pair: -matrix[pair])
    told = [
        {"symbols": [names[row], names[column]], "value": float(matrix[row, column])}
        for row, column in ranked
    ]
    return {
        "symbols": names,
        "correlations": matrix.tolist(),
        "mean_correlation": float(np.mean([matrix[pair] for pair in upper])),
        "highest": told[:_N_PAIRS],
        "lowest": told[::-1][:_N_PAIRS],
    }


def _missing(closes: Mapping[str, pd.Series]) -> dict[str, list[str]]:
    """Dates in a symbol's span that it lacks, and that more than half of the others with such a span have."""
    if len(closes) < 2:
        return {}
    every = sorted(set().union(*(close.index for close in closes.values())))
    dates = pd.DatetimeIndex(every)
    has = {symbol: dates.isin(close.index) for symbol, close in closes.items()}
    exists = {
        symbol: np.asarray((dates >= close.index[0]) & (dates <= close.index[-1]))
        for symbol, close in closes.items()
    }
    n_has, n_exists = (
        sum(mask.astype(int) for mask in has.values()),
        sum(m.astype(int) for m in exists.values()),
    )
    others = np.asarray(n_has) > _FEW_MISSING * np.maximum(np.asarray(n_exists) - 1, 1)
    return {
        symbol: dates[exists[symbol] & ~has[symbol] & others].strftime("%Y-%m-%d").to_list()
        for symbol in closes
    }


def together_findings(values: Mapping[str, Any]) -> list[Finding]:
    """Find what the spans and calendars of several files tell."""
    found = [_survivors(values["spans"]), _calendars(values["missing"]), _few_dates(values)]
    return [finding for finding in found if finding is not None]


def _survivors(spans: Sequence[Mapping[str, Any]]) -> Finding | None:
    if len(spans) < SURVIVORS:
        return None
    ends, starts = Counter(span["end"] for span in spans), Counter(span["start"] for span in spans)
    (end, n_end), (start, n_start) = ends.most_common(1)[0], starts.most_common(1)[0]
    earlier = [span["symbol"] for span in spans if span["end"] < end]
    if n_end < _SHARE * len(spans) or earlier:
        return None
    text = f"{n_end} of {len(spans)} files end on {end}, and none ends earlier"
    text += f"; {n_start} begin on {start}." if n_start >= _SHARE * len(spans) else "."
    return Finding(
        key="survivorship",
        title="Only names that survived",
        level=Level.WARNING,
        text=text,
        meaning="They seem to be chosen by who was there on the last day: whoever went under or was bought "
        "before is missing, and results over them are too good.",
        run="Cannot see it: it reads one file at a time.",
        n=n_end,
    )


def _calendars(missing: Mapping[str, Sequence[str]]) -> Finding | None:
    lacking = {symbol: dates for symbol, dates in missing.items() if dates}
    if not lacking:
        return None
    told = [f"{symbol} lacks {len(dates):,} ({joined(dates, most=3)})" for symbol, dates in lacking.items()]
    return Finding(
        key="missing_against_others",
        title="Dates that most of the others have",
        level=Level.INFO,
        text=f"{joined(told, joint='; ')}.",
        meaning="Lost rows, a halt, or another exchange with other holidays.",
        run="Cannot see it: it reads one file at a time.",
        n=sum(len(dates) for dates in lacking.values()),
    )


def _few_dates(values: Mapping[str, Any]) -> Finding | None:
    if values["common_dates"] >= FEWEST_DATES:
        return None
    return Finding(
        key="few_common_dates",
        title="Few dates in common",
        level=Level.WARNING,
        text=f"{values['common_dates']:,} dates are in all files; correlations need {FEWEST_DATES}.",
        meaning="Their spans hardly overlap.",
        run="Cannot see it: it reads one file at a time.",
        n=values["common_dates"],
    )
