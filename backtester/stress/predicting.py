"""How long a stress run will take, from what the run itself took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backtester.calibration import calibrate
from backtester.folds import Fold
from backtester.models import BASELINES
from backtester.question import Question
from backtester.recipe import BidirectionalModel, LstmModel, ReferenceStrategy
from backtester.store import FoldStore
from backtester.stress.axis import Axis
from backtester.stress.context import Context
from backtester.stress.retraining import AskedVariant
from backtester.walkforward import open_work

__all__ = ["Prediction", "predict"]

# On two cores of a small server, for 6,000 bars: opening, judging and drawing; an axis without training.
_ALWAYS_SECONDS = 8.0
_AXIS_SECONDS = {"luck": 6.0, "placebo": 3.0, "thresholds": 1.5, "delay": 1.0}
_OTHER_AXIS_SECONDS = 0.5
_BARS = 6000
_COMPILING_SECONDS = 4.0
_VARIANT_SECONDS = 0.15
# A user's own strategy is traded in Backtrader: about a second for 6,000 bars, so many times.
_TRADES = {"luck": 20, "costs": 9, "delay": 5, "thresholds": 9, "placebo": 1}
_BACKTRADER_SECONDS = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a stress run will take.

    Parameters
    ----------
    variants, networks : to train, those in the store left out
    seconds : in all
    """

    variants: int
    networks: int
    seconds: float


def predict(
    context: Context, axes: Sequence[tuple[Axis, Sequence[AskedVariant]]], *, store: FoldStore
) -> Prediction:
    """Predict the time from the run's own training, or from a few networks where it trained none.

    A network's time is taken as proportional to its steps, and to what a step costs as docs/scaling.md
    measured it: lookback^0.8, and 0.75 + 0.25·(units/50)² for each layer.
    """
    to_train: list[tuple[Question, list[Fold]]] = []
    seen: set[str] = set()
    for question in (item.question for _, asked in axes for item in asked if item.question is not None):
        if question.problem.model.kind in BASELINES:
            continue
        work = open_work(question.problem, store=store)
        # a network that several variants share is trained once
        fresh = {key: task for task in work.missing if (key := work.keys[task]) not in seen}
        seen |= set(fresh)
        if fresh:
            to_train.append((question, [question.problem.folds[task.fold] for task in fresh.values()]))
    without = _without_training(context, axes)
    if not to_train:
        return Prediction(variants=0, networks=0, seconds=without)
    startup, each = _measured(context, first=to_train[0][0])
    own = _mean_cost(context.question)
    training = sum(each * _cost(question, fold=fold) / own for question, folds in to_train for fold in folds)
    shapes = {_shape(question) for question, _ in to_train} - {_shape(context.question)}
    return Prediction(
        variants=len(to_train),
        networks=len(seen),
        seconds=without + startup + training + _COMPILING_SECONDS * len(shapes),
    )


def _without_training(context: Context, axes: Sequence[tuple[Axis, Sequence[AskedVariant]]]) -> float:
    """Seconds of all but the training."""
    length = len(context.question.prices) / _BARS
    own_strategy = isinstance(context.recipe.strategy, ReferenceStrategy)
    seconds = _ALWAYS_SECONDS
    for axis, asked in axes:
        seconds += length * _AXIS_SECONDS.get(axis.key, _OTHER_AXIS_SECONDS) + _VARIANT_SECONDS * len(asked)
        if own_strategy:
            seconds += length * _BACKTRADER_SECONDS * (len(asked) + _TRADES.get(axis.key, 0))
    return seconds


def _measured(context: Context, *, first: Question) -> tuple[float, float]:
    """Seconds of the start, and of a network of the run's own kind, with all workers at work."""
    timing = context.record.manifest["timing"]
    networks = timing.get("folds_trained", 0) * context.recipe.training.members
    # published networks, which are trained once and are no yardstick for the others, are in the same sum
    if networks and context.question.published is None:
        return timing["startup_seconds"], timing["training_seconds"] / networks
    estimate = calibrate(first)
    return estimate.startup_seconds, estimate.seconds_per_network * _mean_cost(context.question) / _mean_cost(
        first
    )


def _mean_cost(question: Question) -> float:
    """What a network costs in the mean over the folds."""
    folds = question.problem.folds
    return sum(_cost(question, fold=fold) for fold in folds) / len(folds)


def _cost(question: Question, *, fold: Fold) -> float:
    """What a network of this fold costs, in arbitrary units: later ones of an expanding window cost more."""
    recipe = question.loaded.recipe
    steps = (fold.train.stop - fold.train.start) * recipe.training.epochs
    model = recipe.model
    if not isinstance(model, LstmModel | BidirectionalModel):
        return float(steps)
    layers = sum(0.75 + 0.25 * (units / 50.0) ** 2 for units in model.units)
    directions = 2 if isinstance(model, BidirectionalModel) else 1
    return float(steps * model.lookback**0.8 * layers * directions)


def _shape(question: Question) -> str:
    """What a network is compiled for."""
    recipe, train = question.loaded.recipe, question.problem.folds[-1].train
    return f"{train.stop - train.start} {recipe.model.model_dump_json()} {recipe.training.model_dump_json()}"
