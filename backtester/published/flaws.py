"""The flaws of a published test, found from its rows and settings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backtester.published.problem import PublishedProblem
from backtester.published.record import FlawRecord
from backtester.published.scoring import rmse
from backtester.recipe import ScalerKind, ScalerRows

__all__ = ["find_flaws"]


def find_flaws(problem: PublishedProblem, *, symbol: str) -> list[FlawRecord]:
    """Find every flaw, the gravest first.

    Parameters
    ----------
    problem : the split and its settings
    symbol : whose published score is looked up
    """
    found = (
        *_of_time(problem),
        *_of_overlap(problem),
        *_of_scaler(problem),
        *_of_validation(problem),
        *_of_evidence(problem, symbol=symbol),
    )
    return [{"key": key, "title": title, "text": text} for key, title, text in found]


Flaw = tuple[str, str, str]


def _of_time(problem: PublishedProblem) -> Iterator[Flaw]:
    rows = problem.rows
    n, later, straddling = len(rows.test_targets), int(rows.later.sum()), int(rows.straddles.sum())
    if later:
        yield (
            "time_reversed",
            "Time runs backwards",
            f"{_of(later, n)} forecasts are made from sessions after the one that is forecast: the rows are "
            "read newest first, so that a day is told from its own future.",
        )
    if straddling:
        first = rows.days(rows.test_targets[:1])[0]
        before = rows.days(rows.test_targets[:1] - 1)[0]
        yield (
            "seam",
            "Windows across a seam",
            f"{_of(straddling, n)} windows join the two ends of the history: after {before:%Y-%m-%d} comes "
            f"{first:%Y-%m-%d} as if it were the next session.",
        )


def _of_overlap(problem: PublishedProblem) -> Iterator[Flaw]:
    rows = problem.rows
    n, trained = len(rows.test_targets), int(rows.in_training.sum())
    seen = int((rows.in_inputs & ~rows.in_training).sum())
    if trained:
        yield (
            "targets_trained",
            "The test was trained on",
            f"{_of(trained, n)} rows that are forecast are targets of the training: the network was shown "
            "the answers.",
        )
    if seen:
        others = "The other " if trained + seen == n and trained else ""
        yield (
            "targets_in_inputs",
            "The test was seen in training",
            f"{others}{seen if others else _of(seen, n)} rows that are forecast stand in windows of the "
            "training.",
        )


def _of_scaler(problem: PublishedProblem) -> Iterator[Flaw]:
    if problem.section.scaler_rows is not ScalerRows.ALL or problem.scaler_kind is ScalerKind.NONE:
        return
    if len(problem.rows.values) == problem.rows.n_train:
        return
    fitted, clean = problem.scaler(ScalerRows.ALL), problem.scaler(ScalerRows.TRAIN)
    same = bool(np.all(fitted.center == clean.center) and np.all(fitted.scale == clean.scale))
    if same and problem.scaler_kind is ScalerKind.MINMAX:
        lowest, highest = float(problem.rows.values.min()), float(problem.rows.values.max())
        effect = (
            f"Here it changes nothing: both extremes, {lowest:.2f} and {highest:.2f}, lie in the rows that "
            "train."
        )
    elif same:
        effect = "Here it changes nothing: the training rows alone give the same."
    elif problem.scaler_kind is ScalerKind.MINMAX:
        scaled = clean.transform(problem.rows.values)
        effect = (
            "It tells the training how far prices will go: fitted on the training rows alone, the whole "
            f"history would span {scaled.min():.2f} to {scaled.max():.2f} instead of 0 to 1."
        )
    else:
        effect = "Fitted on the training rows alone it would be another."
    yield (
        "scaler_on_test",
        "The scaler saw the test",
        f"It was fitted on all {len(problem.rows.values)} rows, not on the {problem.rows.n_train} that "
        f"train. {effect}",
    )


def _of_validation(problem: PublishedProblem) -> Iterator[Flaw]:
    if problem.section.validation_on_test:
        yield (
            "validation_is_test",
            "Validation is the test",
            "The loss is watched on the very rows that are forecast. It selects nothing here, but whoever "
            "looks at it and changes the network has no untouched rows left.",
        )


def _of_evidence(problem: PublishedProblem, *, symbol: str) -> Iterator[Flaw]:
    rows = problem.rows
    days = rows.days(rows.test_targets)
    yield (
        "one_split",
        "One split",
        f"Everything rests on {len(rows.test_targets)} rows, {days.min():%Y-%m-%d} to "
        f"{days.max():%Y-%m-%d}: one stretch of one market.",
    )
    by_last = rmse(rows.actual - rows.last_price)
    score = problem.score(symbol)
    if score is None:
        about = "No score was published for these prices, and no baseline"
        compared = ""
    else:
        about = f"The published RMSE of {score:g} stands alone"
        compared = f": the published score {'loses to it' if score > by_last else 'is below it'}"
    yield (
        "no_baseline",
        "No baseline",
        f"{about}. The last price, which learns nothing, has an RMSE of {by_last:.3f} on the rows forecast "
        f"here{compared}.",
    )
    if problem.section.seeds == 1:
        yield (
            "one_seed",
            "One seed",
            "One network was trained; another draw of first weights and batch orders gives another score.",
        )


def _of(count: int, total: int) -> str:
    return f"All {total}" if count == total else f"{count} of {total}"
