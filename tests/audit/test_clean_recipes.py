"""Fifty recipes drawn at random, of what comes with the program and of clean code beside it: no alarm."""

from pathlib import Path

import numpy as np
import pytest

from backtester.audit import audit_question, quick_audit
from tests.markets import random_walk
from tests.questions import question

FEATURES = (
    *("log_return", "return(5)", "volatility(10)", "ma_ratio(10)", "ma_ratio(5,20)", "rsi(14)"),
    *("macd(12,26,9)", "range", "volume_change", "day_of_week", "own.py:momentum", "own.py:so_far"),
)
STRATEGIES = (
    {"kind": "long_or_cash"},
    {"kind": "long_short", "threshold_bp": 2.0},
    {"kind": "threshold"},
    {"kind": "volatility_scaled"},
    {"kind": "own.py:Patient"},
)
OWN = """
import backtrader as bt
from backtester.backtest import ForecastStrategy

def momentum(prices):
    return prices["close"].pct_change(10)

def so_far(prices):
    return prices["close"] / prices["close"].cummax()

class Patient(ForecastStrategy):
    def target_exposure(self, forecast):
        return 1.0 if forecast > 0 and self.data.close[0] > self.data.close[-1] else self.wanted / 2
"""


def drawn(seed: int) -> dict:
    generator = np.random.default_rng(seed)
    columns = generator.choice(FEATURES, size=generator.integers(1, 4), replace=False)
    return {
        "seed": int(seed),
        "features": {
            "columns": [str(name) for name in columns],
            "scaler": str(generator.choice(["standard", "minmax"])),
        },
        "target": {
            "kind": str(generator.choice(["log_return", "close"])),
            "horizon": int(generator.choice([1, 2, 5])),
            "scaler": str(generator.choice(["standard", "minmax"])),
        },
        "folds": {
            "train": int(generator.integers(120, 160)),
            "test": int(generator.integers(20, 60)),
            "validation": float(generator.choice([0.0, 0.2])),
            "scheme": str(generator.choice(["rolling", "expanding"])),
            "embargo": int(generator.choice([0, 3])),
        },
        "model": {"kind": "lstm", "lookback": int(generator.integers(2, 8)), "units": [4]},
        "strategy": STRATEGIES[int(generator.integers(len(STRATEGIES)))],
    }


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text(OWN)
    return tmp_path


def audited(seed: int, *, folder: Path):
    return audit_question(question(random_walk(300, seed=seed), folder=folder, **drawn(seed)), cuts=12)


@pytest.mark.parametrize("seed", range(3))
def test_a_clean_recipe_passes(seed: int, own: Path):
    assert audited(seed, folder=own).lines == ()


@pytest.mark.slow
def test_fifty_clean_recipes_pass(own: Path):
    assert {seed: audited(seed, folder=own).lines for seed in range(50)} == dict.fromkeys(range(50), ())


def test_the_quick_audit_looks_at_a_users_code_alone(own: Path):
    asked = question(random_walk(300, seed=1), folder=own, features={"columns": ["rsi(14)", "own.py:so_far"]})
    subjects = [check.subject for check in quick_audit(asked).checks]
    assert subjects == ["feature 'own.py:so_far'"]
    assert quick_audit(question(random_walk(300, seed=1))).checks == ()
