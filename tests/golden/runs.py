"""Two small runs whose figures are pinned, and how they are compared and pinned anew.

``python -m tests.golden.runs`` pins them anew and says what moved.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

import backtester

__all__ = ["ADVICE", "RUNS", "TOLERANCES", "figures_of", "moved", "pinned", "sha256_of_figures"]

FIGURES = Path(__file__).with_name("figures.json")
ADVICE = (
    "The same recipe gives other figures than before. If that is meant: say which and why in a line under "
    "Figures in CHANGELOG.md, then pin them anew by `make golden` and name them in that line. If it is not: "
    "find out what moved them."
)

_SMALL: dict[str, Any] = {
    "data": {"symbol": "SPY", "start": date(2013, 1, 2), "end": date(2016, 12, 30)},
    "folds": {"train": 250, "test": 60, "validation": 0.0},
    "verdict": {"draws": 199},
}
RUNS: Mapping[str, dict[str, Any]] = {
    "ridge": _SMALL | {"model": {"kind": "sklearn.linear_model:Ridge", "lookback": 5}},
    "lstm": _SMALL
    | {
        "model": {"kind": "lstm", "lookback": 5, "units": [4]},
        "training": {"epochs": 3, "patience": 0},
    },
}
TOLERANCES: Mapping[str, float] = {"ridge": 1e-6, "lstm": 1e-4}
"""Relative. Linear algebra differs between kinds of CPU in the last bits; training in 32 bits by more."""
_LEFT_OUT = ("answer", "forecasts_sha256", "verdict")
"""Words and hashes, which follow from the figures."""


def figures_of(name: str) -> dict[str, float | str | None]:
    """Run it, and give its figures by their place in ``summary.json``; of a network only the errors.

    What follows from its forecasts by thresholds can jump where they only move.
    """
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "backtester.pipeline.write_report", lambda record: (record.directory / "index.html").touch()
        )
        run = backtester.run(
            RUNS[name],
            out=folder,
            changes={
                "execution.registry": f"{folder}/trials",
                "execution.store": f"{folder}/store",
                "execution.executor": "serial",
            },
        )
        summary = {key: value for key, value in run.summary.items() if key not in _LEFT_OUT}
        spread = float(run.forecasts["forecast"].std())
    if name == "lstm":
        summary = {
            "forecast": {key: summary["forecast"][key] for key in ("rmse", "rmse_ratio", "mae", "u2")},
            "folds_table": [{"rmse": fold["rmse"]} for fold in summary["folds_table"]],
        }
    summary["forecast"] |= {"sd": spread}
    return dict(_flat(summary))


def _flat(value: Any, place: str = "") -> Iterator[tuple[str, float | str | None]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{place}.{key}".lstrip("."))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{place}.{number}")
    elif not isinstance(value, str) or " " not in value:  # sentences follow from the figures
        yield place, value


def pinned(name: str) -> dict[str, float | str | None]:
    """Figures as they are pinned."""
    figures: dict[str, float | str | None] = json.loads(FIGURES.read_text(encoding="utf-8"))[name]
    return figures


def sha256_of_figures() -> str:
    """Give the first 12 digits of the hash of the pinned figures, which the changelog names."""
    return hashlib.sha256(FIGURES.read_bytes()).hexdigest()[:12]


def moved(
    now: Mapping[str, float | str | None], before: Mapping[str, float | str | None], *, tolerance: float
) -> list[str]:
    """Name what differs by more than the tolerance, or is there only once."""
    return [
        f"{place}: {before.get(place, 'absent')} -> {now.get(place, 'absent')}"
        for place in dict.fromkeys([*before, *now])
        if place not in now or place not in before or not _alike(now[place], before[place], tolerance)
    ]


def _alike(now: object, before: object, tolerance: float) -> bool:
    if isinstance(now, float) and isinstance(before, float):
        return math.isclose(now, before, rel_tol=tolerance, abs_tol=1e-9)
    return now == before


def pin_anew() -> None:
    """Pin the figures as they are now, and say what moved."""
    known = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.is_file() else {}
    figures = {name: figures_of(name) for name in RUNS}
    FIGURES.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    lines = [
        f"{name}: {line}"
        for name in RUNS
        for line in moved(figures[name], known.get(name, {}), tolerance=TOLERANCES[name])
    ]
    print("\n".join([*lines[:40], f"{len(lines)} figures moved."]))
    print(f"CHANGELOG.md, Figures: `figures {sha256_of_figures()}`")
    if lines:
        print(ADVICE)


if __name__ == "__main__":
    pin_anew()
