import numpy as np
import pytest

from backtester.recipe.sections import BrokerSection
from backtester.recipe.strategies import LongShort, ReferenceStrategy
from tests.backtest.markets import make_forecasts, make_prices, run, write_strategy

FREE = BrokerSection(cash=1000.0, commission_bp=0.0, slippage_bp=0.0)

AS_TOLD = """\
from backtester.backtest import ForecastStrategy
class Mine(ForecastStrategy):
    def target_exposure(self, forecast):
        return forecast
"""


def test_a_reversal_closes_one_trade_and_opens_another():
    prices = make_prices(open=[10.0, 10.0, 12.0, 12.5, 9.0], close=[10.0, 11.0, 12.0, 12.5, 8.0])
    forecasts = make_forecasts(prices, [1.0, -1.0, -1.0, 0.0, 0.0])
    trades = run(prices, forecasts, strategy=LongShort(kind="long_short"), broker=FREE).trades
    dates = prices.dates
    assert trades["direction"].tolist() == ["long", "short"]
    assert trades["entry_date"].tolist() == [dates[1], dates[2]]
    assert trades["exit_date"].tolist() == [dates[2], dates[4]]
    assert trades["size"].tolist() == pytest.approx([100.0, 100.0])
    assert trades["entry_price"].tolist() == pytest.approx([10.0, 12.0])
    assert trades["exit_price"].tolist() == pytest.approx([12.0, 9.0])
    assert trades["pnl"].tolist() == pytest.approx([200.0, 300.0])
    assert trades["return"].tolist() == pytest.approx([0.2, 0.25])
    assert trades["bars"].tolist() == [1, 2]


def test_a_trade_lasts_from_flat_to_flat_over_changes_of_size(tmp_path):
    opens = [10.0, 10.5, 20.0, 40.0, 40.5]
    prices = make_prices(open=opens, close=opens)
    forecasts = make_forecasts(prices, [0.25, 0.75, 0.5, 0.0, 0.0])
    section = ReferenceStrategy(kind=write_strategy(tmp_path, AS_TOLD), rebalance_band=0.0)
    trading = run(prices, forecasts, strategy=section, broker=FREE, folder=tmp_path)
    assert trading.orders["side"].tolist() == ["buy", "buy", "sell", "sell"]
    assert len(trading.trades) == 1
    trade = trading.trades.iloc[0]
    bought, sold = trading.orders["size"][:2], trading.orders["size"][2:]
    assert trade["size"] == pytest.approx(bought.sum())
    assert trade["entry_price"] == pytest.approx(np.average(opens[1:3], weights=bought))
    assert trade["exit_price"] == pytest.approx(np.average(opens[3:], weights=sold))
    assert trade["pnl"] == pytest.approx(trading.bars["equity"].iloc[-1] - 1000.0)


def test_profits_are_net_of_costs():
    prices = make_prices(open=[10.0, 10.0, 12.0, 12.5], close=[10.0, 11.0, 12.0, 12.5])
    forecasts = make_forecasts(prices, [1.0, 0.0, 0.0, 0.0])
    broker = BrokerSection(cash=1000.0, commission_bp=100.0, slippage_bp=0.0)
    trading = run(prices, forecasts, broker=broker)
    size = 1000.0 / 10.1
    assert trading.trades["pnl"].tolist() == pytest.approx([size * (2.0 - 0.1 - 0.12)])
    assert trading.trades["pnl"].sum() == pytest.approx(trading.bars["equity"].iloc[-1] - 1000.0)


def test_no_fills_give_an_empty_table_with_its_columns():
    prices = make_prices(open=[10.0, 11.0, 12.0], close=[10.0, 10.5, 11.0])
    trading = run(prices, make_forecasts(prices, [0.0] * 3), broker=FREE)
    assert list(trading.trades.columns) == [
        "entry_date",
        "exit_date",
        "direction",
        "size",
        "entry_price",
        "exit_price",
        "pnl",
        "return",
        "bars",
    ]
    assert list(trading.orders.columns) == [
        "decided",
        "filled",
        "side",
        "size",
        "price",
        "value",
        "commission",
        "slippage",
        "status",
    ]
    assert (len(trading.trades), len(trading.orders)) == (0, 0)
