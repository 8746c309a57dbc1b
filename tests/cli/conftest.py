"""The program in this process: its exit code, what it prints, what it leaves; cheap enough for every case."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backtester.cli import main


@dataclass(frozen=True, kw_only=True)
class Told:
    """How the program ended, and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Program:
    """``backtester`` with these arguments, in a folder of its own."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    printed: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str | Path) -> Told:
        self.monkeypatch.setattr(sys, "argv", ["backtester", *map(str, arguments)])
        self.printed.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        told = Told(code=end.value.code or 0, **self.printed.readouterr()._asdict())
        assert "Traceback" not in told.out + told.err
        return told

    @property
    def left(self) -> list[str]:
        """Every file and folder below."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))


@pytest.fixture
def program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Program]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path.parent / f"{tmp_path.name}-cache"))
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)  # which the program replaces
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield Program(tmp_path, monkeypatch, capsys)
    for number, handler in handlers.items():
        signal.signal(number, handler)
