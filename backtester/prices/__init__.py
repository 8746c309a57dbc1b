"""Read, repair and check prices: CSV, Parquet, Yahoo, pandas frames, and the bundled samples."""

from backtester.prices.fetched import Fetched, FetchedSymbol, fetch
from backtester.prices.fetching import FetchState, fetch_symbol
from backtester.prices.frames import prices_from_frame
from backtester.prices.reading import read_prices
from backtester.prices.samples import sample_names, sample_path
from backtester.prices.symbols import read_symbols
from backtester.prices.table import PRICE_COLUMNS, Adjustment, Note, NoteKind, Prices
from backtester.prices.writing import write_csv
from backtester.prices.yahoo import Downloader, Pauses, Yahoo, Yfinance

__all__ = [
    "PRICE_COLUMNS",
    "Adjustment",
    "Downloader",
    "FetchState",
    "Fetched",
    "FetchedSymbol",
    "Note",
    "NoteKind",
    "Pauses",
    "Prices",
    "Yahoo",
    "Yfinance",
    "fetch",
    "fetch_symbol",
    "prices_from_frame",
    "read_prices",
    "read_symbols",
    "sample_names",
    "sample_path",
    "write_csv",
]
