"""Files that `run` refuses are shown as far as they can be read."""

from __future__ import annotations

import pytest

from tests.exploring.conftest import Look
from tests.exploring.tables import HEADER, clean_rows, csv_bytes, scaled

N = 300


def test_a_file_without_a_table_has_a_form_and_no_figures(look: Look):
    found = look(b"<!DOCTYPE html><html><body>Not found</body></html>\n")
    assert found.refusal is not None
    assert found.values["span"] is None
    assert found.values["form"]["lines"] == 1
    assert [finding.key for finding in found.findings] == ["refused"]


@pytest.mark.parametrize("content", [b"", b"Date,Close\n", bytes(range(256)) * 20])
def test_nothing_is_made_of_nothing(look: Look, content: bytes):
    found = look(content)
    assert found.refusal is not None
    assert found.frame is None


def test_lines_that_do_not_fit_the_header_are_left_out_and_counted(look: Look):
    rows = clean_rows(N)
    found = look(csv_bytes([*rows[:100], rows[100][:4], HEADER, *rows[101:]]))
    assert found.refusal is not None
    assert "line 102" in found.refusal.message
    assert found.values["span"]["bars"] == N - 1
    assert found.values["left_out"] == ["2 line(s) that do not fit the header"]


def test_rows_without_a_date_are_left_out_and_counted(look: Look):
    rows = clean_rows(N)
    rows[10][0], rows[20][0] = "", "2015-02-30"
    found = look(csv_bytes(rows))
    assert found.refusal is not None
    assert found.values["span"]["bars"] == N - 2
    assert found.values["left_out"] == ["2 row(s) without a date that can be read"]


def test_an_ambiguous_date_shows_no_chart_until_the_format_is_given(look: Look):
    content = b"Date,Close\n" + b"".join(
        f"0{month}/0{day}/2020,{100 + month * day}\n".encode() for month in (1, 2, 3) for day in range(1, 10)
    )
    assert look(content).frame is None
    read = look(content, date_format="%m/%d/%Y")
    assert read.refusal is None
    assert read.values["span"]["end"] == "2020-03-09"


def test_bad_rows_are_not_in_the_figures(look: Look):
    rows = clean_rows(N)
    rows[100][4] = "1e9"
    rows[200] = [rows[200][0], *["0"] * 6]
    found = look(csv_bytes(rows))
    assert found.refusal is not None
    assert found.values["distribution"]["max"] < 0.2
    assert found.values["span"]["bars"] == N - 2


def test_a_refused_split_is_still_drawn(look: Look):
    rows = [scaled(row, 0.5) if place >= 150 else row for place, row in enumerate(clean_rows(N))]
    found = look(csv_bytes(rows))
    assert found.refusal is not None
    assert [move["date"] for move in found.values["large_moves"]] == [rows[150][0]]


def test_several_symbols_in_one_file_are_refused_until_one_is_named(look: Look):
    rows = clean_rows(N)
    both = [[*row, symbol] for symbol in ("AA", "BB") for row in rows]
    content = csv_bytes(both, header=[*HEADER, "Symbol"])
    assert look(content).frame is None
    assert look(content, symbol="BB").values["span"]["bars"] == N
