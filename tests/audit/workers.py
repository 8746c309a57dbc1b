"""Workers of the audit in this process, which take no seconds to start."""

import contextlib
from collections.abc import Iterator

from backtester.forecasters import ForecasterCache
from backtester.tasks import TaskFailure, TaskRunner


class InProcess:
    """Workers in this process."""

    def __init__(self, problem):
        self.cache = ForecasterCache()
        self.turn_to(problem, first=None)

    def turn_to(self, problem, *, first):
        self.runner = TaskRunner(problem, forecasters=self.cache)

    def run(self, tasks, *, initial):
        for task in tasks:
            outcome = self.runner.attempt(task, initial=initial.get(task, ()))
            assert not isinstance(outcome, TaskFailure), outcome.reason
            yield outcome


@contextlib.contextmanager
def workers(section, *, problem, tasks, n_tasks=0) -> Iterator[InProcess]:
    """Stand in for `backtester.audit.fits.open_executor`."""
    yield InProcess(problem)
