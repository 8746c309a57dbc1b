"""Strategies as users write them, with every kind of order: which are blamed, and which are not."""

from pathlib import Path

import pytest

from backtester.audit import quick_audit
from backtester.backtest import AccountError
from backtester.errors import UserCodeError
from backtester.recipe import ReferenceStrategy
from tests.backtest.markets import random_market, run
from tests.markets import random_walk
from tests.questions import question

PRICES = random_walk(230, seed=1)
HEAD = """
import datetime
import math
import sys
import backtrader as bt
from backtester.backtest import ForecastStrategy


class Plain(bt.Strategy):
    order = None

    def next(self):
        forecast = self.data.forecast[0]
        if forecast == forecast:
            self.enter() if not self.position and forecast > 0 else self.leave(forecast)

    def leave(self, forecast):
        if self.position and forecast < 0:
            self.close()
"""
CLEAN = {
    "a limit": """
class Mine(Plain):
    def enter(self):
        until = self.data.datetime.date(0) + datetime.timedelta(days=3)
        self.buy(size=10, exectype=bt.Order.Limit, price=0.998 * self.data.close[0], valid=until)
""",
    "a stop": """
class Mine(Plain):
    def enter(self):
        self.buy(size=10, exectype=bt.Order.Stop, price=1.002 * self.data.close[0], valid=0)
""",
    "a stop with a limit": """
class Mine(Plain):
    def enter(self):
        close = self.data.close[0]
        self.buy(size=10, exectype=bt.Order.StopLimit, price=1.001 * close, plimit=1.003 * close, valid=0)
""",
    "a bracket": """
class Mine(Plain):
    def enter(self):
        close = self.data.close[0]
        self.buy_bracket(
            size=10, exectype=bt.Order.Market, stopprice=0.985 * close, limitprice=1.015 * close
        )

    def leave(self, forecast):
        pass
""",
    "a trailing stop, set when the entry is filled": """
class Mine(Plain):
    def enter(self):
        self.buy(size=10)

    def leave(self, forecast):
        pass

    def notify_order(self, order):
        if order.status == order.Completed and order.isbuy():
            self.sell(size=10, exectype=bt.Order.StopTrail, trailpercent=0.01)
""",
    "at the close": """
class Mine(Plain):
    def enter(self):
        self.buy(size=10, exectype=bt.Order.Close)

    def leave(self, forecast):
        if self.position and forecast < 0:
            self.sell(size=10, exectype=bt.Order.Close)
""",
    "by a timer after the fills": """
class Mine(Plain):
    def __init__(self):
        self.add_timer(when=bt.timer.SESSION_START)

    def enter(self):
        self.buy(size=10)

    def notify_timer(self, *_, **__):
        if self.position and self.data.close[0] < self.data.close[-1]:
            self.close()
""",
}
LEAKING = {
    "no buy on days that close lower": """
class Mine(ForecastStrategy):
    def target_exposure(self, forecast):
        return 1.0 if forecast > 0 else 0.0

    def buy(self, **given):
        return super().buy(**given) if self.data.close[0] > self.data.open[0] else None
""",
    "a limit at tomorrow's low": """
class Mine(Plain):
    def start(self):
        frame = sys._getframe()
        while "market" not in frame.f_locals:
            frame = frame.f_back
        self.lows = frame.f_locals["market"].line("low").tolist()

    def enter(self):
        low = self.lows[min(len(self), len(self.lows) - 1)]
        self.buy(size=10, exectype=bt.Order.Limit, price=low, valid=0)
""",
}

REMEMBERS = """
CLOSES = {}


class Mine(ForecastStrategy):
    def target_exposure(self, forecast):
        CLOSES[len(self)] = self.data.close[0]
        return 1.0 if CLOSES.get(len(self) + 1, 0.0) > self.data.close[0] else 0.0
"""


def audited(source: str, *, folder: Path):
    (folder / "own.py").write_text(HEAD + source)
    return quick_audit(question(PRICES, folder=folder, strategy={"kind": "own.py:Mine"}))


@pytest.mark.parametrize("what", CLEAN)
def test_orders_of_every_kind_that_are_clean_are_not_blamed(what: str, tmp_path: Path):
    assert [check.mark for check in audited(CLEAN[what], folder=tmp_path).checks] == ["clean", "clean"]


@pytest.mark.parametrize("what", LEAKING)
def test_an_order_that_sees_its_day_or_the_next_is_blamed(what: str, tmp_path: Path):
    assert audited(LEAKING[what], folder=tmp_path).leaks


def test_a_timer_that_rings_before_the_fills_is_refused(tmp_path: Path):
    early = CLEAN["by a timer after the fills"].replace("SESSION_START", "SESSION_START, cheat=True")
    with pytest.raises(AccountError, match="cheat=True"):
        audited(early, folder=tmp_path)


def test_a_strategy_remembers_nothing_of_its_last_run(tmp_path: Path):
    (tmp_path / "own.py").write_text(HEAD + REMEMBERS)
    strategy = ReferenceStrategy(kind="own.py:Mine")
    prices, table = random_market(1, n_bars=120)
    runs = [run(prices, table, strategy=strategy, folder=tmp_path).orders for _ in range(2)]
    assert len(runs[0]) == 0
    assert runs[1].equals(runs[0])


SOMETIMES = """
class Mine(ForecastStrategy):
    def target_exposure(self, forecast):
        if {when}:
            raise ZeroDivisionError("of mine")
        return 1.0 if forecast > 0 else 0.0
"""


@pytest.mark.parametrize("when", ["len(self) > 225", "forecast == 0.0", "self.data.close[0] > 0"])
def test_a_strategy_that_fails_on_a_baseline_is_told_before_anything_is_trained(tmp_path: Path, when: str):
    with pytest.raises(UserCodeError, match=r"own\.py, line \d+: ZeroDivisionError: of mine"):
        audited(SOMETIMES.format(when=when), folder=tmp_path)


def test_a_strategy_that_fails_on_drawn_forecasts_alone_is_warned_of(tmp_path: Path):
    of_no_baseline = "forecast and abs(forecast - math.log(self.data.close[0] / self.data.close[-1])) > 1e-9"
    audit = audited(SOMETIMES.format(when=of_no_baseline), folder=tmp_path)
    (note,) = audit.notes
    assert "could not look at the orders of strategy 'own.py:Mine'" in note.text
    assert "ZeroDivisionError: of mine" in note.text
