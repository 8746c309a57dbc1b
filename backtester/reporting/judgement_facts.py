"""The evidence behind each answer, as plain values for the template: what has no picture, in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from backtester.reporting import words
from backtester.reporting.judgement import ANSWERS, CHECKED, SERIES, at, span_words
from backtester.run_directory import RunRecord

__all__ = ["direction_words", "evidence"]

_NO_BREAK_EVEN: Mapping[str, str] = {
    "no extra turnover": "none: the strategy trades no more than buy-and-hold, so costs cannot decide",
    "no such cost": "none: a cost that high would ruin buy-and-hold first",
    "no gross excess": "none: even without any costs the strategy made no more than buy-and-hold",
}


def direction_words(record: RunRecord) -> str:
    """Whether the forecast knows up from down."""
    found = at(record, "forecast", "direction")
    if not found or words.is_missing(found["hit_rate"]) or words.is_missing(found["statistic"]):
        return (
            "The forecast holds no information on direction: it never changes its sign, or there are too few "
            "moves to count."
        )
    luck = "more than luck explains" if found["p_value"] < at(record, "level") else "within what luck gives"
    return (
        f"It named the direction of {words.percent(found['hit_rate'])} of {found['n']:,} moves. A forecast "
        "that says “up” as often, but knows nothing, would name "
        f"{words.percent(found['expected_hit_rate'])}: the difference is {luck} "
        f"({words.probability(found['p_value'])})."
    )


def evidence(record: RunRecord) -> dict[str, Any]:
    """Figures of each question that have no picture, as (label, text), and the sentences around them."""
    trials = int(at(record, "search", "trials") or 0)
    return {
        "direction": direction_words(record),
        "signal": _signal_words(record),
        "tests": _forecast_tests(record),
        "money": _money_facts(record),
        "curves": _curve_rows(record),
        "trials": trials,
        "search": _search_facts(record),
        "searched": _search_words(record, trials=trials),
        "table": _trial_rows(record),
        "untested": "" if at(record, "stress", "axes") else _UNTESTED,
        "stressed": [
            {**axis, "badge": ANSWERS[str(axis["answer"])]} for axis in at(record, "stress", "axes") or []
        ],
        "power": _power_facts(record),
        "powered": _power_words(record),
        "draws": at(record, "draws"),
    }


_UNTESTED = (
    "Other seeds, other windows and noise in the prices need retraining, which this run has not done: "
    "`backtester stress` does it. Until then this question cannot be answered yes."
)


def _signal_words(record: RunRecord) -> str:
    """Why a yes may stand beside an interval that reaches below zero; empty where it does not."""
    step = next(row for row in record.summary["verdict"]["questions"] if row["key"] == "forecast")
    low = step["figure"]["interval"][0]
    if step["answer"] != "yes" or words.is_missing(low) or low >= 0.0:
        return ""
    return (
        "A yes although the bar reaches below zero: the Clark–West test asks whether there is any signal, "
        "and finds one; the bar says how much better these very forecasts were, and that is not sure."
    )


def _forecast_tests(record: RunRecord) -> list[tuple[str, list[str]]]:
    """Rows of the table of tests: against the last price, against the mean of past returns."""
    found = [at(record, "forecast", "against", name) or {} for name in ("last_price", "mean_return")]
    return [
        ("Clark–West, decides", [_tested(row.get("clark_west")) for row in found]),
        ("Diebold–Mariano", [_tested(row.get("diebold_mariano")) for row in found]),
        ("RMSE of the other", [words.percent(row.get("rmse_benchmark"), digits=4) for row in found]),
        ("RMSE of this forecast", [words.percent(row.get("rmse"), digits=4) for row in found]),
    ]


def _tested(found: Any) -> str:
    if not found or words.is_missing(found["statistic"]):
        return "not defined"
    return f"{words.minus(words.number(found['statistic']))}, {words.probability(found['p_value'])}"


def _money_facts(record: RunRecord) -> list[tuple[str, str]]:
    broker = record.manifest["recipe"]["broker"]
    beta = at(record, "money", "regression", "beta")
    alpha = at(record, "money", "regression", "alpha_a_year")
    even = at(record, "money", "break_even_bp") or {"value": None, "reason": ""}
    cost = float(broker["commission_bp"]) + float(broker["slippage_bp"])
    return [
        ("Beta: move for each 1% of buy-and-hold", _estimated(beta, words.number)),
        ("Alpha a year: return that beta leaves unexplained", _estimated(alpha, words.signed_percent)),
        (
            "Break-even cost a side",
            _NO_BREAK_EVEN.get(even["reason"], words.DASH)
            if words.is_missing(even["value"])
            else f"{words.minus(words.number(even['value'], digits=1))} bp; this run paid {cost:g} bp",
        ),
        (
            "Blocks of the bootstrap",
            f"{words.plural(int(at(record, 'money', 'block_length') or 1), 'bar')} on average",
        ),
    ]


def _estimated(found: Any, write: Callable[[Any], str]) -> str:
    if not found or words.is_missing(found["value"]):
        return "not defined: the returns never vary"
    interval = span_words(found.get("interval"), write)
    return f"{words.minus(write(found['value']))}" + ("" if interval == words.DASH else f" ({interval})")


def _curve_rows(record: RunRecord) -> list[dict[str, Any]]:
    """Figures of each curve that need no picture."""
    rows = []
    for name in CHECKED:
        found = at(record, "money", "curves", name) or {}
        years = found.get("minimum_track_record_years")
        rows.append(
            {
                "label": SERIES[name],
                "sharpe": at(record, "money", "curves", name, "sharpe", "value"),
                "adjusted": found.get("sharpe_autocorrelation_adjusted"),
                "probability": found.get("probabilistic_sharpe"),
                "years": words.DASH if words.is_missing(years) else words.number(years, digits=1),
            }
        )
    return rows


def _search_facts(record: RunRecord) -> list[tuple[str, str]]:
    found = at(record, "search") or {}
    effective = found.get("effective") or {}
    counts: list[float] = [float(count) for count in effective.values() if not words.is_missing(count)]
    low, high = (words.number(pick(counts), digits=1) if counts else words.DASH for pick in (min, max))
    return [
        ("Variants tried on these prices", words.count(found.get("trials"))),
        ("Worth as many independent ones", low if low == high else f"{low} to {high}"),
        ("This run, as if it were the only one", words.probability(found.get("p_value_alone"))),
        ("This run, for all that were tried", words.probability(found.get("p_value"))),
        ("The best of all that were tried", words.probability(found.get("p_value_best"))),
        (
            "Sharpe ratio of the best to expect by luck",
            words.minus(words.number(found.get("expected_maximum"))),
        ),
        ("Deflated Sharpe ratio", words.percent(found.get("deflated_sharpe"))),
        (
            "Probability of backtest overfitting",
            "needs two variants or more"
            if words.is_missing(found.get("overfitting"))
            else words.percent(found["overfitting"], digits=0),
        ),
    ]


def _search_words(record: RunRecord, *, trials: int) -> str:
    if trials <= 1:
        return (
            "This is the only variant that the registry held when the run was judged: no search to correct "
            "for: the figures below say the same with and without the correction. What was tried elsewhere, "
            "in another program or on paper, is not counted, and should be."
        )
    alone, adjusted = at(record, "search", "p_value_alone"), at(record, "search", "p_value")
    return (
        f"{trials} variants were scored on these prices, and the best of many looks good by luck alone. By "
        f"itself this run has {words.probability(alone)}; once all of them count, "
        f"{words.probability(adjusted)}."
    )


def _trial_rows(record: RunRecord) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = list(at(record, "search", "table") or [])
    return sorted(
        rows,
        key=lambda row: -math.inf if row["sharpe"] is None else row["difference_a_year"],
        reverse=True,
    )


def _power_facts(record: RunRecord) -> list[tuple[str, str]]:
    found = at(record, "power") or {}
    return [
        ("Years in this test", words.number(found.get("years"), digits=1)),
        ("Smallest gain they can show", words.signed(found.get("detectable_gain"))),
        (
            f"Years for a gain of {words.signed(found.get('smallest_interesting'))}",
            words.number(found.get("years_for_smallest"), digits=0),
        ),
        (
            "Years for the gain observed",
            _years_for_observed(record),
        ),
    ]


def _years_for_observed(record: RunRecord) -> str:
    years = at(record, "power", "years_for_observed")
    if not words.is_missing(years):
        return words.number(years, digits=0)
    observed = at(record, "money", "differences", "buy_and_hold", "sharpe", "value")
    return words.DASH if words.is_missing(observed) else "none would do: there is no gain"


def _power_words(record: RunRecord) -> str:
    found = at(record, "power") or {}
    if words.is_missing(found.get("years")) or words.is_missing(found.get("detectable_gain")):
        return "That cannot be said: the strategy's return never varies, or there are too few days."
    smallest = found["smallest_interesting"]
    return (
        f"{words.number(found['years'], digits=1)} years can show a gain in Sharpe ratio of "
        f"{words.number(found['detectable_gain'])} a year (four times in five, if it is there). The "
        f"smallest gain of interest, {smallest:g}, takes "
        f"{words.number(found['years_for_smallest'], digits=0)} years."
    )
