"""Inputs that are refused: file, line, column, value, and what to do."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable

import pandas as pd
import pytest

from backtester.errors import PricesError, RecipeError
from backtester.prices import NoteKind
from tests.catalogue import held
from tests.prices.conftest import Reader, without_privilege

HEADER = "Date,Open,High,Low,Close,Adj Close,Volume"
Rows = list[list[str]]


def text(rows: Rows, *, header: str = HEADER) -> str:
    return "\n".join([header, *(",".join(row) for row in rows)]) + "\n"


def cell(line: int, column: str, value: str) -> Callable[[Rows], str]:
    def change(rows: Rows) -> str:
        rows[line - 2][HEADER.split(",").index(column)] = value
        return text(rows)

    return change


def line(number: int, content: str) -> Callable[[Rows], str]:
    def change(rows: Rows) -> str:
        lines = text(rows).splitlines()
        lines[number - 1] = content
        return "\n".join(lines) + "\n"

    return change


def scaled(rows: Rows, ratio: float, *, bars: slice) -> str:
    for row in rows[bars]:
        row[1:6] = [f"{float(price) * ratio:.4f}" for price in row[1:6]]
    return text(rows)


def dates(rows: Rows, write: Callable[[int, pd.Timestamp], str]) -> str:
    return text([[write(i, pd.Timestamp(row[0])), *row[1:]] for i, row in enumerate(rows)])


def without(*names: str) -> Callable[[Rows], str]:
    keep = [i for i, name in enumerate(HEADER.split(",")) if name not in names]
    return lambda rows: text(
        [[row[i] for i in keep] for row in rows], header=",".join(HEADER.split(",")[i] for i in keep)
    )


def two_symbols_wide(rows: Rows) -> str:
    prices = "\n".join(",".join([row[0], row[4], row[4]]) for row in rows)
    return f"Price,Close,Close\nTicker,AAA,BBB\nDate,,\n{prices}\n"


def both_readings(rows: Rows) -> str:
    return text([[row[0], *(['"1,234"'] * 5), row[6]] for row in rows])


# id -> the file, and what the message must say
REFUSED: dict[str, tuple[Callable[[Rows], str | bytes], list[str]]] = {
    "D01_empty": (lambda rows: "", ["prices.csv", "empty"]),
    "D01_blank_lines_only": (lambda rows: "\n\n \n", ["empty"]),
    "D02_header_only": (lambda rows: HEADER + "\n", ["no rows"]),
    "D03_html": (lambda rows: "<!DOCTYPE html>\n<html><body>Error</body></html>", ["HTML"]),
    "D04_binary": (lambda rows: bytes(range(256)) * 40, ["binary"]),
    "D04_latin1": (
        lambda rows: text(rows).replace("Volume", "Umsätze").encode("latin-1"),
        ["line 1", "UTF-8"],
    ),
    "D05_gzip_named_csv": (lambda rows: gzip.compress(text(rows).encode()), ["gzip"]),
    "D05_spreadsheet": (lambda rows: b"PK\x03\x04" + bytes(100), [".xlsx"]),
    "D14_field_too_many": (line(9, "2020-01-10,1,1,1,1,1,1,1"), ["line 9", "8 field", "7"]),
    "D16_cut_off": (lambda rows: text(rows)[:-30], ["line 121", "cut off"]),
    "D18_nul": (line(9, "2020-01-10,1,1,1\0,1,1,1"), ["line 9", "NUL"]),
    "D20_header_again": (line(9, HEADER), ["line 9", "repeats the header"]),
    "D21_no_header": (lambda rows: text(rows[1:], header=",".join(rows[0])), ["no header"]),
    "D22_three_header_rows_two_symbols": (two_symbols_wide, ["2 symbols", "'AAA', 'BBB'", "symbol"]),
    "D23_two_symbols": (
        lambda rows: text([[s, *row] for row in rows for s in ("AAA", "BBB")], header="Ticker," + HEADER),
        ["'AAA', 'BBB'", "`symbol` in [data]"],
    ),
    "D25_no_close": (without("Close"), ["no Close", "'Date', 'Open', 'High', 'Low', 'Adj Close' and 1 more"]),
    "D27_close_twice": (
        lambda rows: text(rows, header=HEADER.replace("Open", "close")),
        ["'close' (column 2)", "twice"],
    ),
    "D31_no_dates": (without("Date"), ["no date column", "'Open'"]),
    "D35_same_date_other_values": (
        lambda rows: text([*rows[:5], [rows[4][0], *rows[9][1:]], *rows[5:]]),
        ["line 7 (2020-01-07)", "differs from line 6"],
    ),
    "D39_two_formats": (
        lambda rows: dates(rows, lambda i, day: f"{day:%d/%m/%Y}" if i > 30 else f"{day:%Y-%m-%d}"),
        ["two ways", "line 33", "'13/02/2020'", "line 2"],
    ),
    "D39_two_separators": (cell(9, "Date", "2020/01/10"), ["two ways", "line 9"]),
    "D40_both_orders_fit": (
        lambda rows: dates([row for row in rows if int(row[0][-2:]) <= 12], lambda i, day: f"{day:%d/%m/%Y}"),
        ["day/month/year", "month/day/year", "'02/01/2020'", "`date_format` in [data]"],
    ),
    "D45_after_today": (
        lambda rows: dates(rows, lambda i, day: f"{day + pd.Timedelta(days=1520):%Y-%m-%d}"),
        ["after today, 2024-06-28", "first five"],
    ),
    "D49_impossible_date": (cell(44, "Date", "2020-02-30"), ["line 44", "'2020-02-30'", "no such date"]),
    "D49_blank_date": (cell(44, "Date", ""), ["line 44", "Date is blank"]),
    "D49_text_for_a_date": (cell(44, "Date", "Total"), ["line 44", "'Total'"]),
    "D54_intraday": (
        lambda rows: dates(rows, lambda i, day: f"2020-01-{2 + i // 60:02d} 09:{i % 60:02d}:00"),
        ["60 bars on 2020-01-02", "intraday"],
    ),
    "D57_blank_close": (cell(9, "Close", ""), ["line 9 (2020-01-10)", "Close", "blank", "on_bad_row"]),
    "D58_null": (cell(9, "Close", "null"), ["line 9", "Close 'null'", "not a number"]),
    "D58_dash": (cell(9, "High", "-"), ["line 9", "High '-'", "not a number"]),
    "D58_python_number": (cell(9, "Close", "1_000"), ["Close '1_000'", "not a number"]),
    "D59_two_readings": (both_readings, ["two ways", "Open '1,234'", "line 2", "1234 or 1.234"]),
    "D60_sign_on_some_rows": (cell(9, "Close", "$1000.0"), ["line 9", "Close '$1000.0'"]),
    "D62_zero": (cell(9, "Low", "0.00"), ["line 9", "Low '0.00'", "zero"]),
    "D63_negative": (cell(9, "Close", "-12.5"), ["line 9", "Close '-12.5'", "negative"]),
    "D63_negative_volume": (cell(9, "Volume", "-5"), ["line 9", "Volume '-5'", "negative"]),
    "D64_infinite": (cell(9, "Close", "inf"), ["line 9", "Close 'inf'", "not finite"]),
    "D64_too_large": (cell(9, "Close", "1e999"), ["line 9", "Close '1e999'", "not finite"]),
    "D66_ten_times_and_back": (
        lambda rows: scaled(rows, 10.0, bars=slice(60, 61)),
        ["2 rows", "line 62 (2020-03-25)", "line 63 (2020-03-26)", "confirmed_jumps"],
    ),
    "D66_six_times": (lambda rows: scaled(rows, 6.3, bars=slice(60, None)), ["line 62 (2020-03-25)", "+5"]),
    "D68_high_below_low": (cell(9, "High", "1.5"), ["line 9", "High '1.5' is below Low"]),
    "D69_close_above_high": (cell(9, "Close", "1100.0"), ["line 9", "Close '1100.0'", "above High"]),
    "D69_open_below_low": (cell(9, "Open", "900.0"), ["line 9", "Open '900.0'", "below Low"]),
    "D73_adjusted_close_blank": (cell(9, "Adj Close", ""), ["line 9", "Adj Close", "blank", "raw"]),
    "D73_adjusted_close_zero": (cell(9, "Adj Close", "0"), ["line 9", "Adj Close '0'"]),
    "D74_adjusted_close_nonsense": (
        lambda rows: text(
            [[*row[:5], f"{float(row[5]) * (1 + i % 2 / 50):.4f}", row[6]] for i, row in enumerate(rows)]
        ),
        ["Adj Close / Close", "118 of 120"],
    ),
    "D75_split": (
        lambda rows: scaled(rows, 0.5, bars=slice(60, None)),
        ["line 62 (2020-03-25)", "ratio of a split"],
    ),
    "D77_constant": (
        lambda rows: text([[row[0], *(["10"] * 5), "5"] for row in rows]),
        ["'10'", "all 120 bars"],
    ),
}


@pytest.mark.parametrize("case", held(REFUSED))
def test_is_refused_with_place_and_value(case, read, rows):
    change, parts = REFUSED[case]
    content = change(rows)
    with pytest.raises(PricesError) as error:
        read(content)
    message = str(error.value)
    assert "prices.csv" in message
    assert error.value.advice
    assert [part for part in parts if part not in message] == [], message


@pytest.mark.catalogue("D05")
def test_D05_text_named_gz_is_refused(read, rows):
    with pytest.raises(PricesError, match="not gzip"):
        read(text(rows), name="prices.csv.gz")


@pytest.mark.catalogue("D05")
def test_D05_damaged_gzip_is_refused(read, rows):
    whole = gzip.compress(text(rows).encode())
    for content in (whole[:200], whole[:-12] + b"\0" * 12):
        with pytest.raises(PricesError, match="gzip data are damaged"):
            read(content, name="prices.csv.gz")


def test_many_bad_rows_are_told_by_the_first_five_and_the_count(read, rows):
    for row in rows[10:18]:
        row[4] = "n/a"
    with pytest.raises(
        PricesError, match=r"8 rows cannot be used, the first five: line 12 .*line 16"
    ) as error:
        read(text(rows))
    assert "line 17" not in str(error.value)


DROPPED = {
    "D57": ("Close", ""),
    "D58": ("Close", "null"),
    "D62": ("Low", "0"),
    "D63": ("Close", "-1"),
    "D64": ("High", "inf"),
    "D68": ("High", "1.5"),
    "D69": ("Close", "1100.0"),
}


@pytest.mark.parametrize("case", held(DROPPED))
def test_a_bad_row_is_dropped_with_a_note_when_asked(case, read, rows):
    expected = read(text(rows[:7] + rows[8:]))
    column, value = DROPPED[case]
    prices = read(cell(9, column, value)(rows), on_bad_row="drop")
    assert prices.frame.equals(expected.frame)
    repairs = [note.text for note in prices.notes if note.kind is NoteKind.REPAIR]
    assert len(repairs) == 1
    assert "1 row(s) dropped: line 9 (2020-01-10)" in repairs[0]


@pytest.mark.catalogue("D57")
def test_D57_more_than_one_percent_of_bad_rows_is_refused_all_the_same(read, rows):
    rows[3][4] = rows[8][4] = ""
    with pytest.raises(PricesError, match=r"at most 1%"):
        read(text(rows), on_bad_row="drop")


@pytest.mark.catalogue("D73")
def test_D73_is_never_dropped(read, rows):
    with pytest.raises(PricesError, match="line 9"):
        read(cell(9, "Adj Close", "")(rows), on_bad_row="drop")


@pytest.mark.catalogue("D73")
def test_D73_a_blank_adjusted_close_is_no_matter_where_it_is_left_aside(read, rows):
    assert len(read(cell(9, "Adj Close", "")(rows), price="raw")) == 120


@pytest.mark.catalogue("D84")
def test_D84_no_such_file(read):
    with pytest.raises(PricesError, match=r"nothere\.csv: no such file"):
        read.read("nothere.csv")


@pytest.mark.catalogue("D85")
def test_D85_a_folder(read, tmp_path):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(PricesError, match="is a folder"):
        read.read("folder.csv")


@pytest.mark.catalogue("D87")
def test_D87_no_permission(rows, readable_by_all):
    read = Reader(readable_by_all)
    read(text(rows))
    (readable_by_all / "prices.csv").chmod(0)
    with without_privilege(), pytest.raises(PricesError, match=r"prices\.csv: no permission"):
        read.read("prices.csv")


@pytest.mark.catalogue("D87")
def test_D87_the_system_s_refusal_is_told_in_our_words(read, monkeypatch):
    def refuse(*arguments: object) -> int:
        raise PermissionError(13, "denied")

    monkeypatch.setattr("backtester.prices.opening.os.open", refuse)
    with pytest.raises(PricesError, match=r"prices\.csv: no permission"):
        read.read("prices.csv")


@pytest.mark.catalogue("D88")
def test_D88_a_pipe_is_refused_without_waiting(read, tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(PricesError, match="is a pipe"):
        read.read("pipe.csv")


@pytest.mark.catalogue("D88")
def test_D88_a_device_is_refused(read):
    with pytest.raises(PricesError, match="is a device"):
        read.read("/dev/zero")


@pytest.mark.catalogue("D89")
def test_D89_rows_beyond_any_daily_history_are_refused(read, rows, monkeypatch):
    monkeypatch.setattr("backtester.prices.delimited.MAX_ROWS", 50)
    with pytest.raises(PricesError, match="more than"):
        read(text(rows))


@pytest.mark.catalogue("D89")
def test_D89_a_line_without_end_is_refused(read):
    with pytest.raises(PricesError, match="line 1 is longer than"):
        read("x" * 200_000)


def test_a_span_without_bars_is_refused_with_the_span_of_the_file(read, rows):
    with pytest.raises(PricesError, match=r"2020-01-01 to 2020-06-16"):
        read(text(rows), start="2022-01-01")


@pytest.mark.parametrize("date_format", ["%Q", "%d/%m", "%", "day"])
def test_an_impossible_date_format_is_a_mistake_of_the_recipe(date_format, read, rows):
    with pytest.raises(RecipeError, match="date_format"):
        read(text(rows), date_format=date_format)


def test_dates_that_do_not_fit_the_date_format_are_listed(read, rows):
    with pytest.raises(PricesError, match=r"120 rows .*line 2: Date '2020-01-01' does not fit"):
        read(text(rows), date_format="%d/%m/%Y")


def test_a_source_that_needs_a_path_says_so(read):
    with pytest.raises(RecipeError, match="needs a path"):
        read.read("")


def test_control_characters_of_a_file_never_reach_the_terminal(read, rows):
    with pytest.raises(PricesError) as error:
        read(cell(9, "Close", "\x1b[31m" + "9" * 100)(rows))
    assert "\x1b" not in str(error.value)
    assert "9" * 60 not in str(error.value)


@pytest.mark.catalogue("D23")
def test_D23_the_default_symbol_is_no_choice_among_several(read, rows):
    both = text([[symbol, *row] for row in rows for symbol in ("SPY", "QQQ")], header="Symbol," + HEADER)
    with pytest.raises(PricesError, match="2 symbols: 'SPY', 'QQQ'"):
        read(both)
    assert len(read(both, symbol="SPY")) == 120
