import doctest
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS

from backtester.forecasts import Forecasts
from backtester.judgement import forecast_tests as forecast_tests_module
from backtester.judgement.forecast_tests import (
    clark_west,
    diebold_mariano,
    forecast_losses,
    pesaran_timmermann,
)
from backtester.metrics import forecast_accuracy

WINDOW = 250


def draw(seed, *, n=400, signal=0.2):
    """Moves, forecasts that know a little of them, and a benchmark that knows less."""
    rng = np.random.default_rng(seed)
    known = rng.normal(size=n)
    actual = 0.01 * (signal * known + rng.normal(size=n) + 0.05)
    return actual, 0.01 * signal * known, 0.01 * (0.05 + 0.02 * rng.normal(size=n))


def t_of_mean(values, *, lags):
    options = {"maxlags": lags, "kernel": "uniform"}
    fitted = OLS(values, np.ones(len(values))).fit(cov_type="HAC", cov_kwds=options)
    return float(fitted.tvalues[0])


def market(seed, *, n, phi=0.0, horizon=1):
    """Moves over the horizon, and the forecasts of a regression on the last return, over the last 250."""
    returns = np.random.default_rng(seed).normal(size=n + WINDOW + 2 * horizon)
    for t in range(1, len(returns)):
        returns[t] += phi * returns[t - 1]
    x, y = returns[:-horizon], np.convolve(returns[1:], np.ones(horizon), mode="valid")
    sums = [np.concatenate(([0.0], np.cumsum(column))) for column in (x, y, x * x, x * y)]
    last = np.arange(WINDOW + horizon, len(y)) - horizon + 1  # what has come true by then
    mx, my, mxx, mxy = ((column[last] - column[last - WINDOW]) / WINDOW for column in sums)
    slope = (mxy - mx * my) / (mxx - mx**2)
    return y[WINDOW + horizon :], my + slope * (x[WINDOW + horizon :] - mx)


def rejections(judge, *, seeds, level=0.05):
    return np.mean([judge(seed) < level for seed in seeds])


def test_examples_hold():
    assert doctest.testmod(forecast_tests_module).failed == 0


# Clark and West


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("horizon", [1, 2, 5])
def test_clark_west_agrees_with_a_regression_on_a_constant(seed, horizon):
    y, f, b = draw(seed)
    adjusted = (y - b) ** 2 - ((y - f) ** 2 - (b - f) ** 2)
    found = clark_west(y, f, benchmark=b, horizon=horizon)
    assert found.statistic == pytest.approx(t_of_mean(adjusted, lags=horizon - 1), rel=1e-9)
    assert found.p_value == pytest.approx(stats.norm.sf(found.statistic), rel=1e-9)


def test_clark_west_against_the_last_price_is_the_profit_of_trading_the_forecast():
    y, f, _ = draw(5)
    found = clark_west(y, f, benchmark=0.0, horizon=1)
    assert found.statistic == pytest.approx(t_of_mean(y * f, lags=0))


def test_a_forecast_that_is_wrong_on_purpose_is_no_signal():
    y, f, _ = draw(6)
    right = clark_west(y, f, benchmark=0.0, horizon=1)
    wrong = clark_west(y, -f, benchmark=0.0, horizon=1)
    assert right.p_value < 0.05
    assert wrong.p_value == pytest.approx(1.0 - right.p_value)


def test_clark_west_finds_a_weak_signal_that_diebold_mariano_overlooks():
    # 1000 forecasts of an AR(1) with coefficient 0.1: nested models make Diebold-Mariano undersized
    markets = [market(seed, n=1000, phi=0.1) for seed in range(200)]
    west = [clark_west(y, f, benchmark=0.0, horizon=1).p_value < 0.05 for y, f in markets]
    mariano = [diebold_mariano(y, y - f, horizon=1) for y, f in markets]
    better = [found.statistic > 0.0 and found.p_value < 0.1 for found in mariano]
    unlucky = [forecast_losses(y, f, benchmark=0.0).r2_oos < 0.0 for y, f in markets]
    assert np.mean(west) == pytest.approx(0.70, abs=0.10)
    assert np.mean(better) <= 0.08
    assert np.mean(unlucky) == pytest.approx(0.40, abs=0.12)  # signal is there, yet the forecasts were worse


@pytest.mark.parametrize("horizon", [1, 5])
def test_clark_west_seldom_finds_signal_in_a_random_walk(horizon):
    def judge(seed):
        return clark_west(*market(seed, n=1000, horizon=horizon), benchmark=0.0, horizon=horizon).p_value

    assert rejections(judge, seeds=range(400)) <= 0.078


def test_a_plain_t_takes_overlapping_moves_for_signal():
    def judge(seed):
        return clark_west(*market(seed, n=1000, horizon=21), benchmark=0.0, horizon=1).p_value

    assert rejections(judge, seeds=range(200)) > 0.15


# Diebold and Mariano


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("power", [1.0, 2.0])
def test_diebold_mariano_agrees_with_a_regression_on_a_constant(seed, horizon, power):
    y, f, b = draw(seed, n=60)
    t = t_of_mean(np.abs(y - b) ** power - np.abs(y - f) ** power, lags=horizon - 1)
    shrunk = math.sqrt((60 + 1 - 2 * horizon + horizon * (horizon - 1) / 60) / 60)
    found = diebold_mariano(y - b, y - f, horizon=horizon, power=power)
    assert found.statistic == pytest.approx(t * shrunk, rel=1e-9)
    assert found.p_value == pytest.approx(2.0 * stats.t.sf(abs(t * shrunk), 59), rel=1e-9)


def test_diebold_mariano_changes_sign_with_the_order():
    y, f, b = draw(7)
    one, other = (y - b, y - f), (y - f, y - b)
    assert diebold_mariano(*one, horizon=2).statistic == -diebold_mariano(*other, horizon=2).statistic
    assert diebold_mariano(*one, horizon=2).p_value == diebold_mariano(*other, horizon=2).p_value


def test_diebold_mariano_has_a_figure_where_equal_weights_give_no_variance():
    found = diebold_mariano([2, 1, 2, 1, 2, 1, 2, 1], np.zeros(8), horizon=2)
    assert math.isfinite(found.statistic)
    assert 0.0 <= found.p_value <= 1.0


# Pesaran and Timmermann


@pytest.mark.parametrize("seed", range(4))
def test_pesaran_timmermann_is_the_correlation_of_directions(seed):
    y, f, _ = draw(seed, n=90)
    correlation = np.corrcoef(y > 0, f > 0)[0, 1]
    assert pesaran_timmermann(y, f).statistic == pytest.approx(correlation * 90 / math.sqrt(89))


@pytest.mark.parametrize("seed", range(4))
def test_pesaran_timmermann_follows_the_two_variances_of_the_paper(seed):
    y, f, _ = draw(seed, n=70)
    p_y, p_f, hits = np.mean(y > 0), np.mean(f > 0), np.mean((y > 0) == (f > 0))
    expected = p_y * p_f + (1 - p_y) * (1 - p_f)
    of_hits = expected * (1 - expected) / 70
    of_expected = (
        (2 * p_y - 1) ** 2 * p_f * (1 - p_f) + (2 * p_f - 1) ** 2 * p_y * (1 - p_y)
    ) / 70 + 4 * p_y * p_f * (1 - p_y) * (1 - p_f) / 70**2
    found = pesaran_timmermann(y, f)
    assert found.statistic == pytest.approx((hits - expected) / math.sqrt(of_hits - of_expected))
    assert (found.hit_rate, found.expected_hit_rate) == pytest.approx((hits, expected))


@pytest.mark.parametrize("seed", range(3))
def test_pesaran_timmermann_agrees_with_permuted_directions(seed):
    y, f, _ = draw(seed, n=200, signal=0.1)
    rng = np.random.default_rng(seed)
    found = pesaran_timmermann(y, f)
    up, said_up = y > 0, f > 0
    hits = np.array([np.mean(up == rng.permutation(said_up)) for _ in range(20_000)])
    assert np.mean(hits) == pytest.approx(found.expected_hit_rate, abs=0.002)
    # half of the ties, as a normal curve through a grid of hit rates has it
    above = np.mean(hits > found.hit_rate + 1e-9)
    tied = np.mean(np.abs(hits - found.hit_rate) <= 1e-9)
    assert found.p_value == pytest.approx(above + tied / 2, abs=0.01)


@pytest.mark.parametrize("always", [0.01, -0.01])
def test_a_forecast_that_never_changes_sign_holds_no_direction(always):
    y, _, _ = draw(8)
    found = pesaran_timmermann(y, np.full(len(y), always))
    assert math.isnan(found.statistic)
    assert math.isnan(found.p_value)
    assert found.n == len(y)
    assert found.hit_rate == found.expected_hit_rate == np.mean(np.sign(y) == np.sign(always))


def test_a_market_that_only_rises_holds_no_direction():
    _, f, _ = draw(9)
    assert math.isnan(pesaran_timmermann(np.full(len(f), 0.01), f).p_value)


def test_a_rising_market_makes_no_skill_of_mostly_saying_up():
    def judge(seed):
        rng = np.random.default_rng(seed)
        return pesaran_timmermann(rng.normal(0.3, 1.0, 500), rng.normal(0.8, 1.0, 500)).p_value

    found = pesaran_timmermann(*np.random.default_rng(1).normal(0.5, 1.0, (2, 500)))
    assert found.hit_rate > 0.55
    assert rejections(judge, seeds=range(400)) <= 0.078


def test_forecasts_and_moves_of_zero_are_left_out():
    y, f, _ = draw(10, n=50)
    with_zeros = pesaran_timmermann(np.append(y, [0.0, 0.01]), np.append(f, [0.01, 0.0]))
    assert with_zeros == pesaran_timmermann(y, f)


def test_overlapping_moves_do_not_pass_for_direction():
    def judge(seed):
        return pesaran_timmermann(*market(seed, n=1000, horizon=21), horizon=21).p_value

    def judge_plainly(seed):
        return pesaran_timmermann(*market(seed, n=1000, horizon=21)).p_value

    assert rejections(judge, seeds=range(200)) <= 0.078
    assert rejections(judge_plainly, seeds=range(200)) > 0.10


def test_a_longer_horizon_does_not_sharpen_the_test_of_directions():
    y, f, _ = draw(11)
    at = [abs(pesaran_timmermann(y, f, horizon=horizon).statistic) for horizon in (1, 5, 20)]
    assert max(at) == at[0]


# losses


@pytest.mark.parametrize("seed", range(3))
def test_losses_against_the_last_price_are_those_of_the_summary(seed):
    y, f, _ = draw(seed)
    accuracy = forecast_accuracy(
        Forecasts(frame=pd.DataFrame({"actual": y, "forecast": f, "last_price": 100.0}))
    )
    found = forecast_losses(y, f, benchmark=0.0)
    assert (found.u2, found.r2_oos) == pytest.approx((accuracy.u2, accuracy.r2_oos))


def test_losses_against_another_forecast():
    y, f, b = draw(4)
    found = forecast_losses(y, f, benchmark=b)
    mirrored = forecast_losses(y, b, benchmark=f)
    assert (found.rmse, found.mae) == (mirrored.rmse_benchmark, mirrored.mae_benchmark)
    assert found.rmse == pytest.approx(np.sqrt(np.mean((y - f) ** 2)))
    assert found.mae == pytest.approx(np.mean(np.abs(y - f)))
    assert found.u2 == pytest.approx(found.rmse / found.rmse_benchmark)
    assert found.r2_oos == pytest.approx(1.0 - found.u2**2)


def test_the_same_forecast_is_as_good_as_itself():
    y, f, _ = draw(5)
    found = forecast_losses(y, f, benchmark=f)
    assert (found.u2, found.r2_oos) == (1.0, 0.0)


# what is not defined


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few_forecasts_have_no_test(n):
    y, f, b = (column[:n] for column in draw(0))
    assert math.isnan(clark_west(y, f, benchmark=b, horizon=3).p_value)
    assert math.isnan(diebold_mariano(y - f, y - b, horizon=3).p_value)
    assert math.isnan(pesaran_timmermann(y, f, horizon=3).p_value)
    assert pesaran_timmermann(y, f, horizon=3).n == n


@pytest.mark.parametrize("value", [0.0, 0.1])
def test_forecasts_that_are_the_benchmark_have_no_test(value):
    y, _, _ = draw(0)
    same = np.full(len(y), value)
    assert math.isnan(clark_west(y, same, benchmark=value, horizon=1).statistic)
    assert math.isnan(diebold_mariano(y - same, y - value, horizon=1).statistic)


def test_prices_that_never_moved_have_no_test_and_no_ratio():
    still, (_, f, _) = np.zeros(400), draw(0)
    assert math.isnan(clark_west(still, f, benchmark=0.0, horizon=1).statistic)
    found = pesaran_timmermann(still, f)
    assert found.n == 0
    assert all(math.isnan(figure) for figure in (found.hit_rate, found.statistic, found.p_value))
    losses = forecast_losses(still, f, benchmark=0.0)
    assert losses.rmse > 0.0
    assert math.isnan(losses.u2)
    assert math.isnan(losses.r2_oos)


def test_no_forecasts_have_no_losses():
    assert math.isnan(forecast_losses([], [], benchmark=0.0).rmse)
