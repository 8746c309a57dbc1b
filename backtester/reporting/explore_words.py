"""What the charts of explored prices show, in words with their figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backtester.exploring.exploration import Exploration
from backtester.exploring.finding import Level
from backtester.exploring.levels import MEANS
from backtester.reporting import words
from backtester.reporting.explore_drawing import MAX_LINE, step_of
from backtester.reporting.explore_spreads import thinning

__all__ = ["LEVEL_WORDS", "captions", "counted", "headline", "many_captions"]

_FLAT = 0.1
"""Rank correlation below which a cloud has no slope to speak of."""

LEVEL_WORDS: Mapping[Level, tuple[str, str]] = {
    Level.REFUSED: ("refused", "Why it is refused"),
    Level.WARNING: ("warning", "What can make figures wrong"),
    Level.REPAIR: ("repair", "What is read without loss"),
    Level.INFO: ("fact", "What to know"),
}
_NOUNS = {
    Level.REFUSED: "reason to refuse it",
    Level.WARNING: "warning",
    Level.REPAIR: "repair of form",
    Level.INFO: "fact to know",
}
_PLURALS = {
    Level.REFUSED: "reasons to refuse it",
    Level.REPAIR: "repairs of form",
    Level.INFO: "facts to know",
}


def counted(found: Exploration) -> str:
    """How many findings of each level there are, in words."""
    parts = []
    for level, noun in _NOUNS.items():
        n = sum(finding.level is level for finding in found.findings)
        if n:
            parts.append(f"{n} {noun if n == 1 else _PLURALS.get(level, noun + 's')}")
    return ", ".join(parts) if parts else "nothing unusual was found"


def headline(files: Sequence[Exploration]) -> str:
    """What came out, in one sentence."""
    refused = [found for found in files if found.refusal is not None]
    if len(files) == 1:
        found = files[0]
        if found.refusal is not None:
            return f"backtester run refuses this file: {found.refusal.message}"
        span = found.values["span"]
        sessions = f"{span['bars']:,} sessions from {span['start']} to {span['end']}"
        return f"backtester run takes this file: {sessions}. Found: {counted(found)}."
    loud = sum(any(finding.level is Level.WARNING for finding in found.findings) for found in files)
    text = (
        f"backtester run takes all {len(files)} files"
        if not refused
        else f"backtester run refuses {len(refused)} of {len(files)} files"
    )
    return f"{text}; {loud} of them have warnings."


def captions(found: Exploration) -> dict[str, str]:
    """Caption of each chart of one file."""
    values = found.values
    told: dict[str, str] = {}
    for writer in (_lines, _risk, _distribution, _boxes, _pairs, _dependence, _seasons, _calendar):
        told |= writer(values)
    return told


def _signed(value: Any, digits: int = 2) -> str:
    return words.minus(words.signed_percent(value, digits=digits))


def _lines(values: Mapping[str, Any]) -> dict[str, str]:
    span = values["span"]
    if span is None:
        return {}
    kind = {
        "adjusted": "scaled for dividends and splits by adjusted close / close",
        "raw": "as traded, not scaled by the adjusted close",
        "unknown": "as the file has them",
    }[span["adjustment"]]
    step = step_of(span["bars"])
    thin = f" Of more than {MAX_LINE:,} sessions one in {step} is drawn." if step > 1 else ""
    ends = f"from {span['first_close']:,.6g} on {span['start']} to {span['last_close']:,.6g} on {span['end']}"
    means = " and ".join(str(length) for length in MEANS)
    return {
        **{name: f"{name.title()} by date, {kind}.{thin}" for name in ("open", "high", "low")},
        "close": f"Close by date, {kind}: {ends}.{thin}",
        "averages": f"Close with the means of its last {means} sessions.{thin}",
        "volume": f"Volume by date, as written.{thin}",
        "factor": "Adjusted close / close: each step is a dividend or split in the adjusted close alone.",
        "returns": f"Log return from close to close, by date.{thin}",
    }


def _risk(values: Mapping[str, Any]) -> dict[str, str]:
    risk = values["risk"]
    if risk is None:
        return {}
    rolling = "; ".join(
        f"over {length} sessions {found['median']:.0%} in the median, {found['highest']:.0%} at most "
        f"({found['highest_date']}), {found['now']:.0%} at the end"
        for length, found in risk["rolling"].items()
    )
    return {
        "volatility": f"Standard deviation of returns, a year ({risk['periods_per_year']:g} sessions): "
        f"{rolling}. Over the whole span {risk['volatility']:.1%}.",
        "drawdown": f"The deepest fall is {_signed(risk['max_drawdown'], 1)}, from "
        f"{risk['max_drawdown_from']} to {risk['max_drawdown_date']}.",
    }


def _distribution(values: Mapping[str, Any]) -> dict[str, str]:
    spread = values["distribution"]
    if spread is None:
        return {}
    beyond = spread["beyond"][1]
    return {
        "histogram": f"{spread['n']:,} returns: mean {_signed(spread['mean'], 3)}, standard deviation "
        f"{spread['sd']:.2%}, skewness {words.minus(words.number(spread['skewness']))}, excess kurtosis "
        f"{words.minus(words.number(spread['kurtosis']))} (normal: 0 and 0). What lies beyond the outermost "
        "bars is in them.",
        "quantiles": f"On the line the returns would be normal. {beyond['n']:,} days lie beyond "
        f"{beyond['sd']} standard deviations; a normal distribution has "
        f"{beyond['normal']:.1f} in as many days.",
    }


def _boxes(values: Mapping[str, Any]) -> dict[str, str]:
    if values["boxes"] is None:
        return {}
    how = (
        "The box holds the middle half, the line in it is the median and the dashed one the mean; whiskers "
        "reach to the last value within one and a half boxes, dots are the farthest beyond."
    )
    return {
        "box_prices": f"Levels of open, high, low and close. {how}",
        "box_year": "Returns by year: a wider box is a more restless year.",
        "box_month": "Returns by month of the year, all years together.",
        "box_weekday": "Returns by weekday.",
    }


def _pairs(values: Mapping[str, Any]) -> dict[str, str]:
    told = {}
    meaning = {
        "previous": (
            "A cloud without a slope: the return before says next to nothing of the next.",
            "The cloud has a slope: see whether it holds in each year, and after costs.",
        ),
        "volume": (
            "A cloud without a slope: a change of volume does not go with a direction.",
            "The cloud has a slope: both are of the same day, so that it forecasts nothing by itself.",
        ),
        "range": (
            "The range of a day says little of the size of its return.",
            "Days with a wide range are days with a large return, either way.",
        ),
    }
    for name, found in (values["pairs"] or {}).items():
        step = thinning(found["n"])
        thin = f"; one in {step} is drawn" if step > 1 else ""
        figures = (
            f"Rank correlation {words.minus(words.signed(found['spearman']))}, {found['n']:,} days{thin}."
        )
        flat = abs(found["spearman"] or 0.0) < _FLAT
        told[f"scatter_{name}"] = f"{meaning[name][0 if flat else 1]} {figures}"
    return told


def _dependence(values: Mapping[str, Any]) -> dict[str, str]:
    told = {}
    names = {"returns": "Returns", "absolute": "Absolute returns", "volume": "Log volume"}
    for kind, found in (values["autocorrelation"] or {}).items():
        if found is None:
            continue
        joint = found["joint"]
        told[f"acf_{kind}"] = (
            f"{names[kind]}: lag 1 {words.minus(words.signed(found['values'][0]))}; {len(found['outside'])} "
            f"of {len(found['lags'])} lags beyond the band, {found['expected_outside']:.1f} by luck; the "
            f"first {joint['lags']} together {words.probability(joint['p_value'])}. "
            "The band allows for a variance that moves."
        )
    return told


def _seasons(values: Mapping[str, Any]) -> dict[str, str]:
    seasons = values["seasons"]
    if seasons is None:
        return {}
    return {
        "season_week": "Mean return by weekday, and from the last session of a month to the third of the "
        "next, with 95% intervals, each for itself; dashed: the mean of all days.",
        "season_month": "Mean return a day by month, with 95% intervals, each for itself; dashed: the mean "
        "of all days.",
    }


def _calendar(values: Mapping[str, Any]) -> dict[str, str]:
    told = {}
    calendar = values["calendar"]
    if calendar is not None:
        always = calendar["always_closed"]
        told["missing"] = (
            f"{len(calendar['missing']):,} weekdays from {calendar['start']} to {calendar['end']} have no "
            "session, by year (pale: a year that is not whole)."
            + (f" Nearly always closed (month-day): {', '.join(always)}." if always else "")
        )
    if values["opens"] is not None:
        told["opens"] = (
            f"Share of rows whose open is exactly the close before: {values['opens']['share']:.1%} in all. "
            "Dashed: from 20% on, run warns."
        )
    return told


def many_captions(values: Mapping[str, Any], *, step: int) -> dict[str, str]:
    """Caption of each chart of several files."""
    told: dict[str, str] = {
        "growth": "Close of each, the first close being 100, on a logarithmic scale."
        + (f" One session in {step} is drawn." if step > 1 else ""),
        "box_symbols": "Log returns of each, the calmest at the bottom. Whiskers reach to the last value "
        "within one and a half boxes, dots are the farthest beyond.",
    }
    if values["correlations"] is not None:
        highest, lowest = values["highest"][0], values["lowest"][0]
        told["correlation"] = (
            f"Correlation of log returns over {values['common_dates']:,} common dates, {values['start']} to "
            f"{values['end']}: {values['mean_correlation']:.2f} on average, highest {_pair(highest)}, lowest "
            f"{_pair(lowest)}. Those that move together stand together."
        )
    return told


def _pair(pair: Mapping[str, Any]) -> str:
    symbols = " and ".join(_apart(symbol) for symbol in pair["symbols"])
    return f"{symbols} {words.minus(words.number(pair['value']))}"


def _apart(symbol: str) -> str:
    """Keep the direction of a name's letters from the words around it: first strong isolate, and its end."""
    return symbol if symbol.isascii() else f"\u2068{symbol}\u2069"
