"""Inputs that are accepted or repaired: the bars equal those of the clean file bit for bit."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from backtester.prices import Adjustment, NoteKind, Prices
from tests.catalogue import held

HEADER = "Date,Open,High,Low,Close,Adj Close,Volume"
NAMES = HEADER.split(",")
Rows = list[list[str]]


def text(rows: Rows, *, header: str = HEADER, delimiter: str = ",", end: str = "\n") -> str:
    return end.join([header.replace(",", delimiter), *(delimiter.join(row) for row in rows)]) + end


def dated(rows: Rows, write: Callable[[pd.Timestamp], str]) -> str:
    return text([[write(pd.Timestamp(row[0])), *row[1:]] for row in rows])


def quoted(row: list[str]) -> list[str]:
    return [row[0], *(f'"{float(price):,.4f}"' for price in row[1:6]), f'"{int(row[6]):,}"']


def european(row: list[str]) -> list[str]:
    swapped = [f"{float(price):,.4f}".translate(str.maketrans(",.", ".,")) for price in row[1:6]]
    return [row[0], *swapped, row[6]]


def summer(day: pd.Timestamp) -> str:
    return f"{day:%Y-%m-%d} 00:00:00{'-04:00' if 4 <= day.month < 11 else '-05:00'}"


def seconds(day: pd.Timestamp) -> str:
    return str(day.value // 10**9)


def yfinance_csv(rows: Rows) -> str:
    prices = "\n".join(",".join([row[0], row[4], row[2], row[3], row[1], row[5], row[6]]) for row in rows)
    return f"Price,Close,High,Low,Open,Adj Close,Volume\nTicker{',MINE' * 6}\nDate,,,,,,\n{prices}\n"


# id -> how the file differs, and a word of the note that says so ("" where none is due)
SAME_BARS: dict[str, tuple[Callable[[Rows], str | bytes], str]] = {
    "D07_semicolons": (lambda rows: text(rows, delimiter=";"), "semicolon"),
    "D07_tabs": (lambda rows: text(rows, delimiter="\t"), "tab"),
    "D10_byte_order_mark": (lambda rows: b"\xef\xbb\xbf" + text(rows).encode(), ""),
    "D10_utf16": (lambda rows: text(rows).encode("utf-16"), "UTF-16"),
    "D12_crlf": (lambda rows: text(rows, end="\r\n"), ""),
    "D12_carriage_returns_alone": (lambda rows: text(rows, end="\r"), ""),
    "D12_no_newline_at_the_end": (lambda rows: text(rows).rstrip("\n"), ""),
    "D13_comma_after_each_row": (lambda rows: text([[*row, ""] for row in rows]), "delimiter"),
    "D19_blank_lines": (lambda rows: text(rows).replace("\n2020-01-07", "\n\n , \n2020-01-07"), "2 blank"),
    "D22_three_header_rows": (yfinance_csv, "three header rows"),
    "D29_counter_first": (
        lambda rows: text([[str(i), *row] for i, row in enumerate(rows)], header="," + HEADER),
        "counter",
    ),
    "D30_names_in_other_case": (
        lambda rows: text(rows, header=" date,OPEN, High ,low,close,ADJ_CLOSE,Vol."),
        "",
    ),
    "D30_names_in_brackets": (
        lambda rows: text(rows, header="<DATE>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<ADJ CLOSE>,<VOL>"),
        "",
    ),
    "D32_dates_in_unnamed_column": (lambda rows: text(rows, header=HEADER.replace("Date", "")), "unnamed"),
    "D33_extra_columns": (
        lambda rows: text([[*row, "0", "0"] for row in rows], header=f"{HEADER},Dividends,Splits"),
        "'Dividends', 'Splits'",
    ),
    "D35_same_row_twice": (lambda rows: text([*rows[:9], rows[8], *rows[9:]]), "one of each is kept"),
    "D37_mixed_order": (lambda rows: text([*rows[50:], *rows[:50]]), "sorted"),
    "D38_newest_first": (lambda rows: text(rows[::-1]), "newest first"),
    "D40_only_day_first_fits": (lambda rows: dated(rows, lambda day: f"{day:%d/%m/%Y}"), "day/month/year"),
    "D40_only_month_first_fits": (
        lambda rows: dated(rows, lambda day: f"{day.month}/{day.day}/{day.year}"),
        "month/day",
    ),
    "D40_month_names": (lambda rows: dated(rows, lambda day: f"{day:%d %b %Y}"), "month-name"),
    "D40_month_names_first": (lambda rows: dated(rows, lambda day: f'"{day:%B %d, %Y}"'), "month-name"),
    "D40_without_separators": (lambda rows: dated(rows, lambda day: f"{day:%Y%m%d}"), "YYYYMMDD"),
    "D42_one_offset": (lambda rows: dated(rows, lambda day: f"{day:%Y-%m-%d}T00:00:00+09:00"), "local date"),
    "D43_summer_time": (lambda rows: dated(rows, summer), "local date"),
    "D46_epoch_seconds": (lambda rows: dated(rows, seconds), "epoch seconds"),
    "D46_epoch_milliseconds": (
        lambda rows: dated(rows, lambda day: seconds(day) + "000"),
        "epoch milliseconds",
    ),
    "D59_thousands_separators": (lambda rows: text([quoted(row) for row in rows]), "thousands"),
    "D59_decimal_comma": (lambda rows: text([european(row) for row in rows], delimiter=";"), "decimal comma"),
    "D60_currency_sign": (
        lambda rows: text([[row[0], *("$" + cell for cell in row[1:6]), row[6]] for row in rows]),
        "$ before",
    ),
}


LEFT_ASIDE = {"D33_extra_columns"}


@pytest.mark.parametrize("case", held(SAME_BARS))
def test_a_change_of_form_gives_the_same_bars_bit_for_bit(case, read, rows, clean):
    change, said = SAME_BARS[case]
    prices = read(change(rows))
    pd.testing.assert_frame_equal(prices.frame, clean.frame, check_exact=True)
    assert prices.sha256 == clean.sha256
    assert prices.adjustment is Adjustment.ADJUSTED
    new = [note for note in prices.notes if note.kind is not NoteKind.INFO]
    assert any(said in note.text for note in new) if said else new == []
    # what is left aside is a warning, a change of form a repair
    assert {note.kind for note in new} <= {NoteKind.WARNING if case in LEFT_ASIDE else NoteKind.REPAIR}


@pytest.mark.catalogue("D05")
def test_D05_gzip_is_read_where_the_name_says_so(read, rows, clean):
    prices = read(gzip.compress(text(rows).encode()), name="prices.csv.gz")
    assert prices.sha256 == clean.sha256


@pytest.mark.catalogue("D86")
def test_D86_a_symbolic_link_is_followed_and_its_content_hashed(read, rows, clean, tmp_path):
    (tmp_path / "link.csv").symlink_to(tmp_path / "clean.csv")
    linked = read.read("link.csv")
    assert linked.source_sha256 == clean.source_sha256
    assert linked.source_name == "link.csv"


def warnings_of(prices: Prices) -> str:
    return "\n".join(note.text for note in prices.notes if note.kind is NoteKind.WARNING)


def without(rows: Rows, *names: str) -> str:
    keep = [i for i, name in enumerate(NAMES) if name not in names]
    return text([[row[i] for i in keep] for row in rows], header=",".join(NAMES[i] for i in keep))


@pytest.mark.catalogue("D23")
def test_D23_the_named_symbol_of_several_is_taken(read, rows, clean):
    both = [[symbol, *row] for row in rows for symbol in ("AAA", "BBB")]
    prices = read(text(both, header="Symbol," + HEADER), symbol="BBB")
    assert prices.frame.equals(clean.frame)
    assert any("120 of 240 rows" in note.text for note in prices.notes)


@pytest.mark.catalogue("D26")
def test_D26_closes_alone_stay_alone_with_a_warning(read, rows):
    prices = read(without(rows, "Open", "High", "Low", "Volume", "Adj Close"))
    assert list(prices.frame.columns) == ["close"]
    assert "no open, high, low" in warnings_of(prices)


@pytest.mark.catalogue("D26")
def test_D26_a_blank_column_counts_as_absent(read, rows):
    prices = read(text([[*row[:6], ""] for row in rows]))
    assert not prices.has("volume")
    assert "Volume is blank in every row" in warnings_of(prices)


@pytest.mark.catalogue("D51")
def test_D51_a_few_weekend_bars_are_kept_with_a_warning(read, rows):
    saturday = ["2020-01-04", *rows[2][1:]]
    prices = read(text([*rows[:3], saturday, *rows[3:]]))
    assert pd.Timestamp("2020-01-04") in prices.dates
    assert "1 bar(s) on weekends: 2020-01-04" in warnings_of(prices)


@pytest.mark.catalogue("D51")
def test_D51_a_market_that_never_closes_is_not_warned_of(read, rows):
    days = pd.date_range("2020-01-01", periods=len(rows))
    prices = read(text([[f"{day:%Y-%m-%d}", *row[1:]] for day, row in zip(days, rows, strict=True)]))
    assert "weekend" not in warnings_of(prices)


@pytest.mark.catalogue("D52")
def test_D52_a_long_gap_is_told_with_both_ends(read, rows):
    prices = read(text(rows[:20] + rows[30:]))
    assert f"{rows[19][0]} to {rows[30][0]}" in warnings_of(prices)
    assert "gap" not in warnings_of(read(text(rows[:20] + rows[29:])))


@pytest.mark.catalogue("D66")
def test_D66_a_move_of_half_is_kept_with_a_warning(read, rows):
    halved = [[row[0], *(f"{float(cell) * 0.55:.4f}" for cell in row[1:6]), row[6]] for row in rows[60:]]
    assert "line 62 (2020-03-25)" in warnings_of(read(text(rows[:60] + halved)))


@pytest.mark.catalogue("D69")
def test_D69_a_close_a_little_outside_the_range_is_kept_with_a_warning(read, rows):
    rows[5][3] = f"{min(float(rows[5][1]), float(rows[5][4])) * 1.002:.4f}"
    assert "line 7 (2020-01-08)" in warnings_of(read(text(rows)))


@pytest.mark.catalogue("D69")
def test_D69_rounding_noise_is_not_mentioned(read, rows):
    rows[5][3] = repr(min(float(rows[5][1]), float(rows[5][4])) * (1 + 1e-9))
    assert warnings_of(read(text(rows))) == ""


@pytest.mark.catalogue("D72")
def test_D72_without_adjusted_close_the_adjustment_is_unknown(read, rows):
    prices = read(without(rows, "Adj Close"))
    assert prices.adjustment is Adjustment.UNKNOWN
    assert prices.column("close")[0] == float(rows[0][4])


@pytest.mark.catalogue("D75")
def test_D75_a_confirmed_jump_is_kept(read, rows):
    halved = [[row[0], *(f"{float(cell) / 3:.4f}" for cell in row[1:6]), row[6]] for row in rows[60:]]
    prices = read(text(rows[:60] + halved), confirmed_jumps=["2020-03-25"])
    assert len(prices) == 120
    assert "confirmed" in warnings_of(prices)


@pytest.mark.catalogue("D80")
def test_D80_volume_all_zero_counts_as_absent(read, rows):
    prices = read(text([[*row[:6], "0"] for row in rows]))
    assert not prices.has("volume")
    assert "volume is 0 in all bars" in warnings_of(prices)


@pytest.mark.catalogue("D80")
def test_D80_some_bars_without_volume_are_kept_with_a_warning(read, rows):
    rows[4][6] = "0"
    prices = read(text(rows))
    assert prices.column("volume")[4] == 0
    assert "volume is 0 in 1 of 120 bars" in warnings_of(prices)


@pytest.mark.catalogue("D81")
def test_D81_missing_volume_is_a_warning(read, rows):
    assert "no volume" in warnings_of(read(without(rows, "Volume")))


def test_adjustment_scales_all_four_prices_and_leaves_volume(read, rows, clean):
    raw = read(text(rows), price="raw")
    factor = np.array([float(row[5]) / float(row[4]) for row in rows])
    for name in ("open", "high", "low", "close"):
        np.testing.assert_array_equal(clean.column(name), raw.column(name) * factor)
    np.testing.assert_array_equal(clean.column("volume"), raw.column("volume"))
    assert raw.adjustment is Adjustment.RAW


def test_numbers_are_the_doubles_nearest_to_their_text(read, rows):
    raw = read(text(rows), price="raw")
    assert raw.column("open").tolist() == [float(row[1]) for row in rows]


def test_start_and_end_are_both_included(read, rows):
    prices = read(text(rows), start=rows[10][0], end=rows[20][0])
    assert [str(day.date()) for day in prices.dates] == [row[0] for row in rows[10:21]]


def test_date_format_settles_what_is_ambiguous(read, rows):
    few = [row for row in rows if int(row[0][-2:]) <= 12]
    prices = read(dated(few, lambda day: f"{day:%d/%m/%Y}"), date_format="%d/%m/%Y")
    assert [str(day.date()) for day in prices.dates] == [row[0] for row in few]


def test_what_lies_before_the_start_cannot_refuse_the_rest(read, rows):
    tenth = [[row[0], *(f"{float(cell) / 10:.4f}" for cell in row[1:6]), row[6]] for row in rows[:30]]
    assert len(read(text(tenth + rows[30:]), start=rows[30][0])) == 90
