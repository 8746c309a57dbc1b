"""Each quirk planted in a clean table is found by its name, and nothing else is."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable

import numpy as np
import pytest

from tests.exploring.conftest import Look
from tests.exploring.tables import CLEAN, HEADER, Row, clean_rows, csv_bytes, scaled, without

N = 600


def changed(place: int, column: int, text: str) -> Callable[[list[Row]], bytes]:
    def make(rows: list[Row]) -> bytes:
        rows[place][column] = text
        return csv_bytes(rows)

    return make


def crlf(rows: list[Row]) -> bytes:
    return csv_bytes(rows, end="\r\n")


def unended(rows: list[Row]) -> bytes:
    return csv_bytes(rows)[:-1]


def marked(rows: list[Row]) -> bytes:
    return b"\xef\xbb\xbf" + csv_bytes(rows)


def quoted(rows: list[Row]) -> bytes:
    return csv_bytes([[f'"{cell}"' for cell in row] for row in rows], header=[f'"{name}"' for name in HEADER])


def american(rows: list[Row]) -> bytes:
    return csv_bytes([[f"{row[0][5:7]}/{row[0][8:]}/{row[0][:4]}", *row[1:]] for row in rows])


def reversed_(rows: list[Row]) -> bytes:
    return csv_bytes(rows[::-1])


def mixed(rows: list[Row]) -> bytes:
    return csv_bytes([*rows[300:], *rows[:300]])


def counted(rows: list[Row]) -> bytes:
    return csv_bytes([[str(place), *row] for place, row in enumerate(rows)], header=["", *HEADER])


def reordered(rows: list[Row]) -> bytes:
    order = [0, 4, 2, 3, 1, 5, 6]
    return csv_bytes([[row[at] for at in order] for row in rows], header=[HEADER[at] for at in order])


def extra(rows: list[Row]) -> bytes:
    return csv_bytes([[*row, "x"] for row in rows], header=[*HEADER, "Comment"])


def single_precision(rows: list[Row]) -> bytes:
    return csv_bytes(
        [[row[0], *(repr(float(np.float32(cell))) for cell in row[1:6]), row[6]] for row in rows]
    )


def single_precision_rounded(rows: list[Row]) -> bytes:
    return csv_bytes([[row[0], *(f"{np.float32(cell):.6f}" for cell in row[1:6]), row[6]] for row in rows])


def float_volume(rows: list[Row]) -> bytes:
    return csv_bytes([[*row[:6], f"{row[6]}.0"] for row in rows])


def lots(rows: list[Row]) -> bytes:
    return csv_bytes([[*row[:6], f"{row[6][:-3]}000"] for row in rows])


def zero_stretch(rows: list[Row]) -> bytes:
    return csv_bytes(
        [[*row[:6], "0" if place < 100 or place == 400 else row[6]] for place, row in enumerate(rows)]
    )


def thousands_later(rows: list[Row]) -> bytes:
    return csv_bytes(
        [[*row[:6], str(int(row[6]) // 1000) if place >= 250 else row[6]] for place, row in enumerate(rows)]
    )


def no_volume(rows: list[Row]) -> bytes:
    return csv_bytes(without(rows, 6), header=HEADER[:6])


def no_adjusted(rows: list[Row]) -> bytes:
    return csv_bytes(without(rows, 5), header=[*HEADER[:5], HEADER[6]])


def adjusted_as_close(rows: list[Row]) -> bytes:
    return csv_bytes([[*row[:5], row[4], row[6]] for row in rows])


def opens_made_up(rows: list[Row]) -> bytes:
    for place in range(1, 300):
        before = rows[place - 1][4]
        low, high = (
            f"{pick(float(before), float(rows[place][at])):.2f}" for pick, at in ((min, 3), (max, 2))
        )
        rows[place][1:4] = [before, high, low]
    return csv_bytes(rows)


def small_prices(rows: list[Row]) -> bytes:
    return csv_bytes([scaled(row, 1 / 2500) for row in rows])


def large_move(rows: list[Row]) -> bytes:
    return csv_bytes([scaled(row, 0.7) if place >= 300 else row for place, row in enumerate(rows)])


def outside(rows: list[Row]) -> bytes:
    rows[200][1] = f"{float(rows[200][2]) * 1.005:.2f}"
    return csv_bytes(rows)


def flat(rows: list[Row]) -> bytes:
    price = rows[199][4]
    rows[200][1:5] = [price] * 4
    rows[200][5] = f"{float(price) * 0.99:.4f}"
    rows[200][6] = "0"
    return csv_bytes(rows)


def stale(rows: list[Row]) -> bytes:
    for row in rows[100:107]:
        row[4], row[5] = rows[99][4], rows[99][5]
        row[2] = f"{max(float(row[2]), float(row[4])):.2f}"
        row[3] = f"{min(float(row[3]), float(row[4])):.2f}"
    return csv_bytes(rows)


def repeated(rows: list[Row]) -> bytes:
    return csv_bytes([*rows[:101], rows[100], *rows[101:]])


def weekend(rows: list[Row]) -> bytes:
    friday = next(place for place in range(100, 110) if np.datetime64(rows[place][0]).item().weekday() == 4)
    saturday = str(np.datetime64(rows[friday][0]) + 1)
    row = [saturday, *clean_rows(N + 1)[-1][1:]]
    scale = float(rows[friday][4]) / float(row[4])
    return csv_bytes([*rows[: friday + 1], scaled(row, scale, places=(1, 2, 3, 4)), *rows[friday + 1 :]])


def gap(rows: list[Row]) -> bytes:
    return csv_bytes([*rows[:300], *rows[304:]])


def thin_last(rows: list[Row]) -> bytes:
    rows[-1][6] = "123457"
    return csv_bytes(rows)


def loud_first(rows: list[Row]) -> bytes:
    rows[0][6] = "9123457"
    return csv_bytes(rows)


PLANTED: dict[str, tuple[Callable[[list[Row]], bytes], set[str]]] = {
    "crlf": (crlf, {"crlf"}),
    "no_final_newline": (unended, {"no_final_newline"}),
    "encoding": (marked, {"encoding"}),
    "quoted": (quoted, {"quoted"}),
    "date_format": (american, {"date_format"}),
    "newest_first": (reversed_, {"newest_first"}),
    "unordered": (mixed, {"unordered"}),
    "index_column": (counted, {"index_column"}),
    "column_order": (reordered, {"column_order"}),
    "extra_columns": (extra, {"extra_columns"}),
    "float32_tails": (single_precision, {"float32_tails"}),
    "float32_tails, rounded": (single_precision_rounded, {"float32_tails"}),
    "volume_as_float": (float_volume, {"volume_as_float"}),
    "volume_rounded": (lots, {"volume_rounded"}),
    "zero_volume": (zero_stretch, {"zero_volume"}),
    "volume_unit": (thousands_later, {"volume_unit"}),
    "no_volume": (no_volume, {"no_volume"}),
    "open_is_previous_close": (opens_made_up, {"open_is_previous_close"}),
    # with few steps to choose from, an open meets the close before by chance
    "rounded_prices": (small_prices, {"rounded_prices", "open_is_previous_close"}),
    "large_moves": (large_move, {"large_moves"}),
    "open_outside_range": (outside, {"open_outside_range"}),
    "flat_bars_without_volume": (flat, {"flat_bars_without_volume", "zero_volume"}),
    "stale_closes": (stale, {"stale_closes"}),
    "duplicates": (repeated, {"duplicates"}),
    "weekend_sessions": (weekend, {"weekend_sessions"}),
    "long_gaps": (gap, {"long_gaps"}),
    "last_row_unfinished": (thin_last, {"last_row_unfinished"}),
    "starts_at_listing": (loud_first, {"starts_at_listing"}),
    "bad_rows, blank": (changed(50, 4, ""), {"refused", "bad_rows"}),
    "bad_rows, zero": (changed(50, 1, "0"), {"refused", "bad_rows"}),
    "future": (changed(599, 0, "2150-01-01"), {"refused", "future"}),
}


def test_nothing_is_found_in_a_clean_table(look: Look):
    assert look.keys(csv_bytes(clean_rows(N))) == CLEAN


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_quirk_is_found_and_nothing_else(look: Look, name: str):
    make, expected = PLANTED[name]
    found = look.keys(make(clean_rows(N)))
    # a bar after today makes its own gap
    assert found - {"long_gaps" if name == "future" else ""} == CLEAN | expected


def test_the_kind_of_adjusted_close_is_told(look: Look):
    assert look.keys(no_adjusted(clean_rows(N))) == {"no_adjusted_close"}
    assert look.keys(adjusted_as_close(clean_rows(N))) == {"adjusted_equals_close"}
    told = look.finding(csv_bytes(clean_rows(N)), "adjusted_close")
    assert told.n == 1
    assert told.dates == (clean_rows(N)[N // 2][0],)
    assert "0.9900 on the first row and 1 on the last" in told.text


def test_a_packed_file_has_the_findings_of_the_plain_one(look: Look):
    rows = clean_rows(N)
    assert look.keys(gzip.compress(crlf(rows)), name="prices.csv.gz") == CLEAN | {"crlf"}


def test_zero_volume_is_told_by_stretch_and_by_scattered_rows(look: Look):
    rows = clean_rows(N)
    told = look.finding(zero_stretch(rows), "zero_volume")
    assert told.n == 101
    assert f"every row from {rows[0][0]} to {rows[99][0]} (100 rows)" in told.text
    assert f"1 scattered row(s) besides: {rows[400][0]}" in told.text


def test_a_change_of_unit_is_told_with_its_first_day_and_its_size(look: Look):
    rows = clean_rows(N)
    told = look.finding(thousands_later(rows), "volume_unit")
    assert told.dates == (rows[250][0],)
    assert "about 1,000 times lower" in told.text


def test_a_change_of_unit_by_no_power_of_ten_is_told_as_it_is(look: Look):
    rows = [[*row[:6], str(int(row[6]) * 24) if n >= 250 else row[6]] for n, row in enumerate(clean_rows(N))]
    told = look.finding(csv_bytes(rows), "volume_unit")
    size = re.search(r"about ([\d,]+) times higher", told.text)
    assert size is not None
    assert 22 <= int(size[1]) <= 26


def test_a_busy_week_is_no_change_of_unit(look: Look):
    rows = clean_rows(N)
    for row in rows[300:305]:
        row[6] = f"{row[6]}1"
    assert look.keys(csv_bytes(rows)) == CLEAN


def test_opens_that_are_made_up_are_told_by_year(look: Look):
    told = look.finding(opens_made_up(clean_rows(N)), "open_is_previous_close")
    assert told.level == "warning"
    assert told.n == 299
    assert "20% or more in 2015." in told.text


def test_an_open_outside_its_range_in_the_last_row_hints_at_an_unfinished_session(look: Look):
    rows = clean_rows(N)
    rows[-1][1] = f"{float(rows[-1][3]) * 0.998:.2f}"
    told = look.finding(csv_bytes(rows), "open_outside_range")
    assert "a session that was not over" in told.text


def test_rows_of_one_date_that_differ_are_a_refusal(look: Look):
    rows = clean_rows(N)
    found = look(csv_bytes([*rows[:101], scaled(rows[100], 1.001), *rows[101:]]))
    assert found.refusal is not None
    assert {finding.key: finding.level for finding in found.findings}["duplicates"] == "refused"


def test_the_most_serious_findings_come_first(look: Look):
    rows = clean_rows(N)
    rows[50][4], rows[-1][6] = "", "7"
    levels = [finding.level for finding in look(american(rows)).findings]
    assert levels == ["refused", "refused", "warning", "repair", "info"]
