"""Every planted leak is caught under its id, and what is clean passes."""

import numpy as np
import pandas as pd
import pytest

from backtester.audit import selftest
from backtester.audit.columns import Column, check_columns
from backtester.audit.planted_columns import CLEAN, PLANTED
from tests.catalogue import held
from tests.markets import random_walk

END = -1
REACH = {"T01": 1, "T02": 2, "T04": 1, "T06": 5, "T07": 5, "T12": 1, "T17": 1, "T19": 5}
REACH |= {"T08": 0, "T10": 1, "T23": 0}
REACH |= dict.fromkeys(("T03", "T05", "T09", "T11", "T14", "T15", "T16", "T18"), END)
"""Bars that a leak sees ahead by its definition."""
ABOUT = {"T13": range(19, 23), "T20": range(68, 101), "T22": range(61, 91)}
"""The same where it hangs on the market. The longest month has 23 sessions. What decays by a factor f a bar,
9/11 and 0.8, is seen until a change of 1 % of the price is below the tolerance of 2e-9: for
ln(2e-9 / 0.01 / (1 - f)) / ln(f) to ln(2e-9) / ln(f) bars."""
LEAKS = (
    *("T01", "T02", "T03", "T04", "T05", "T06", "T07", "T08", "T09", "T10", "T11", "T12"),
    *("T13", "T14", "T15", "T16", "T17", "T18", "T19", "T20", "T22", "T23"),
)


@pytest.fixture(scope="module")
def traps():
    return selftest()


def test_every_kind_of_leak_is_planted(traps):
    assert tuple(trap.key for trap in traps if trap.leaking) == LEAKS


@pytest.mark.parametrize("key", held(LEAKS))
def test_a_planted_leak_is_caught(traps, key: str):
    (trap,) = [trap for trap in traps if trap.key == key]
    assert trap.caught is not None, trap.what
    assert trap.right
    assert set(REACH) | set(ABOUT) == set(LEAKS)
    assert trap.caught.leak.reach in ABOUT.get(key, (REACH.get(key),))


def test_what_is_clean_raises_no_alarm(traps):
    clean = [trap for trap in traps if not trap.leaking]
    assert len(clean) == len(CLEAN) + 3
    assert [trap.what for trap in clean if not trap.right] == []


def test_a_leak_that_is_not_there_makes_the_selftest_wrong(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("backtester.audit.traps.PLANTED", {"T01": ("nothing", CLEAN["a rolling mean"])})
    monkeypatch.setattr("backtester.audit.traps.CLEAN", {"a peek": PLANTED["T01"][1]})
    wrong = [trap.what for trap in selftest() if not trap.right]
    assert wrong == ["nothing", "a peek"]


@pytest.mark.parametrize("ahead", [1, 2, 3, 7, 20, 21])
def test_the_reach_is_that_of_the_leak(ahead: int):
    prices = random_walk(120, seed=3)

    def compute(given):
        later = given.frame["close"].shift(-ahead)
        return np.log(later / given.frame["close"]).fillna(0.0).to_numpy()

    (check,) = check_columns([Column(subject="x", compute=compute)], prices, cuts=range(119))
    assert check.leak is not None
    assert check.leak.reach == ahead
    assert check.leak.n_bars == 120 - ahead
    assert check.leak.first == prices.dates[0].date()


def test_a_leak_on_three_days_alone_is_found_by_exhaustive_cuts():
    prices = random_walk(200, seed=4)
    days = prices.dates[100:103]

    def compute(given):
        close = given.frame["close"]
        values = close.pct_change().fillna(0.0)
        holes = values.index.isin(days)
        return pd.Series(np.where(holes, np.nan, values), index=close.index).bfill().fillna(0.0).to_numpy()

    (check,) = check_columns([Column(subject="x", compute=compute)], prices, cuts=range(199))
    assert check.leak is not None
    assert check.leak.reach == 3
    assert check.leak.n_bars == 3
