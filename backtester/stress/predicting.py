"""How long a stress run will take, from what the run itself took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backtester.calibration import calibrate
from backtester.models import BASELINES
from backtester.question import Question
from backtester.recipe import BidirectionalModel, LstmModel
from backtester.store import FoldStore
from backtester.stress.context import Context
from backtester.stress.retraining import AskedVariant
from backtester.walkforward import open_work

__all__ = ["Prediction", "predict"]

# On two cores of a small server: without training, all axes of 6,000 bars; and a new shape, compiled.
_WITHOUT_TRAINING_SECONDS = 20.0
_COMPILING_SECONDS = 4.0
_VARIANT_SECONDS = 0.15


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


def predict(context: Context, asked: Sequence[AskedVariant], *, store: FoldStore) -> Prediction:
    """Predict the time from the run's own training, or from a few networks where it trained none.

    A network's time is taken as proportional to its steps, and to what a step costs as docs/scaling.md
    measured it: lookback^0.8, and 0.75 + 0.25·(units/50)² for each layer.
    """
    to_train: list[tuple[Question, int]] = []
    seen: set[str] = set()
    for item in asked:
        if item.question is None or item.question.problem.model.kind in BASELINES:
            continue
        work = open_work(item.question.problem, store=store)
        fresh = {work.keys[task] for task in work.missing} - seen
        seen |= fresh
        if fresh:
            to_train.append((item.question, len(fresh)))
    if not to_train:
        return Prediction(
            variants=0,
            networks=0,
            seconds=_WITHOUT_TRAINING_SECONDS + _VARIANT_SECONDS * len(asked),
        )
    startup, each = _measured(context, first=to_train[0][0])
    own = _cost(context.question)
    training = sum(count * each * _cost(question) / own for question, count in to_train)
    shapes = {_shape(question) for question, _ in to_train} - {_shape(context.question)}
    return Prediction(
        variants=len(to_train),
        networks=len(seen),
        seconds=startup
        + training
        + _COMPILING_SECONDS * len(shapes)
        + _WITHOUT_TRAINING_SECONDS
        + _VARIANT_SECONDS * len(asked),
    )


def _measured(context: Context, *, first: Question) -> tuple[float, float]:
    """Seconds of the start, and of a network of the run's own kind, with all workers at work."""
    timing = context.record.manifest["timing"]
    networks = timing.get("folds_trained", 0) * context.recipe.training.members
    if networks:
        return timing["startup_seconds"], timing["training_seconds"] / networks
    estimate = calibrate(first)
    return estimate.startup_seconds, estimate.seconds_per_network * _cost(context.question) / _cost(first)


def _cost(question: Question) -> float:
    """What a network costs, in arbitrary units."""
    recipe, train = question.loaded.recipe, question.problem.folds[-1].train
    steps = (train.stop - train.start) * recipe.training.epochs
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
