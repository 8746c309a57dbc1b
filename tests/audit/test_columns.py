"""What the cuts say of features that are odd rather than leaking, and how far a leak is said to reach."""

import numpy as np
import pandas as pd
import pytest
from scipy.signal import fftconvolve

from backtester.audit.columns import Column, check_columns, cuts_of
from backtester.errors import UserCodeError
from tests.markets import random_walk

PRICES = random_walk(120, seed=3)


def checked(feature, *, cuts=(30, 60, 90, 118), shortest=0):
    def compute(given):
        return np.asarray(feature(given.frame["close"]), dtype=np.float64)

    (check,) = check_columns([Column(subject="x", compute=compute)], PRICES, cuts=cuts, shortest=shortest)
    return check


def test_what_is_drawn_anew_each_time_is_not_reproducible_rather_than_leaking():
    generator = np.random.default_rng()
    check = checked(lambda close: generator.normal(size=len(close)))
    assert check.leak is None
    assert check.mark == "RANDOM"
    assert "computed twice on the same bars" in check.line


def test_what_is_drawn_from_a_seed_passes():
    assert checked(lambda close: np.random.default_rng(1).normal(size=len(close))).mark == "clean"


def test_a_draw_that_depends_on_the_length_of_the_history_leaks():
    check = checked(lambda close: np.random.default_rng(len(close)).normal(size=len(close)))
    assert check.leak is not None
    assert check.leak.reach_words == "to the end of the history"


def test_digits_that_32_bits_do_not_keep_are_no_leak():
    def single(close):
        values = close.to_numpy(dtype=np.float32)
        odd = np.float32(1e-6) * np.float32(len(close))
        return (values * (np.float32(1.0) + odd * np.float32(1e-3))).astype(np.float32)

    assert checked(single).mark == "clean"


def days(close):
    return np.array([day.toordinal() for day in close.index], dtype=np.float64)


def next_up_day(close):
    """The day of the first close, of the next five, that is higher; today's where none is."""
    own = days(close)
    values, found = close.to_numpy(), own.copy()
    for bar in range(len(values)):
        higher = np.flatnonzero(values[bar + 1 : bar + 6] > values[bar])
        found[bar] = own[bar + 1 + higher[0]] if len(higher) else own[bar]
    return found


def rises(close):
    return (close.shift(-1) > close).to_numpy(dtype=np.float64)


@pytest.mark.parametrize(
    "feature",
    [
        next_up_day,
        lambda close: 200_000.0 + np.arange(len(close)) + 0.5 * rises(close),
        lambda close: 1e6 + 0.5 * rises(close),
        lambda close: 1e9 + 0.3 * rises(close),
        lambda close: 1e11 + np.arange(len(close)) + 0.25 * rises(close),
        lambda close: (1.0 + 8e-6 * np.sign(rises(close) - 0.5)).astype(np.float32),
    ],
    ids=["days", "level of 32 bits", "higher one", "level of 64 bits", "along a trend", "the last digits"],
)
def test_a_leak_small_beside_the_size_of_the_value_is_found(feature):
    check = checked(feature)
    assert check.leak is not None
    seen, known = check.leak.text.split(" on the whole history, ")
    assert seen.removeprefix("it is ") != known.split(" ")[0]


@pytest.mark.parametrize(
    "feature",
    [
        days,
        lambda close: close.to_numpy(np.float32).cumsum(dtype=np.float32),
        lambda close: 1e5 + np.convolve(close, np.exp(-np.arange(len(close)) / 9.0))[: len(close)],
        lambda close: fftconvolve(1e6 * close, np.exp(-np.arange(len(close)) / 9.0))[: len(close)],
        lambda close: fftconvolve(close, np.ones(len(close)))[: len(close)] / close.cumsum(),
        lambda close: close.astype(np.float32).pct_change(5).fillna(0.0),
        lambda close: np.full(len(close), np.nan),
    ],
    ids=["days", "sum of 32 bits", "convolved", "by a transform", "ones but for noise", "32 bits", "none"],
)
def test_what_differs_by_rounding_alone_is_no_leak(feature):
    assert checked(feature).mark == "clean"


def test_a_history_too_short_for_the_function_is_no_leak():
    def needs_fifty(close):
        if len(close) < 50:
            raise UserCodeError("too short")
        return close / close.shift(1).fillna(close)

    assert checked(needs_fifty, shortest=60).mark == "clean"
    assert "cannot be computed" in checked(needs_fifty).line


def test_a_function_that_refuses_wild_prices_is_no_leak():
    def tame(close):
        returns = close.pct_change().fillna(0.0)
        if returns.abs().max() > 0.15:
            raise UserCodeError("these are no prices")
        return returns

    assert checked(tame).mark == "clean"


def test_sampled_cuts_still_tell_the_first_bar():
    check = checked(lambda close: close.shift(-2).fillna(0.0), cuts=(60, 90))
    assert check.leak is not None
    assert check.leak.first == PRICES.dates[0].date()
    assert check.leak.reach == 2


def test_a_rank_within_all_bars_sees_to_the_end():
    check = checked(lambda close: close.rank(pct=True), cuts=range(119))
    assert check.leak is not None
    assert check.leak.reach_words == "to the end of the history"


def test_a_leak_at_the_last_bars_alone_is_told_by_its_bars():
    def last(close):
        values = pd.Series(0.0, index=close.index)
        values.iloc[-3:] = 1.0
        return values

    check = checked(last, cuts=range(119))
    assert check.leak is not None
    assert check.leak.n_bars >= 3


@pytest.mark.parametrize("n_cuts", [4, 25, 60])
def test_the_cuts_are_as_many_as_asked_for_whatever_the_folds(n_cuts: int):
    borders = range(750, 6000, 63)
    chosen = cuts_of(6000, n_cuts=n_cuts, borders=borders, seed=1)
    assert n_cuts - 2 <= len(chosen) <= n_cuts
    assert sum(bar in borders for bar in chosen) >= n_cuts // 4
    assert chosen == cuts_of(6000, n_cuts=n_cuts, borders=borders, seed=1)
