"""Every quirk that SOURCES.md tells of the public files, found in each file alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import backtester
from backtester.explored import explore
from backtester.exploring.exploration import Exploration, findings_of
from backtester.exploring.finding import Finding
from backtester.exploring.opening import open_file
from backtester.recipe.sections import DataSection

EXPECTED = {
    "SPY.csv": "crlf no_final_newline adjusted_close long_gaps open_is_previous_close float32_tails "
    "volume_rounded",
    "sp500_index.csv": "crlf date_format adjusted_equals_close open_is_previous_close float32_tails "
    "volume_rounded long_gaps",
    "NIFTY50_2007_2024.csv": "column_order float32_tails zero_volume volume_rounded no_adjusted_close "
    "long_gaps open_is_previous_close thin_years",
    "NIFTY50_2000_2019.csv": "index_column volume_as_float weekend_sessions long_gaps no_adjusted_close "
    "open_is_previous_close thin_years",
    "NIFTY50_newest_first.csv": "newest_first date_format quoted no_volume no_adjusted_close",
    "META.csv": "starts_at_listing large_moves no_splits no_dividends no_adjusted_close "
    "open_is_previous_close float32_tails volume_rounded",
    "GOOG.csv": "splits_applied no_dividends no_adjusted_close open_is_previous_close float32_tails "
    "starts_at_listing",
    "bundle/SPY.csv": "open_outside_range adjusted_close open_is_previous_close float32_tails volume_rounded",
    "bundle/AAPL.csv": "adjusted_close open_is_previous_close float32_tails volume_rounded",
    "bundle/GOOG.csv": "adjusted_equals_close starts_at_listing open_is_previous_close float32_tails "
    "volume_rounded",
    "bundle/INTC.csv": "adjusted_close large_moves long_gaps open_is_previous_close float32_tails "
    "volume_rounded",
}


def findings(path: Path) -> dict[str, Finding]:
    data = DataSection.model_validate({"source": "csv", "path": str(path), "symbol": path.name.split(".")[0]})
    return {finding.key: finding for finding in findings_of(open_file(data, folder=path.parent))}


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
def test_a_shared_file_has_its_quirks_and_no_others(shared_data: Path, name: str):
    assert set(findings(shared_data / name)) == set(EXPECTED[name].split())


def test_the_two_bars_of_the_bundled_spy_are_found():
    (found,) = backtester.explore("SPY").files
    told = {finding.key: finding for finding in found.findings}["open_outside_range"]
    assert told.dates == ("2015-03-05", "2015-03-30")


def test_the_bundled_index_has_made_up_opens_until_2006():
    opens = backtester.explore("SP500").files[0].values["opens"]
    assert opens["share"] == pytest.approx(0.398, abs=5e-4)
    assert opens["blocks"]["1999"] == pytest.approx(0.968, abs=5e-4)
    assert opens["blocks"]["2000 to 2004"] == pytest.approx(0.963, abs=5e-4)


@pytest.mark.slow
def test_figures_of_the_shared_files_are_those_of_their_description(shared_data: Path):
    spy = findings(shared_data / "SPY.csv")
    assert spy["adjusted_close"].n == 97
    assert "0.6455 on the first row and 1 on the last" in spy["adjusted_close"].text
    assert "2001-09-10 to 2001-09-17" in spy["long_gaps"].text
    nifty = findings(shared_data / "NIFTY50_2007_2024.csv")["zero_volume"]
    assert nifty.n == 1333
    assert "2007-09-17 to 2013-01-18" in nifty.text
    assert "28 scattered" in nifty.text
    weekend = findings(shared_data / "NIFTY50_2000_2019.csv")
    assert weekend["weekend_sessions"].n == 22
    assert "2014-10-01 to 2014-10-07" in weekend["long_gaps"].text
    moves = findings(shared_data / "META.csv")["large_moves"].text
    assert all(move in moves for move in ("2013-07-25 +29.6%", "2022-02-03 -26.4%", "2022-10-27 -24.6%"))
    splits = findings(shared_data / "GOOG.csv")["splits_applied"]
    assert splits.dates == ("2014-03-27", "2015-04-27", "2022-07-18")


PANEL = {
    "JCI": {"corporate_action_jump": "2007-07-02"},
    "JNPR": {"open_outside_range": "2023-02-16"},
    "AMD": {"flat_bars_without_volume": "2015-01-02", "no_dividends": "", "large_moves": "2016-04-22 +52.3%"},
    "GILD": {"flat_bars_without_volume": "2001-10-02, 2001-10-03, 2002-08-06"},
    "AAPL": {"rounded_prices": "0.1933", "large_moves": "2000-09-29 -51.9%", "dividends_applied": ""},
    "IBM": {"splits_applied": "1.046"},
    "BK": {"splits_applied": "0.9434"},
    "DD": {"splits_applied": "0.4725"},
    "C": {"splits_applied": "2011-05-09 0.1", "large_moves": "2008-11-24 +57.8%"},
    "STT": {"large_moves": "2009-01-20 -59.0%"},
    "OXY": {"large_moves": "2020-03-09 -52.0%"},
    "CAT": {"open_is_previous_close": "2000 to 2004 30.7%"},
    "AZO": {"no_dividends": ""},
}


@pytest.fixture(scope="module")
def panel(shared_data: Path) -> dict[str, dict[str, Finding]]:
    files = sorted((shared_data / "sp500_panel").glob("*.csv.gz"))
    return {path.name.split(".")[0]: findings(path) for path in files}


@pytest.mark.slow
def test_the_quirks_of_the_panel_are_found(panel: dict[str, dict[str, Finding]]):
    for symbol, quirks in PANEL.items():
        for key, words in quirks.items():
            assert words in panel[symbol][key].text, (symbol, key)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "symbols"),
    [
        ("rounded_prices", {"AAPL", "F", "CTSH", "CSX", "GLW"}),
        ("corporate_action_jump", {"JCI"}),
        ("open_outside_range", {"JNPR"}),
        ("flat_bars_without_volume", {"AMD", "GILD"}),
        ("no_dividends", {"AMD", "AZO"}),
        ("dividends_not_applied", set()),
        ("splits_not_applied", set()),
    ],
)
def test_a_quirk_of_the_panel_is_found_where_it_is_and_nowhere_else(
    panel: dict[str, dict[str, Finding]], key: str, symbols: set[str]
):
    assert {symbol for symbol, found in panel.items() if key in found} == symbols


@pytest.mark.slow
def test_the_panel_looks_like_survivors(shared_data: Path):
    files = sorted((shared_data / "sp500_panel").glob("[AB]*.gz"))
    found = explore(files)
    assert found.together is not None
    assert [finding.key for finding in found.together.findings] == ["survivorship"]
    assert all(isinstance(file, Exploration) and file.refusal is None for file in found.files)
