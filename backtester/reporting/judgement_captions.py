"""Each chart of the judgement in words: its caption, and all that a reader has who cannot see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from backtester.reporting import words
from backtester.reporting.curves import rolling_sharpe, saved_error
from backtester.reporting.judgement import (
    CHECKED,
    OPPONENTS,
    SERIES,
    SHARPE_OPPONENTS,
    at,
    share,
    smallest_interesting,
    span_words,
)
from backtester.run_directory import RunRecord

__all__ = ["judgement_captions", "short_captions"]

_NEVER_VARIES = "There is nothing to show: the strategy's return never varies, so it has no Sharpe ratio."


def judgement_captions(record: RunRecord) -> dict[str, str]:
    """One or a few sentences for each chart of the judgement."""
    return {
        "forecast_skill": _skill_words(record),
        "forecast_saved": _saved_words(record),
        "forecast_folds": _fold_words(record),
        "sharpe_difference": _gain_words(record),
        "return_difference": _return_words(record),
        "bootstrap": _bootstrap_words(record),
        "sharpe": "Sharpe ratio a year. " + _curve_words(record, key="sharpe", write=words.number),
        "cagr": "Return a year. " + _curve_words(record, key="cagr", write=words.percent),
        "max_drawdown": "Largest drawdown. " + _curve_words(record, key="max_drawdown", write=words.percent),
        "rolling_sharpe": _rolling_words(record),
        "trials": _trial_words(record),
        "adjusted": "Probability of a gain this large by luck, on a scale of tenfold steps: "
        + ", ".join(
            f"{label} {words.probability(at(record, 'search', key))}"
            for label, key in (
                ("this run alone", "p_value_alone"),
                ("this run for all tried", "p_value"),
                ("the best of all tried", "p_value_best"),
            )
        )
        + ".",
        "stress": _stress_words(record),
        "power": "The more years, the smaller the gain that can be shown (line). A gain in the shaded area "
        "would mostly go unnoticed."
        if at(record, "power", "detectable_gain")
        else _NEVER_VARIES,
    }


def short_captions(record: RunRecord) -> dict[str, str]:
    """Captions for those who see the chart, where it shows each number itself."""
    bars = f"Bars: {share(record)} intervals."
    return {
        "forecast_skill": f"Right of zero the forecast errs less than the other one. {bars}",
        "sharpe_difference": f"Right of zero the strategy has the higher Sharpe ratio. {bars}",
        "return_difference": f"Right of zero the strategy earned more. {bars}",
        "sharpe": bars,
        "cagr": bars,
        "max_drawdown": bars,
        "adjusted": "Probability that luck gives a gain this large. Each step of the scale is tenfold.",
        "stress": f"Right of zero the strategy still has the higher Sharpe ratio. {bars} ✓ yes, ✗ no, "
        "? inconclusive.",
    }


def _estimate_words(label: str, found: Any, *, write: Callable[[Any], str]) -> str:
    if not found or words.is_missing(found["value"]):
        return f"{label}: not defined"
    interval = span_words(found.get("interval"), write)
    return f"{label} {words.minus(write(found['value']))}" + (
        "" if interval == words.DASH else f" ({interval})"
    )


def _sentence(parts: Sequence[str], *, record: RunRecord) -> str:
    return f"{'; '.join(parts)}. In brackets and as bars: {share(record)} intervals."


def _percent2(value: Any) -> str:
    return words.percent(value, digits=2)


def _skill_words(record: RunRecord) -> str:
    if at(record, "forecast", "against", "last_price", "r2_oos") is None:
        return "There is no forecast to score."
    parts = []
    for key, label in (("last_price", "of the last price"), ("mean_return", "of the mean of past returns")):
        found = at(record, "forecast", "against", key) or {}
        figure = {"value": found.get("r2_oos"), "interval": found.get("r2_oos_interval")}
        parts.append(_estimate_words(label, figure, write=_percent2))
    return "Share of the squared error that the forecast removes: " + _sentence(parts, record=record)


def _saved_words(record: RunRecord) -> str:
    saved = saved_error(record)
    if saved.empty:
        return "There is no forecast to score."
    parts = [
        f"{words.minus(words.percent(saved[name].iloc[-1], digits=2))} against {label}"
        for name, label in (("last_price", "the last price"), ("mean_return", "the mean of past returns"))
    ]
    return (
        "Where a line rises, the forecast was the better one; where it falls, the worse. Squared error saved "
        f"as a share of the other's total; it ends at the R² out of sample: {' and '.join(parts)}."
    )


def _fold_words(record: RunRecord) -> str:
    known = [row for row in at(record, "forecast", "folds") or [] if not words.is_missing(row["r2_oos"])]
    better = sum(row["r2_oos"] > 0 for row in known)
    level = float(at(record, "level"))
    tested = [row for row in known if not words.is_missing(row["p_value"])]
    passed = sum(row["p_value"] < level for row in tested)
    return (
        f"In returns, the forecast erred less than the last price in {better} of "
        f"{words.plural(len(known), 'fold')}. "
        f"{passed} of {len(tested)} stand above the dashed line, where a fold by itself would pass the test; "
        f"about {words.number(level * len(tested), digits=0)} would by luck."
    )


def _gain_words(record: RunRecord) -> str:
    if all(at(record, "money", "differences", name, "sharpe", "value") is None for name in SHARPE_OPPONENTS):
        return _NEVER_VARIES
    smallest = smallest_interesting(record, "money")
    parts = [
        _estimate_words(
            OPPONENTS[name], at(record, "money", "differences", name, "sharpe"), write=words.signed
        )
        for name in SHARPE_OPPONENTS
    ]
    return (
        f"Gain in Sharpe ratio a year. {_sentence(parts, record=record)} Dashed: {words.signed(smallest)}, "
        "the smallest gain of interest."
    )


def _return_words(record: RunRecord) -> str:
    write = words.signed_percent
    parts = [
        _estimate_words(label, at(record, "money", "differences", name, "mean_a_year"), write=write)
        for name, label in OPPONENTS.items()
    ]
    parts.append(_estimate_words("Alpha", at(record, "money", "regression", "alpha_a_year"), write=write))
    return f"Gain in mean return a year. {_sentence(parts, record=record)}"


def _bootstrap_words(record: RunRecord) -> str:
    found = at(record, "money", "distribution") or {}
    counts, edges = found.get("counts") or [], found.get("edges") or []
    if not sum(counts):
        return _NEVER_VARIES
    above = sum(
        count for count, low, high in zip(counts, edges, edges[1:], strict=False) if low + high > 0
    ) / sum(counts)
    return (
        f"{at(record, 'draws'):,} histories drawn from blocks of this one, and the Sharpe ratio above "
        f"buy-and-hold's in each: above zero (blue) in {words.percent(above, digits=0)} of them."
    )


def _curve_words(record: RunRecord, *, key: str, write: Callable[[Any], str]) -> str:
    parts = [
        _estimate_words(SERIES[name], at(record, "money", "curves", name, key), write=write)
        for name in CHECKED
    ]
    return _sentence(parts, record=record)


def _rolling_words(record: RunRecord) -> str:
    rolling = rolling_sharpe(record)
    if rolling.empty:
        return "The test is shorter than a year: there is no Sharpe ratio of a year to show."
    rolling = rolling.dropna()
    if rolling.empty:
        return "Sharpe ratio over the year before each day. The strategy has none: its return never varies."
    ahead = float((rolling["strategy"] > rolling["buy_and_hold"]).mean())
    return (
        "Sharpe ratio over the year before each day. The strategy's was above buy-and-hold's on "
        f"{words.percent(ahead, digits=0)} of the days."
    )


def _trial_words(record: RunRecord) -> str:
    known = [row for row in at(record, "search", "table") or [] if not words.is_missing(row["sharpe"])]
    if not known:
        return "There is no variant whose return varies."
    own = next((row["difference_a_year"] for row in known if row["own"]), None)
    said = (
        f"What each of {words.plural(len(known), 'variant')} tried on these prices earned a year above "
        "buy-and-hold, at buy-and-hold's risk"
    )
    if own is None:
        return f"{said}."
    rank = sum(row["difference_a_year"] > own for row in known) + 1
    write = words.signed_percent
    return f"{said}. This run, at {words.minus(write(own))}, is number {rank} of them."


def _stress_words(record: RunRecord) -> str:
    checks = at(record, "stress", "checks") or []
    if all(check["sharpe_difference"]["value"] is None for check in checks):
        return _NEVER_VARIES
    parts = [
        f"{_estimate_words(str(check['label']), check['sharpe_difference'], write=words.signed)}, "
        f"{check['answer']}"
        for check in checks
    ]
    return "Sharpe ratio a year above buy-and-hold's: " + _sentence(parts, record=record)
