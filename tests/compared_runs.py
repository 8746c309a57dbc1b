"""A handful of small runs to compare, on markets of known relation; nothing to train."""

from pathlib import Path

import pandas as pd
import pytest

import backtester
from tests.markets import ar1, random_walk

BARS = 700
RECIPE = {
    "folds": {"train": 200, "test": 100, "validation": 0.0},
    "model": {"kind": "last_return"},
    "strategy": {"kind": "long_short"},
    "broker": {"commission_bp": 0.0, "slippage_bp": 0.0},
    "verdict": {"draws": 199},
}


def make_runs(place: Path) -> dict[str, Path]:
    """Write the runs: ``first`` is the base, and each other name says what it has of its own."""
    market = ar1(BARS, seed=1, phi=0.2).frame
    far = market.set_index(market.index + pd.Timedelta(days=7 * 1000))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "backtester.pipeline.write_report", lambda record: (record.directory / "index.html").touch()
        )
        return {
            name: backtester.run(
                RECIPE,
                prices=prices,
                symbol=symbol,
                out=place,
                changes={"execution.registry": str(place / "trials"), **changes},
            ).directory
            for name, prices, symbol, changes in (
                ("first", market, "AR", {}),
                ("costly", market, "AR", {"broker.commission_bp": 40.0}),
                ("drift", market, "AR", {"model.kind": "mean_return"}),
                ("cash", market, "AR", {"model.kind": "last_price"}),
                ("later", market, "AR", {"folds.train": 300}),
                ("gaps", market[[i % 5 != 2 for i in range(BARS)]], "AR", {"folds.train": 180}),
                ("walk", random_walk(BARS, seed=5).frame, "AR", {"strategy.kind": "long_or_cash"}),
                ("far", far, "AR", {}),
            )
        }
