"""What must be handled, by id: prices, recipes, faults and planted leaks, and how each must end.

A test that holds an id says so: ``@pytest.mark.catalogue("D01")``, or `held` for the cases of a table.
``pytest --catalogue=FILE.json`` (with the equals sign: pytest takes a file that is there for one of tests)
writes which tests hold which id and what came of them; ``python -m docs.trust FILE.json`` makes the table of
``docs/trust.md`` from that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import pytest

__all__ = ["CATALOGUE", "held", "ids_of"]

CATALOGUE: dict[str, tuple[str, str]] = {
    # prices; refused is exit 3
    "D01": ("empty file", "refused"),
    "D02": ("header only", "refused"),
    "D03": ("HTML error page named .csv", "refused: says HTML"),
    "D04": ("binary bytes", "refused"),
    "D05": ("gzip content named .csv", "refused: says gzip"),
    "D07": ("semicolons as delimiter, decimal points", "repaired with a note"),
    "D10": ("UTF-8 byte order mark", "accepted"),
    "D12": ("CRLF", "accepted"),
    "D13": ("a comma at the end of each data row, not of the header", "repaired with a note"),
    "D14": ("a row with a field too many", "refused with its line"),
    "D16": ("last line cut off within a row", "refused with its line"),
    "D18": ("NUL bytes", "refused with its line"),
    "D19": ("blank lines", "repaired with a note: count"),
    "D20": ("header again mid-file", "refused with its line"),
    "D21": ("no header", "refused"),
    "D22": ("yfinance's three header rows, one symbol", "repaired with a note"),
    "D23": ("two symbols in one file", "refused: lists them, asks for symbol"),
    "D25": ("Close missing", "refused: lists the columns found"),
    "D26": (
        "Date and Close only",
        "accepted with a warning; no Open, High, Low are made up, and what needs them exits 4",
    ),
    "D27": ("Close twice", "refused"),
    "D29": ("unnamed counter column first", "repaired with a note: dropped"),
    "D30": ("names in other case or with spaces", "accepted"),
    "D31": ("no date column", "refused"),
    "D32": ("unnamed first column holds the dates", "repaired with a note"),
    "D33": ("extra columns (Dividends, Stock Splits)", "accepted with a warning: lists what is ignored"),
    "D35": ("same date twice, same values", "repaired with a note: one is kept"),
    "D37": ("rows in mixed order", "repaired with a note: sorted"),
    "D38": ("newest first", "repaired with a note: sorted"),
    "D39": ("two date formats in one file", "refused: first line that differs"),
    "D40": ("every date reads as d/m and as m/d", "refused: asks for date_format"),
    "D42": ("one time zone offset", "repaired with a note: the local date as written"),
    "D43": ("offsets change with summer time", "repaired with a note: as D42"),
    "D45": ("bars after today", "refused"),
    "D46": ("epoch seconds", "repaired with a note"),
    "D49": ("impossible date (30 February)", "refused with its line"),
    "D51": ("a few weekend bars among weekdays", "accepted with a warning"),
    "D52": ("gap over 10 business days", "accepted with a warning: both ends"),
    "D54": ("several bars a day", "refused: says intraday"),
    "D57": (
        "blank Close",
        "refused with its line; dropped with a note where on_bad_row says so, at most 1 %",
    ),
    "D58": ("text for a number (null, -)", "refused: as D57"),
    "D59": ('"1,234.50" as a number', "repaired with a note"),
    "D60": ("$ before every price", "repaired with a note"),
    "D62": ("a price of zero", "refused with its line"),
    "D63": ("a negative price", "refused with its line"),
    "D64": ("an infinite price", "refused with its line"),
    "D66": (
        "one bar at 10 times the price, then back",
        "refused beyond |ln(open / previous close)| = 1; a warning above 0.4",
    ),
    "D68": ("High < Low", "refused with its line"),
    "D69": (
        "Open or Close outside [Low, High] by over 1 %",
        "refused with its line; a warning below 1 %; nothing below 1e-6",
    ),
    "D71": (
        "open = previous close in 90 % or more of the traded bars",
        "accepted with a warning; with next_open exit 4, which advises next_close",
    ),
    "D72": ("no Adj Close", "accepted; the report says that the adjustment is unknown"),
    "D73": ("Adj Close blank in some rows", "refused with its line"),
    "D74": ("Adj Close / Close moves > 0.1 % on > 25 % of bars", "refused"),
    "D75": (
        "-50 % overnight: the ratio of a split (2, 3, 4, 5, 10 or 20 to 1) within 2 %",
        "refused unless in confirmed_jumps",
    ),
    "D77": ("constant price", "refused"),
    "D79": ("too few rows for one fold", "refused: rows needed and found"),
    "D80": ("Volume all 0", "accepted with a warning: volume features off"),
    "D81": ("Volume missing", "accepted with a warning: as D80"),
    "D84": ("no such file", "refused"),
    "D85": ("a folder", "refused"),
    "D86": ("symbolic link to a good file", "accepted; the manifest hashes the content"),
    "D87": ("no read permission", "refused"),
    "D88": ("FIFO", "refused at once, never waited for"),
    "D89": ("5 million one-minute rows", "refused as intraday, in 30 s and 2 GB"),
    "D90": ("Parquet, dates in a column", "accepted"),
    "D91": ("Parquet damaged", "refused"),
    "D92": ("Parquet without dates", "refused"),
    "D93": ("Parquet, dates in the index", "accepted"),
    "D94": ("Yahoo: last bar NaN (unfinished)", "repaired with a note: bar dropped"),
    "D95": ("Yahoo: empty frame", "refused"),
    "D96": ("Yahoo: ends or starts well inside the range asked for", "accepted with a warning: both dates"),
    "D97": ("Yahoo: throttled (None, or empty and an error in the log)", "refused: after bounded retries"),
    "D98": (
        "Yahoo: refetch restates the past",
        "refused with the first date; --refresh takes the new series whole",
    ),
    # recipes and user code; refused is exit 4
    "C01": ("unknown key lookbak", "refused: lookback is suggested"),
    "C02": ('wrong type (train = "many")', "refused with the expected type"),
    "C03": ("out of range (dropout = 1.5)", "refused with the range"),
    "C04": ("train <= lookback", "refused with both values"),
    "C06": ("test = 0", "refused"),
    "C07": ("no training sample left", "refused with the values"),
    "C08": ("negative cost", "refused"),
    "C10": ("cash = 0", "refused"),
    "C11": ("strategy file missing", "refused with the path"),
    "C12": ("class not in the file", "refused with the classes there"),
    "C13": ("strategy raises on import", "refused with the user's line"),
    "C14": ("strategy never trades", "accepted: exit 0, a warning, inconclusive"),
    "C16": ("strategy asks for NaN exposure", "stopped with strategy, date and value"),
    "C17": ("model reference not importable", "refused"),
    "C19": ("builder's input or output shape wrong", "refused with both shapes"),
    "C20": ("unknown optimizer", "refused with the nearest names"),
    "C21": ("batch > samples", "accepted with a note"),
    "C22": ("epochs = 0", "refused"),
    "C23": ("TOML syntax error", "refused with line and column"),
    "C25": ("../ in a run or symbol name", "nothing is written outside"),
    "C26": ("the output directory holds something else than this run", "refused; the same run is continued"),
    "C27": ("output path is a file", "refused"),
    "C28": ("non-ASCII symbol, name, folder", "accepted"),
    "C29": ("<script> in title or symbol", "accepted, escaped on every page"),
    # faults
    "F01": (
        "SIGKILL at a random moment, x50",
        "resumed: the bytes of an undisturbed run, also with another worker count",
    ),
    "F02": ("SIGINT or SIGTERM", "exit 130, workers stopped, resumable"),
    "F03": ("second SIGINT", "leaves at once, files whole"),
    "F04": ("disk full (small tmpfs)", "exit 8; earlier files whole; resumable"),
    "F05": ("file size limit (RLIMIT_FSIZE)", "as F04"),
    "F06": ("output directory read-only", "exit 8 before training"),
    "F07": ("checkpoint: one bit flipped", "that fold is retrained: same bytes, a note"),
    "F08": ("checkpoint truncated", "as F07"),
    "F09": ("checkpoint empty", "as F07"),
    "F10": ("checkpoint of another format version", "as F07"),
    "F12": ("two processes, one run directory", "the second exits 7, names the holder"),
    "F13": ("lock left by kill -9", "does not block"),
    "F15": ("worker killed or out of memory", "fold failed, others go on, no hang, exit 9"),
    "F16": (
        "NaN or exploding loss",
        "fold failed, exit 9; no other settings are tried, never a forecast from it",
    ),
    "F18": ("a fold raises", "as F15; the report says which dates have no forecast"),
    "F19": ("clock steps backwards", "no negative durations; nothing is decided by mtime"),
    "F20": ("manifest corrupt", "exit 8, nothing deleted"),
    "F21": ("config changed before resume", "exit 4, lists the keys"),
    "F22": ("package versions changed before resume", "a warning; both are recorded"),
    "F23": ("no network", "files work fully; Yahoo: exit 3"),
    "F25": ("locale de_DE", "same bytes"),
    "F26": ("odd TZ (Pacific/Kiritimati)", "same bytes"),
    "F27": ("HOME not writable or unset", "works"),
    "F28": ("not a terminal, or 40 columns wide", "no ANSI codes when piped; tables wrap"),
    "F30": ("2 GB input file", "read in chunks, < 2 GB memory"),
    # planted leaks: found by, reach in bars
    "T01": ("shift(-1)", "cut, 1"),
    "T02": ("centered rolling mean, 5", "cut, 2"),
    "T03": ("scaler fitted on the whole sample", "ledger, cut: to the end"),
    "T04": ("bfill", "cut, gap length; on few bars, samples miss it"),
    "T05": ("whole-series z-score", "cut, to the end"),
    "T06": ('weekly resample(label="left") joined to days (label="right" is clean)', "cut, 5"),
    "T07": ("target (h = 5) among the features", "cut, 5"),
    "T08": ("fill at the close that decided", "order ledger, 0"),
    "T09": ("validation = test", "fold ledger"),
    "T10": ("train labels reach into test (no purge)", "fold ledger, horizon"),
    "T11": ("price level of restated adjusted closes", "rescale"),
    "T12": ("exchange calendar known in advance", "no alarm; taken from later rows of the file: cut, 1"),
    "T13": ('groupby(month).transform("mean")', "cut, to month end"),
    "T14": ("PCA on the whole sample", "cut, to the end"),
    "T15": ("feature selection on the whole sample", "cut, to the end"),
    "T16": ("rank over the whole sample", "cut, to the end"),
    "T17": ("np.gradient", "cut, 1"),
    "T18": ("FFT or wavelet denoising of the whole series", "cut, to the end"),
    "T19": ("Savitzky-Golay, window 11", "cut, 5"),
    "T20": ("EMA run backwards", "cut, about 90 (span 10)"),
    "T22": ("Kalman smoother (filter is clean)", "cut, tens"),
    "T23": ("High of the day used at the open", "order ledger, 0; cuts are blind"),
}
"""What is met, and how it must end, by id."""


def ids_of(case: str) -> tuple[str, ...]:
    """Give the ids that a case's name begins with.

    Examples
    --------
    >>> ids_of("D40_month_names"), ids_of("C02-section"), ids_of("int-for-float")
    (('D40',), ('C02',), ())
    """
    found = re.match(r"[DCFT]\d\d(?!\d)", case)
    return (found.group(),) if found and found.group() in CATALOGUE else ()


def held(cases: Iterable[str]) -> list[Any]:
    """Make parameters of cases, each marked with the id that its name begins with."""
    return [pytest.param(case, marks=[pytest.mark.catalogue(key) for key in ids_of(case)]) for case in cases]
