"""What the best recipe is worth that the built-in features allow, chosen on training data alone.

    python -m benchmarks.chosen_recipe META.csv GOOG.csv

Each candidate is tested walk-forward on the rows that the published split trains on, the first 95 %. The
one with the lowest error beside the last price is then tested walk-forward on the whole history.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from pathlib import Path
from typing import Any

import backtester

__all__ = ["CANDIDATES", "main", "measure"]

CANDIDATES: dict[str, dict[str, Any]] = {
    "returns, 50 units": {},
    "returns, 8 units": {"model.units": [8]},
    "returns, 8 units, five members": {"model.units": [8], "training.members": 5},
    "returns and volatility, 8 units": {
        "model.units": [8],
        "features.columns": ["log_return", "volatility(20)", "range"],
    },
    "returns over three spans, 8 units": {
        "model.units": [8],
        "features.columns": ["return(1)", "return(5)", "return(20)"],
    },
}
TRAINING_SHARE = 0.95


def measure(path: Path, *, folder: Path) -> dict[str, Any]:
    """Choose on the training rows of a file, then test on all of them."""
    dates = backtester.ask("lstm", prices=path).prices.dates
    last = dates[math.ceil(TRAINING_SHARE * len(dates)) - 1]
    tried = {
        name: _ratio(path, changes=changes | {"data.end": last.date()}, folder=folder / "chosen")
        for name, changes in CANDIDATES.items()
    }
    chosen = min(tried, key=lambda name: tried[name]["rmse_ratio"])
    return {
        "training_rows_end": f"{last:%Y-%m-%d}",
        "tried": {name: figures["rmse_ratio"] for name, figures in tried.items()},
        "chosen": chosen,
        "whole": _ratio(path, changes=CANDIDATES[chosen], folder=folder / "whole"),
    }


def _ratio(path: Path, *, changes: dict[str, Any], folder: Path) -> dict[str, Any]:
    settings = changes | {"verdict.draws": 999, "execution.registry": str(folder / "trials")}
    run = backtester.run("lstm", prices=path, changes=settings, out=folder)
    figures = run.summary["forecast"]
    return {key: figures[key] for key in ("rmse", "rmse_last_price", "rmse_ratio", "n")}


def main(paths: list[str]) -> None:
    """Print what was chosen and what it came to, as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        found = {
            Path(path).name: measure(Path(path), folder=Path(folder) / Path(path).name) for path in paths
        }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
