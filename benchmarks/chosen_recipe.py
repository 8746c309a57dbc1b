"""What the best recipe is worth that the built-in features allow, chosen on training data alone.

    python -m benchmarks.chosen_recipe META.csv GOOG.csv

Each candidate is tested walk-forward on the rows that the published split trains on, the first 95 %. The
one with the lowest error beside the last price is then tested walk-forward on the whole history. Of that
test the days up to the 95 % are those that it was chosen on, the best of five: they flatter it. The rest,
``held_out``, chose nothing and is scored by itself.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import backtester

__all__ = ["CANDIDATES", "best_of", "main", "measure", "scored"]

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
    """Choose on the training rows of a file, then test on all of them, and on those held out.

    Returns
    -------
    dict with ``tried`` (the ratio of each candidate on the first 95 %), ``chosen`` (None where none has
    one), and of the chosen one ``whole``, ``chosen_on`` (its days that chose it) and ``held_out`` (the
    others), each with the RMSE in price units, that of the last price, their ratio and the number of
    forecasts
    """
    dates = backtester.ask("lstm", prices=path).prices.dates
    last = dates[math.ceil(TRAINING_SHARE * len(dates)) - 1]
    tried = {
        name: _run(path, changes=changes | {"data.end": last.date()}, folder=folder / "chosen")
        for name, changes in CANDIDATES.items()
    }
    ratios = {name: run.summary["forecast"]["rmse_ratio"] for name, run in tried.items()}
    found: dict[str, Any] = {
        "training_rows_end": f"{last:%Y-%m-%d}",
        "tried": ratios,
        "chosen": (chosen := best_of(ratios)),
    }
    if chosen is None:
        return found
    forecasts = _run(path, changes=CANDIDATES[chosen], folder=folder / "whole").forecasts
    return found | {
        "whole": scored(forecasts),
        "chosen_on": scored(forecasts[forecasts["target_date"] <= last]),
        "held_out": scored(forecasts[forecasts["target_date"] > last]),
    }


def best_of(ratios: Mapping[str, float | None]) -> str | None:
    """Name the candidate with the lowest ratio; None where none has one."""
    known = {name: ratio for name, ratio in ratios.items() if ratio is not None and math.isfinite(ratio)}
    return min(known, key=known.__getitem__) if known else None


def scored(forecasts: pd.DataFrame) -> dict[str, Any]:
    """Score forecasts in units of price beside the last price on the same days.

    Parameters
    ----------
    forecasts : rows of ``forecasts.csv``; ``actual`` is the log return from ``last_price``
    """
    known = forecasts.dropna(subset=["forecast_price", "actual"])
    if known.empty:
        return {"rmse": None, "rmse_last_price": None, "rmse_ratio": None, "n": 0}
    came = known["last_price"] * np.exp(known["actual"])
    own, naive = (
        math.sqrt(float(np.mean((came - known[column]) ** 2))) for column in ("forecast_price", "last_price")
    )
    return {
        "rmse": own,
        "rmse_last_price": naive,
        "rmse_ratio": own / naive if naive else None,
        "n": len(known),
    }


def _run(path: Path, *, changes: dict[str, Any], folder: Path) -> backtester.Run:
    settings = changes | {"verdict.draws": 999, "execution.registry": str(folder / "trials")}
    return backtester.run("lstm", prices=path, changes=settings, out=folder)


def main(paths: list[str]) -> None:
    """Print what was chosen and what it came to, as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        found = {
            Path(path).name: measure(Path(path), folder=Path(folder) / Path(path).name) for path in paths
        }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
