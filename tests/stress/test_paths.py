from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backtester.backtest import replay, trade
from backtester.metrics import sharpe
from backtester.recipe.sections import BrokerSection, Fill
from backtester.recipe.strategies import LongOrCash, LongShort, ReferenceStrategy, Threshold, VolatilityScaled
from backtester.stress.deciding import wanted_exposures
from backtester.stress.paths import (
    net_returns,
    orders_of_bars,
    orders_of_wanted,
    path_sharpes,
    shifted_orders,
    venue_of,
)
from tests.backtest.markets import make_forecasts, make_prices, random_market, write_strategy

DEAR = BrokerSection(commission_bp=20.0, slippage_bp=10.0)
STRATEGIES = {
    "long or cash": LongOrCash(threshold_bp=2.0),
    "long short": LongShort(kind="long_short", threshold_bp=1.0),
    "short with leverage": LongShort(kind="long_short", max_exposure=2.5),
    "threshold": Threshold(kind="threshold", short=True),
    "threshold long": Threshold(kind="threshold", enter_bp=5.0, exit_bp=-5.0),
    "volatility": VolatilityScaled(kind="volatility_scaled", short=True, max_exposure=2.0),
    "volatility from the first bar": VolatilityScaled(kind="volatility_scaled", window=90),
}
BROKERS = {
    "free": BrokerSection(commission_bp=0.0, slippage_bp=0.0),
    "dear": DEAR,
    "next close": BrokerSection(fill=Fill.NEXT_CLOSE),
    "whole shares": BrokerSection(fractional=False, cash=3_000.0),
}


def venue(prices, forecasts, *, strategy, broker=DEAR):
    return venue_of(prices, forecasts, broker=broker, max_exposure=strategy.max_exposure)


def vectorised(prices, forecasts, *, strategy, broker=DEAR):
    """Net returns (n,) of one path, from the forecasts."""
    place = venue(prices, forecasts, strategy=strategy, broker=broker)
    wanted = wanted_exposures(place.forecasts[None, :], strategy=strategy, venue=place, periods_per_year=252)
    return net_returns(orders_of_wanted(wanted, band=strategy.rebalance_band), venue=place)[0]


@pytest.mark.parametrize("broker", BROKERS.values(), ids=BROKERS)
@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
def test_a_path_earns_what_the_replay_of_its_strategy_earns(strategy, broker):
    prices, forecasts = random_market(5, horizon=2)
    bars = replay(prices, forecasts, strategy=strategy, broker=broker, periods_per_year=252)
    assert (bars["turnover"] > 0.0).sum() > 10
    found = vectorised(prices, forecasts, strategy=strategy, broker=broker)
    np.testing.assert_allclose(found, bars["return"], atol=1e-9)


@pytest.mark.parametrize("broker", BROKERS.values(), ids=BROKERS)
@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)
def test_orders_read_from_bars_earn_what_the_bars_earn(strategy, broker):
    prices, forecasts = random_market(6, horizon=2)
    bars = replay(prices, forecasts, strategy=strategy, broker=broker, periods_per_year=252)
    place = venue(prices, forecasts, strategy=strategy, broker=broker)
    found = net_returns(orders_of_bars(bars, venue=place)[None, :], venue=place)[0]
    np.testing.assert_allclose(found, bars["return"], atol=1e-9)


def test_a_path_earns_what_backtrader_earns():
    prices, forecasts = random_market(7)
    strategy = LongShort(kind="long_short")
    bars = trade(prices, forecasts, strategy=strategy, broker=DEAR, folder=Path(), periods_per_year=252).bars
    found = vectorised(prices, forecasts, strategy=strategy)
    np.testing.assert_allclose(found, bars["return"], atol=1e-9)


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_ruined_path_ends_at_the_bar_at_which_the_replay_ends(seed):
    prices, forecasts = random_market(seed)
    strategy = LongShort(kind="long_short", max_exposure=10.0)
    bars = replay(prices, forecasts, strategy=strategy, broker=DEAR, periods_per_year=252)
    assert bars["equity"].iloc[-1] == 0.0
    found = vectorised(prices, forecasts, strategy=strategy)
    np.testing.assert_allclose(found, bars["return"], atol=1e-9)
    assert found.min() == -1.0


def test_orders_of_a_users_own_strategy_are_read_from_its_bars(tmp_path):
    source = (
        "import backtrader as bt\n"
        "class Mine(bt.Strategy):\n"
        "    def __init__(self):\n"
        "        self.mean = bt.indicators.SMA(self.data.close, period=5)\n"
        "    def next(self):\n"
        "        if self.data.close[0] > self.mean[0] and not self.position:\n"
        "            self.order_target_percent(target=0.5)\n"
        "        elif self.data.close[0] < self.mean[0] and self.position:\n"
        "            self.close()\n"
    )
    strategy = ReferenceStrategy(kind=write_strategy(tmp_path, source))
    prices, forecasts = random_market(8)
    bars = trade(
        prices, forecasts, strategy=strategy, broker=DEAR, folder=tmp_path, periods_per_year=252
    ).bars
    place = venue(prices, forecasts, strategy=strategy)
    orders = orders_of_bars(bars, venue=place)
    assert (~np.isnan(orders)).sum() > 20
    np.testing.assert_allclose(net_returns(orders[None, :], venue=place)[0], bars["return"], atol=1e-9)


def test_many_paths_earn_what_each_earns_alone():
    prices, forecasts = random_market(9)
    strategy = STRATEGIES["short with leverage"]
    place = venue(prices, forecasts, strategy=strategy)
    rng = np.random.default_rng(0)
    shuffled = np.array([rng.permutation(place.forecasts) for _ in range(7)])
    wanted = wanted_exposures(shuffled, strategy=strategy, venue=place, periods_per_year=252)
    orders = orders_of_wanted(wanted, band=0.05)
    together = net_returns(orders, venue=place)
    for path, alone in zip(orders, together, strict=True):
        np.testing.assert_array_equal(net_returns(path[None, :], venue=place)[0], alone)


def held_of(orders):
    """The exposure last ordered, (k, n)."""
    return pd.DataFrame(orders.T).ffill().fillna(0.0).to_numpy().T


@pytest.mark.parametrize("name", ["long or cash", "short with leverage", "volatility"])
def test_moving_a_path_round_the_circle_keeps_exposure_turnover_and_autocorrelation(name):
    prices, forecasts = random_market(10)
    strategy = STRATEGIES[name]
    place = venue(prices, forecasts, strategy=strategy)
    bars = replay(prices, forecasts, strategy=strategy, broker=DEAR, periods_per_year=252)
    own = orders_of_bars(bars, venue=place)
    lags = np.arange(len(place))
    held = held_of(shifted_orders(own, lags=lags))
    np.testing.assert_array_equal(held[0], held_of(own[None, :])[0])

    def around(values, k):
        return np.mean(values * np.roll(values, k, axis=1), axis=1)

    changes = np.sum(np.abs(held - np.roll(held, 1, axis=1)), axis=1)
    np.testing.assert_allclose(changes, changes[0])
    np.testing.assert_allclose(np.mean(held, axis=1), np.mean(held[0]))
    for k in (1, 5):
        np.testing.assert_allclose(around(held, k), around(held, k)[0])
    np.testing.assert_array_equal(held[37], np.roll(held[0], 37))


def test_a_moved_path_turns_over_what_the_path_does_but_for_its_ends():
    prices, forecasts = random_market(11)
    strategy = LongOrCash()
    place = venue(prices, forecasts, strategy=strategy)
    own = orders_of_bars(
        replay(prices, forecasts, strategy=strategy, broker=DEAR, periods_per_year=252), venue=place
    )
    moved = held_of(shifted_orders(own, lags=np.arange(1, len(place))))
    trades = np.sum(np.abs(np.diff(moved, axis=1, prepend=0.0)), axis=1)
    of_own = np.sum(np.abs(np.diff(held_of(own[None, :]), axis=1, prepend=0.0)))
    # the entry, and the seam where the last bar now meets the first
    assert np.max(np.abs(trades - of_own)) <= 2.0


def test_an_order_that_only_rebalances_moves_with_its_path():
    nan = np.nan
    own = np.array([0.5, 0.5, nan, 0.0, nan])
    moved = shifted_orders(own, lags=np.array([0, 1, 2, 3]))
    expected = [
        [0.5, 0.5, nan, 0.0, nan],
        [nan, 0.5, 0.5, nan, 0.0],
        [nan, nan, 0.5, 0.5, nan],
        [0.5, 0.0, nan, 0.5, 0.5],
    ]
    np.testing.assert_array_equal(np.nan_to_num(moved, nan=-1.0), np.nan_to_num(expected, nan=-1.0))


def test_sharpe_ratios_of_paths_are_the_metric():
    returns = np.random.default_rng(3).normal(0.001, 0.01, (3, 50))
    returns[1] = 0.0
    found = path_sharpes(returns)
    assert np.isnan(found[1])
    for row in (0, 2):
        assert found[row] == pytest.approx(sharpe(returns[row], periods_per_year=1.0))


def test_decisions_do_not_change_with_prices_that_come_later():
    prices, forecasts = random_market(12)
    strategy = STRATEGIES["volatility"]
    cut = 200
    changed = prices.frame.copy()
    changed.iloc[cut + 1 :] *= np.linspace(1.1, 2.0, len(changed) - cut - 1)[:, None]
    other = make_prices(**{name: changed[name].to_numpy() for name in changed.columns})
    wanted = []
    for each in (prices, other):
        place = venue(each, forecasts, strategy=strategy)
        wanted.append(
            wanted_exposures(place.forecasts[None, :], strategy=strategy, venue=place, periods_per_year=252)
        )
    known = cut + 1 - 60  # bars from the first fill, at bar 61, to the one ordered at the close of the cut
    np.testing.assert_array_equal(wanted[0][:, :known], wanted[1][:, :known])
    assert (wanted[0][:, known:] != wanted[1][:, known:]).any()


def test_a_venue_gives_each_bar_the_forecast_known_at_the_close_before():
    prices = make_prices(open=[1.0] * 5, close=[1.0, 2.0, 3.0, 4.0, 5.0])
    forecasts = make_forecasts(prices, [0.1, 0.2, 0.3], first_origin=2)
    place = venue(prices, forecasts, strategy=LongOrCash())
    assert place.closes.tolist() == [4.0, 5.0]
    assert place.forecasts.tolist() == [0.1, 0.2]
