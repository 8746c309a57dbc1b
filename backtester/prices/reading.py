"""Read prices from where the recipe says."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from backtester.errors import RecipeError
from backtester.prices.assembling import assemble
from backtester.prices.delimited import read_delimited
from backtester.prices.fetching import fetch_prices
from backtester.prices.opening import display_name, open_regular, sha256_of
from backtester.prices.parquet import read_parquet
from backtester.prices.samples import sample_path
from backtester.prices.table import Prices
from backtester.prices.yahoo import Yahoo
from backtester.recipe.sections import DataSection, Source

__all__ = ["read_prices"]


def read_prices(
    data: DataSection,
    *,
    folder: Path,
    today: date | None = None,
    yahoo: Yahoo | None = None,
) -> Prices:
    """Read, repair and check the prices of one symbol.

    Parameters
    ----------
    data : the recipe's section
    folder : what ``data.path`` is relative to
    today : last possible session; None: the clock's
    yahoo : how Yahoo is asked, with its own today, and where its copies lie; None: by yfinance

    Raises
    ------
    PricesError : the source cannot be read, or anything in it cannot be right
    RecipeError : ``data.path`` or ``data.date_format`` cannot be
    """
    if data.source is Source.YAHOO:
        return fetch_prices(data, yahoo=yahoo)
    path = sample_path(data.symbol) if data.source is Source.SAMPLE else _path(data, folder)
    name = display_name(path)
    with open_regular(path) as file:
        if data.source is Source.PARQUET:
            raw = read_parquet(file, name=name, symbol=data.symbol)
        else:
            raw = read_delimited(file, name=name)
        sha256 = sha256_of(file)
    return assemble(raw, data, source=data.source.value, sha256=sha256, today=today)


def _path(data: DataSection, folder: Path) -> Path:
    if not data.path:
        raise RecipeError(
            f'[data] source = "{data.source.value}" needs a path, and there is none.',
            advice='Add `path = "prices.csv"` to [data].',
        )
    return folder / data.path
