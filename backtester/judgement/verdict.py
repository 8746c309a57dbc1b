"""The verdict: four questions in a fixed order, each answered yes, no or inconclusive.

The order and the thresholds stand before the result (a fixed sequence needs no further correction): the
first question that is not answered yes decides. *No* needs evidence as well: the interval's upper end lies
below the smallest effect of interest. Everything else is *inconclusive*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from backtester.judgement.answers import Answer, answered_with, below, or_else
from backtester.judgement.on_stress import stress_question
from backtester.judgement.wording import (
    interval_words,
    needed_words,
    percent,
    probability,
    signed,
    uncapitalised,
    years_words,
)
from backtester.recipe import VerdictSection

__all__ = ["FEWEST_FORECASTS", "FORECASTS_A_HORIZON", "Answer", "verdict"]

FEWEST_FORECASTS = 60
"""Scored forecasts below which no test keeps to its level: with 10 Clark and West reject 8 %, with 4 11 %."""
FORECASTS_A_HORIZON = 15
"""The same for each bar of the horizon, as overlapping targets say the same thing over again."""


_QUESTIONS: Mapping[str, str] = {
    "forecast": "Does the forecast beat the last price?",
    "money": "Does the strategy beat buy-and-hold at the same risk, after costs?",
    "search": "Does it survive the number of variants tried?",
    "stress": "Does it survive stress?",
}


def verdict(
    judgement: Mapping[str, Any],
    *,
    settings: VerdictSection,
    failed_folds: int,
    leaks: Sequence[str] = (),
) -> dict[str, Any]:
    """Answer the four questions from the figures of a judgement.

    Parameters
    ----------
    judgement : from `judge`
    settings : the recipe's ``[verdict]``
    failed_folds : folds without a forecast; with any, the whole is inconclusive
    leaks : what sees the future, in words; with any, nothing is evidence

    Returns
    -------
    dict of JSON values: ``answer``, ``sentence``, ``decided_by`` (a question's key, ``leak``,
    ``failed_folds``, or None where all are answered yes) and ``questions``, each with ``reached``: whether
    those before it were answered yes

    Source
    ------
    Question 1: Clark and West (2007) against the last price and the prevailing mean, and an R² out of
    sample above 0. Question 2: Ledoit and Wolf (2008). Question 3: Hansen (2005), this run's own p-value.
    """
    undecided = "Something sees the future: no figure here is evidence." if leaks else _too_few(judgement)
    answered = [
        _ANSWERS[key](judgement, settings)
        | ({"answer": Answer.INCONCLUSIVE.value, "reason": undecided} if undecided else {})
        for key in _QUESTIONS
    ]
    questions, reached = [], True
    for (key, text), content in zip(_QUESTIONS.items(), answered, strict=True):
        questions.append({"key": key, "question": text, "reached": reached, **content})
        reached = reached and content["answer"] == Answer.YES
    if leaks:
        others = f" ({len(leaks) - 1} more)" if len(leaks) > 1 else ""
        return {
            "answer": Answer.INCONCLUSIVE.value,
            "sentence": f"Inconclusive: nothing here is evidence, as {leaks[0]}{others}.",
            "decided_by": "leak",
            "questions": questions,
        }
    if failed_folds:
        return {
            "answer": Answer.INCONCLUSIVE.value,
            "sentence": f"Inconclusive: {_folds(failed_folds)} no forecast, so that the evidence has a hole.",
            "decided_by": "failed_folds",
            "questions": questions,
        }
    deciding = next((question for question in questions if question["answer"] != Answer.YES), None)
    return {
        "answer": (Answer.YES if deciding is None else Answer(deciding["answer"])).value,
        "sentence": _sentence(questions, deciding=deciding),
        "decided_by": None if deciding is None else deciding["key"],
        "questions": questions,
    }


def _too_few(judgement: Mapping[str, Any]) -> str:
    """Why nothing can be said of so short a history; empty where something can."""
    horizon, scored = judgement["forecast"]["horizon"], judgement["forecast"]["n"]
    needed = max(FEWEST_FORECASTS, FORECASTS_A_HORIZON * horizon)
    if scored >= needed:
        return ""
    return f"{scored} scored forecasts are too few for any test; {needed} are needed."


def _folds(failed: int) -> str:
    return "one fold has" if failed == 1 else f"{failed} folds have"


def _sentence(questions: list[dict[str, Any]], *, deciding: Mapping[str, Any] | None) -> str:
    if deciding is None:
        return (
            "Yes: the forecast beats the last price, the strategy beats buy-and-hold at the same risk and "
            "after costs, and both survive the number of variants tried and stress."
        )
    passed = [_PASSED[question["key"]] for question in questions if question["reached"]]
    passed = passed[: [question["key"] for question in questions].index(deciding["key"])]
    although = f"{', '.join(passed)}, but " if passed else ""
    lead = "No" if deciding["answer"] == Answer.NO else "Inconclusive"
    sentence = f"{lead}: {although}{uncapitalised(deciding['reason'])}"
    money = next(question for question in questions if question["key"] == "money")
    if deciding["answer"] == Answer.INCONCLUSIVE and not money["reached"] and money["answer"] == Answer.NO:
        sentence += f" The money is clearer: {uncapitalised(money['reason'])}"
    return sentence


_PASSED: Mapping[str, str] = {
    "forecast": "the forecast beats the last price",
    "money": "the strategy beats buy-and-hold",
    "search": "that survives the number of variants tried",
    "stress": "it survives stress",
}


def _forecast(judgement: Mapping[str, Any], settings: VerdictSection) -> dict[str, Any]:
    against = judgement["forecast"]["against"]
    # the harder of the two: a drifting market must not pass for a forecast
    worse = min(against, key=lambda name: or_else(against[name]["r2_oos"], float("inf")))
    figures, smallest = against[worse], settings.smallest_r2
    value, interval = figures["r2_oos"], figures["r2_oos_interval"]
    p_values = [row["clark_west"]["p_value"] for row in against.values()]
    p_value = None if any(p is None for p in p_values) else max(p_values)
    name = _BENCHMARKS[worse]
    told = f"R² {percent(value)}, {interval_words(interval, write=percent, judgement=judgement)}"
    if value is None:
        answer, reason = Answer.INCONCLUSIVE, "There is no forecast to score."
    elif p_value is not None and p_value < settings.level and value > 0.0:
        answer = Answer.YES
        reason = f"The forecast beats the last price and the mean of past returns (against {name}: {told})."
    elif below(interval, smallest):
        answer = Answer.NO
        reason = f"The forecast does not beat {name} ({told}; {percent(smallest)} would be of interest)."
    else:
        answer = Answer.INCONCLUSIVE
        reason = f"{years_words(judgement)} cannot decide whether the forecast beats {name} ({told})."
    return answered_with(
        answer,
        reason,
        figure={"name": f"R² out of sample against {name}", "value": value, "interval": interval, "unit": ""},
        p_value=p_value,
        smallest=smallest,
        judgement=judgement,
        years_to_decide=None,
    )


_BENCHMARKS: Mapping[str, str] = {
    "last_price": "the last price",
    "mean_return": "the mean of past returns",
}


def _money(judgement: Mapping[str, Any], settings: VerdictSection) -> dict[str, Any]:
    differences, smallest = judgement["money"]["differences"], settings.smallest_sharpe
    figures = differences["buy_and_hold"]["sharpe"]
    value, interval, p_value = figures["value"], figures["interval"], figures["p_value"]
    timing = differences["exposure_matched"]["mean_a_year"]["value"]
    told = (
        f"Sharpe ratio {signed(value)} a year, {interval_words(interval, write=signed, judgement=judgement)}"
    )
    if value is None:
        answer = Answer.INCONCLUSIVE
        reason = "The strategy has no Sharpe ratio to compare: its return never varied."
    elif interval == [value, value]:
        answer = Answer.INCONCLUSIVE
        reason = "The strategy is buy-and-hold, more or less of it: there is nothing to compare."
    elif p_value < settings.level and or_else(timing, 0.0) > 0.0:
        answer, reason = Answer.YES, f"The strategy beats buy-and-hold at the same risk ({told})."
    elif below(interval, smallest):
        answer = Answer.NO
        reason = (
            f"The strategy does not beat buy-and-hold at the same risk ({told}; a gain of {smallest:g} would "
            "be of interest)."
        )
    else:
        answer = Answer.INCONCLUSIVE
        reason = (
            f"{years_words(judgement)} cannot decide whether the strategy beats buy-and-hold ({told}"
            f"{needed_words(judgement, smallest=smallest)})."
        )
    return answered_with(
        answer,
        reason,
        figure={
            "name": "Sharpe ratio above buy-and-hold's",
            "value": value,
            "interval": interval,
            "unit": "a year",
        },
        p_value=p_value,
        smallest=smallest,
        judgement=judgement,
        years_to_decide=judgement["power"]["years_for_smallest"],
    )


def _search(judgement: Mapping[str, Any], settings: VerdictSection) -> dict[str, Any]:
    search = judgement["search"]
    trials, p_value = search["trials"], search["p_value"]
    tried = "the only variant tried" if trials == 1 else f"one of {trials} variants tried"
    own = next((row for row in search["table"] if row["own"]), None)
    value = None if own is None else own["difference_a_year"]
    if p_value is None:
        answer, reason = Answer.INCONCLUSIVE, "There is no difference to buy-and-hold at its risk to test."
    elif p_value < settings.level:
        answer = Answer.YES
        reason = f"As {tried}, a gain this large is unlikely by luck (p = {probability(p_value, judgement)})."
    elif or_else(value, 0.0) <= 0.0:
        answer = Answer.INCONCLUSIVE
        reason = "There is no gain over buy-and-hold at its risk that luck would have to explain."
    else:
        answer = Answer.INCONCLUSIVE
        chance = probability(p_value, judgement)
        reason = f"As {tried}, luck would give as large a gain often enough (p = {chance})."
    return answered_with(
        answer,
        reason,
        figure={
            "name": "Return above buy-and-hold's at its risk",
            "value": value,
            "interval": search["difference_interval"],
            "unit": "a year",
        },
        p_value=p_value,
        smallest=None,
        judgement=judgement,
        years_to_decide=judgement["power"]["years_for_smallest"],
    )


_ANSWERS: Mapping[str, Callable[[Mapping[str, Any], VerdictSection], dict[str, Any]]] = {
    "forecast": _forecast,
    "money": _money,
    "search": _search,
    "stress": stress_question,
}
