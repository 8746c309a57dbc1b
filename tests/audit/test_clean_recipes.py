"""Recipes drawn at random, of what comes with the program and of clean code beside it: no alarm."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from backtester.audit import audit_question, auditing, quick_audit
from backtester.audit.samples import check_scale
from tests.audit.test_own_strategies import CLEAN, HEAD
from tests.audit.workers import workers
from tests.markets import random_walk
from tests.questions import question

FEATURES = (
    *("log_return", "return(5)", "volatility(10)", "ma_ratio(10)", "ma_ratio(5,20)", "rsi(14)"),
    *("macd(12,26,9)", "range", "volume_change", "day_of_week"),
)
OWN_FEATURES = (
    *(
        "momentum",
        "so_far",
        "of_32_bits",
        "days",
        "dated_noise",
        "by_transform",
        "sessions_left",
        "detrended",
    ),
    *("since_peak", "rank", "slope_in_32_bits"),
)
STRATEGIES = (
    {"kind": "long_or_cash"},
    {"kind": "long_short", "threshold_bp": 2.0},
    {"kind": "threshold"},
    {"kind": "volatility_scaled"},
    {"kind": "own.py:Patient"},
    {"kind": "own.py:Seeded"},
    {"kind": "own.py:Listed"},
    {"kind": "own.py:Weekly"},
    *({"kind": f"own{place}.py:Mine"} for place in range(len(CLEAN))),
)
MODELS = (
    {"kind": "lstm", "units": [4]},
    {"kind": "sklearn.linear_model:Ridge"},
    {"kind": "sklearn.ensemble:RandomForestRegressor", "parameters": {"n_estimators": 5, "max_depth": 3}},
    {"kind": "sklearn.neighbors:KNeighborsRegressor"},
    {"kind": "own.py:Squares"},
    {"kind": "own.py:Drawn"},
)
OWN = """
import random

import backtrader as bt
import numpy as np
import pandas as pd
from scipy.signal import fftconvolve
from backtester.backtest import ForecastStrategy


def momentum(prices):
    return prices["close"].pct_change(10)


def so_far(prices):
    return prices["close"] / prices["close"].cummax()


def of_32_bits(prices):
    return prices["close"].astype("float32").pct_change(3)


def slope_in_32_bits(prices):
    level = np.log(prices["close"].to_numpy()).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(np.r_[np.full(31, level[0]), level], 32)
    return pd.Series(windows @ np.linspace(-1, 1, 32, dtype=np.float32), index=prices.index)


def days(prices):
    return pd.Series([float(day.toordinal()) for day in prices.index], index=prices.index)


def dated_noise(prices):
    drawn = [np.random.default_rng(day.toordinal()).normal() for day in prices.index]
    return pd.Series(drawn, index=prices.index)


def by_transform(prices):
    level = np.log(prices["close"].to_numpy() / prices["close"].iloc[0])
    fading = np.exp(-np.arange(len(level)) / 20.0)
    return pd.Series(fftconvolve(level, fading)[: len(level)], index=prices.index)


def sessions_left(prices):
    days = prices.index.to_numpy().astype("datetime64[D]")
    next_month = days.astype("datetime64[M]") + 1
    left = np.busday_count(days, next_month.astype("datetime64[D]"))
    return pd.Series(left, index=prices.index, dtype=float)


def detrended(prices):
    level, found = np.log(prices["close"].to_numpy()), np.full(len(prices), np.nan)
    lines = np.c_[np.ones(30), np.arange(30.0)]
    for bar in range(29, len(level)):
        window = level[bar - 29 : bar + 1]
        found[bar] = window[-1] - lines[-1] @ np.linalg.lstsq(lines, window, rcond=None)[0]
    return pd.Series(found, index=prices.index)


def since_peak(prices):
    peaks = prices["close"] >= prices["close"].cummax()
    return peaks.groupby(peaks.cumsum()).cumcount().astype(float)


def rank(prices):
    return prices["close"].expanding().rank(pct=True)


class Patient(ForecastStrategy):
    def target_exposure(self, forecast):
        return 1.0 if forecast > 0 and self.data.close[0] > self.data.close[-1] else self.wanted / 2


class Seeded(ForecastStrategy):
    def __init__(self):
        self.drawn = random.Random(5)

    def target_exposure(self, forecast):
        return self.drawn.random()


class Listed(ForecastStrategy):
    closes = []

    def target_exposure(self, forecast):
        self.closes.append(self.data.close[0])
        last = self.closes[-20:]
        return 1.0 if last[-1] > sum(last) / len(last) else 0.0


class Weekly(bt.Strategy):
    def __init__(self):
        self.mean = bt.ind.SMA(self.data.close, period=20)

    def next(self):
        if self.data.datetime.date(0).weekday() == 0 and self.data.close[0] > self.mean[0]:
            self.order_target_percent(target=0.5)
        elif self.position:
            self.close()


class Squares:
    def fit(self, inputs, targets):
        self.weights = np.linalg.lstsq(inputs, targets, rcond=None)[0]

    def predict(self, inputs):
        return (inputs * self.weights).sum(axis=1)


class Drawn:
    def fit(self, inputs, targets):
        self.chosen = np.random.permutation(inputs.shape[1])[:3]
        self.mean = targets.mean()

    def predict(self, inputs):
        return self.mean + 0.01 * inputs[:, self.chosen].mean(axis=1)
"""


def drawn(seed: int) -> dict:
    generator = np.random.default_rng(seed)
    model = MODELS[int(generator.integers(len(MODELS)))]
    # a network is compiled for each shape, which a user's feature asks for: seconds each
    own = () if model["kind"] == "lstm" else tuple(f"own.py:{name}" for name in OWN_FEATURES)
    columns = generator.choice([*FEATURES, *own], size=generator.integers(1, 4), replace=False)
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
            "train": int(generator.integers(110, 130)),
            "test": int(generator.integers(20, 60)),
            "validation": float(generator.choice([0.0, 0.2])),
            "scheme": str(generator.choice(["rolling", "expanding"])),
            "embargo": int(generator.choice([0, 3])),
        },
        "model": model | {"lookback": int(generator.integers(2, 8))},
        "strategy": STRATEGIES[int(generator.integers(len(STRATEGIES)))],
    }


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("backtester.audit.fits.open_executor", workers)
    monkeypatch.setitem(auditing._strategy.__kwdefaults__, "n_cuts", 2)  # a third of the time
    (tmp_path / "own.py").write_text(OWN)
    for place, source in enumerate(CLEAN.values()):
        (tmp_path / f"own{place}.py").write_text(HEAD + source)
    return tmp_path


def audited(seed: int, *, folder: Path, **changes):
    asked = question(random_walk(200, seed=seed), folder=folder, **drawn(seed) | changes)
    return audit_question(asked, cuts=12)


def found_in(audit) -> list[str]:
    """What is blamed, and what could not be looked at but for a strategy that does not trade."""
    skipped = [check.skipped for check in audit.checks if check.skipped]
    odd = [text for text in skipped if text != "it never trades here"]
    return [*audit.lines, *(check.line for check in audit.random), *odd]


@pytest.mark.parametrize("seed", range(3))
def test_a_clean_recipe_passes(seed: int, own: Path):
    assert found_in(audited(seed, folder=own)) == []


def test_every_clean_feature_passes(own: Path):
    columns = [f"own.py:{name}" for name in OWN_FEATURES]
    prices = random_walk(300, seed=1)
    audit = quick_audit(question(prices, folder=own, features={"columns": columns}))
    assert [check.mark for check in audit.checks] == ["clean"] * len(columns)
    asked = question(prices, folder=own, features={"columns": columns})
    assert check_scale(asked.problem, prices=prices, columns=columns, folds=range(3)).mark == "clean"


@pytest.mark.slow
def test_fifty_clean_recipes_of_every_kind_pass(own: Path):
    recipes = [drawn(seed) for seed in range(50)]
    models = Counter(recipe["model"]["kind"] for recipe in recipes)
    strategies = Counter(recipe["strategy"]["kind"] for recipe in recipes)
    assert (len(models), len(strategies)) == (len(MODELS), len(STRATEGIES))
    assert {seed: found_in(audited(seed, folder=own)) for seed in range(50)} == {
        seed: [] for seed in range(50)
    }


@pytest.mark.slow
def test_fits_of_features_that_round_are_not_blamed(own: Path):
    columns = ["own.py:by_transform", "own.py:detrended"]
    for model in MODELS[1:3]:
        audit = audited(1, folder=own, features={"columns": columns}, model=model | {"lookback": 4})
        assert found_in(audit) == []
        assert any(check.subject.startswith("the fitted") for check in audit.checks)


def test_the_quick_audit_looks_at_a_users_code_alone(own: Path):
    asked = question(random_walk(300, seed=1), folder=own, features={"columns": ["rsi(14)", "own.py:so_far"]})
    subjects = [check.subject for check in quick_audit(asked).checks]
    assert subjects == ["feature 'own.py:so_far'"]
    assert quick_audit(question(random_walk(300, seed=1))).checks == ()
