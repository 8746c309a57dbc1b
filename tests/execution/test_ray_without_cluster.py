"""What runs in a process of Ray's, without Ray."""

import dataclasses

from backtester.execution.ray import _attempt, _name_of
from backtester.forecasters import ForecasterCache
from backtester.tasks import Task, TaskResult, TaskRunner, task_key
from tests.markets import random_walk
from tests.questions import question


def test_what_was_made_for_one_problem_does_not_serve_another_that_begins_alike():
    prices = random_walk(300, seed=1)
    later = prices.frame.copy()
    later.iloc[220:, :4] *= 1.3
    one = question(prices).problem
    other = question(dataclasses.replace(prices, frame=later)).problem
    first, last = Task(fold=0, member=0), Task(fold=5, member=0)
    assert task_key(one, first) == task_key(other, first)
    for problem in (one, other):
        outcome = _attempt(problem, name=_name_of(problem), first=first, task=last, initial=())
        right = TaskRunner(problem, forecasters=ForecasterCache()).run(last)
        assert isinstance(outcome, TaskResult)
        assert outcome.forecast.tolist() == right.forecast.tolist()
