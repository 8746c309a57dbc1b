import doctest

import numpy as np
import pandas as pd
import pytest

from backtester.backtest import buy_and_hold, one_bar_later, trade, variants_table
from backtester.backtest import variants as variants_module
from backtester.backtest.broker import costs_of
from backtester.backtest.variants import with_double_costs, without_costs
from backtester.errors import RecipeError
from backtester.forecasts import Forecasts
from backtester.metrics.returns import sharpe
from backtester.recipe.sections import BrokerSection, Fill
from backtester.recipe.strategies import LongOrCash, LongShort, ReferenceStrategy, Threshold, VolatilityScaled
from tests.backtest.markets import make_forecasts, make_prices, random_market, run, write_strategy

COLUMNS = [
    "strategy_double_costs",
    "buy_and_hold_double_costs",
    "strategy_one_bar_later",
    "strategy_no_costs",
    "buy_and_hold_no_costs",
    "turnover_strategy",
    "turnover_buy_and_hold",
]
FREE = BrokerSection(commission_bp=0.0, slippage_bp=0.0)


def table_of(prices, forecasts, *, strategy=None, broker=None, folder="."):
    return variants_table(
        prices,
        forecasts,
        strategy=LongOrCash() if strategy is None else strategy,
        broker=BrokerSection() if broker is None else broker,
        folder=folder,
        periods_per_year=252,
    )


def test_examples_hold():
    assert doctest.testmod(variants_module).failed == 0


@pytest.mark.parametrize(
    "section",
    [Threshold(kind="threshold", short=True), VolatilityScaled(kind="volatility_scaled", max_exposure=2.0)],
    ids=lambda section: section.kind,
)
@pytest.mark.parametrize("fill", list(Fill))
def test_every_column_is_what_backtrader_gives_under_those_circumstances(section, fill):
    prices, forecasts = random_market(1, horizon=2)
    broker = BrokerSection(commission_bp=7.0, slippage_bp=3.0, fill=fill)
    found = table_of(prices, forecasts, strategy=section, broker=broker)
    dear = BrokerSection(commission_bp=14.0, slippage_bp=6.0, fill=fill)
    free = BrokerSection(commission_bp=0.0, slippage_bp=0.0, fill=fill)
    as_it_was = run(prices, forecasts, strategy=section, broker=broker).bars
    strategy_free = run(prices, forecasts, strategy=section, broker=free).bars
    held_free = buy_and_hold(prices, forecasts, broker=free).bars
    late = one_bar_later(forecasts)
    expected = {
        "strategy_double_costs": run(prices, forecasts, strategy=section, broker=dear).bars["return"],
        "buy_and_hold_double_costs": buy_and_hold(prices, forecasts, broker=dear).bars["return"],
        "strategy_one_bar_later": run(prices, late, strategy=section, broker=broker).bars["return"],
        "strategy_no_costs": strategy_free["return"],
        "buy_and_hold_no_costs": held_free["return"],
        "turnover_strategy": strategy_free["turnover"],
        "turnover_buy_and_hold": held_free["turnover"],
    }
    assert list(found.columns) == COLUMNS
    assert found.index.equals(as_it_was.index)
    assert found.index.name == "date"
    assert not found.isna().any(axis=None)
    for name, column in expected.items():
        np.testing.assert_allclose(found[name], column, atol=1e-9, err_msg=name)


def test_a_users_own_strategy_has_variants_too(tmp_path):
    source = (
        "import backtrader as bt\n"
        "class Mine(bt.Strategy):\n"
        "    def next(self):\n"
        "        if self.data.forecast[0] > 0.0 and not self.position:\n"
        "            self.buy(size=100)\n"
        "        elif self.data.forecast[0] < 0.0 and self.position:\n"
        "            self.close()\n"
    )
    section = ReferenceStrategy(kind=write_strategy(tmp_path, source))
    prices, forecasts = random_market(2)
    found = table_of(prices, forecasts, strategy=section, folder=tmp_path)
    late = run(prices, one_bar_later(forecasts), strategy=section, folder=tmp_path).bars
    pd.testing.assert_series_equal(found["strategy_one_bar_later"], late["return"], check_names=False)
    free = run(prices, forecasts, strategy=section, broker=FREE, folder=tmp_path).bars
    pd.testing.assert_series_equal(found["strategy_no_costs"], free["return"], check_names=False)


def test_a_bar_later_by_hand():
    opens, closes = [100.0, 100.0, 110.0, 120.0, 90.0, 80.0], [100.0, 110.0, 121.0, 99.0, 88.0, 70.0]
    prices = make_prices(open=opens, close=closes)
    # long is decided at the closes of bars 0 and 1, cash at those of 2 and 3, long again at 4
    forecasts = make_forecasts(prices, [0.01, 0.01, -0.01, -0.01, 0.01, 0.01])
    found = table_of(prices, forecasts, broker=FREE)
    # in at the open of bar 1, out at the open of bar 3, in at the open of bar 5
    assert found["strategy_no_costs"].tolist() == pytest.approx(
        [110 / 100 - 1, 121 / 110 - 1, 120 / 121 - 1, 0.0, 70 / 80 - 1]
    )
    # in at the open of bar 2, out at the open of bar 4; in again only after the last bar
    assert found["strategy_one_bar_later"].tolist() == pytest.approx(
        [0.0, 121 / 110 - 1, 99 / 121 - 1, 90 / 99 - 1, 0.0]
    )


def test_a_forecast_is_handed_over_on_the_bar_after_its_own():
    _, forecasts = random_market(3)
    late = one_bar_later(forecasts).frame
    assert np.isnan(late["forecast"].iloc[0])
    assert late["forecast"].iloc[1:].tolist() == pytest.approx(
        forecasts.frame["forecast"].iloc[:-1].tolist(), nan_ok=True, abs=0.0
    )
    np.testing.assert_allclose(late["forecast_price"], late["last_price"] * np.exp(late["forecast"]))
    pd.testing.assert_series_equal(late["origin"], forecasts.frame["origin"])


def test_no_forecast_is_handed_to_another_symbol():
    _, forecasts = random_market(3)
    both = pd.concat([forecasts.frame.assign(symbol="A"), forecasts.frame], ignore_index=True)
    late = one_bar_later(Forecasts(frame=both)).frame
    alone = one_bar_later(forecasts).frame
    pd.testing.assert_frame_equal(
        late[late["symbol"] == "TEST"].reset_index(drop=True), alone, check_exact=True
    )


def test_what_is_forecast_later_changes_no_variant_before():
    prices, forecasts = random_market(5)
    full = table_of(prices, forecasts)
    origin = 200
    frame = forecasts.frame.copy()
    frame.loc[origin:, "forecast"] = -frame.loc[origin:, "forecast"] + 1e-6
    changed = table_of(prices, Forecasts(frame=frame))
    # decided at the close of that origin: filled one bar later, or two where it is handed over late
    first_fill = dict.fromkeys(COLUMNS, origin + 1) | {"strategy_one_bar_later": origin + 2}
    for name in COLUMNS:
        day = forecasts.frame["origin"][first_fill[name]]
        before = full.index < day
        pd.testing.assert_series_equal(full[name][before], changed[name][before], check_exact=True)
    assert full["strategy_one_bar_later"].iloc[-60:].ne(changed["strategy_one_bar_later"].iloc[-60:]).any()


def test_what_happens_later_changes_no_variant_before():
    prices, forecasts = random_market(6)
    section = VolatilityScaled(kind="volatility_scaled", short=True, max_exposure=2.0)
    full = table_of(prices, forecasts, strategy=section)
    for cut in (62, 150, 398):
        changed = prices.frame.copy()
        changed.iloc[cut + 1 :] *= 1.7
        other = make_prices(**{name: changed[name].to_numpy() for name in changed.columns})
        day = prices.dates[cut]
        pd.testing.assert_frame_equal(
            full[:day], table_of(other, forecasts, strategy=section)[:day], check_exact=True
        )


def test_knowledge_of_the_next_bar_is_worth_nothing_a_bar_later():
    rng = np.random.default_rng(1)
    opens = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, 2000)))
    prices = make_prices(open=opens, close=opens * np.exp(rng.normal(0.0, 1e-4, 2000)))
    # known at the close of bar t: the move from the open of t + 1 to that of t + 2
    values = np.append(np.log(opens[2:] / opens[1:-1]), [0.0, 0.0])
    found = table_of(prices, make_forecasts(prices, values), strategy=LongShort(kind="long_short"))
    assert sharpe(found["strategy_no_costs"], periods_per_year=252) > 15.0
    assert abs(sharpe(found["strategy_one_bar_later"], periods_per_year=252)) < 1.0


def test_costs_double_and_nothing_else_changes():
    broker = BrokerSection(cash=5.0, commission_bp=3.0, slippage_bp=0.5, fractional=False)
    expected = BrokerSection(cash=5.0, commission_bp=6.0, slippage_bp=1.0, fractional=False)
    assert with_double_costs(broker, max_exposure=1.0) == expected
    assert with_double_costs(FREE, max_exposure=10.0) == FREE
    assert without_costs(broker) == BrokerSection(
        cash=5.0, commission_bp=0.0, slippage_bp=0.0, fractional=False
    )
    highest = BrokerSection(commission_bp=1000.0, slippage_bp=1000.0)
    assert with_double_costs(highest, max_exposure=1.0).commission_bp == 2000.0


@pytest.mark.parametrize(("commission", "slippage"), [(700.0, 500.0), (1000.0, 0.0), (0.0, 900.0)])
def test_doubled_costs_stop_where_one_trade_would_take_everything(commission, slippage):
    broker = BrokerSection(commission_bp=commission, slippage_bp=slippage)
    dear = with_double_costs(broker, max_exposure=6.0)
    costs = costs_of(dear, max_exposure=6.0)
    assert 6.0 * costs.of_buying == pytest.approx(0.99)
    assert dear.commission_bp * slippage == pytest.approx(dear.slippage_bp * commission)
    prices, forecasts = random_market(7)
    found = table_of(prices, forecasts, strategy=LongOrCash(max_exposure=6.0), broker=broker)
    assert np.prod(1.0 + found["strategy_double_costs"]) < 0.01


def test_costs_near_the_limit_are_not_lowered():
    broker = BrokerSection(commission_bp=999.0, slippage_bp=0.0)
    assert with_double_costs(broker, max_exposure=10.0) == broker
    with pytest.raises(RecipeError, match="would take the whole equity in one trade"):
        with_double_costs(BrokerSection(commission_bp=1000.0), max_exposure=10.0)


def test_trading_by_the_variants_broker_is_trading_by_an_equal_recipes():
    prices, forecasts = random_market(8)
    dear = with_double_costs(BrokerSection(), max_exposure=1.0)
    section = LongOrCash()
    found = trade(prices, forecasts, strategy=section, broker=dear, folder=".", periods_per_year=252).bars
    same = BrokerSection(commission_bp=2.0, slippage_bp=2.0)
    pd.testing.assert_frame_equal(found, run(prices, forecasts, broker=same).bars, check_exact=True)
