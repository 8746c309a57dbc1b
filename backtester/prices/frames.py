"""pandas frames to a raw table: every cell as the text that gives it back exactly."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from datetime import date

import numpy as np
import pandas as pd

from backtester.errors import PricesError
from backtester.prices.assembling import assemble
from backtester.prices.columns import n_known, normalized
from backtester.prices.raw import MAX_ROWS, RawTable
from backtester.prices.table import Prices
from backtester.recipe.sections import DataSection

__all__ = ["flat_columns", "frame_to_raw", "prices_from_frame"]


def prices_from_frame(
    frame: pd.DataFrame, *, symbol: str, data: DataSection | None = None, today: date | None = None
) -> Prices:
    """Check a pandas frame and make it prices, by the same rules as for a file.

    Parameters
    ----------
    frame : dates in the index or in a column, ``close``, and what there is of ``open``, ``high``,
        ``low``, ``adj_close``, ``volume`` (names in any case, also yfinance's two levels); not changed
    symbol : a name for these prices; picks the columns or rows where there are several symbols
    data : span, adjustment, date format and the like; its source, path and symbol are not used
    today : last possible session; None: the clock's

    Raises
    ------
    PricesError : anything that cannot be right, or that can be read in two ways

    Examples
    --------
    >>> frame = pd.DataFrame({"Close": [10.0, 10.5]}, index=pd.to_datetime(["2020-01-02", "2020-01-03"]))
    >>> prices_from_frame(frame, symbol="MINE").column("close").tolist()
    [10.0, 10.5]
    """
    settings = (data or DataSection()).model_copy(update={"symbol": symbol})
    raw = frame_to_raw(frame, name="frame", symbol=symbol)
    digest = hashlib.sha256("\n".join("\t".join(cells) for cells in (raw.headers, *raw.columns)).encode())
    return assemble(raw, settings, source="frame", sha256=digest.hexdigest(), today=today)


def frame_to_raw(frame: pd.DataFrame, *, name: str, symbol: str) -> RawTable:
    """Write a frame's cells as text; dates in the index become the first column.

    Raises
    ------
    PricesError : no rows, or columns of several symbols and ``symbol`` is not among them
    """
    if len(frame) == 0 or len(frame.columns) == 0:
        raise PricesError(f"{name}: there are no rows.", advice="Give a table with one row for each bar.")
    truncated = len(frame) > MAX_ROWS
    frame = flat_columns(frame.iloc[:MAX_ROWS], name=name, symbol=symbol)
    headers = [str(column) for column in frame.columns]
    columns = [_texts(frame.iloc[:, position]) for position in range(len(headers))]
    index_name = _index_name(frame, headers)
    if index_name is not None:
        headers.insert(0, index_name)
        columns.insert(0, _texts(frame.index.to_series()))
    return RawTable(
        name=name,
        headers=tuple(headers),
        columns=tuple(columns),
        lines=np.arange(1, len(frame) + 1, dtype=np.int64),
        unit="row",
        truncated=truncated,
    )


def _index_name(frame: pd.DataFrame, headers: list[str]) -> str | None:
    index = frame.index
    has_dates = any(normalized(header) in {"date", "datetime"} for header in headers)
    if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex):
        return str(index.name or "index") if has_dates else "date"
    if isinstance(index, pd.MultiIndex) or (
        index.name is None and pd.api.types.is_numeric_dtype(index.dtype)
    ):
        return None
    return str(index.name or "index")


def flat_columns(frame: pd.DataFrame, *, name: str, symbol: str) -> pd.DataFrame:
    """Give the columns of one symbol where the frame has yfinance's two levels, else the frame.

    Raises
    ------
    PricesError : several symbols, and ``symbol`` is not among them
    """
    columns = frame.columns
    if not isinstance(columns, pd.MultiIndex):
        return frame
    if columns.nlevels != 2:
        raise PricesError(
            f"{name}: the columns have {columns.nlevels} levels.",
            advice="Give one level, with the names of prices.",
        )
    known = [n_known([str(label) for label in columns.get_level_values(level)]) for level in (0, 1)]
    price_level = 0 if known[0] >= known[1] else 1
    tickers = columns.get_level_values(1 - price_level)
    names: list[Hashable] = list(dict.fromkeys(tickers))
    taken = names[0] if len(names) == 1 else symbol
    if taken not in names:
        some = ", ".join(repr(str(label)) for label in names[:20])
        raise PricesError(
            f"{name} holds {len(names)} symbols: {some}.", advice="Set the symbol to one of them."
        )
    chosen = frame.loc[:, tickers == taken]
    return chosen.set_axis(chosen.columns.get_level_values(price_level), axis=1)


def _texts(column: pd.Series) -> tuple[str, ...]:
    blank = column.isna().to_numpy(dtype=bool)
    return tuple(
        "" if is_blank else _text(value) for value, is_blank in zip(column.tolist(), blank, strict=True)
    )


def _text(value: object) -> str:
    # repr of a double and its text are each other's exact inverse; a float32 widens exactly first.
    if isinstance(value, float | np.floating):
        return repr(float(value))
    return str(value).strip()
