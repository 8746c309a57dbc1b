from __future__ import annotations

from pathlib import Path

import pytest

import backtester
from backtester.exploring.exploration import Exploration, findings_of
from backtester.exploring.finding import Finding
from backtester.exploring.opening import open_file
from backtester.recipe.sections import DataSection


class Look:
    """Writes bytes to a file and looks at it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, content: bytes, *, name: str = "prices.csv", **settings: str) -> Exploration:
        path = self.folder / name
        path.write_bytes(content)
        (found,) = backtester.explore(path, **settings).files
        return found

    def findings(self, content: bytes, *, name: str = "prices.csv") -> tuple[Finding, ...]:
        """Its findings alone, without the figures."""
        path = self.folder / name
        path.write_bytes(content)
        data = DataSection.model_validate({"source": "csv", "path": name, "symbol": "prices"})
        return findings_of(open_file(data, folder=self.folder))

    def keys(self, content: bytes, *, name: str = "prices.csv") -> set[str]:
        return {finding.key for finding in self.findings(content, name=name)}

    def finding(self, content: bytes, key: str) -> Finding:
        return next(finding for finding in self.findings(content) if finding.key == key)


@pytest.fixture
def look(tmp_path: Path) -> Look:
    return Look(tmp_path)
