import math

import numpy as np
import pytest
from scipy.stats import binom, kstest

from backtester.backtest import replay
from backtester.judgement import Answer
from backtester.stress.axes.luck import AXIS
from backtester.stress.axis import PictureKind
from backtester.stress.chance import blind_lags, contest_of, decide_by_forecast, share_as_good
from tests.markets import ar1, market, random_walk
from tests.stress.nulls import N_WALKS, walk
from tests.stress.planted import planted, returns_of, true_effect

KINDS = ("times", "shuffles", "bars")


def concluded(context):
    assert not AXIS.variants(context)
    return AXIS.conclude(context, ())


def p_values(result):
    return [result.facts[f"p_value_{kind}"] for kind in KINDS]


def test_a_true_effect_lies_above_all_that_luck_gives():
    context = true_effect(2000, stress={"draws": 199})
    result = concluded(context)
    assert result.answer is Answer.YES
    assert p_values(result) == [1 / 200] * 3
    assert all(case.stands for case in result.cases)
    assert "none of 199 random strategies" in result.sentence
    # about 4 a year; random ones gain nothing
    observed = context.baseline["sharpe_difference"]
    assert result.cases[0].figures["observed"] == pytest.approx(observed, abs=1e-9)
    assert result.cases[0].figures["sharpe_difference"] < observed - 3.0


def test_each_kind_of_luck_is_drawn_with_the_run_marked():
    result = concluded(true_effect(1500, stress={"draws": 99}))
    assert len(result.cases) == len(result.pictures) == 3
    for case, picture in zip(result.cases, result.pictures, strict=True):
        assert picture.kind is PictureKind.HISTOGRAM
        assert len(picture.draws) == case.figures["draws"] == 99
        assert picture.baseline == case.figures["observed"]
        assert share_as_good(picture.draws, picture.baseline) == pytest.approx(case.figures["p_value"])


def test_the_run_among_its_random_times_is_the_run():
    context = walk(3, strategy={"kind": "long_or_cash"}, broker={})
    times = concluded(context).cases[0]
    assert times.figures["observed"] == pytest.approx(context.baseline["sharpe_difference"], abs=1e-9)


@pytest.mark.parametrize(
    "strategy",
    [
        {"kind": "long_or_cash", "threshold_bp": 1.0},
        {"kind": "long_short", "max_exposure": 2.0},
        {"kind": "threshold", "short": True},
        {"kind": "volatility_scaled", "short": True},
    ],
    ids=lambda strategy: strategy["kind"],
)
def test_the_strategy_decides_on_shuffled_forecasts_as_its_replay_does(strategy):
    context = walk(4, n_bars=500, strategy=strategy, broker={})
    contest = contest_of(context)
    shuffled = np.random.default_rng(0).permutation(context.forecasts.frame["forecast"].to_numpy())
    table = type(context.forecasts)(frame=context.forecasts.frame.assign(forecast=shuffled))
    bars = replay(
        context.question.prices,
        table,
        strategy=context.recipe.strategy,
        broker=context.recipe.broker,
        periods_per_year=252,
    )
    orders = decide_by_forecast(contest, forecasts=shuffled[None, :-1])
    np.testing.assert_allclose(contest.returns(orders)[0], bars["return"], atol=1e-9)
    expected = context.figures(bars, holding=context.holding)["sharpe_difference"]
    assert contest.differences([orders])[0] == pytest.approx(expected, abs=1e-9)


def test_paths_a_few_at_a_time_are_the_same_paths(monkeypatch):
    context = walk(5, n_bars=500, stress={"draws": 99})
    whole = concluded(context)
    monkeypatch.setattr("backtester.stress.paths.PATHS_AT_ONCE", 2000)
    assert p_values(concluded(context))[0] == p_values(whole)[0]
    assert concluded(context).facts["draws_shuffles"] == 99


def test_the_same_run_has_the_same_luck():
    context = walk(6, n_bars=500, stress={"draws": 99})
    assert concluded(context) == concluded(context)


def test_random_times_leave_out_lags_at_which_a_decision_has_seen_its_bars():
    context = walk(7, n_bars=1100)
    # folds of 300 bars of training and 100 of test: a forecast has seen at most the 400 bars before
    lags = blind_lags(context, n_bars=799)
    assert lags[0] == 1
    assert blind_lags(context, n_bars=2000)[-1] == 1599
    assert lags[-1] == 399


def test_a_strategy_that_is_always_long_has_no_timing():
    prices = random_walk(700, seed=8)
    result = concluded(planted(prices, np.full(700, 0.01), stress={"draws": 99}))
    assert result.answer is Answer.INCONCLUSIVE
    assert "never changed what it held" in result.sentence


def test_a_strategy_that_never_trades_leaves_luck_nothing_to_explain():
    prices = random_walk(700, seed=8)
    result = concluded(planted(prices, np.full(700, -0.01), stress={"draws": 99}))
    assert result.answer is Answer.INCONCLUSIVE
    assert math.isnan(result.facts["p_value_times"])


def test_a_users_own_strategy_is_shuffled_in_backtrader(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from backtester.backtest import ForecastStrategy\n"
        "class Mine(ForecastStrategy):\n"
        "    def target_exposure(self, forecast):\n"
        "        return 1.0 if forecast > 0 else -1.0\n"
    )
    sections = {"folder": tmp_path, "stress": {"draws": 99}}
    mine = concluded(true_effect(700, strategy={"kind": "mine.py:Mine"}, **sections))
    ours = concluded(true_effect(700, **sections))
    assert mine.facts["draws_shuffles"] == 19
    assert mine.facts["p_value_shuffles"] == pytest.approx(0.05)
    assert mine.answer is Answer.YES
    assert any("in Backtrader alone" in note for note in mine.notes)
    assert mine.cases[0].figures == pytest.approx(ours.cases[0].figures)
    observed = [result.cases[1].figures["observed"] for result in (mine, ours)]
    assert observed[0] == pytest.approx(observed[1], abs=1e-9)


def test_forecasts_that_are_missing_stay_missing():
    prices = random_walk(700, seed=9)
    values = returns_of(prices)
    values[400:500] = np.nan
    result = concluded(planted(prices, values, stress={"draws": 99}))
    assert np.all(np.isfinite(p_values(result)))


def test_a_run_without_a_gain_leaves_luck_nothing_to_explain():
    prices = ar1(1500, seed=1, phi=0.3)
    values = -0.3 * returns_of(prices)
    context = planted(prices, values, strategy={"kind": "long_short"}, stress={"draws": 99})
    assert context.baseline["sharpe_difference"] < 0.0
    result = concluded(context)
    assert result.answer is Answer.INCONCLUSIVE
    assert "there is no gain to be lost" in result.sentence


def test_two_traded_bars_are_too_few_to_move():
    prices = random_walk(303, seed=8)
    values = np.where(np.arange(len(prices)) % 2 == 0, 0.01, -0.01)
    context = planted(prices, values, stress={"draws": 99}, folds={"train": 250, "test": 30})
    assert len(context.bars) == 2
    result = concluded(context)
    assert result.answer is Answer.INCONCLUSIVE
    assert result.sentence.startswith("There are too few bars")


def test_shifts_that_meet_what_was_learned_from_are_told():
    def notes(**sections):
        return " ".join(concluded(true_effect(1200, stress={"draws": 99}, **sections)).notes)

    assert "meet bars that they were learned from" in notes(folds={"train": 700, "test": 100})
    assert "learned from" not in notes(folds={"train": 200, "test": 100})


@pytest.mark.slow
def test_luck_is_uniform_where_there_is_nothing_to_find():
    found = np.array([p_values(concluded(walk(seed))) for seed in range(N_WALKS)])
    for kind, values in zip(KINDS, found.T, strict=True):
        assert kstest(values, "uniform").pvalue > 0.01, kind


@pytest.mark.slow
def test_a_drift_does_not_pass_for_skill():
    # an annual Sharpe ratio of 0.48 for holding, and forecasts that are above 0 most of the time
    found = []
    for seed in range(N_WALKS):
        returns = np.random.default_rng(seed).normal(3e-4, 0.01, 1100)
        prices = market(returns, symbol=f"RW{seed}", seed=seed)
        biased = np.random.default_rng(1000 + seed).normal(1.0, 1.0, len(returns))
        context = planted(prices, biased, stress={"draws": 199})
        found.append(p_values(concluded(context))[:2])
    n_small = np.sum(np.array(found) <= 0.05, axis=0)
    assert np.all(n_small <= binom.ppf(0.995, N_WALKS, 0.05))


def test_a_biased_strategy_on_a_drifting_walk_is_not_above_its_random_times():
    prices = market(np.random.default_rng(2).normal(1e-3, 0.01, 2500), symbol="UP")
    biased = np.random.default_rng(3).normal(1.0, 1.0, 2500)
    context = planted(prices, biased, stress={"draws": 199})
    assert context.baseline["sharpe"] > 0.5
    result = concluded(context)
    assert result.facts["p_value_times"] > 0.1
    assert result.answer is not Answer.YES
