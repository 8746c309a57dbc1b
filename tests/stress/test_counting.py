from types import SimpleNamespace

import numpy as np

from backtester.judging import trial_of
from backtester.stress.axes.windows import AXIS
from backtester.stress.compared import trade_outcomes
from backtester.stress.counting import trials_of
from tests.markets import ar1
from tests.stressed import context_of, effect, outcomes_of

STRESS = {"train_factors": [0.5, 1.0], "test_factors": [1.0]}
MOODY = """
from backtester.backtest import ForecastStrategy

class Moody(ForecastStrategy):
    def target_exposure(self, forecast):
        if forecast > 0.5:
            raise RuntimeError("too good")
        return 1.0 if forecast > 0 else -1.0
"""


def opened(signal, **sections):
    context = context_of(ar1(300, seed=2, phi=0.3), signal, stress=STRESS, **sections)
    context.record.prices = context.question.prices.frame
    context.record.summary = {"symbols": ["AR2"], **headline()}
    return context


def headline():
    return {
        "forecast": {"rmse_ratio": 1.0},
        "strategies": {"strategy": {"sharpe": 1.0}, "buy_and_hold": {"sharpe": 0.0}},
    }


def own_of(context):
    return trial_of(
        sha256=context.question.trial_sha256,
        name="own",
        recipe_name="small",
        recipe={},
        summary=context.record.summary,
        returns=context.bars["return"],
        close=context.record.prices["close"],
    )


def counted(context, outcomes, **result):
    found = SimpleNamespace(**({"tried": True, "traded": (), "choices": ()} | result))
    return trials_of(context, found, outcomes=outcomes, own=own_of(context))


def test_a_variant_on_which_the_users_strategy_fails_is_no_trial_and_loses_no_other(tmp_path):
    (tmp_path / "moody.py").write_text(MOODY)

    def one_too_good(variant, asked):
        return effect(variant, asked) + (1.0 if "train 60, test 30, expanding" in variant.label else 0.0)

    context = opened(one_too_good, folder=tmp_path, strategy={"kind": "moody.py:Moody"})
    outcomes = outcomes_of(context, AXIS, one_too_good)
    assert len(outcomes) == 4
    # an axis of the user's own hands on nothing that it traded
    found = counted(context, outcomes[1:])
    assert [trial.sha256 for trial in found] == [outcomes[at].question.trial_sha256 for at in (1, 3)]
    result = AXIS.conclude(context, outcomes)
    assert [one is None for one in result.traded] == [False, False, True, False]
    again = counted(context, outcomes, traded=result.traded)
    assert [trial.sha256 for trial in again] == [trial.sha256 for trial in found]


def test_what_the_axis_traded_is_not_traded_again(monkeypatch):
    context = opened(effect)
    outcomes = outcomes_of(context, AXIS, effect)
    result = AXIS.conclude(context, outcomes)
    monkeypatch.setattr("backtester.stress.context.retrade", None)
    assert len(counted(context, outcomes, traded=result.traded)) == 3


def test_variants_that_trade_alike_are_one_trial():
    context = opened(lambda variant, asked: np.full(len(asked.prices), 0.01))
    outcomes = outcomes_of(context, AXIS, lambda variant, asked: np.full(len(asked.prices), 0.01))
    whole, _ = trade_outcomes(context, outcomes)
    # those with half the window begin earlier; expanding or rolling, all are long from the first bar on
    found = counted(context, outcomes, traded=whole)
    assert [len(trial.dates) for trial in found] == [len(whole[2].bars)]


def test_an_axis_whose_variants_cannot_be_chosen_has_no_trials():
    context = opened(effect)
    assert counted(context, outcomes_of(context, AXIS, effect), tried=False) == []
