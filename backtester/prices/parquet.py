"""Parquet files to a raw table."""

from __future__ import annotations

from typing import BinaryIO

import pandas as pd

from backtester.errors import PricesError
from backtester.prices.frames import frame_to_raw
from backtester.prices.opening import HEAD_BYTES, foreign_kind
from backtester.prices.raw import MAX_ROWS, RawTable

__all__ = ["read_parquet"]


def read_parquet(file: BinaryIO, *, name: str, symbol: str) -> RawTable:
    """Read the first MAX_ROWS rows; dates may stand in a column or in pandas' index.

    Raises
    ------
    PricesError : no Parquet file, or a damaged one
    """
    head = file.read(HEAD_BYTES)
    if not head.startswith(b"PAR1"):
        kind = foreign_kind(head) or ("empty" if not head else "something else")
        raise PricesError(
            f"{name} is not a Parquet file: it is {kind}.",
            advice='For CSV text set `source = "csv"` in [data].',
        )
    return frame_to_raw(_first_rows(file, name), name=name, symbol=symbol)


def _first_rows(file: BinaryIO, name: str) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import parquet

    file.seek(0)
    try:
        with parquet.ParquetFile(file) as source:
            # One row more, so that the reader of the frame can tell that there are more.
            batch = next(source.iter_batches(batch_size=MAX_ROWS + 1), None)
            if batch is None:
                return pd.DataFrame()
            table = pa.Table.from_batches([batch])
            table.validate(full=True)  # texts are checked nowhere else, and would fail when they are used
            frame: pd.DataFrame = table.to_pandas()
            return frame
    # The file's own words on its columns are believed on the way to pandas, and may break it anywhere.
    except Exception as error:
        raise PricesError(
            f"{name}: the Parquet file is damaged ({_short(error)}).", advice="Get it again."
        ) from error


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
