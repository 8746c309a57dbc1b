"""What a comparison says, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["notes", "sentence"]

Figures = Mapping[str, Any]


def sentence(figures: Figures) -> str:
    """Say what the best of these runs is worth, as it was chosen from them.

    Parameters
    ----------
    figures : of the comparison
    """
    n_runs = len(figures["runs"])
    if figures["best"] is None:
        return f"None of these {n_runs} runs has a Sharpe ratio to compare: their returns never vary."
    best = figures["runs"][figures["best"] - 1]
    value, p_value = best["gain"]["value"], best["p_value"]
    benchmark = "buy-and-hold" if len(figures["markets"]) == 1 else "buy-and-hold of its own asset"
    interval = _interval(best["gain"]["interval"], figures=figures)
    named = f"run {best['run']} ({best['name']})"
    if value <= 0.0 or p_value is None:
        return (
            f"None of these {n_runs} runs has a higher Sharpe ratio than {benchmark}. The nearest is "
            f"{named}: {_signed(value)} a year{interval}."
        )
    luck = (
        "a gain this large is unlikely by luck"
        if p_value < figures["level"]
        else "luck would give as large a gain often enough"
    )
    return (
        f"The best of these {n_runs} runs is {named}: its Sharpe ratio is {value:.2f} a year above that of "
        f"{benchmark}{interval}. Chosen from {n_runs}, {luck} ({_p(p_value)})."
        f"{_others(best, figures=figures)}"
    )


def _others(best: Mapping[str, Any], *, figures: Figures) -> str:
    others = figures["other_trials"]
    if not others:
        return ""
    market = "this market" if len(figures["markets"]) == 1 else "these markets"
    told = (
        f" When these runs were judged, the registry held {others:,} more "
        f"{'trial' if others == 1 else 'trials'} on {market}, which this leaves out"
    )
    if best["other_trials"] and best["p_value_all_trials"] is not None:
        p_value = _p(best["p_value_all_trials"])
        told += f"; beside all that were known then, run {best['run']} has {p_value}"
    return f"{told}."


def notes(figures: Figures) -> list[str]:
    """Say what a reader must know before reading one run against another.

    Parameters
    ----------
    figures : of the comparison
    """
    return list(_notes(figures))


def _notes(figures: Figures) -> Iterator[str]:
    runs, dates, markets = figures["runs"], figures["dates"], figures["markets"]
    differing = {key for run in runs for key in run["differs"]}
    if all(run["scheme"] == "single" for run in runs):
        yield (
            "These runs are single splits, not walk-forward tests: each was trained once, so that one span "
            "of the market answers for all."
        )
    told = _counted(runs, [run["bars"] - run["bars_between"] - dates["bars"] for run in runs])
    if told:
        yield (
            f"Every figure is of the {dates['bars']:,} dates that all runs have, {dates['start']} to "
            f"{dates['end']}. Dates left out: {told}."
        )
    told = _counted(runs, [run["bars_between"] for run in runs])
    if told:
        yield (
            f"Some dates in between are not in every run ({told}): what was made there is compounded into "
            "the next common date."
        )
    if len(markets) > 1:
        where = "; ".join(
            f"{market['symbol']}: {_runs([run['run'] for run in runs if run['market'] == market['market']])}"
            for market in markets
        )
        yield (
            f"These runs are on {len(markets)} markets ({where}). Each is held against buy-and-hold of its "
            "own asset, so that the gains can be compared, but not the returns."
        )
    alike: dict[str, list[int]] = {}
    for run in runs:
        alike.setdefault(repr(run["differs"]), []).append(run["run"])
    for numbers in alike.values():
        if len(numbers) > 1:
            told = _runs(numbers)
            yield f"{told[0].upper()}{told[1:]} have the same settings; their prices, code or program differ."
    if any(key.startswith("broker.") for key in differing) and len(markets) < len(runs):
        yield (
            "The terms of the broker differ. Each run is held against buy-and-hold on its own terms; shown "
            f"is buy-and-hold on those of {_runs([market['run'] for market in markets])}."
        )
    if "target.horizon" in differing:
        yield "The horizons differ: R² can be compared only between runs of one horizon."
    if "verdict.level" in differing:
        yield f"The levels of the verdicts differ; here the strictest holds, {100 * figures['level']:g}%."
    for run in runs:
        for leak in run.get("leaks", ()):
            yield f"Run {run['run']} is no evidence: {leak}."
        if run["failed_folds"]:
            yield (
                f"Run {run['run']} is incomplete: {run['failed_folds']} of {run['folds']} folds have no "
                "forecast, and it is in cash there."
            )


def _counted(runs: Sequence[Mapping[str, Any]], counts: Sequence[int]) -> str:
    """Name the runs by a count of theirs, those that have the same one together; empty where all are 0."""
    numbers: dict[int, list[int]] = {}
    for run, count in zip(runs, counts, strict=True):
        if count:
            numbers.setdefault(count, []).append(run["run"])
    return ", ".join(
        f"{count:,} of {'each of ' if len(found) > 1 else ''}{_runs(found)}"
        for count, found in numbers.items()
    )


def _runs(numbers: Sequence[int]) -> str:
    """Name runs by their numbers, three or more in a row by the first and last.

    Examples
    --------
    >>> _runs([3]), _runs([1, 3]), _runs([1, 2, 3, 4, 6])
    ('run 3', 'runs 1 and 3', 'runs 1 to 4 and 6')
    """
    rows: list[list[int]] = []
    for number in numbers:
        if rows and number == rows[-1][-1] + 1:
            rows[-1].append(number)
        else:
            rows.append([number])
    parts = [
        part
        for row in rows
        for part in ([f"{row[0]} to {row[-1]}"] if len(row) > 2 else [str(number) for number in row])
    ]
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"run{'s' if len(numbers) > 1 else ''} {listed}"


def _interval(interval: list[float | None], *, figures: Figures) -> str:
    low, high = interval
    if low is None or high is None:
        return ""
    return f" ({100 * figures['interval_level']:.0f}% interval {_signed(low)} to {_signed(high)})"


def _signed(value: float) -> str:
    text = f"{value:+.2f}"
    return "0.00" if text in ("+0.00", "-0.00") else text.replace("-", "−")


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
