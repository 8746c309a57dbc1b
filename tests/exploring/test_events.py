"""Columns of dividends and splits, held against what the prices did."""

from __future__ import annotations

import pytest

from tests.exploring.conftest import Look
from tests.exploring.tables import Row, clean_rows, csv_bytes, scaled, without

HEADER = ["Date", "Open", "High", "Low", "Close", "Volume", "Dividends", "Stock Splits"]
N = 600
BASE = {"no_adjusted_close"}


def with_events(
    rows: list[Row], *, dividends: dict[int, float] | None = None, splits: dict[int, float] | None = None
):
    paid, ratios = dividends or {}, splits or {}
    return [
        [*row, f"{paid.get(place, 0.0):g}", f"{ratios.get(place, 0.0):g}"]
        for place, row in enumerate(without(rows, 5))
    ]


def table(rows: list[Row], **events: dict[int, float]) -> bytes:
    return csv_bytes(with_events(rows, **events), header=HEADER)


def test_columns_without_any_event_are_told(look: Look):
    assert look.keys(table(clean_rows(N))) == BASE | {"no_splits", "no_dividends"}


def test_a_split_without_a_jump_is_in_the_prices_already(look: Look):
    content = table(clean_rows(N), splits={300: 20.0, 400: 1.0027455})
    told = look.finding(content, "splits_applied")
    assert told.n == 2
    assert "Of 1 large enough to be seen, the prices have 1 already" in told.text
    assert "Ratios near 1 or below: 1.00275" in told.text


def test_a_split_with_its_jump_is_not_in_the_prices(look: Look):
    rows = [scaled(row, 0.5) if place >= 300 else row for place, row in enumerate(clean_rows(N))]
    found = look(table(rows, splits={300: 2.0}))
    assert found.refusal is not None
    assert "the ratio of a split" in found.refusal.message
    assert "splits_not_applied" in {finding.key for finding in found.findings}


def test_a_split_too_small_to_be_seen_is_said_to_be_unclear(look: Look):
    assert look.keys(table(clean_rows(N), splits={300: 1.05})) == BASE | {"splits_unclear", "no_dividends"}


def test_a_volume_that_is_round_only_after_a_split_was_scaled_with_it(look: Look):
    rows = clean_rows(N)
    for place, row in enumerate(rows):
        row[6] = f"{row[6][:-2]}00" if place >= 300 else f"{int(float(row[6][:-2] + '00') * 1.046)}"
    told = look.finding(table(rows, splits={300: 1.046}), "splits_applied")
    assert "has 1 of 1" in told.text


PAID = dict.fromkeys(range(30, N, 30), 10.0)
"""About 1 % of the price."""


def test_dividends_that_the_price_falls_by_are_not_in_it(look: Look):
    rows = clean_rows(N)
    fallen = [scaled(row, 0.99 ** sum(at <= place for at in PAID)) for place, row in enumerate(rows)]
    assert "dividends_not_applied" in look.keys(table(fallen, dividends=PAID))


def test_dividends_without_a_fall_are_in_the_prices(look: Look):
    assert "dividends_applied" in look.keys(table(clean_rows(N), dividends=PAID))


def test_closes_in_whole_cents_only_after_the_last_dividend_were_scaled(look: Look):
    rows = [scaled(row, 0.9971) if place < 500 else row for place, row in enumerate(clean_rows(N))]
    told = look.finding(table(rows, dividends={500: 0.01}), "dividends_applied")
    assert "Closes are whole cents from the last one on" in told.text


def test_small_dividends_are_said_to_be_too_noisy(look: Look):
    assert "dividends_unclear" in look.keys(table(clean_rows(N), dividends=dict.fromkeys(PAID, 0.1)))


def test_a_split_up_that_the_adjustment_does_not_bridge_is_named(look: Look):
    rows = [scaled(row, 0.466) if place >= 300 else row for place, row in enumerate(clean_rows(N))]
    told = look.finding(table(rows, dividends={300: 280.0}, splits={300: 0.25}), "corporate_action_jump")
    assert told.dates == (rows[300][0],)
    assert "a dividend of 280 and a split of 0.25 on the row" in told.text


@pytest.mark.parametrize("amount", [1.0, 2.5])
def test_a_usual_dividend_on_the_day_of_a_crash_is_no_corporate_action(look: Look, amount: float):
    rows = [scaled(row, 0.7) if place >= 300 else row for place, row in enumerate(clean_rows(N))]
    assert "corporate_action_jump" not in look.keys(table(rows, dividends={300: amount}))
