import dataclasses
from pathlib import Path

import numpy as np
import pytest

from backtester.features import FeatureMatrix
from backtester.recipe import LstmModel, TargetSection, TrainingSection
from backtester.tasks import Problem, Task, task_key
from tests.markets import random_walk
from tests.questions import question

FIRST = Task(fold=1, member=0)


@pytest.fixture(scope="module")
def problem() -> Problem:
    return question(random_walk(300, seed=1)).problem


def with_value(problem: Problem, *, bar: int) -> Problem:
    values = problem.features.values.copy()
    values[bar] += 1e-12
    features = FeatureMatrix(names=problem.features.names, values=values, warmup=problem.features.warmup)
    return dataclasses.replace(problem, features=features)


def test_key_ignores_what_lies_outside_the_folds_span(problem: Problem):
    fold = problem.folds[1]
    for bar in (fold.train.start - 1, fold.test.stop):
        assert task_key(with_value(problem, bar=bar), FIRST) == task_key(problem, FIRST)


@pytest.mark.parametrize("place", ["train", "validation", "test"])
def test_key_covers_every_bar_of_the_span(problem: Problem, place: str):
    bars = getattr(problem.folds[1], place)
    for bar in (bars.start, bars.stop - 1):
        assert task_key(with_value(problem, bar=bar), FIRST) != task_key(problem, FIRST)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 8},
        {"symbol": "other"},
        {"target": TargetSection(horizon=2)},
        {"training": TrainingSection(epochs=3)},
        {"model": LstmModel(lookback=5)},
        {"code_sha256": "edited"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_key_covers_what_determines_the_result(problem: Problem, change: dict[str, object]):
    assert task_key(dataclasses.replace(problem, **change), FIRST) != task_key(problem, FIRST)


def test_key_ignores_what_does_not(problem: Problem):
    more_members = problem.training.model_copy(update={"members": 5})
    moved = dataclasses.replace(problem, training=more_members, folder=Path("elsewhere"))
    assert task_key(moved, FIRST) == task_key(problem, FIRST)


def test_every_fold_and_member_has_its_own_seed_and_key(problem: Problem):
    tasks = [Task(fold=fold, member=member) for fold in range(4) for member in range(3)]
    assert len({task.seed(problem) for task in tasks}) == 12
    assert len({task_key(problem, task) for task in tasks}) == 12


def test_close_matters_to_the_key_as_forecasts_start_from_it(problem: Problem):
    close = problem.close.copy()
    close[problem.folds[1].test.start] *= 1.001
    changed = dataclasses.replace(problem, close=np.asarray(close))
    assert task_key(changed, FIRST) != task_key(problem, FIRST)
