"""Train the variants of a run: one start of the workers for all of them, nothing trained twice."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backtester.errors import BacktesterError
from backtester.execution import Executor, is_refusal, open_executor
from backtester.models import BASELINES
from backtester.prices import Prices
from backtester.question import Question, ask
from backtester.recipe import ExecutionSection, LoadedRecipe, as_mapping, recipe_from_mapping
from backtester.store import FoldStore
from backtester.stress.context import Context, Outcome, Variant
from backtester.walkforward import Progress, baseline_table, forecast_table, open_work, walk_forward

__all__ = ["AskedVariant", "ask_variants", "count_missing", "train_variants"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedVariant:
    """A variant as a question, or why it is none."""

    variant: Variant
    question: Question | None
    reason: str = ""


def ask_variants(context: Context, variants: Sequence[Variant]) -> list[AskedVariant]:
    """Make each variant a question; what cannot be asked says why."""
    return [_ask(context, variant) for variant in variants]


def _ask(context: Context, variant: Variant) -> AskedVariant:
    if variant.refusal:
        return AskedVariant(variant=variant, question=None, reason=variant.refusal)
    try:
        question = ask(_changed(context, variant), prices=variant.prices or context.question.prices)
        question.check_tradable()
    except BacktesterError as error:
        return AskedVariant(variant=variant, question=None, reason=error.message)
    return AskedVariant(variant=variant, question=question)


def _changed(context: Context, variant: Variant) -> LoadedRecipe:
    loaded = context.question.loaded
    prices: Prices = variant.prices or context.question.prices
    return recipe_from_mapping(
        as_mapping(loaded.recipe),
        name=loaded.name,
        folder=loaded.folder,
        overrides={"data.symbol": prices.symbol, **variant.changes},
    )


def count_missing(asked: Sequence[AskedVariant], *, store: FoldStore) -> int:
    """How many networks are to be trained; one that several variants share counts once."""
    missing: set[str] = set()
    for item in asked:
        if item.question is not None:
            work = open_work(item.question.problem, store=store)
            missing |= {work.keys[task] for task in work.missing}
    return len(missing)


def train_variants(
    asked: Sequence[AskedVariant],
    *,
    store: FoldStore,
    execution: ExecutionSection,
    on_progress: Callable[[str, Progress], None],
) -> list[Outcome]:
    """Train what is missing and gather the forecasts of every variant, in their order.

    Parameters
    ----------
    asked : from `ask_variants`
    store : of trained folds; a variant whose folds are there trains nothing
    execution : the recipe's ``[execution]``
    on_progress : called after each network, with the label of its variant

    Returns
    -------
    Outcomes; one whose fold failed or whose network cannot be trained has no forecasts and says why

    Raises
    ------
    StorageError : the disk is full or read-only
    FoldsFailedError : no worker can be started
    RecipeError : there is no such executor here
    """
    with _Workers(execution, n_tasks=count_missing(asked, store=store)) as workers:
        return [_outcome(item, store=store, workers=workers, on_progress=on_progress) for item in asked]


class _Workers:
    """Workers that start with the first network to train, and turn to one problem after another."""

    def __init__(self, execution: ExecutionSection, *, n_tasks: int) -> None:
        self._execution = execution
        self._n_tasks = n_tasks
        self._stack = contextlib.ExitStack()
        self._executor: Executor | None = None

    def __enter__(self) -> _Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def at(self, question: Question, *, store: FoldStore) -> Executor:
        """Workers that are ready for what this question misses."""
        missing = open_work(question.problem, store=store).missing
        if not missing:
            return self._stack.enter_context(
                open_executor(self._execution, problem=question.problem, tasks=())
            )
        if self._executor is None:
            self._executor = self._stack.enter_context(
                open_executor(self._execution, problem=question.problem, tasks=missing, n_tasks=self._n_tasks)
            )
        else:
            self._executor.turn_to(question.problem, first=missing[0])
        return self._executor


def _outcome(
    item: AskedVariant,
    *,
    store: FoldStore,
    workers: _Workers,
    on_progress: Callable[[str, Progress], None],
) -> Outcome:
    question = item.question
    if question is None:
        return Outcome(variant=item.variant, question=None, forecasts=None, reason=item.reason)
    problem, dates = question.problem, question.prices.dates
    if problem.model.kind in BASELINES:
        table = baseline_table(problem, kind=problem.model.kind, dates=dates)
        return Outcome(variant=item.variant, question=question, forecasts=table)
    try:
        executor = workers.at(question, store=store)
    except BacktesterError as error:
        if not is_refusal(error):  # no executor at all: not a word about this variant
            raise
        return Outcome(variant=item.variant, question=question, forecasts=None, reason=error.message)
    result = walk_forward(
        problem,
        work=open_work(problem, store=store),
        store=store,
        executor=executor,
        on_progress=lambda progress: on_progress(item.variant.label, progress),
        started=time.monotonic(),
    )
    reasons = [outcome.reason for outcome in result.outcomes if outcome.failures]
    if reasons:
        return Outcome(variant=item.variant, question=question, forecasts=None, reason=reasons[0])
    table = forecast_table(problem, outcomes=result.outcomes, dates=dates)
    return Outcome(variant=item.variant, question=question, forecasts=table)
