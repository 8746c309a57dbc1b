"""A real Ray cluster on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backtester.errors import RecipeError
from backtester.execution import open_executor
from backtester.execution.ray import RayExecutor
from backtester.recipe import ExecutionSection
from backtester.tasks import Problem, Task, TaskFailure, TaskResult
from tests.markets import random_walk
from tests.questions import SMALL_LSTM, InProcess, question

ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

TASKS = [Task(fold=fold, member=0) for fold in range(6)]
LOCAL = ExecutionSection(executor="ray", workers=2)


@pytest.fixture
def no_cluster() -> Iterator[None]:
    yield
    ray.shutdown()


def lstm_problem() -> Problem:
    return question(random_walk(300, seed=1), model=SMALL_LSTM).problem


def bits(outcomes: list[TaskResult | TaskFailure]) -> dict[Task, bytes]:
    assert not [outcome for outcome in outcomes if isinstance(outcome, TaskFailure)]
    return {outcome.task: outcome.forecast.tobytes() for outcome in outcomes}


@pytest.mark.usefixtures("no_cluster")
def test_ray_gives_the_bits_of_this_process():
    problem = lstm_problem()
    here = bits(list(InProcess(problem).run(TASKS, initial={})))
    with open_executor(LOCAL, problem=problem, tasks=TASKS) as executor:
        assert executor.n_workers == 2
        there = bits(list(executor.run(TASKS, initial={})))
    assert here == there
    assert not ray.is_initialized()


@pytest.mark.usefixtures("no_cluster")
def test_what_cannot_be_trained_is_refused_before_the_first_task(tmp_path: Path):
    (tmp_path / "mine.py").write_text("def build(input_shape):\n    return 'no network'\n")
    model = {"kind": "mine.py:build", "lookback": 3}
    problem = question(random_walk(300, seed=1), model=model, folder=tmp_path).problem
    with pytest.raises(RecipeError, match="str, not a keras"):
        RayExecutor(LOCAL, problem=problem, first=TASKS[0]).__enter__()


@pytest.mark.usefixtures("no_cluster")
def test_an_address_without_a_cluster_says_so():
    section = ExecutionSection(executor="ray", address="127.0.0.1:1")
    with pytest.raises(RecipeError, match=r"127\.0\.0\.1:1"):
        RayExecutor(section, problem=lstm_problem(), first=TASKS[0]).__enter__()


@pytest.mark.usefixtures("no_cluster")
def test_a_lost_machine_costs_no_fold_and_no_bit():
    from ray.cluster_utils import Cluster

    problem = lstm_problem()
    here = bits(list(InProcess(problem).run(TASKS, initial={})))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    lost = cluster.add_node(num_cpus=1)
    try:
        section = ExecutionSection(executor="ray", address=cluster.address)
        with RayExecutor(section, problem=problem, first=TASKS[0]) as executor:
            assert executor.n_workers == 2
            outcomes = []
            for outcome in executor.run(TASKS, initial={}):
                outcomes.append(outcome)
                if len(outcomes) == 2:
                    cluster.remove_node(lost, allow_graceful=False)
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert bits(outcomes) == here
