"""The flaws of a test that is no walk-forward: of a published split, and of a single split.

Those by which a forecast knew what it could not have known count as leaks; the others are notes.
"""

from __future__ import annotations

from collections.abc import Iterator

from backtester.audit.finding import Check, Leak
from backtester.published import find_flaws
from backtester.question import Question
from backtester.recipe import Scheme

__all__ = ["check_split"]


def check_split(question: Question) -> list[Check]:
    """Name what is wrong with the split of a published mode, and with a single split of the walk-forward."""
    return [*_of_scheme(question), *_of_published(question)]


def _of_scheme(question: Question) -> Iterator[Check]:
    folds = question.problem.folds
    if question.loaded.recipe.folds.scheme is not Scheme.SINGLE:
        return
    bars = folds[0].test.stop - folds[0].test.start
    yield Check(
        subject='folds.scheme = "single"',
        method="the schedule of folds",
        note=f"the model is trained once and tested on the {bars:,} bars that follow; one training span "
        "answers for all, which is no walk-forward test",
    )


def _of_published(question: Question) -> Iterator[Check]:
    problem = question.published
    if problem is None:
        return
    rows = problem.rows
    days = rows.days(rows.test_targets)
    for flaw in find_flaws(problem, symbol=question.prices.symbol):
        subject, method = f"as published: {flaw.title.lower()}", "rows and settings of [published]"
        # a loss watched on the test selects nothing (the recipe refuses patience beside it): it is a note
        if flaw.leak:
            wrong = days[flaw.rows]
            leak = Leak(first=wrong.min().date(), n_bars=len(wrong), reach=None, text=flaw.text)
            yield Check(subject=subject, method=method, n=len(days), leak=leak)
        else:
            yield Check(subject=subject, method=method, note=flaw.text)
