"""What is said of strategies on histories that are cut, changed, or hard to trade."""

import pandas as pd
import pytest

from backtester.audit.history import ending_otherwise
from backtester.audit.trading import check_fills, check_strategy, random_forecasts
from backtester.backtest import trade
from backtester.errors import RecipeError, UserCodeError
from backtester.recipe.sections import BrokerSection
from backtester.recipe.strategies import LongShort
from tests.backtest.markets import random_market
from tests.markets import random_walk

PRICES, TABLE = random_market(1, n_bars=160)
FORECASTS = random_forecasts(TABLE, seed=1)


def orders(prices, forecasts, *, fill="next_open"):
    return trade(
        prices,
        forecasts,
        strategy=LongShort(kind="long_short"),
        broker=BrokerSection(fill=fill),
        folder=None,
        periods_per_year=252,
    ).orders


def checked(traded, **named):
    return check_strategy(traded, prices=PRICES, forecasts=FORECASTS, cuts=[80, 120], subject="x", **named)


def test_a_strategy_filled_at_the_next_close_passes():
    prices, table = random_market(1, n_bars=160, horizon=2)

    def at_the_close(given, forecasts):
        return orders(given, forecasts, fill="next_close")

    checks = check_strategy(
        at_the_close,
        prices=prices,
        forecasts=random_forecasts(table, seed=1),
        cuts=[80, 120],
        subject="x",
        fills_at="close",
    )
    assert [check.mark for check in checks] == ["clean", "clean"]


def test_the_reach_is_in_bars_and_the_first_is_the_earliest():
    def three_ahead(given, forecasts):
        rises = given.frame["close"].shift(-3).fillna(0.0) > given.frame["close"]
        frame = forecasts.frame
        known = rises.reindex(pd.DatetimeIndex(frame["origin"])).to_numpy()
        return orders(given, type(forecasts)(frame=frame.assign(forecast=known * 0.02 - 0.01)))

    past, _ = checked(three_ahead)
    assert past.leak is not None
    assert 1 <= past.leak.reach <= 3


def test_a_strategy_that_never_trades_is_skipped():
    def never(given, forecasts):
        return orders(given, forecasts).iloc[:0]

    (check,) = checked(never)
    assert (check.mark, check.skipped) == ("skipped", "it never trades here")


@pytest.mark.parametrize("error", [RecipeError("made up"), UserCodeError("a forecast that large")])
def test_what_cannot_be_traded_on_drawn_forecasts_is_skipped(error):
    def fails(given, forecasts):
        raise error

    (check,) = checked(fails)
    assert check.mark == "skipped"
    assert error.message in check.skipped


def test_bars_that_cannot_be_traded_where_they_are_few_are_no_leak():
    def needs_many(given, forecasts):
        if len(given) < 100:
            raise RecipeError("the opens are made up")
        return orders(given, forecasts)

    assert [check.mark for check in checked(needs_many)] == ["clean", "clean"]


def test_a_strategy_that_fails_without_tomorrow_leaks():
    def needs_all(given, forecasts):
        if len(given) < len(PRICES):
            raise UserCodeError("list index out of range")
        return orders(given, forecasts)

    assert checked(needs_all)[0].leak is not None


@pytest.mark.parametrize("known", ["open", "close"])
@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_a_bar_that_ends_otherwise_is_still_a_bar(known: str, factor: float):
    prices = random_walk(50, seed=2)
    changed = ending_otherwise(prices, bar=40, factor=factor, known=known)
    last, was = changed.frame.iloc[-1], prices.frame.iloc[40]
    assert len(changed) == 41
    assert last[known] == was[known]
    other = "close" if known == "open" else "open"
    assert last[other] == factor * was[other]
    assert last["low"] <= min(last["open"], last["close"])
    assert last["high"] >= max(last["open"], last["close"])
    pd.testing.assert_frame_equal(changed.frame.iloc[:-1], prices.frame.iloc[:40])


def test_an_order_of_a_day_that_is_no_session_is_found():
    ledger = orders(PRICES, FORECASTS)
    ledger.loc[2, "decided"] = pd.Timestamp("1999-01-01")
    check = check_fills(ledger, dates=PRICES.dates, subject="x")
    assert check.leak is not None
    assert "do not have" in check.line
