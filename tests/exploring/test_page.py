"""The page of explored prices."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import backtester
from backtester.explored import Explored
from tests.exploring.tables import clean_rows, csv_bytes

NASTY = '<script>alert("x")</script>'
CHARTS = {"open", "high", "low", "close", "averages", "volume", "factor", "returns", "volatility", "drawdown"}
CHARTS |= {
    "missing",
    "opens",
    "scatter_previous",
    "scatter_volume",
    "scatter_range",
    "histogram",
    "quantiles",
}
CHARTS |= {"box_prices", "box_year", "box_month", "box_weekday", "acf_returns", "acf_absolute", "acf_volume"}
CHARTS |= {"season_week", "season_month"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("explored")


@pytest.fixture(scope="module")
def one(folder: Path) -> Explored:
    rows = clean_rows(500)
    header = ["Date", "Open", "High", "Low", "Close", "Adj Close", "Volume", NASTY]
    path = folder / "nasty<b>&.csv"
    path.write_bytes(csv_bytes([[*row, NASTY] for row in rows], header=header))
    return backtester.explore(path)


@pytest.fixture(scope="module")
def figures(one: Explored) -> dict[str, Any]:
    return one.figures


@pytest.fixture(scope="module")
def page(one: Explored, folder: Path) -> Path:
    return one.write(folder / "one.html")


@pytest.fixture(scope="module")
def many_page(folder: Path) -> Path:
    rows = clean_rows(300)
    paths = [folder / name for name in ("<i>a.csv", "b.csv", "c.csv")]
    for place, path in enumerate(paths):
        path.write_bytes(csv_bytes(rows[place * 5 :]))
    return backtester.explore(paths).write(folder / "many.html")


def test_every_chart_is_drawn_and_has_its_caption(figures: dict[str, Any], page: Path):
    assert set(figures) == CHARTS
    text = page.read_text()
    for name in CHARTS:
        assert re.search(rf'data-figure="{name}" role="img" aria-label="[^"]{{8,}}"', text), name
        json.loads(text.split(f'id="figure-{name}">')[1].split("</script>")[0])


def test_nothing_of_a_file_becomes_markup(page: Path, many_page: Path):
    for path in (page, many_page):
        text = path.read_text()
        body = text.replace(
            text[text.index("<script>/**") : text.index("</script>", text.index("<script>/**"))], ""
        )
        assert NASTY not in body
        assert "nasty<b>" not in body
        assert "<i>a" not in body


def test_the_page_asks_for_nothing(page: Path):
    head = page.read_text()[:2000]
    assert "default-src 'none'" in head
    assert '<meta name="generator" content="walkforward-backtester explore">' in head


def test_the_same_file_gives_the_same_bytes(one: Explored, page: Path, folder: Path):
    assert one.write(folder / "again.html").read_bytes() == page.read_bytes()


def test_the_moving_averages_are_named_with_their_lengths(figures: dict[str, Any]):
    assert [trace.name for trace in figures["averages"].data] == [
        "Close",
        "Mean of 50 sessions",
        "Mean of 100 sessions",
    ]


def test_a_long_line_is_thinned_and_the_page_says_so(folder: Path):
    from backtester.reporting.explore_drawing import MAX_LINE, step_of

    assert step_of(MAX_LINE) == 1
    assert step_of(MAX_LINE + 1) == 2
