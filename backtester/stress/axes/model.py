"""Model: its own settings, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backtester.errors import BacktesterError
from backtester.recipe import BaselineModel, BidirectionalModel, LstmModel, ReferenceModel
from backtester.references import load_reference
from backtester.stress.axis import AxisResult, Picture, PictureKind
from backtester.stress.compared import GAIN, GAIN_LABEL, compare, gain_words, hangs_words
from backtester.stress.context import Context, Outcome, Variant

__all__ = ["AXIS", "Model"]

_NOT_SCALED = {"random_state", "seed", "n_jobs", "verbose", "dropout"}
"""Parameters that say nothing about how large a model is, and the one that has values of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Change lookback, units, epochs and dropout, one at a time; answered by the rule of `holds`.

    Of a model of the user's: its lookback, its numeric ``[model.parameters]``, and the epochs where it is a
    network. What a model lacks is left out, with a note.
    """

    key: str = "model"
    title: str = "Model"
    question: str = "Does the gain hang on the model's settings?"

    def variants(self, context: Context) -> Sequence[Variant]:
        """Give the run and the same with other settings of the model."""
        own = Variant(label="the run's own", coordinates={"setting": "own", "value": "own"})
        return [own, *(_variant(key, value) for key, value in _changes(context))]

    def conclude(self, context: Context, outcomes: Sequence[Outcome]) -> AxisResult:
        """Compare the settings."""
        compared = compare(context, outcomes)
        sentence = hangs_words(compared, what="the model's settings", others="other settings")
        weakest = compared.weakest()
        if weakest is not None:
            sentence += f" Least is left with {weakest.label}: {gain_words(weakest.figures[GAIN])}."
        return AxisResult(
            answer=compared.answer,
            sentence=sentence,
            figure=GAIN,
            cases=compared.cases,
            pictures=[
                Picture(
                    kind=PictureKind.BARS,
                    title="The gain with other settings, one at a time",
                    figure=GAIN,
                    figure_label=GAIN_LABEL,
                    baseline=compared.own,
                )
            ],
            facts={"settings": sorted({_setting(outcome.variant) for outcome in outcomes[1:]})},
            tried=True,
            traded=compared.whole,
            notes=(*compared.notes, *_left_out(context)),
        )


def _variant(key: str, value: Any) -> Variant:
    name = key.removeprefix("model.").removeprefix("parameters.").removeprefix("training.")
    shown = ", ".join(map(str, value)) if isinstance(value, list) else f"{value:g}"
    return Variant(
        label=f"{name} {shown}", changes={key: value}, coordinates={"setting": name, "value": shown}
    )


def _setting(variant: Variant) -> str:
    return str(variant.coordinates["setting"])


def _changes(context: Context) -> Iterator[tuple[str, Any]]:
    """Keys with another value than the run's."""
    own = context.recipe.model
    if isinstance(own, BaselineModel):
        return
    factors = context.settings.model_factors
    values: dict[str, Any] = {"model.lookback": own.lookback}
    dropouts: dict[str, float | tuple[float, ...]] = {}
    if isinstance(own, LstmModel):
        values["model.units"] = list(own.units)
        dropouts["model.dropout"] = own.dropout
    elif isinstance(own, BidirectionalModel):
        values["model.units"] = list(own.units)
    else:
        values |= {
            f"model.parameters.{name}": list(value) if isinstance(value, tuple) else value
            for name, value in own.parameters.items()
            if name not in _NOT_SCALED and _is_scalable(value)
        }
        dropout = own.parameters.get("dropout")
        if isinstance(dropout, int | float):
            dropouts["model.parameters.dropout"] = float(dropout)
    if _is_network(context):
        values["training.epochs"] = context.recipe.training.epochs
    for key, value in values.items():
        scaled = [_scaled(value, factor) for factor in factors]
        yield from ((key, item) for n, item in enumerate(scaled) if item != value and item not in scaled[:n])
    for key, dropout in dropouts.items():
        yield from ((key, item) for item in context.settings.dropouts if item != dropout)


def _scaled(value: Any, factor: float) -> Any:
    if isinstance(value, list | tuple):
        return [_scaled(item, factor) for item in value]
    return max(1, round(value * factor)) if isinstance(value, int) else value * factor


def _is_scalable(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(map(_is_scalable, value))
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _is_network(context: Context) -> bool:
    model = context.recipe.model
    if not isinstance(model, ReferenceModel):
        return isinstance(model, LstmModel | BidirectionalModel)
    try:
        named = load_reference(model.kind, folder=context.question.loaded.folder)
    except BacktesterError:  # its training will say so
        return False
    return not (isinstance(named, type) and hasattr(named, "fit") and hasattr(named, "predict"))


def _left_out(context: Context) -> list[str]:
    model = context.recipe.model
    if isinstance(model, BaselineModel):
        return [f"{model.kind!r} learns nothing and has no settings."]
    tried = {key for key, _ in _changes(context)}
    parameters: Mapping[str, Any] = model.parameters if isinstance(model, ReferenceModel) else {}
    wanted = {
        "units": {"model.units", *(f"model.parameters.{name}" for name in parameters)} & tried,
        "dropout": {"model.dropout", "model.parameters.dropout"} & tried,
        "epochs": {"training.epochs"} & tried,
    }
    lacking = [name for name, keys in wanted.items() if not keys]
    return [f"Not changed, as {model.kind!r} has none or is not told: {', '.join(lacking)}."] * bool(lacking)


AXIS = Model()
