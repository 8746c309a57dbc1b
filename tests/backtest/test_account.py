"""A strategy of the user's cannot change what trading costs, what it owns, or when its orders fill."""

import pytest

from backtester.backtest.broker import _TERMS
from backtester.errors import RecipeError, UserCodeError
from backtester.recipe.strategies import ReferenceStrategy
from tests.backtest.markets import random_market, run, write_strategy

PLAIN = """\
import backtrader as bt


class Mine(bt.Strategy):
    def start(self):
        {start}

    def next(self):
        {now}
        if self.data.forecast[0] > 0.0 and not self.position:
            self.buy(size=10)
        elif self.data.forecast[0] < 0.0 and self.position:
            self.close()
"""
BY_FORECAST = """\
from backtester.backtest import ForecastStrategy


class Mine(ForecastStrategy):
    def __init__(self):
        {start}

    def target_exposure(self, forecast):
        return 1.0 if forecast > 0 else 0.0
{method}
"""
BROKER = "self.broker"


def traded(tmp_path, source: str):
    reference = write_strategy(tmp_path, source)
    prices, forecasts = random_market(1, n_bars=120)
    return run(prices, forecasts, strategy=ReferenceStrategy(kind=reference), folder=tmp_path)


def plain(*, start: str = "pass", now: str = "pass") -> str:
    return PLAIN.format(start=start, now=now)


@pytest.mark.parametrize("name", _TERMS)
def test_a_term_of_the_account_cannot_be_changed(tmp_path, name: str):
    with pytest.raises(UserCodeError, match=rf"changes the terms of its account \({name}\)"):
        traded(tmp_path, plain(start=f"self.broker.{name}(0.0)"))


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("self.broker.cash += 5.0", "its account holds cash of"),
        ("self.broker.p.slip_perc = 0.0", "terms of its account were changed"),
        ("self.broker.p.coc = True", "terms of its account were changed"),
        ("self.broker.p.max_exposure = 5.0", "terms of its account were changed"),
        ("self.broker.comminfo[None].p.commission = 0.0", "paid a commission of 0"),
        ("self.broker.comminfo.clear(); self.broker.comminfo[None] = bt.CommissionInfo()", "commission"),
        ("self.broker = bt.brokers.BackBroker(cash=1e9)", "terms of its account were changed"),
        ("self.broker.positions[self.data].size += 1", "its account holds shares of"),
        ("self.broker.get_value = self.broker.getvalue = lambda: 1e9 * len(self)", "holds equity of"),
    ],
)
def test_books_that_do_not_add_up_are_refused(tmp_path, now: str, said: str):
    with pytest.raises(UserCodeError, match=said):
        traded(tmp_path, plain(now=now))


def test_terms_that_are_changed_and_put_back_show_in_the_fills(tmp_path):
    now = "self.broker.p.coc = len(self) % 2 == 0 and len(self) < 50"
    with pytest.raises(UserCodeError, match=r"fills in the bar that decided it|fills at"):
        traded(tmp_path, plain(now=now))


@pytest.mark.parametrize("name", ["next_open", "nextstart_open", "prenext_open", "_next_open"])
def test_a_method_at_the_open_is_refused(tmp_path, name: str):
    method = f"\n    def {name}(self, *given):\n        self.buy(size=1)\n"
    with pytest.raises(RecipeError, match=f"has a {name} of its own"):
        traded(tmp_path, BY_FORECAST.format(start="pass", method=method))


CHEATING = (
    ("self.add_timer(when=bt.Timer.SESSION_START, cheat=True)", "sees the day before its orders fill"),
    (
        "bt.Cerebro._add_timer(self.cerebro, self, bt.Timer.SESSION_START, cheat=True)",
        "fills in the bar that decided it",
    ),
)


@pytest.mark.parametrize(("timer", "said"), CHEATING)
def test_an_order_at_the_open_that_has_seen_the_close_is_refused(tmp_path, timer: str, said: str):
    method = """
    def notify_timer(self, timer, when, *given, **named):
        if self.data.close[0] > self.data.open[0]:
            self.buy(size=1)
"""
    with pytest.raises(UserCodeError, match=said):
        traded(tmp_path, BY_FORECAST.format(start=f"import backtrader as bt; {timer}", method=method))


@pytest.mark.parametrize(
    "orders",
    [
        "self.buy(size=2, exectype=bt.Order.Limit, price=self.data.close[0])",
        "self.sell(size=2, exectype=bt.Order.Stop, price=0.99 * self.data.close[0])",
        "self.buy(size=2, exectype=bt.Order.Close)",
        "self.buy_bracket(size=2, limitprice=1.05 * self.data.close[0], stopprice=0.95 * self.data.close[0])",
        "self.buy(size=2, exectype=bt.Order.StopTrail, trailpercent=0.02)",
        "self.order_target_percent(target=0.5 if len(self) % 2 else -0.3)",
    ],
)
def test_honest_orders_of_every_kind_add_up(tmp_path, orders: str):
    trading = traded(tmp_path, plain(now=f"{orders} if len(self) % 7 == 0 else None"))
    assert trading.orders["filled"].notna().sum() > 5


def test_the_prices_that_are_to_come_are_not_on_the_feed(tmp_path):
    with pytest.raises(UserCodeError, match="AttributeError"):
        traded(tmp_path, plain(now="self.data.p.market.lines"))
