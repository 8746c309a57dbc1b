"""Fitted networks: trained again on a cut history, and on one with another future.

A fold is trained on the bars up to the middle of its test span, and on a history whose bars after that are
others. Its forecasts up to there must be the same to the bit, and so must its weights.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.audit.finding import TO_THE_END, Check, Leak
from backtester.audit.history import cut_after, with_another_future
from backtester.errors import BacktesterError
from backtester.execution import Executor, open_executor
from backtester.features import feature_matrix
from backtester.folds import Fold
from backtester.models.blocks import PREDICT_ROWS
from backtester.prices import Prices
from backtester.question import Question
from backtester.recipe import TrainingSection
from backtester.tasks import Problem, Task, TaskFailure, TaskResult

__all__ = ["check_fits"]

_ALIKE = 1e-3
"""Of the sd of forecasts: what may move where a feature of the user's rounds otherwise on other bars."""
_SMALLEST = 1e-9
"""The same as a log return, where all forecasts are one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refit:
    """A fold to train again: on which bars, and up to where nothing may differ.

    ``rounds``: its features up to there are not those of the whole history to the bit. Whether they are but
    for rounding is not asked here: what they move is.
    """

    problem: Problem
    fold: int
    bar: int
    what: str
    rounds: bool


def check_fits(
    question: Question,
    *,
    folds: Sequence[int],
    epochs: int = 0,
    stored: pd.DataFrame | None = None,
) -> list[Check]:
    """Train folds again where the future is cut off or another.

    Parameters
    ----------
    question : what was asked
    folds : which
    epochs : fewer than the recipe's, to look at a model rather than at a run; 0: as the recipe says
    stored : the run's forecasts, which the first fit must give again; None: there are none yet

    Returns
    -------
    One check of forecasts and weights, and with ``stored`` one that a fold trained anew gives the run's
    forecasts

    Raises
    ------
    FoldsFailedError : no worker can be started
    """
    problem = _shortened(question.problem, epochs=epochs)
    subject = f"the fitted {problem.model.kind}"
    n_folds = f"{len(folds)} fold{'' if len(folds) == 1 else 's'}"
    method = f"{n_folds} trained again with the bars after a forecast cut off, and changed"
    try:
        found = _compare_all(problem, question=question, folds=folds, stored=stored)
    except BacktesterError as error:
        return [Check(subject=subject, method="trained again", skipped=error.message)]
    if found.random:
        return [Check(subject=subject, method=method, n=2 * len(folds), random=found.random)]
    checks = [Check(subject=subject, method=method, n=2 * len(folds), leak=_earliest(found.leaks))]
    if stored is not None:
        checks.append(
            Check(
                subject="the run's forecasts",
                method=f"{n_folds} trained again: the same forecasts",
                n=len(folds),
                leak=_earliest(found.repeated),
            )
        )
    return checks


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What came of training again.

    Parameters
    ----------
    leaks : where the future was cut off or changed
    repeated : where forecasts are not those of the run
    random : how the same training gives something else each time; empty: it does not
    """

    leaks: tuple[Leak, ...]
    repeated: tuple[Leak, ...]
    random: str = ""


def _earliest(leaks: Sequence[Leak]) -> Leak | None:
    return min(leaks, key=lambda leak: leak.first) if leaks else None


def _shortened(problem: Problem, *, epochs: int) -> Problem:
    """One network a fold is enough to see a leak by, and each fold by itself."""
    changes: dict[str, object] = {"members": 1, "warm_start": False}
    if epochs:
        changes["epochs"] = min(epochs, problem.training.epochs)
    training = TrainingSection.model_validate(problem.training.model_dump() | changes)
    return dataclasses.replace(problem, training=training)


def _compare_all(
    problem: Problem, *, question: Question, folds: Sequence[int], stored: pd.DataFrame | None
) -> _Found:
    prices, columns = question.prices, question.loaded.recipe.features.columns
    leaks: list[Leak] = []
    repeated: list[Leak] = []
    first = Task(fold=folds[0], member=0)
    with open_executor(
        question.loaded.recipe.execution, problem=problem, tasks=[first], n_tasks=1
    ) as executor:
        for fold in folds:
            refits = _refits(problem, prices=prices, columns=columns, fold=fold)
            # before the whole history, so that a model which remembers has nothing to remember yet
            again = [_trained(executor, problem=refit.problem, fold=fold) for refit in refits]
            own = _trained(executor, problem=problem, fold=fold)
            if stored is not None:
                repeated += _repeated(own, problem=problem, fold=fold, stored=stored, prices=prices)
            for refit, other in zip(refits, again, strict=True):
                leaks += _leaks(own, other, refit=refit, prices=prices)
            if leaks or repeated:
                twice = _trained(executor, problem=problem, fold=fold)
                if not np.array_equal(own.forecast, twice.forecast) or _weights_differ(own, twice):
                    random = f"fold {fold} trained twice from one seed on the same bars forecasts otherwise"
                    return _Found(leaks=(), repeated=(), random=random)
    return _Found(leaks=tuple(leaks), repeated=tuple(repeated))


def _refits(problem: Problem, *, prices: Prices, columns: Sequence[str], fold: int) -> list[_Refit]:
    test = problem.folds[fold].test
    n_known = (test.stop - test.start + 1) // 2
    # Within a block of rows that are predicted together, so that a model which mixes them is seen.
    n_known -= int(n_known % PREDICT_ROWS == 0)
    bar = test.start + n_known - 1
    found = []
    for what, other in (
        ("with the bars after it cut off", cut_after(prices, bar=bar)),
        ("with another future", with_another_future(prices, bar=bar, seed=bar)),
    ):
        features = feature_matrix(other, columns, folder=problem.folder)
        own, mine = (matrix.values[: bar + 1] for matrix in (problem.features, features))
        again = dataclasses.replace(
            problem,
            features=features,
            close=other.column("close"),
            folds=tuple(_cut(each, n_bars=len(other)) for each in problem.folds[: fold + 1]),
        )
        rounds = not np.array_equal(own, mine, equal_nan=True)
        found.append(_Refit(problem=again, fold=fold, bar=bar, what=what, rounds=rounds))
    return found


def _cut(fold: Fold, *, n_bars: int) -> Fold:
    return dataclasses.replace(fold, test=slice(fold.test.start, min(fold.test.stop, n_bars)))


def _trained(executor: Executor, *, problem: Problem, fold: int) -> TaskResult:
    task = Task(fold=fold, member=0)
    executor.turn_to(problem, first=task)
    (outcome,) = executor.run([task], initial={})
    if isinstance(outcome, TaskFailure):
        raise BacktesterError(f"fold {fold} could not be trained: {outcome.reason}")
    return outcome


def _leaks(own: TaskResult, other: TaskResult, *, refit: _Refit, prices: Prices) -> list[Leak]:
    test = refit.problem.folds[refit.fold].test
    n_known = refit.bar - test.start + 1
    apart = np.abs(own.forecast[:n_known] - other.forecast[:n_known])
    alike = max(_ALIKE * float(own.forecast.std()), _SMALLEST) if refit.rounds else 0.0
    moved = ~(apart <= alike)
    weights = _weights_differ(own, other) and not refit.rounds
    if not moved.any() and not weights:
        return []
    place = test.start + (int(np.argmax(moved)) if moved.any() else 0)
    what = "weights and forecasts" if weights else "forecasts"
    return [
        Leak(
            first=prices.dates[place].date(),
            n_bars=int(moved.sum()),
            reach=TO_THE_END if weights else max(1, refit.bar - place),
            text=f"fold {refit.fold} trained again {refit.what} has other {what}",
        )
    ]


def _weights_differ(own: TaskResult, other: TaskResult) -> bool:
    return any(not np.array_equal(a, b) for a, b in zip(own.weights, other.weights, strict=True))


def _repeated(
    own: TaskResult, *, problem: Problem, fold: int, stored: pd.DataFrame, prices: Prices
) -> list[Leak]:
    mine: NDArray[np.float64] = stored.loc[stored["fold"] == fold, "forecast"].to_numpy()
    if len(mine) != len(own.forecast):
        first = prices.dates[problem.folds[fold].test.start].date()
        text = f"fold {fold} has {len(mine)} forecasts; trained again it makes {len(own.forecast)}"
        return [Leak(first=first, n_bars=abs(len(mine) - len(own.forecast)), reach=None, text=text)]
    differs = own.forecast != mine
    if not differs.any():
        return []
    place = problem.folds[fold].test.start + int(np.argmax(differs))
    return [
        Leak(
            first=prices.dates[place].date(),
            n_bars=int(differs.sum()),
            reach=None,
            text=f"fold {fold} trained again forecasts {own.forecast[differs][0]:.9g} at "
            f"{prices.dates[place]:%Y-%m-%d}; the run has {mine[differs][0]:.9g}",
        )
    ]
