"""A small clean price file, and the public files where they are there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backtester.prices import Prices, read_prices
from backtester.recipe.sections import DataSection

TODAY = date(2024, 6, 28)
HEADER = "Date,Open,High,Low,Close,Adj Close,Volume"


def clean_rows(n_bars: int = 120) -> list[list[str]]:
    """Rows of a small random walk on weekdays, as a vendor writes them."""
    random = np.random.default_rng(3)
    close = 1000.0 * np.exp(np.cumsum(random.normal(0.0, 0.01, n_bars)))
    opens = close * np.exp(random.normal(0.0, 0.003, n_bars))
    high = np.maximum(opens, close) * 1.004
    low = np.minimum(opens, close) * 0.996
    factor = np.where(np.arange(n_bars) < n_bars // 2, 0.98, 1.0)
    days = pd.bdate_range("2020-01-01", periods=n_bars)
    volume = random.integers(100_000, 900_000, n_bars)
    columns = zip(days, opens, high, low, close, close * factor, volume, strict=True)
    return [
        [f"{day:%Y-%m-%d}", *(f"{price:.4f}" for price in prices), str(traded)]
        for day, *prices, traded in columns
    ]


def csv_text(rows: list[list[str]], *, header: str = HEADER) -> str:
    return "\n".join([header, *(",".join(row) for row in rows)]) + "\n"


@dataclass(frozen=True)
class Reader:
    """Writes bytes to a file and reads it as prices."""

    folder: Path

    def __call__(self, content: str | bytes, *, name: str = "prices.csv", **settings: object) -> Prices:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return self.read(name, **settings)

    def read(self, name: str, **settings: object) -> Prices:
        data = DataSection.model_validate({"source": "csv", "path": name, **settings})
        return read_prices(data, folder=self.folder, today=TODAY)


@pytest.fixture
def readable_by_all() -> Iterator[Path]:
    """A folder that anyone may enter, as those of pytest are not."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@contextmanager
def without_privilege() -> Iterator[None]:
    """Be a user who may not read everything; nothing changes for one who is no root."""
    if os.geteuid() != 0:
        yield
        return
    try:
        os.seteuid(65534)
    except PermissionError:
        pytest.skip("root may read everything, and may not become someone else here")
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


@pytest.fixture
def rows() -> list[list[str]]:
    return clean_rows()


@pytest.fixture
def clean(tmp_path: Path, rows: list[list[str]]) -> Prices:
    return Reader(tmp_path)(csv_text(rows), name="clean.csv")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = Path(__file__).parents[2].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the public price files are not beside this checkout")
    return folder
