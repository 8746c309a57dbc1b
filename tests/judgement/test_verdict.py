"""The verdict as a function of the figures: which answer, which sentence, which question decides."""

import copy
from collections.abc import Sequence
from typing import Any

import pytest

from backtester.judgement import verdict
from backtester.recipe import VerdictSection

SETTINGS = VerdictSection()


def against(r2: float, *, low: float, high: float, p_value: float) -> dict[str, Any]:
    return {
        "r2_oos": r2,
        "r2_oos_interval": [low, high],
        "clark_west": {"statistic": 2.0, "p_value": p_value},
    }


def gain(value: float, *, low: float, high: float, p_value: float) -> dict[str, Any]:
    return {"value": value, "interval": [low, high], "p_value": p_value}


def check(key: str, answer: str) -> dict[str, Any]:
    return {
        "key": key,
        "label": f"with {key}",
        "sharpe_difference": {"value": 0.4, "interval": [0.1, 0.7]},
        "answer": answer,
    }


GOOD: dict[str, Any] = {
    "level": 0.05,
    "draws": 10_000,
    "years": 12.0,
    "forecast": {
        "n": 3000,
        "horizon": 1,
        "against": {
            "last_price": against(0.010, low=0.004, high=0.016, p_value=0.001),
            "mean_return": against(0.008, low=0.002, high=0.014, p_value=0.004),
        },
    },
    "money": {
        "differences": {
            "buy_and_hold": {"sharpe": gain(0.8, low=0.3, high=1.3, p_value=0.002)},
            "exposure_matched": {"mean_a_year": gain(0.05, low=0.01, high=0.09, p_value=0.01)},
        }
    },
    "search": {
        "trials": 20,
        "p_value": 0.02,
        "difference_interval": [0.02, 0.12],
        "table": [{"own": True, "difference_a_year": 0.07}, {"own": False, "difference_a_year": 0.01}],
    },
    "power": {"years_for_smallest": 13.0},
    "stress": {"checks": [check("double_costs", "yes"), check("one_bar_later", "yes")], "axes": []},
}


def judged(
    changes: dict[str, Any] | None = None, *, failed_folds: int = 0, leaks: Sequence[str] = ()
) -> dict[str, Any]:
    judgement = copy.deepcopy(GOOD)
    for path, value in (changes or {}).items():
        *parents, key = path.split("/")
        place = judgement
        for parent in parents:
            place = place[parent]
        place[key] = value
    return verdict(judgement, settings=SETTINGS, failed_folds=failed_folds, leaks=leaks)


def answers(found: dict[str, Any]) -> dict[str, str]:
    return {question["key"]: question["answer"] for question in found["questions"]}


NO_FORECAST = against(-0.01, low=-0.02, high=0.0005, p_value=0.6)
UNSURE_FORECAST = against(0.001, low=-0.01, high=0.012, p_value=0.3)
NO_GAIN = gain(-0.4, low=-0.9, high=0.1, p_value=0.9)
UNSURE_GAIN = gain(0.1, low=-0.4, high=0.6, p_value=0.4)


def test_without_retraining_the_best_run_stays_inconclusive():
    found = judged()
    assert answers(found) == {"forecast": "yes", "money": "yes", "search": "yes", "stress": "inconclusive"}
    assert (found["answer"], found["decided_by"]) == ("inconclusive", "stress")
    assert "other seeds" in found["sentence"]


@pytest.mark.parametrize(
    ("path", "value", "answer", "decided_by"),
    [
        ("forecast/against/last_price", NO_FORECAST, "no", "forecast"),
        ("forecast/against/last_price", UNSURE_FORECAST, "inconclusive", "forecast"),
        ("forecast/against/mean_return", NO_FORECAST, "no", "forecast"),
        ("money/differences/buy_and_hold/sharpe", NO_GAIN, "no", "money"),
        ("money/differences/buy_and_hold/sharpe", UNSURE_GAIN, "inconclusive", "money"),
        ("search/p_value", 0.2, "inconclusive", "search"),
        ("stress/checks", [check("double_costs", "no")], "no", "stress"),
        ("stress/checks", [check("double_costs", "inconclusive")], "inconclusive", "stress"),
    ],
)
def test_the_first_question_that_is_not_answered_yes_decides(path, value, answer, decided_by):
    found = judged({path: value})
    assert (found["answer"], found["decided_by"]) == (answer, decided_by)
    assert found["sentence"].startswith("No: " if answer == "no" else "Inconclusive: ")
    reached = [question["key"] for question in found["questions"] if question["reached"]]
    assert reached[-1] == decided_by


def test_a_forecast_that_only_knows_the_drift_does_not_pass():
    found = judged({"forecast/against/mean_return": against(-0.0001, low=-0.01, high=0.01, p_value=0.4)})
    assert answers(found)["forecast"] == "inconclusive"
    assert "the mean of past returns" in found["questions"][0]["reason"]


def test_a_significant_forecast_with_larger_errors_does_not_pass():
    """Clark and West ask whether there is signal; whether the errors are smaller is another question."""
    found = judged({"forecast/against/last_price": against(-0.001, low=-0.02, high=0.02, p_value=0.01)})
    assert answers(found)["forecast"] == "inconclusive"


def test_a_gain_that_is_only_less_exposure_does_not_pass():
    found = judged(
        {"money/differences/exposure_matched/mean_a_year": gain(-0.01, low=-0.03, high=0.01, p_value=0.8)}
    )
    assert answers(found)["money"] == "inconclusive"


def test_a_failed_fold_leaves_the_whole_inconclusive_whatever_the_figures():
    for changes in ({}, {"forecast/against/last_price": NO_FORECAST}):
        found = judged(changes, failed_folds=1)
        assert (found["answer"], found["decided_by"]) == ("inconclusive", "failed_folds")
        assert "one fold has no forecast" in found["sentence"]


def test_a_leak_leaves_the_whole_inconclusive_before_anything_else():
    sees = "feature 'own.py:peek' sees 1 bar ahead, first on 2000-01-03"
    found = judged({}, failed_folds=1, leaks=[sees, "another"])
    assert (found["answer"], found["decided_by"]) == ("inconclusive", "leak")
    assert found["sentence"] == f"Inconclusive: nothing here is evidence, as {sees} (1 more)."
    assert set(answers(found).values()) == {"inconclusive"}


def test_a_strategy_that_never_traded_is_inconclusive():
    nothing = {"value": None, "interval": [None, None], "p_value": None}
    found = judged(
        {
            "money/differences/buy_and_hold/sharpe": nothing,
            "search/p_value": None,
            "search/difference_interval": [None, None],
        }
    )
    assert (found["answer"], found["decided_by"]) == ("inconclusive", "money")
    assert "never varied" in found["sentence"]


def test_the_sentence_names_what_was_passed_and_what_it_would_take():
    found = judged({"money/differences/buy_and_hold/sharpe": UNSURE_GAIN})
    assert found["sentence"].startswith("Inconclusive: the forecast beats the last price, but 12.0 years")
    assert "about 13 years would be needed" in found["sentence"]


def test_a_clear_no_to_the_money_is_said_even_where_the_forecast_is_undecided():
    found = judged(
        {
            "forecast/against/last_price": UNSURE_FORECAST,
            "money/differences/buy_and_hold/sharpe": NO_GAIN,
        }
    )
    assert (found["answer"], found["decided_by"]) == ("inconclusive", "forecast")
    assert "The money is clearer: the strategy does not beat buy-and-hold" in found["sentence"]


def test_without_a_gain_there_is_nothing_to_lay_to_luck():
    worse = [{"own": True, "difference_a_year": -0.02}]
    found = judged({"search/p_value": 1.0, "search/table": worse})
    assert "no gain" in found["questions"][2]["reason"]


def axis(key: str, answer: str) -> dict[str, str]:
    return {"key": key, "title": key.capitalize(), "answer": answer, "sentence": f"Said of {key}."}


def test_all_four_answered_yes_is_a_yes():
    found = judged({"stress/axes": [axis("seeds", "yes"), axis("windows", "yes"), axis("noise", "yes")]})
    assert (found["answer"], found["decided_by"]) == ("yes", None)
    assert found["sentence"].startswith("Yes: ")


@pytest.mark.parametrize(
    ("axes", "answer"),
    [
        ([axis("seeds", "yes")], "inconclusive"),  # windows were not run
        ([axis("seeds", "yes"), axis("windows", "inconclusive")], "inconclusive"),
        ([axis("seeds", "yes"), axis("windows", "yes"), axis("placebo", "no")], "no"),
    ],
)
def test_a_yes_needs_other_seeds_and_windows_and_no_axis_that_fails(axes, answer):
    found = judged({"stress/axes": axes})
    assert (found["answer"], found["decided_by"]) == (answer, "stress")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"stress/axes": [axis("costs", "no")]},
            "The gain over buy-and-hold is gone on the axis costs, by its point estimate.",
        ),
        (
            {"stress/axes": [axis("costs", "no"), axis("seeds", "no")]},
            "The gain over buy-and-hold is gone on the axis costs and on the axis seeds, by their point "
            "estimates.",
        ),
        (
            {"stress/axes": [axis("costs", "no")], "stress/checks": [check("double_costs", "no")]},
            "The gain over buy-and-hold is gone with double_costs and on the axis costs.",
        ),
    ],
)
def test_a_no_that_no_interval_bears_out_says_so(changes, reason):
    question = judged(changes)["questions"][3]
    assert (question["answer"], question["reason"]) == ("no", reason)


@pytest.mark.parametrize(("n", "horizon"), [(1, 1), (59, 1), (299, 20)])
def test_too_few_forecasts_decide_nothing_however_clear_they_look(n, horizon):
    for changes in ({}, {"forecast/against/last_price": NO_FORECAST}):
        found = judged({**changes, "forecast/n": n, "forecast/horizon": horizon})
        assert set(answers(found).values()) == {"inconclusive"}
        assert f"{n} scored forecasts are too few" in found["sentence"]
    assert judged({"forecast/n": 300, "forecast/horizon": 20})["decided_by"] == "stress"


def test_more_years_are_not_asked_for_where_there_are_enough():
    found = judged({"money/differences/buy_and_hold/sharpe": UNSURE_GAIN, "power/years_for_smallest": 5.0})
    assert "would be needed" not in found["sentence"]


def test_a_strategy_that_is_buy_and_hold_is_nothing_to_compare():
    found = judged({"money/differences/buy_and_hold/sharpe": gain(0.0, low=0.0, high=0.0, p_value=1.0)})
    assert (found["answer"], found["decided_by"]) == ("inconclusive", "money")
    assert "is buy-and-hold" in found["sentence"]


def test_the_thresholds_come_from_the_recipe():
    strict = VerdictSection(level=0.001)
    found = verdict(copy.deepcopy(GOOD), settings=strict, failed_folds=0)
    assert found["decided_by"] == "forecast"
    interested = VerdictSection(smallest_sharpe=2.0)
    unsure = copy.deepcopy(GOOD)
    unsure["money"]["differences"]["buy_and_hold"]["sharpe"] = UNSURE_GAIN
    found = verdict(unsure, settings=interested, failed_folds=0)
    assert (found["answer"], found["decided_by"]) == ("no", "money")


def test_a_no_of_stress_without_a_gain_names_what_made_it_sure():
    no_gain = {"money/differences/buy_and_hold/sharpe": gain(-0.1, low=-0.3, high=0.1, p_value=0.8)}
    undecided = judged(no_gain)["questions"][3]
    assert undecided["answer"] == "inconclusive"
    assert undecided["reason"] == "There is no gain over buy-and-hold that stress could take away."
    sure = judged(no_gain | {"stress/checks": [check("double_costs", "no")]})["questions"][3]
    assert sure["answer"] == "no"
    assert sure["reason"].endswith("take away, and surely none of interest with double_costs.")
