"""Tests by markets: how often each says that it found something, and how often it may.

What a test may say depends on its own null. A rising market is a null for a test of timing, none for a test
against zero; so each cell is judged only where the market is one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from backtester.judgement import Answer
from backtester.judgement.sharpe_difference import sharpe_difference
from backtester.prices import prices_from_frame
from backtester.question import Question
from benchmarks.calibration_markets import MARKETS, Gain, Market, prices_of, recipe_of
from benchmarks.calibration_run import Judged, fit_forecasts, guessed_forecasts, judge_run, question_of

__all__ = ["LEVEL", "TESTS", "VERDICT_BOUND", "Null", "Outcome", "Test", "bounds", "matrix", "outcome_of"]

LEVEL = 0.05
VERDICT_BOUND = 0.05
"""The largest share of false verdicts: not the level of a test, but what the whole promises."""
_REACH = 2.576
"""Standard errors that 99 % of all experiments stay within."""


class Null(StrEnum):
    """What a market is for a test."""

    EXACT = "exact"
    """Its null, at the edge, and the test is exact: it may say so neither too often nor too rarely."""
    YES = "yes"
    """A null: it may say so at most as often as its level."""
    NO = "no"
    """There is something to find."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was said of one market.

    Parameters
    ----------
    found : by test, whether it rejected its null; None where it was undefined
    answers : by question and by check of the stress, and ``verdict`` for the whole
    figures : whose means over all markets are shown, to check what is claimed of the markets
    """

    found: Mapping[str, bool | None]
    answers: Mapping[str, str]
    figures: Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """A way to say that something was found.

    Parameters
    ----------
    what : in words
    found : from the run to whether it says so
    null : from a market to what that is for it
    limit : the largest share of false findings; None for the bounds of a test at the level
    """

    what: str
    found: Callable[[Judged], bool | None]
    null: Callable[[Market], Null]
    limit: float | None = None


def _below_level(*path: str) -> Callable[[Judged], bool | None]:
    return lambda run: _less(_at(run.judgement, path), LEVEL)


def _at(value: Any, path: Sequence[str]) -> Any:
    for key in path:
        value = value[key]
    return value


def _less(value: float | None, limit: float) -> bool | None:
    return None if value is None else value < limit


def _better_forecast(benchmark: str) -> Callable[[Judged], bool | None]:
    def found(run: Judged) -> bool | None:
        """Half of the two-sided p-value, on the side of the better forecast."""
        test = run.judgement["forecast"]["against"][benchmark]["diebold_mariano"]
        return None if test["p_value"] is None else test["statistic"] > 0.0 and test["p_value"] / 2.0 < LEVEL

    return found


def _two_sided(run: Judged) -> bool | None:
    strategy, holding = (run.returns[name].to_numpy() for name in ("strategy", "buy_and_hold"))
    # the judgement asks on one side only
    found = sharpe_difference(strategy, holding, draws=run.judgement["draws"], seed=run.seed)
    return None if math.isnan(found.p_value) else found.p_value < LEVEL


def _end(name: str, *, upper: bool) -> Callable[[Judged], bool | None]:
    def found(run: Judged) -> bool | None:
        low, high = run.judgement["money"]["differences"]["buy_and_hold"][name]["interval"]
        return _less(high, 0.0) if upper else _less(None if low is None else -low, 0.0)

    return found


def _sure(*path: str) -> Callable[[Judged], bool | None]:
    def found(run: Judged) -> bool | None:
        probability = _at(run.judgement, path)
        return None if probability is None else 1.0 - probability < LEVEL

    return found


def _question(key: str) -> Callable[[Judged], bool]:
    return lambda run: _answers(run)[key] == Answer.YES


def _first_three(run: Judged) -> bool:
    return all(_question(key)(run) for key in ("forecast", "money", "search"))


def _all_but_retraining(run: Judged) -> bool:
    return _first_three(run) and all(
        check["answer"] == Answer.YES for check in run.judgement["stress"]["checks"]
    )


def _answers(run: Judged) -> dict[str, str]:
    answers = {str(question["key"]): str(question["answer"]) for question in run.verdict["questions"]}
    checks = {f"stress.{check['key']}": str(check["answer"]) for check in run.judgement["stress"]["checks"]}
    return answers | checks | {"verdict": str(run.verdict["answer"])}


def _null_where(condition: Callable[[Market], bool]) -> Callable[[Market], Null]:
    return lambda market: Null.YES if condition(market) else Null.NO


def _no_signal_nor_drift(market: Market) -> bool:
    return not market.signal and market.drift == 0.0


def _no_signal(market: Market) -> bool:
    return not market.signal


def _no_gain(market: Market) -> bool:
    return market.gain is not Gain.POSITIVE


def _earns_nothing(market: Market) -> bool:
    return not market.earns


def _nested(market: Market) -> bool:
    """Clark–West takes off what a larger model's noise costs; a guess is no larger model of the mean."""
    return not market.signal and not market.guessed


def _equal_only(market: Market) -> Null:
    return _edge(market) if market.gain is Gain.NONE else Null.NO


def _lower_end(market: Market) -> Null:
    return {Gain.NONE: _edge(market), Gain.NEGATIVE: Null.YES, Gain.POSITIVE: Null.NO}[market.gain]


def _upper_end(market: Market) -> Null:
    return {Gain.NONE: _edge(market), Gain.POSITIVE: Null.YES, Gain.NEGATIVE: Null.NO}[market.gain]


def _edge(market: Market) -> Null:
    """Exact only where the position does not follow past returns.

    One that does is out of a falling market: there a gain on holding goes on and adds to its own standard
    error, while a loss is cut short. So its t-statistic leans to below 0, however right the error is.
    """
    return Null.EXACT if market.guessed else Null.YES


_GAIN = ("money", "differences")
TESTS: Mapping[str, Test] = {
    "clark_west_last_price": Test(
        what="Clark–West against the last price",
        found=_below_level("forecast", "against", "last_price", "clark_west", "p_value"),
        null=_null_where(_no_signal_nor_drift),
    ),
    "clark_west_mean": Test(
        what="Clark–West against the mean so far",
        found=_below_level("forecast", "against", "mean_return", "clark_west", "p_value"),
        null=_null_where(_nested),
    ),
    # a drift too small to be estimated within 750 days is no gain in squared error either
    "diebold_mariano_last_price": Test(
        what="Diebold–Mariano against the last price",
        found=_better_forecast("last_price"),
        null=_null_where(_no_signal),
    ),
    "diebold_mariano_mean": Test(
        what="Diebold–Mariano against the mean so far",
        found=_better_forecast("mean_return"),
        null=_null_where(_no_signal),
    ),
    "pesaran_timmermann": Test(
        what="Pesaran–Timmermann",
        found=_below_level("forecast", "direction", "p_value"),
        null=_null_where(_no_signal),
    ),
    "ledoit_wolf": Test(
        what="Ledoit–Wolf, one-sided",
        found=_below_level(*_GAIN, "buy_and_hold", "sharpe", "p_value"),
        null=_lower_end,
    ),
    "ledoit_wolf_two_sided": Test(what="Ledoit–Wolf, two-sided", found=_two_sided, null=_equal_only),
    "sharpe_interval_below": Test(
        what="Ledoit–Wolf interval below 0", found=_end("sharpe", upper=True), null=_upper_end
    ),
    "mean_interval_above": Test(
        what="bootstrap interval of the mean above 0", found=_end("mean_a_year", upper=False), null=_lower_end
    ),
    "mean_interval_below": Test(
        what="bootstrap interval of the mean below 0", found=_end("mean_a_year", upper=True), null=_upper_end
    ),
    "exposure_matched": Test(
        what="mean above exposure-matched holding",
        found=_below_level(*_GAIN, "exposure_matched", "mean_a_year", "p_value"),
        null=_null_where(_no_gain),
    ),
    "alpha": Test(
        what="alpha",
        found=_below_level("money", "regression", "alpha_a_year", "p_value"),
        null=_null_where(_no_gain),
    ),
    "probabilistic_sharpe": Test(
        what="probabilistic Sharpe ratio above 0",
        found=_sure("money", "curves", "strategy", "probabilistic_sharpe"),
        null=_null_where(_earns_nothing),
    ),
    "deflated_sharpe": Test(
        what="deflated Sharpe ratio",
        found=_sure("search", "deflated_sharpe"),
        null=_null_where(_earns_nothing),
    ),
    "superior": Test(
        what="superior predictive ability (SPA)",
        found=_below_level("search", "p_value"),
        null=_null_where(_no_gain),
    ),
    "question_forecast": Test(
        what="question 1: forecast", found=_question("forecast"), null=_null_where(_no_signal)
    ),
    "question_money": Test(what="question 2: money", found=_question("money"), null=_null_where(_no_gain)),
    "question_search": Test(what="question 3: search", found=_question("search"), null=_null_where(_no_gain)),
    "first_three": Test(
        what="questions 1 to 3 all yes", found=_first_three, null=_null_where(_no_gain), limit=VERDICT_BOUND
    ),
    "all_but_retraining": Test(
        what="and every stress check that needs no retraining",
        found=_all_but_retraining,
        null=_null_where(_no_gain),
        limit=VERDICT_BOUND,
    ),
    "verdict": Test(
        what="verdict yes", found=_question("verdict"), null=_null_where(_no_gain), limit=VERDICT_BOUND
    ),
}


def outcome_of(kind: str, *, index: int, draws: int) -> Outcome:
    """Simulate one market of a kind and judge it."""
    question = _question_of(kind, index=index, draws=draws)
    if MARKETS[kind].guessed:
        other = _question_of(kind, index=-1 - index, draws=draws)
        forecasts = guessed_forecasts(question, other=other)
    else:
        forecasts = fit_forecasts(question)
    run = judge_run(question, forecasts=forecasts)
    differences, against = run.judgement["money"]["differences"], run.judgement["forecast"]["against"]
    return Outcome(
        found={name: test.found(run) for name, test in TESTS.items()},
        answers=_answers(run),
        figures={
            "sharpe_gain": differences["buy_and_hold"]["sharpe"]["value"],
            "exposure_matched_gain": differences["exposure_matched"]["mean_a_year"]["value"],
            "r2_last_price": against["last_price"]["r2_oos"],
            "r2_mean_return": against["mean_return"]["r2_oos"],
        },
    )


def _question_of(kind: str, *, index: int, draws: int) -> Question:
    market = MARKETS[kind]
    prices = prices_from_frame(prices_of(market, key=kind, index=index), symbol=kind)
    return question_of(recipe_of(market, key=kind, index=index, draws=draws), prices=prices)


def matrix(outcomes: Mapping[str, Sequence[Outcome]]) -> dict[str, Any]:
    """Count, and hold each count to its bounds.

    Parameters
    ----------
    outcomes : by kind of market

    Returns
    -------
    dict : by test, by kind: ``rejected``, ``rate``, ``null``, ``holds`` (None where there is something to
        find), and ``undefined`` where the test had nothing to say of some markets
    """
    return {
        name: {kind: _cell(name, kind=kind, rows=rows) for kind, rows in outcomes.items()} for name in TESTS
    }


def _cell(name: str, *, kind: str, rows: Sequence[Outcome]) -> dict[str, Any]:
    test, said = TESTS[name], [row.found[name] for row in rows]
    null = test.null(MARKETS[kind])
    rejected, rate = sum(found is True for found in said), sum(found is True for found in said) / len(said)
    low, high = bounds(len(said))
    if test.limit is not None:
        high = test.limit
    holds = None if null is Null.NO else rate <= high and (null is not Null.EXACT or rate >= low)
    undefined = sum(found is None for found in said)
    cell = {"rejected": rejected, "rate": round(rate, 4), "null": null.value, "holds": holds}
    return cell | ({"undefined": undefined} if undefined else {})


def bounds(n: int) -> tuple[float, float]:
    """Give the shares between which a test at the level stays in 99 % of all experiments with n markets.

    Examples
    --------
    >>> [round(share, 3) for share in bounds(400)]
    [0.022, 0.078]
    """
    reach = _REACH * math.sqrt(LEVEL * (1.0 - LEVEL) / n)
    return max(0.0, LEVEL - reach), LEVEL + reach
