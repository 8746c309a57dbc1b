"""Small questions, and answers to them without a process of their own."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from backtester.forecasters import ForecasterCache
from backtester.forecasts import Forecasts
from backtester.models.forecaster import Weights
from backtester.prices import Prices
from backtester.question import Question, ask
from backtester.recipe import recipe_from_mapping
from backtester.store import FoldStore
from backtester.tasks import Problem, Task, TaskFailure, TaskResult, TaskRunner
from backtester.walkforward import forecast_table, open_work, walk_forward

RIDGE = {"kind": "sklearn.linear_model:Ridge", "lookback": 5}
SMALL_LSTM = {"kind": "lstm", "lookback": 5, "units": [4]}


def question(
    prices: Prices, *, model: dict[str, Any] = RIDGE, folder: Path = Path(), **sections: Any
) -> Question:
    """A question with short folds, on given prices."""
    mapping = {
        "folds": {"train": 120, "test": 30},
        "training": {"epochs": 2, "patience": 0},
        "model": model,
        **sections,
    }
    return ask(recipe_from_mapping(mapping, name="small", folder=folder), prices=prices)


class InProcess:
    """An executor in this process; several problems can share the compiled forecasters."""

    n_workers = 1
    busy_with = ()
    worker_bytes = 0

    def __init__(self, problem: Problem, *, forecasters: ForecasterCache | None = None) -> None:
        self.done: list[Task] = []
        self._runner = TaskRunner(problem, forecasters=forecasters or ForecasterCache())

    def run(
        self, tasks: Sequence[Task], *, initial: Mapping[Task, Weights]
    ) -> Iterator[TaskResult | TaskFailure]:
        for task in tasks:
            self.done.append(task)
            yield self._runner.run(task, initial=initial.get(task, ()))


def forecasts_of(
    asked: Question, *, store: FoldStore, forecasters: ForecasterCache | None = None
) -> tuple[Forecasts, list[Task]]:
    """Forecasts of a question, and the tasks that were trained for them."""
    executor = InProcess(asked.problem, forecasters=forecasters)
    result = walk_forward(
        asked.problem,
        work=open_work(asked.problem, store=store),
        store=store,
        executor=executor,
        on_progress=lambda _: None,
        started=0.0,
    )
    table = forecast_table(asked.problem, outcomes=result.outcomes, dates=asked.prices.dates)
    return table, executor.done
