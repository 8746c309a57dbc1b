"""From a recipe's ``[model]`` and ``[training]`` to a forecaster, made once for each."""

from __future__ import annotations

from pathlib import Path
from typing import TypeGuard

from backtester.errors import RecipeError, UserCodeError
from backtester.models.forecaster import Forecaster
from backtester.recipe import (
    BidirectionalModel,
    LstmModel,
    ModelSection,
    ReferenceModel,
    TrainingSection,
)
from backtester.references import check_parameters, load_reference, reference_sha256

__all__ = ["ForecasterCache"]


class ForecasterCache:
    """Forecasters of one process; a network among them is compiled once for each shape."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str, int, str], Forecaster] = {}

    def get(
        self,
        model: ModelSection,
        *,
        training: TrainingSection,
        n_features: int,
        folder: Path,
        code_sha256: str,
    ) -> Forecaster:
        """Give the forecaster of these settings, the same one each time.

        Raises
        ------
        RecipeError : a reference that names nothing that can learn, or a network of the wrong shape
        UserCodeError : the user's file or builder failed, or the file is not the one with this hash
        """
        key = (model.model_dump_json(), training.model_dump_json(), n_features, code_sha256)
        if key not in self._made:
            made = _make(model, training=training, n_features=n_features, folder=folder)
            if isinstance(model, ReferenceModel):
                _check_unedited(model, folder=folder, code_sha256=code_sha256)
            self._made[key] = made
        return self._made[key]


def _make(model: ModelSection, *, training: TrainingSection, n_features: int, folder: Path) -> Forecaster:
    input_shape = (model.lookback, n_features)
    if isinstance(model, ReferenceModel):
        named = load_reference(model.kind, folder=folder)
        if _is_regressor(named):
            from backtester.models.regressors import RegressorForecaster

            check_parameters(named, model.parameters, what=f"model.kind = {model.kind!r}")
            if training.warm_start:
                raise RecipeError(
                    f"training.warm_start = true: model.kind = {model.kind!r} is no network and has no "
                    "weights to begin from.",
                    advice="Set training.warm_start = false.",
                )
            return RegressorForecaster(
                regressor_class=named, parameters=model.parameters, name=model.kind, folder=folder
            )
    from backtester.models.networks import bidirectional_builder, lstm_builder, user_builder
    from backtester.training import FitSettings, NetworkForecaster

    if isinstance(model, LstmModel):
        builder = lstm_builder(model)
    elif isinstance(model, BidirectionalModel):
        builder = bidirectional_builder(model)
    elif isinstance(model, ReferenceModel):
        builder = user_builder(named, model=model, folder=folder)
    else:
        raise TypeError(f"model {model.kind!r} is not trained")
    settings = FitSettings(
        epochs=training.epochs,
        batch_size=training.batch_size,
        learning_rate=training.learning_rate,
        optimizer=training.optimizer,
        loss=training.loss,
        patience=training.patience,
    )
    return NetworkForecaster(
        builder, name=model.kind, input_shape=input_shape, settings=settings, outputs=training.outputs
    )


def _check_unedited(model: ReferenceModel, *, folder: Path, code_sha256: str) -> None:
    """Refuse a file that was edited since the question was asked: its results are kept by the old hash."""
    if reference_sha256(model.kind, folder=folder) != code_sha256:
        raise UserCodeError(
            f"model.kind = {model.kind!r} was edited while this run went on.",
            advice="Run again: what was trained before is not trained again.",
        )


def _is_regressor(named: object) -> TypeGuard[type]:
    return isinstance(named, type) and hasattr(named, "fit") and hasattr(named, "predict")
