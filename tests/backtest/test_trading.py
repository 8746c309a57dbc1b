import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backtester.backtest import buy_and_hold
from backtester.errors import RecipeError
from backtester.metrics import performance
from backtester.prices.table import Prices
from backtester.recipe.sections import BrokerSection, Fill
from backtester.recipe.strategies import LongOrCash, LongShort, ReferenceStrategy, Threshold, VolatilityScaled
from tests.backtest.markets import make_forecasts, make_prices, random_market, run, write_strategy
from tests.backtest.reference import Account, Market, trade_by_hand

FREE = BrokerSection(commission_bp=0.0, slippage_bp=0.0)
EXPENSIVE = BrokerSection(commission_bp=50.0, slippage_bp=20.0)


def long_or_cash_rule(section):
    return lambda f, wanted, closes: section.max_exposure if f * 1e4 > section.threshold_bp else 0.0


def long_short_rule(section):
    def decide(f, wanted, closes):
        if f * 1e4 > section.threshold_bp:
            return section.max_exposure
        return -section.max_exposure if f * 1e4 < -section.threshold_bp else 0.0

    return decide


def threshold_rule(section):
    def decide(f, wanted, closes):
        bp, top = f * 1e4, section.max_exposure
        if wanted > 0 and bp >= section.exit_bp:
            return top
        if bp > section.enter_bp:
            return top
        if section.short and wanted < 0 and bp <= -section.exit_bp:
            return -top
        return -top if section.short and bp < -section.enter_bp else 0.0

    return decide


def volatility_rule(section):
    def decide(f, wanted, closes):
        past = pd.Series(closes).pct_change().dropna().tail(section.window)
        if len(past) < section.window or abs(f) * 1e4 <= section.threshold_bp:
            return 0.0
        size = min(section.max_exposure, section.target_volatility / (past.std() * math.sqrt(252)))
        return size if f > 0 else -size if section.short else 0.0

    return decide


CASES = {
    "long or cash": (LongOrCash(), long_or_cash_rule),
    "long or cash, threshold, half": (LongOrCash(threshold_bp=4.0, max_exposure=0.5), long_or_cash_rule),
    "long or cash, leverage": (LongOrCash(max_exposure=3.0), long_or_cash_rule),
    "long short": (LongShort(kind="long_short"), long_short_rule),
    "long short, leverage": (LongShort(kind="long_short", max_exposure=2.0), long_short_rule),
    "threshold": (Threshold(kind="threshold"), threshold_rule),
    "threshold, short": (Threshold(kind="threshold", short=True, exit_bp=-3.0), threshold_rule),
    "volatility": (VolatilityScaled(kind="volatility_scaled"), volatility_rule),
    "volatility, no band": (VolatilityScaled(kind="volatility_scaled", rebalance_band=0.0), volatility_rule),
    "volatility, short, leverage": (
        VolatilityScaled(kind="volatility_scaled", short=True, target_volatility=0.6, max_exposure=4.0),
        volatility_rule,
    ),
}
BROKERS = {
    "free": FREE,
    "usual": BrokerSection(),
    "expensive": EXPENSIVE,
    "whole shares": BrokerSection(cash=10_000.0, commission_bp=5.0, fractional=False),
    "next close": BrokerSection(commission_bp=3.0, fill=Fill.NEXT_CLOSE),
}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("broker", BROKERS.values(), ids=BROKERS)
@pytest.mark.parametrize(("section", "rule"), CASES.values(), ids=CASES)
def test_equity_agrees_with_an_independent_account_on_every_bar(section, rule, broker, seed):
    prices, forecasts = random_market(seed, horizon=2)
    trading = run(prices, forecasts, strategy=section, broker=broker)
    at_close = broker.fill is Fill.NEXT_CLOSE
    origin = prices.dates.get_loc(forecasts.by_origin.index[0])
    expected = trade_by_hand(
        Market(
            open=prices.column("close" if at_close else "open"),
            close=prices.column("close"),
            forecast=forecasts.by_origin.reindex(prices.dates).to_numpy(),
            first_origin=origin,
        ),
        Account(
            cash=broker.cash,
            commission=broker.commission_bp / 1e4,
            slippage=broker.slippage_bp / 1e4,
            whole_shares=not broker.fractional,
            max_exposure=section.max_exposure,
            band=section.rebalance_band,
        ),
        rule(section),
    )
    assert len(expected.fills) > 20
    assert trading.rejected == 0
    bars = trading.bars
    assert list(bars.index) == list(prices.dates[origin + 1 :])
    np.testing.assert_allclose(bars["equity"], expected.equity, rtol=1e-9)
    before = np.append(broker.cash, expected.equity[:-1])
    np.testing.assert_allclose(bars["return"], np.array(expected.equity) / before - 1.0, atol=1e-9)
    exposure = np.array(expected.position) * prices.column("close")[origin + 1 :] / expected.equity
    np.testing.assert_allclose(bars["exposure"], exposure, atol=1e-9)
    np.testing.assert_allclose(bars["turnover"], expected.turnover, atol=1e-9)
    np.testing.assert_allclose(bars["cost"], expected.cost, atol=1e-9 * broker.cash)
    signed = np.where(trading.orders["side"] == "buy", 1.0, -1.0) * trading.orders["size"]
    assert list(trading.orders["filled"]) == [prices.dates[bar] for bar, _ in expected.fills]
    np.testing.assert_allclose(signed, [size for _, size in expected.fills], rtol=1e-8)
    assert trading.trades["pnl"].sum() == pytest.approx(expected.equity[-1] - broker.cash, abs=1e-6)


def test_an_order_is_decided_at_the_close_before_its_fill():
    prices, forecasts = random_market(3)
    orders = run(prices, forecasts).orders
    positions = prices.dates.get_indexer(orders["decided"])
    assert list(prices.dates.get_indexer(orders["filled"])) == list(positions + 1)
    assert set(orders["status"]) == {"filled"}


def test_a_day_by_hand():
    prices = make_prices(open=[100.0, 100.0, 120.0, 110.0], close=[100.0, 110.0, 125.0, 100.0])
    forecasts = make_forecasts(prices, [0.01, 0.01, -0.01, -0.01])
    broker = BrokerSection(cash=1000.0, commission_bp=0.0, slippage_bp=100.0)
    trading = run(prices, forecasts, broker=broker)
    shares = 1000.0 / 101.0
    assert trading.bars["equity"].tolist() == pytest.approx([shares * 110, shares * 125, shares * 110 * 0.99])
    assert trading.bars["turnover"].tolist() == pytest.approx([100 / 101, 0.0, 1.0])
    assert trading.bars["cost"].tolist() == pytest.approx([shares, 0.0, shares * 1.1])
    assert trading.bars["exposure"].tolist() == pytest.approx([1.0, 1.0, 0.0])
    assert trading.orders["price"].tolist() == pytest.approx([101.0, 108.9])
    assert trading.orders["slippage"].tolist() == pytest.approx([shares, shares * 1.1])


@pytest.mark.parametrize("gap", [1.3, 0.7])
@pytest.mark.parametrize("exposure", [1.0, -1.0, 2.5, -2.5])
@pytest.mark.parametrize("broker", [FREE, EXPENSIVE], ids=["free", "expensive"])
def test_a_gap_at_the_open_cannot_turn_an_order_into_a_rejected_one(tmp_path, exposure, gap, broker):
    # in at the first fill, the other way after it, then back: each fill at an open 30 % off the close
    source = (
        "from backtester.backtest import ForecastStrategy\n"
        "class Mine(ForecastStrategy):\n"
        "    def target_exposure(self, forecast):\n"
        "        return forecast\n"
    )
    section = ReferenceStrategy(kind=write_strategy(tmp_path, source), max_exposure=3.0)
    opens = [100.0, 100.0 * gap, 100.0, 100.0 * gap, 100.0]
    prices = make_prices(open=opens, close=[100.0] * 5)
    forecasts = make_forecasts(prices, [exposure, -exposure, exposure, 0.0, 0.0])
    trading = run(prices, forecasts, strategy=section, broker=broker, folder=tmp_path)
    assert trading.rejected == 0
    assert set(trading.orders["status"]) == {"filled"}
    if trading.bars["equity"].iloc[-1] > 0.0:
        assert len(trading.orders) == 4


@pytest.mark.parametrize("broker", [FREE, EXPENSIVE], ids=["free", "expensive"])
def test_exposure_after_costs_equals_the_target(broker):
    same = [100.0, 101.0, 90.0, 95.0]
    prices = make_prices(open=same, close=same)
    forecasts = make_forecasts(prices, [1.0, -1.0, 1.0, 1.0])
    section = LongShort(kind="long_short", max_exposure=2.0)
    exposure = run(prices, forecasts, strategy=section, broker=broker).bars["exposure"]
    assert exposure.tolist() == pytest.approx([2.0, -2.0, 2.0])


@pytest.mark.parametrize("section", [LongOrCash(), LongShort(kind="long_short")], ids=["cash", "short"])
def test_zero_forecasts_stay_in_cash_with_a_flat_equity_and_no_sharpe(section):
    prices, _ = random_market(4)
    forecasts = make_forecasts(prices, np.zeros(len(prices) - 60), first_origin=60)
    trading = run(prices, forecasts, strategy=section)
    assert set(trading.bars["equity"]) == {100_000.0}
    assert set(trading.bars["return"]) == {0.0}
    assert len(trading.orders) == 0
    assert len(trading.trades) == 0
    assert [note.text for note in trading.notes] == [
        "The strategy never traded: nothing can be concluded from it."
    ]
    found = performance(trading.bars, trades=0, rejected_orders=0, periods_per_year=252)
    assert math.isnan(found.sharpe)
    assert found.as_dict()["sharpe"] is None


def test_equity_is_flat_to_the_last_bit_while_in_cash():
    prices, forecasts = random_market(5)
    bars = run(prices, forecasts, strategy=LongOrCash(threshold_bp=10.0), broker=EXPENSIVE).bars
    idle = (bars["exposure"] == 0.0) & (bars["turnover"] == 0.0)
    assert idle.sum() > 50
    assert set(bars["return"][idle]) == {0.0}


def test_a_missing_forecast_is_cash():
    prices, _ = random_market(6, n_bars=8, first_origin=0)
    values = [0.01, 0.01, np.nan, np.nan, 0.01, 0.01, 0.01, 0.01]
    exposure = run(prices, make_forecasts(prices, values)).bars["exposure"]
    assert (exposure != 0.0).tolist() == [True, True, False, False, True, True, True]


def test_an_order_goes_out_only_when_the_target_moves_by_more_than_the_band():
    prices, _ = random_market(7)
    forecasts = make_forecasts(prices, np.full(len(prices), 0.01))
    loose = VolatilityScaled(kind="volatility_scaled", rebalance_band=0.1)
    tight = VolatilityScaled(kind="volatility_scaled", rebalance_band=0.0)
    n_loose = len(run(prices, forecasts, strategy=loose).orders)
    n_tight = len(run(prices, forecasts, strategy=tight).orders)
    assert 1 < n_loose < n_tight / 5


def test_nothing_is_sold_at_the_end():
    prices = make_prices(open=[10.0] * 5, close=[10.0, 10.0, 11.0, 12.0, 13.0])
    trading = run(prices, make_forecasts(prices, [0.01] * 5), broker=FREE)
    assert len(trading.orders) == 1
    assert trading.trades["exit_date"].isna().tolist() == [True]
    assert trading.trades["exit_price"].tolist() == [13.0]
    assert trading.trades["pnl"].tolist() == pytest.approx([30_000.0])


def test_buy_and_hold_starts_at_the_first_possible_fill_pays_and_ends_on_the_same_bar():
    prices, forecasts = random_market(8)
    held, traded = buy_and_hold(prices, forecasts, broker=EXPENSIVE), run(prices, forecasts, broker=EXPENSIVE)
    assert held.bars.index.equals(traded.bars.index)
    assert held.orders["decided"].tolist() == [prices.dates[60]]
    assert held.orders["filled"].tolist() == [prices.dates[61]]
    k = 0.002 + 0.005 * 1.002
    final = 100_000.0 / (1.0 + k) / prices.column("open")[61] * prices.column("close")[-1]
    assert held.bars["equity"].iloc[-1] == pytest.approx(final, rel=1e-9)
    assert held.bars["cost"].sum() == pytest.approx(100_000.0 * k / (1.0 + k))
    assert held.bars["exposure"].tolist() == pytest.approx([1.0] * len(held.bars))


def test_buy_and_hold_does_not_depend_on_what_is_forecast():
    prices, forecasts = random_market(8)
    other = make_forecasts(prices, np.full(len(prices) - 60, np.nan), first_origin=60)
    a, b = (buy_and_hold(prices, each, broker=EXPENSIVE).bars for each in (forecasts, other))
    pd.testing.assert_frame_equal(a, b, check_exact=True)


def test_an_account_that_lost_everything_is_closed_and_says_so():
    prices = make_prices(open=[100.0, 100.0, 100.0, 250.0, 50.0], close=[100.0, 100.0, 240.0, 50.0, 40.0])
    forecasts = make_forecasts(prices, [-1.0] * 5)
    trading = run(prices, forecasts, strategy=LongShort(kind="long_short"), broker=FREE)
    assert trading.bars["equity"].tolist() == [100_000.0, 0.0, 0.0, 0.0]
    assert trading.bars["return"].tolist() == [0.0, -1.0, 0.0, 0.0]
    assert trading.bars["exposure"].tolist() == [-1.0, 0.0, 0.0, 0.0]
    assert trading.trades["pnl"].tolist() == pytest.approx([-100_000.0])
    assert trading.trades["exit_date"].tolist() == [prices.dates[2]]
    assert "closed on 2015-01-05" in trading.notes[0].text
    assert performance(trading.bars, trades=1, rejected_orders=0, periods_per_year=252).cagr == -1.0


def test_an_account_is_closed_at_an_open_that_takes_all_although_the_close_would_not():
    prices = make_prices(open=[100.0, 100.0, 210.0, 100.0], close=[100.0, 100.0, 100.0, 100.0])
    forecasts = make_forecasts(prices, [-1.0, 1.0, 1.0, 1.0])
    trading = run(prices, forecasts, strategy=LongShort(kind="long_short"), broker=FREE)
    assert trading.bars["equity"].tolist() == [100_000.0, 0.0, 0.0]
    assert trading.rejected == 0
    assert len(trading.orders) == 1


@pytest.mark.parametrize("fill", list(Fill))
def test_changing_the_future_leaves_the_past_equal_to_the_last_bit(fill):
    prices, forecasts = random_market(9, horizon=2)
    section = VolatilityScaled(kind="volatility_scaled", short=True, max_exposure=2.0)
    broker = BrokerSection(fill=fill)
    full = run(prices, forecasts, strategy=section, broker=broker)
    for cut in (61, 62, 150, 398):
        changed = prices.frame.copy()
        late = ["high", "low", "close", "volume"] if fill is Fill.NEXT_OPEN else ["volume"]
        changed.iloc[cut + 1 :] *= 1.7
        changed.loc[changed.index[cut], late] *= 1.4
        other = run(_with_frame(prices, changed), forecasts, strategy=section, broker=broker)
        day = prices.dates[cut]
        pd.testing.assert_frame_equal(
            full.orders[full.orders["filled"] <= day],
            other.orders[other.orders["filled"] <= day],
            check_exact=True,
        )
        known = full.bars.index < day if fill is Fill.NEXT_OPEN else full.bars.index <= day
        pd.testing.assert_frame_equal(full.bars[known], other.bars[known], check_exact=True)
        assert full.bars["equity"].iloc[-1] != other.bars["equity"].iloc[-1]


def _with_frame(prices: Prices, frame: pd.DataFrame) -> Prices:
    return make_prices(**{name: frame[name].to_numpy() for name in frame.columns})


def test_changing_later_forecasts_leaves_the_past_equal():
    prices, forecasts = random_market(10)
    frame = forecasts.frame.copy()
    frame.loc[200:, "forecast"] *= -1.0
    full, other = run(prices, forecasts), run(prices, type(forecasts)(frame=frame))
    day = forecasts.frame["origin"][200]
    pd.testing.assert_frame_equal(full.bars[:day], other.bars[:day], check_exact=True)
    assert not full.bars["equity"].equals(other.bars["equity"])


def test_two_runs_give_equal_tables():
    prices, forecasts = random_market(11)
    a, b = run(prices, forecasts), run(prices, forecasts)
    for name in ("bars", "orders", "trades"):
        pd.testing.assert_frame_equal(getattr(a, name), getattr(b, name), check_exact=True)


def test_closes_alone_are_enough_for_fills_at_the_close():
    prices, forecasts = random_market(12, horizon=2)
    closes = make_prices(close=prices.column("close"))
    broker = BrokerSection(fill=Fill.NEXT_CLOSE)
    a, b = run(closes, forecasts, broker=broker), run(prices, forecasts, broker=broker)
    pd.testing.assert_frame_equal(a.bars, b.bars, check_exact=True)


def test_forecasts_of_another_symbol_are_refused():
    prices, forecasts = random_market(13)
    with pytest.raises(RecipeError, match="no forecasts for the bars of 'TEST'"):
        run(prices, type(forecasts)(frame=forecasts.frame.assign(symbol="OTHER")))


def test_a_first_forecast_at_the_last_bar_is_refused():
    prices, _ = random_market(14)
    forecasts = make_forecasts(prices, [0.01], first_origin=len(prices) - 1)
    with pytest.raises(RecipeError, match="made at its last bar"):
        run(prices, forecasts)


def test_costs_that_one_trade_could_not_pay_are_refused():
    prices, forecasts = random_market(15)
    ruinous = BrokerSection(commission_bp=1000.0, slippage_bp=1000.0)
    with pytest.raises(RecipeError, match="would take the whole equity in one trade"):
        run(prices, forecasts, strategy=LongOrCash(max_exposure=5.0), broker=ruinous)


def test_a_run_leaves_no_file_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    prices, forecasts = random_market(16, n_bars=80)
    run(prices, forecasts)
    assert list(Path(tmp_path).iterdir()) == []
