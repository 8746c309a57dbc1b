import math

import pytest

from backtester.stress.axes.costs import AXIS
from backtester.stress.axis import AxisResult, Case
from backtester.stress.values import axis_values, stress_sentence, with_earlier


def values_of(cases, *, answer="yes", settings=None, **changes):
    result = AxisResult(
        answer=answer, sentence="S.", figure="sharpe_difference", cases=cases, pictures=(), **changes
    )
    return axis_values(
        AXIS,
        result,
        retrained=False,
        n_tried=0,
        baseline={"sharpe_difference": 9.0},
        settings=settings or {},
    )


def case(gain, *, own=False):
    return Case(label=f"{gain}", figures={"sharpe_difference": gain}, stands=gain > 0.0, own=own)


def test_the_run_itself_does_not_speak_for_itself():
    cases = [case(-9.0, own=True), case(1.0), case(2.0), case(-0.5)]
    found = values_of(cases)
    assert found["overview"] == {
        "baseline": 9.0,
        "median": 1.0,
        "worst": -0.5,
        "stands": pytest.approx(2 / 3),
        "cases": 3,
    }
    assert [one["own"] for one in found["cases"]] == [True, False, False, False]


def test_draws_of_chance_have_neither_a_median_nor_a_worst():
    found = values_of([case(1.0), case(2.0)], chance=True)["overview"]
    assert (found["median"], found["worst"], found["stands"]) == (None, None, 1.0)


def test_what_an_axis_said_before_is_kept_where_other_cases_come_out():
    first = with_earlier(values_of([case(1.0)], answer="no", settings={"seeds": 10}), before=None)
    same = with_earlier(values_of([case(1.0)], answer="no", settings={"seeds": 12}), before=first)
    assert (first["earlier"], same["earlier"]) == ([], [])
    other = with_earlier(values_of([case(2.0)], settings={"seeds": 20}), before=same)
    assert other["earlier"] == [{"answer": "no", "settings": {"seeds": 12}}]
    third = with_earlier(values_of([case(math.nan)], settings={"seeds": 30}), before=other)
    assert [time["answer"] for time in third["earlier"]] == ["no", "yes"]


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        (["yes", "no", "inconclusive"], "holds on 1 of 3 axes and fails on b; undecided: c."),
        (["inconclusive"] * 3, "holds on 0 of 3 axes and fails on none: all are undecided."),
        (["yes", *["inconclusive"] * 9], "holds on 1 of 10 axes and fails on none; undecided: 9 others."),
        (["yes"], "holds on 1 of 1 axes and fails on none."),
    ],
)
def test_the_sentence_names_a_few_axes_and_counts_many(answers, sentence):
    axes = {
        key: {"title": key.upper(), "answer": answer}
        for key, answer in zip("abcdefghij", answers, strict=False)
    }
    assert stress_sentence(axes) == f"The result {sentence}"
