"""What each built-in strategy wants, forecast by forecast, on one market."""

import ast
import math
from pathlib import Path

import numpy as np
import pytest

from backtester.recipe.sections import BrokerSection
from backtester.recipe.strategies import LongOrCash, LongShort, ReferenceStrategy, Threshold, VolatilityScaled
from backtester.shipped import builtin_folder
from tests.backtest.markets import make_forecasts, make_prices, random_market, run, write_strategy

FREE = BrokerSection(commission_bp=0.0, slippage_bp=0.0)
BP = [6.0, 3.0, 0.0, -1.0, -6.0, -3.0, 0.0, 1.0, 5.0, 7.0, 0.0, 0.0]

nan = math.nan


def exposures(section, bp, *, closes=None):
    """The exposure held after each decision but the last; opens equal closes, so none drifts by a fill."""
    levels = 100.0 + np.arange(len(bp)) if closes is None else np.asarray(closes)
    prices = make_prices(open=levels, close=levels)
    values = np.array(bp) / 1e4
    bars = run(prices, make_forecasts(prices, values), strategy=section, broker=FREE).bars
    return bars["exposure"]


def held(section, bp=BP):
    """Signs of the exposures: 1 long, 0 cash, -1 short."""
    return np.sign(exposures(section, bp)).astype(int).tolist()


def test_long_or_cash_is_long_above_its_threshold():
    assert held(LongOrCash()) == [1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 0]
    assert held(LongOrCash(threshold_bp=4.0)) == [1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0]
    assert held(LongOrCash(threshold_bp=-2.0)) == [1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1]


def test_long_short_follows_the_sign_outside_its_threshold():
    assert held(LongShort(kind="long_short")) == [1, 1, 0, -1, -1, -1, 0, 1, 1, 1, 0]
    assert held(LongShort(kind="long_short", threshold_bp=3.0)) == [1, 0, 0, 0, -1, 0, 0, 0, 1, 1, 0]


def test_threshold_stays_until_the_forecast_falls_below_the_second_one():
    assert held(Threshold(kind="threshold")) == [1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1]


def test_threshold_goes_short_by_the_mirrored_thresholds():
    assert held(Threshold(kind="threshold", short=True)) == [1, 1, 1, 0, -1, -1, -1, 0, 0, 1, 1]


def test_threshold_with_a_lower_exit_stays_longer():
    section = Threshold(kind="threshold", exit_bp=-2.0, short=True)
    assert held(section) == [1, 1, 1, 1, -1, -1, -1, -1, 0, 1, 1]


def test_threshold_forgets_what_it_held_where_a_forecast_is_missing():
    assert held(Threshold(kind="threshold"), [6.0, 3.0, nan, 3.0, 6.0, 3.0, 3.0]) == [1, 1, 0, 0, 1, 1]


@pytest.mark.parametrize(
    "kind", [LongOrCash(max_exposure=0.4), LongShort(kind="long_short", max_exposure=0.4)]
)
def test_the_position_is_as_large_as_the_largest_exposure(kind):
    assert exposures(kind, [6.0, 6.0]).tolist() == pytest.approx([0.4])


def test_volatility_scaled_aims_at_its_target_by_past_closes_alone():
    rng = np.random.default_rng(1)
    closes = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, 40)))
    section = VolatilityScaled(kind="volatility_scaled", window=10, rebalance_band=0.0)
    found = exposures(section, [5.0] * 40, closes=closes)
    returns = closes[1:] / closes[:-1] - 1.0
    for t in range(10, 39):
        sd = np.std(returns[t - 10 : t], ddof=1) * math.sqrt(252)
        assert found.iloc[t] == pytest.approx(min(1.0, 0.10 / sd)), t
    assert found.iloc[:10].tolist() == [0.0] * 10


def test_volatility_scaled_goes_short_only_where_allowed():
    rng = np.random.default_rng(1)
    closes = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, 40)))
    for short, sign in ((False, 0.0), (True, -1.0)):
        section = VolatilityScaled(kind="volatility_scaled", window=5, short=short)
        assert np.sign(exposures(section, [-5.0] * 40, closes=closes).iloc[-1]) == sign


def test_volatility_scaled_stays_in_cash_where_nothing_moves():
    closes = np.append(np.full(15, 100.0), [101.0, 102.0])
    prices = make_prices(open=closes * 1.001, close=closes)
    section = VolatilityScaled(kind="volatility_scaled", window=5)
    bars = run(prices, make_forecasts(prices, [0.01] * 17), strategy=section, broker=FREE).bars
    assert set(bars["exposure"].iloc[:15]) == {0.0}
    assert bars["exposure"].iloc[-1] > 0.0


def test_each_file_holds_one_class_and_imports_only_what_a_copy_can_import():
    files = sorted(builtin_folder("strategies").glob("*.py"))
    names = ["long_or_cash.py", "long_short.py", "threshold.py", "volatility_scaled.py"]
    assert [file.name for file in files] == names
    for file in files:
        body = ast.parse(Path(file).read_text()).body
        assert sum(isinstance(node, ast.ClassDef) for node in body) == 1
        modules = {node.module for node in body if isinstance(node, ast.ImportFrom)}
        assert modules == {"backtester.backtest"}


def test_the_strategy_in_the_docs_trades(tmp_path):
    page = builtin_folder("strategies").parent / "docs" / "strategies.md"
    source = page.read_text().split("```python\n")[1].split("```")[0]
    reference = write_strategy(tmp_path, source)
    section = ReferenceStrategy(kind=reference, rebalance_band=0.1, parameters={"scale": 200.0})
    prices, forecasts = random_market(1)
    trading = run(prices, forecasts, strategy=section, folder=tmp_path)
    decided, filled = trading.orders["decided"], trading.orders["filled"]
    falling = (prices.frame["close"].diff()[decided] < 0.0).to_numpy()
    after = trading.bars["exposure"][filled].to_numpy()
    missing = forecasts.by_origin[decided].isna().to_numpy()
    assert 10 < falling.sum() < len(falling) - 10
    assert set(after[falling]) == {0.0}
    assert np.all(after[~falling & ~missing] != 0.0)
