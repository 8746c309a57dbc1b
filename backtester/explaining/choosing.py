"""Which network of a run is explained: its fold, its member, its weights from the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backtester.errors import RecipeError, RunDirectoryError, UsageError
from backtester.explaining.network import Network, network_of
from backtester.question import Question
from backtester.recipe import BidirectionalModel, LstmModel
from backtester.run_directory import RunRecord
from backtester.store import DamagedEntry, FoldStore
from backtester.tasks import Task, TaskResult
from backtester.walkforward import open_work

__all__ = ["Chosen", "check_kind", "choose_fold", "choose_network"]

_KINDS = ("lstm", "bidirectional")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One trained network of a run.

    Parameters
    ----------
    result : as the store has it
    network : with its weights
    members : all networks of the fold that the store has, by member
    """

    result: TaskResult
    network: Network
    members: tuple[TaskResult, ...]

    @property
    def task(self) -> Task:
        """Fold and member."""
        return self.result.task


def check_kind(kind: str) -> None:
    """Check that a model has gates that are known here.

    Raises
    ------
    RecipeError : a baseline, a regressor, or a network of the user's own
    """
    if kind in _KINDS:
        return
    module = kind.partition(":")[0]
    if module.startswith("sklearn.") and not module.endswith(".py"):
        why = "is a model of scikit-learn, no network: it has no gates"
    elif ":" in kind:
        why = "is your own: which layers it has is not known here"
    else:
        why = "learns nothing: it has no gates"
    raise RecipeError(
        f"model.kind = {kind!r} {why}.", advice=f"Explain a run whose model.kind is {' or '.join(_KINDS)}."
    )


def choose_fold(folds: list[dict[str, Any]], *, wanted: int | None) -> int:
    """Give the fold to explain.

    Parameters
    ----------
    folds : of ``run.json``
    wanted : by number; None for the last one with a whole test span

    Raises
    ------
    UsageError : there is no such fold
    RunDirectoryError : it failed, or all did
    """
    if wanted is None:
        sound = [fold for fold in folds if fold["state"] == "done"]
        if not sound:
            raise RunDirectoryError("every fold of this run failed.", advice="Run the same recipe again.")
        longest = max(fold["test_bars"] for fold in sound)
        return int([fold["index"] for fold in sound if fold["test_bars"] == longest][-1])
    found = next((fold for fold in folds if fold["index"] == wanted), None)
    if found is None:
        raise UsageError(
            f"--fold {wanted}: this run has {len(folds)} folds.", advice=f"Name one of 0 to {len(folds) - 1}."
        )
    if found["state"] != "done":
        raise RunDirectoryError(
            f"fold {wanted} failed ({found['reason'] or 'no reason given'}): it has no network.",
            advice="Name another fold, or run the same recipe again: only failed folds are trained.",
        )
    return wanted


def choose_network(
    record: RunRecord, *, question: Question, store: FoldStore, fold: int | None, member: int
) -> Chosen:
    """Take a network of a run from the store.

    Parameters
    ----------
    record, question : the run, re-opened
    store : where its networks are
    fold : None for the last with a whole test span
    member : of the fold

    Raises
    ------
    UsageError : no such fold or member
    RecipeError : the model has no gates that are known here
    RunDirectoryError : the fold failed, or the store no longer has the network
    StorageError : its weights are those of another network
    """
    model, problem = question.loaded.recipe.model, question.problem
    check_kind(model.kind)
    task = Task(fold=choose_fold(record.manifest["folds"], wanted=fold), member=member)
    n_members = problem.training.members
    if not 0 <= member < n_members:
        raise UsageError(
            f"--member {member}: each fold of this run has {n_members} "
            f"{'network' if n_members == 1 else 'networks'}.",
            advice="Name 0." if n_members == 1 else f"Name one of 0 to {n_members - 1}.",
        )
    work = open_work(problem, store=store)
    members = tuple(
        sorted((result for result in work.stored if result.task.fold == task.fold), key=lambda r: r.task)
    )
    result = next((result for result in members if result.task == task), None)
    if result is None or not result.weights:
        raise _missing(store, key=work.keys[task], task=task, manifest=record.manifest)
    if not isinstance(model, LstmModel | BidirectionalModel):
        raise TypeError(f"a model of kind {model.kind!r} has no gates")
    return Chosen(result=result, network=network_of(model, result.weights), members=members)


def _missing(store: FoldStore, *, key: str, task: Task, manifest: Mapping[str, Any]) -> RunDirectoryError:
    entry = store.read(key, task=task)
    why = f"is damaged ({entry.reason})" if isinstance(entry, DamagedEntry) else "is not there"
    return RunDirectoryError(
        f"the network of fold {task.fold}, member {task.member} {why} in the store {store.folder}.",
        advice=(
            f"If its store is another folder, name it with --store. Else run the recipe "
            f"({manifest['recipe_name']}) into another folder, `backtester run ... --out FOLDER`: what the "
            "store lacks is trained again, to the same weights on the same machine; then explain this run."
        ),
    )
