"""The flaws of a published test, found from its rows and settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backtester.published.problem import PublishedProblem
from backtester.published.record import FlawRecord
from backtester.published.scoring import rmse
from backtester.published.wording import baseline_name, price_text
from backtester.recipe import ScalerKind, ScalerRows

__all__ = ["Flaw", "find_flaws"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """A flaw, and the forecasts that have it.

    Parameters
    ----------
    key, title, text : as in `FlawRecord`
    rows : (n_test,) bool, the forecasts that it concerns
    leak : whether by it a forecast knew what it could not have known
    short : a few words for the headline; empty: not in it
    """

    key: str
    title: str
    text: str
    rows: NDArray[np.bool_]
    leak: bool = False
    short: str = ""

    @property
    def record(self) -> FlawRecord:
        """As it is stored."""
        return {"key": self.key, "title": self.title, "text": self.text, "leak": self.leak}


def find_flaws(problem: PublishedProblem, *, symbol: str, rmses: Sequence[float] = ()) -> tuple[Flaw, ...]:
    """Find every flaw, the gravest first.

    Parameters
    ----------
    problem : the split and its settings
    symbol : whose published score is looked up
    rmses : of our networks, where they are trained
    """
    scaler = tuple(_of_scaler(problem))
    found = (
        *_of_time(problem),
        *_of_overlap(problem),
        *_of_seam(problem),
        *(flaw for flaw in scaler if flaw.leak),
        *_of_validation(problem),
        *_of_evidence(problem, symbol=symbol),
        *_of_seeds(problem, symbol=symbol, rmses=rmses),
    )
    # one that changes nothing is a matter of form
    return (*found, *(flaw for flaw in scaler if not flaw.leak))


def _of_time(problem: PublishedProblem) -> Iterator[Flaw]:
    later = problem.rows.later
    # read in the order of time, a second reading has later sessions in its windows too: that is the seam
    if problem.rows.reversed and later.any():
        yield Flaw(
            key="time_reversed",
            title="Time runs backwards",
            text=f"{_of(later)} forecasts are made from sessions after the one that is forecast: the rows "
            "are read newest first, so that a day is told from its own future.",
            rows=later,
            leak=True,
            short="read backwards in time",
        )


def _of_overlap(problem: PublishedProblem) -> Iterator[Flaw]:
    rows = problem.rows
    trained, watched = rows.in_training, rows.watched
    seen = rows.in_inputs & ~trained & ~watched
    n, n_trained, n_seen = len(rows.test_targets), int(trained.sum()), int(seen.sum())
    if n_trained:
        yield Flaw(
            key="targets_trained",
            title="The test was trained on",
            text=f"{_of(trained)} rows that are forecast are targets of the training: the network was shown "
            "the answers.",
            rows=trained,
            leak=True,
            short=f"{'all' if n_trained == n else f'{n_trained} of'} {n} rows trained on",
        )
    if watched.any():
        yield Flaw(
            key="targets_watched",
            title="The test was watched",
            text=f"{_of(watched)} rows that are forecast are those that are watched in training: early "
            "stopping chooses the network by them.",
            rows=watched,
            leak=True,
            short=f"{int(watched.sum())} of {n} rows watched in training",
        )
    if n_seen:
        others = "The other " if n_trained and n_trained + n_seen == n else ""
        yield Flaw(
            key="targets_in_inputs",
            title="The test was seen in training",
            text=f"{others}{n_seen if others else _of(seen)} rows that are forecast stand in windows of the "
            "training.",
            rows=seen,
            leak=True,
        )


def _of_seam(problem: PublishedProblem) -> Iterator[Flaw]:
    rows = problem.rows
    straddling = rows.straddles
    if straddling.any():
        first = rows.days(rows.test_targets[:1])[0]
        before = rows.days(rows.test_targets[:1] - 1)[0]
        yield Flaw(
            key="seam",
            title="Windows across a seam",
            text=f"{_of(straddling)} windows join the two ends of the history: after {before:%Y-%m-%d} comes "
            f"{first:%Y-%m-%d} as if it were the next session. The first of these rows has no neighbour "
            "before it, and is left out of every score here.",
            rows=straddling,
            leak=True,
            short=f"{int(straddling.sum())} of {len(straddling)} windows across a seam",
        )


def _of_scaler(problem: PublishedProblem) -> Iterator[Flaw]:
    if not problem.scaler_saw_test:
        return
    minmax = problem.scaler_kind is ScalerKind.MINMAX
    values = problem.rows.values
    if not problem.scaler_changes:
        effect = (
            f"Here it changes nothing: both extremes, {price_text(values.min())} and "
            f"{price_text(values.max())}, lie in the rows that train."
            if minmax
            else "Here it changes nothing: the training rows alone give the same."
        )
    elif minmax:
        scaled = problem.scaler(ScalerRows.TRAIN).transform(values)
        effect = (
            "It tells the training how far prices will go: fitted on the training rows alone, the whole "
            f"history would span {scaled.min():.2f} to {scaled.max():.2f} instead of 0 to 1."
        )
    else:
        effect = "Fitted on the training rows alone it would be another."
    yield Flaw(
        key="scaler_on_test",
        title="The scaler saw the test",
        text=f"It was fitted on all {len(values):,} rows, not on the {problem.rows.n_train:,} that train. "
        f"{effect}",
        rows=_all(problem),
        leak=problem.scaler_changes,
        short="scaler fitted on all rows",
    )


def _of_validation(problem: PublishedProblem) -> Iterator[Flaw]:
    if problem.section.validation_on_test:
        yield Flaw(
            key="validation_is_test",
            title="Validation is the test",
            text="The loss is watched on the very rows that are forecast. It selects nothing here, but "
            "whoever looks at it and changes the network has no untouched rows left.",
            rows=_all(problem),
        )


def _of_evidence(problem: PublishedProblem, *, symbol: str) -> Iterator[Flaw]:
    rows = problem.rows
    days = rows.days(rows.test_targets)
    yield Flaw(
        key="one_split",
        title="One split",
        text=f"Everything rests on {len(days):,} rows, {days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}: one "
        "stretch of one market.",
        rows=_all(problem),
        short="one split",
    )
    kept = rows.scored
    by_last = rmse((rows.actual - rows.last_price)[kept])
    score = problem.score(symbol)
    if score is None:
        about = "No score was published for this split of these prices, and no baseline"
        compared = ""
    else:
        about = f"The published RMSE of {score:g} stands alone"
        compared = f": the published score {'loses to it' if score > by_last else 'is below it'}"
    which = "the rows forecast here" if kept.all() else f"the {int(kept.sum())} rows here that have one"
    yield Flaw(
        key="no_baseline",
        title="No baseline",
        text=f"{about}. The {baseline_name(backwards=rows.reversed)}, which learns nothing, has an RMSE of "
        f"{price_text(by_last)} on {which}{compared}.",
        rows=_all(problem),
    )


def _of_seeds(problem: PublishedProblem, *, symbol: str, rmses: Sequence[float]) -> Iterator[Flaw]:
    n_seeds = problem.section.seeds
    if n_seeds == 1:
        text = "One network was trained; another draw of first weights and batch orders gives another score."
    elif problem.score(symbol) is None:
        return
    elif len(rmses) > 1:
        text = (
            f"The score in the source is of one network. Ours, {len(rmses)} that differ by their seed alone, "
            f"range from {price_text(min(rmses))} to {price_text(max(rmses))}."
        )
    else:
        text = (
            "The score in the source is of one network; another draw of first weights and batch orders gives "
            "another score."
        )
    yield Flaw(key="one_seed", title="One seed", text=text, rows=_all(problem))


def _all(problem: PublishedProblem) -> NDArray[np.bool_]:
    return np.ones(len(problem.rows.test_targets), dtype=bool)


def _of(marked: NDArray[np.bool_]) -> str:
    count, total = int(marked.sum()), len(marked)
    return f"All {total}" if count == total else f"{count} of {total}"
