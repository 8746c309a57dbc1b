import inspect

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtester.backtest import ForecastStrategy, buy_and_hold, replay, replay_holding, retrade
from backtester.backtest.broker import Costs, order_size
from backtester.errors import RecipeError
from backtester.forecasts import Forecasts
from backtester.recipe.sections import BrokerSection, Fill
from backtester.recipe.strategies import LongOrCash, LongShort, ReferenceStrategy, Threshold, VolatilityScaled
from backtester.references import load_reference
from backtester.shipped import builtin_folder
from tests.backtest.markets import make_forecasts, make_prices, random_market, run, write_strategy
from tests.backtest.test_trading import BROKERS, CASES, EXPENSIVE, FREE


def replayed(prices, forecasts, *, strategy=None, broker=None):
    return replay(
        prices,
        forecasts,
        strategy=LongOrCash() if strategy is None else strategy,
        broker=BrokerSection() if broker is None else broker,
        periods_per_year=252,
    )


def assert_same_bars(found, expected, *, cash=100_000.0):
    assert found.index.equals(expected.index)
    assert found.index.name == expected.index.name
    assert list(found.columns) == list(expected.columns)
    np.testing.assert_allclose(found["equity"], expected["equity"], rtol=1e-9)
    for column in ("return", "exposure", "turnover"):
        np.testing.assert_allclose(found[column], expected[column], atol=1e-9, err_msg=column)
    np.testing.assert_allclose(found["cost"], expected["cost"], atol=1e-9 * cash)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("broker", BROKERS.values(), ids=BROKERS)
@pytest.mark.parametrize("section", [section for section, _ in CASES.values()], ids=CASES)
def test_a_replay_agrees_with_backtrader_on_every_bar(section, broker, seed):
    prices, forecasts = random_market(seed, horizon=2)
    trading = run(prices, forecasts, strategy=section, broker=broker)
    assert trading.rejected == 0
    assert (trading.bars["turnover"] > 0.0).sum() > 20
    found = replayed(prices, forecasts, strategy=section, broker=broker)
    assert_same_bars(found, trading.bars, cash=broker.cash)


@pytest.mark.parametrize("section", [section for section, _ in CASES.values()], ids=CASES)
def test_a_replay_agrees_where_a_whole_fold_has_no_forecasts(section):
    prices, forecasts = random_market(3)
    frame = forecasts.frame.copy()
    frame.loc[100:162, "forecast"] = np.nan
    holes = Forecasts(frame=frame)
    trading = run(prices, holes, strategy=section, broker=EXPENSIVE)
    assert_same_bars(replayed(prices, holes, strategy=section, broker=EXPENSIVE), trading.bars)


@pytest.mark.parametrize("broker", [FREE, EXPENSIVE], ids=["free", "expensive"])
@pytest.mark.parametrize(
    ("opens", "closes", "values"),
    [
        ([100.0, 100.0, 100.0, 250.0, 50.0], [100.0, 100.0, 240.0, 50.0, 40.0], [-1.0] * 5),
        ([100.0, 100.0, 210.0, 100.0], [100.0, 100.0, 100.0, 100.0], [-1.0, 1.0, 1.0, 1.0]),
    ],
    ids=["at a close", "at an open"],
)
def test_a_replayed_account_is_closed_on_the_same_bar(opens, closes, values, broker):
    prices = make_prices(open=opens, close=closes)
    forecasts = make_forecasts(prices, values)
    section = LongShort(kind="long_short")
    found = replayed(prices, forecasts, strategy=section, broker=broker)
    assert found["equity"].iloc[-1] == 0.0
    assert_same_bars(found, run(prices, forecasts, strategy=section, broker=broker).bars)


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_replay_agrees_where_leverage_ruins(seed):
    prices, forecasts = random_market(seed)
    section = LongShort(kind="long_short", max_exposure=10.0)
    found = replayed(prices, forecasts, strategy=section, broker=EXPENSIVE)
    assert found["equity"].iloc[-1] == 0.0
    assert_same_bars(found, run(prices, forecasts, strategy=section, broker=EXPENSIVE).bars)


@pytest.mark.parametrize(
    "broker",
    [*BROKERS.values(), BrokerSection(cash=50.0, fractional=False)],
    ids=[*BROKERS, "less than one share"],
)
def test_holding_replayed_agrees_with_backtrader(broker):
    prices, forecasts = random_market(8, horizon=2)
    held = buy_and_hold(prices, forecasts, broker=broker)
    assert_same_bars(replay_holding(prices, forecasts, broker=broker), held.bars, cash=broker.cash)


def test_holding_replayed_does_not_end_with_the_forecasts():
    prices, forecasts = random_market(8)
    short = Forecasts(frame=forecasts.frame.iloc[:50])
    held = buy_and_hold(prices, short, broker=EXPENSIVE)
    assert_same_bars(replay_holding(prices, short, broker=EXPENSIVE), held.bars)


def test_two_replays_are_equal_to_the_last_bit():
    prices, forecasts = random_market(11)
    section = VolatilityScaled(kind="volatility_scaled", short=True)
    a, b = (replayed(prices, forecasts, strategy=section) for _ in range(2))
    pd.testing.assert_frame_equal(a, b, check_exact=True)


@pytest.mark.parametrize("fill", list(Fill))
def test_changing_the_future_leaves_a_replays_past_equal_to_the_last_bit(fill):
    prices, forecasts = random_market(9, horizon=2)
    section = VolatilityScaled(kind="volatility_scaled", short=True, max_exposure=2.0)
    broker = BrokerSection(fill=fill)
    full = replayed(prices, forecasts, strategy=section, broker=broker)
    for cut in (62, 150, 398):
        changed, frame = prices.frame.copy(), forecasts.frame.copy()
        changed.iloc[cut + 1 :] *= 1.7
        # the forecast made at the close of the cut is first traded on a bar after it
        frame.loc[cut - 60 :, "forecast"] = 0.002
        other_prices = make_prices(**{name: changed[name].to_numpy() for name in changed.columns})
        other = replayed(other_prices, Forecasts(frame=frame), strategy=section, broker=broker)
        day = prices.dates[cut]
        pd.testing.assert_frame_equal(full[:day], other[:day], check_exact=True)
        assert full["equity"].iloc[-1] != other["equity"].iloc[-1]


def test_a_replay_refuses_what_trading_refuses():
    prices, forecasts = random_market(13)
    with pytest.raises(RecipeError, match="no forecasts for the bars of 'TEST'"):
        replayed(prices, Forecasts(frame=forecasts.frame.assign(symbol="OTHER")))
    with pytest.raises(RecipeError, match="a one-bar forecast has expired"):
        replayed(prices, forecasts, broker=BrokerSection(fill=Fill.NEXT_CLOSE))
    with pytest.raises(RecipeError, match="would take the whole equity in one trade"):
        replayed(
            prices,
            forecasts,
            strategy=LongOrCash(max_exposure=5.0),
            broker=BrokerSection(commission_bp=1000.0, slippage_bp=1000.0),
        )


def test_a_strategy_that_reads_tomorrows_bar_fails_in_a_replay(monkeypatch):
    peeking = load_reference("long_or_cash.py:LongOrCash", folder=builtin_folder("strategies"))
    monkeypatch.setattr(peeking, "target_exposure", lambda self, forecast: float(self.data.close[1] > 0.0))
    with pytest.raises(IndexError, match="No bar 1 from this one is known"):
        replayed(*random_market(1))


def test_the_past_reads_in_a_replay_as_in_backtrader(monkeypatch):
    seen = []

    def watch(self, forecast):
        data = self.data
        lines = [getattr(data, name)[ago] for name in ("open", "high", "low", "close") for ago in (0, -3)]
        session, past = data.datetime.date(0), list(data.close.get(ago=-1, size=4))
        seen.append((len(data), session, forecast, data.forecast[0], *lines, *past))
        return 0.0

    watched = load_reference("long_or_cash.py:LongOrCash", folder=builtin_folder("strategies"))
    monkeypatch.setattr(watched, "target_exposure", watch)
    market = random_market(1, n_bars=90)
    replayed(*market)
    replay_saw, seen[:] = list(seen), []
    run(*market)
    assert len(seen) > 20
    assert replay_saw == seen


def test_strategies_that_come_along_do_nothing_but_name_exposures():
    # whatever else a class did, Backtrader would run and a replay would not
    sections = (LongOrCash(), LongShort(kind="long_short"), Threshold(kind="threshold"))
    names = {section.kind for section in sections} | {"volatility_scaled"}
    files = sorted(builtin_folder("strategies").glob("*.py"))
    assert {file.stem for file in files} == names
    for file in files:
        name = "".join(word.capitalize() for word in file.stem.split("_"))
        cls = load_reference(f"{file.name}:{name}", folder=file.parent)
        assert cls.__bases__ == (ForecastStrategy,)
        assert [name for name, _ in inspect.getmembers(cls, inspect.isfunction) if name in vars(cls)] == [
            "target_exposure"
        ]


@given(
    limit=st.floats(0.1, 10.0),
    share=st.floats(-1.0, 1.0),
    cash=st.floats(-90_000.0, 90_000.0),
    position=st.floats(-1000.0, 1000.0),
    price=st.floats(1.0, 500.0),
    rate=st.floats(0.0, 0.04),
    slippage=st.floats(0.0, 0.04),
)
def test_no_sized_order_needs_more_than_cash_and_credit(limit, share, cash, position, price, rate, slippage):
    costs = Costs(commission=rate, slippage=slippage)
    equity = cash + position * price
    size = order_size(limit * share, cash=cash, position=position, price=price, costs=costs)
    if size == 0.0:
        return
    paid = price * (1.0 + slippage if size > 0.0 else 1.0 - slippage)
    after = cash - size * paid - abs(size) * paid * rate
    credit = max(0.0, (limit - 1.0) * equity) + 1e-9 * (abs(cash) + abs(position * price))
    assert after + credit >= 0.0


@pytest.mark.parametrize(
    "section",
    [
        LongOrCash(threshold_bp=2.0),
        LongShort(kind="long_short"),
        Threshold(kind="threshold", short=True),
        VolatilityScaled(kind="volatility_scaled"),
    ],
    ids=lambda section: section.kind,
)
def test_trading_again_replays_what_comes_along(tmp_path, section):
    prices, forecasts = random_market(4)
    found = retrade(
        prices, forecasts, strategy=section, broker=EXPENSIVE, folder=tmp_path, periods_per_year=252
    )
    expected = replay(prices, forecasts, strategy=section, broker=EXPENSIVE, periods_per_year=252)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_trading_again_gives_a_users_own_strategy_to_backtrader(tmp_path):
    source = (
        "import backtrader as bt\n"
        "class Mine(bt.Strategy):\n"
        "    def __init__(self):\n"
        "        self.mean = bt.indicators.SMA(self.data.close, period=5)\n"
        "    def next(self):\n"
        "        if self.data.close[0] > self.mean[0] and not self.position:\n"
        "            self.buy(size=10)\n"
        "        elif self.data.close[0] < self.mean[0] and self.position:\n"
        "            self.close()\n"
    )
    section = ReferenceStrategy(kind=write_strategy(tmp_path, source))
    prices, forecasts = random_market(4)
    found = retrade(
        prices, forecasts, strategy=section, broker=EXPENSIVE, folder=tmp_path, periods_per_year=252
    )
    trading = run(prices, forecasts, strategy=section, broker=EXPENSIVE, folder=tmp_path)
    assert len(trading.orders) > 10
    pd.testing.assert_frame_equal(found, trading.bars, check_exact=True)
