"""The bundled samples, writing prices, and the public files beside the checkout."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backtester.errors import PricesError, StorageError
from backtester.prices import Adjustment, NoteKind, Prices, read_prices, sample_names, sample_path, write_csv
from backtester.recipe.sections import DataSection

TODAY = date(2024, 6, 28)
BARS = {"AAPL": 3379, "GOOG": 3379, "INTC": 2335, "SP500": 5031, "SPY": 2519}


def sample(name: str, **settings: object) -> Prices:
    data = DataSection.model_validate({"symbol": name, **settings})
    return read_prices(data, folder=Path("nowhere"), today=TODAY)


def warnings_of(prices: Prices) -> list[str]:
    return [note.text for note in prices.notes if note.kind is NoteKind.WARNING]


def test_every_sample_has_a_licence_beside_it():
    assert sample_names() == tuple(BARS)
    licences = {path.name for path in sample_path("SPY").parent.glob("LICENSE.*")}
    assert licences == {"LICENSE.mplfinance", "LICENSE.arch"}


@pytest.mark.parametrize("name", BARS)
def test_a_sample_reads_whole_and_adjusted(name):
    prices = sample(name)
    assert len(prices) == BARS[name]
    assert (prices.source, prices.adjustment) == ("sample", Adjustment.ADJUSTED)
    table = pd.read_csv(sample_path(name))
    np.testing.assert_allclose(prices.column("close"), table["Adj Close"], rtol=1e-15)
    ratio = prices.column("open") / prices.column("close")
    np.testing.assert_allclose(ratio, table["Open"] / table["Close"], rtol=1e-14)
    np.testing.assert_array_equal(prices.column("volume"), table["Volume"])


@pytest.mark.catalogue("D69")
def test_D69_two_rows_of_the_spy_sample_are_told():
    (warning,) = warnings_of(sample("SPY"))
    assert "2 bar(s)" in warning
    assert "line 1808 (2015-03-05)" in warning
    assert "line 1825 (2015-03-30)" in warning


def test_an_unknown_sample_is_refused_with_the_nearest():
    with pytest.raises(PricesError, match="Did you mean 'SPY'") as error:
        sample("SPI")
    assert "AAPL, GOOG, INTC, SP500, SPY" in error.value.advice


@pytest.mark.parametrize("price", ["adjusted", "raw"])
def test_written_prices_read_back_bit_for_bit(price, tmp_path):
    prices = sample("SPY", price=price)
    write_csv(prices, tmp_path / "spy.csv")
    data = DataSection(source="csv", symbol="SPY", path="spy.csv")
    again = read_prices(data, folder=tmp_path, today=TODAY)
    assert again.sha256 == prices.sha256
    assert again.adjustment is (Adjustment.ADJUSTED if price == "adjusted" else Adjustment.UNKNOWN)


def test_writing_into_no_folder_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError):
        write_csv(sample("SPY"), tmp_path / "nowhere" / "spy.csv")


PUBLIC = {
    "SPY.csv": (6067, "2000-01-03", "2024-02-13", Adjustment.ADJUSTED),
    "sp500_index.csv": (5031, "1999-01-04", "2018-12-31", Adjustment.ADJUSTED),
    "NIFTY50_2007_2024.csv": (4238, "2007-09-17", "2024-12-31", Adjustment.UNKNOWN),
    "NIFTY50_2000_2019.csv": (4954, "2000-01-03", "2019-12-02", Adjustment.UNKNOWN),
    "NIFTY50_newest_first.csv": (735, "2018-10-10", "2021-10-06", Adjustment.UNKNOWN),
    "META.csv": (2705, "2012-05-18", "2023-02-16", Adjustment.UNKNOWN),
    "GOOG.csv": (4657, "2004-08-19", "2023-02-16", Adjustment.UNKNOWN),
}


def public(path: Path, **settings: object) -> Prices:
    data = DataSection.model_validate({"source": "csv", "path": path.name, **settings})
    return read_prices(data, folder=path.parent, today=date(2025, 1, 2))


@pytest.mark.parametrize("name", PUBLIC)
def test_the_public_files_read_whole(name, shared_data):
    prices = public(shared_data / name)
    first, last = (str(prices.dates[at].date()) for at in (0, -1))
    assert (len(prices), first, last, prices.adjustment) == PUBLIC[name]


def test_the_oddities_of_the_public_files_are_told(shared_data):
    told = warnings_of(public(shared_data / "NIFTY50_2007_2024.csv"))
    # the 15 % that the index fell for minutes, by mistaken orders
    assert any("(2012-10-05) low '4888.2001953125'" in text for text in told)
    assert any("volume is 0 in 1333 of 4238 bars" in text for text in told)
    told = warnings_of(public(shared_data / "NIFTY50_2000_2019.csv"))
    assert any("22 bar(s) on weekends" in text for text in told)
    assert not public(shared_data / "NIFTY50_newest_first.csv").has("volume")


def test_no_file_of_the_panel_is_refused_and_its_large_moves_are_told(shared_data):
    moves = {}
    for path in sorted((shared_data / "sp500_panel").glob("*.csv.gz")):
        prices = public(path)
        assert len(prices) == 5819
        moves |= {path.name.split(".")[0]: text for text in warnings_of(prices) if "large move" in text}
    assert list(moves) == ["AAPL", "C", "F", "JCI", "MRO", "OXY", "STT"]
    assert "(2007-07-02) -53.8% overnight" in moves["JCI"]
    assert "(2000-09-29) -47.3% overnight" in moves["AAPL"]
