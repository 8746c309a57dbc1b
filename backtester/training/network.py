"""Keras networks as forecasters: built once, compiled once for a shape, fitted anew for each fold."""

from __future__ import annotations

import re
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from backtester.errors import FitError
from backtester.models.forecaster import FitReport, Weights
from backtester.models.networks import Builder, build_checked
from backtester.samples import Samples
from backtester.seeds import seed_of
from backtester.training.compiled import CompiledFit, FitSettings
from backtester.training.plain import PlainFit

__all__ = ["FittedNetwork", "NetworkForecaster"]


class FittedNetwork:
    """A fitted network; valid until the forecaster fits again, as they share one Keras model."""

    def __init__(self, engine: CompiledFit | PlainFit, *, model: keras.Model, report: FitReport) -> None:
        self._engine = engine
        self.report = report
        self.weights: Weights = tuple(model.get_weights())

    def predict(self, samples: Samples) -> NDArray[np.float64]:
        """Scaled predictions (n,); (n, outputs) of a network with several outputs."""
        return self._engine.predict(samples.inputs)


class NetworkForecaster:
    """A forecaster made of a builder of Keras networks.

    Parameters
    ----------
    builder : maps an input shape (lookback, n_features) to a Keras model
    name : the recipe's ``model.kind``, for messages
    input_shape : (lookback, n_features), or whatever shape one sample has
    settings : epochs, batch size, optimizer, loss, patience
    outputs : numbers that the network gives for each sample

    Raises
    ------
    RecipeError : the builder gives something else than a network of the right shape
    """

    def __init__(
        self,
        builder: Builder,
        *,
        name: str,
        input_shape: tuple[int, ...],
        settings: FitSettings,
        outputs: int = 1,
    ) -> None:
        self._builder = builder
        self._name = name
        self._input_shape = input_shape
        self._settings = settings
        self._outputs = outputs
        self._model = build_checked(builder, input_shape=input_shape, name=name, outputs=outputs)
        self._engine: CompiledFit | PlainFit = CompiledFit(self._model, settings)
        self.note = ""

    @property
    def n_parameters(self) -> int:
        """Number of weights."""
        return int(self._model.count_params())

    def prepare(self, train: Samples, *, validation: Samples) -> None:
        """Compile for the shapes of these samples, or fall back to ``Model.fit`` and note why."""
        initial = [variable.numpy() for variable in self._model.variables]
        if isinstance(self._engine, PlainFit):
            return
        reason = _what_xla_may_change(self._model)
        if not reason:
            try:
                self._engine.fit(train, validation=validation, initial=initial, seed=0, epochs=0)
                self._engine.predict(train.inputs[:1])
            except tf.errors.ResourceExhaustedError:
                raise  # a lack of memory must not decide how a network is trained
            except (tf.errors.OpError, NotImplementedError, ValueError, TypeError) as error:
                reason = _first_line(error)
        if reason:
            self.note = f"trained by Keras' own fit, slower, as the network does not compile: {reason}"
            self._engine = PlainFit(self._model, self._settings)

    def fit(self, train: Samples, *, validation: Samples, seed: int, initial: Weights = ()) -> FittedNetwork:
        """Learn from fresh weights, or from those given.

        Raises
        ------
        FitError : a loss or weight is no longer finite
        """
        losses, validation_losses = self._engine.fit(
            train,
            validation=validation,
            initial=self._initial_variables(seed, weights=initial),
            seed=seed_of(seed, "batch order"),
        )
        _check_finite(losses, what="training loss")
        _check_finite(validation_losses, what="validation loss")
        report = FitReport(
            epochs=len(losses), loss=tuple(losses.tolist()), validation_loss=tuple(validation_losses.tolist())
        )
        fitted = FittedNetwork(self._engine, model=self._model, report=report)
        if not all(np.isfinite(weight).all() for weight in fitted.weights):
            raise FitError("the weights are no longer finite after training.", advice=_DIVERGED)
        return fitted

    def _initial_variables(self, seed: int, *, weights: Weights) -> list[NDArray[Any]]:
        """Fresh variables, as the builder draws them from this seed, with these weights if any."""
        keras.utils.set_random_seed(seed)
        fresh = build_checked(
            self._builder, input_shape=self._input_shape, name=self._name, outputs=self._outputs
        )
        if weights:
            fresh.set_weights(list(weights))
        return [variable.numpy() for variable in fresh.variables]


_DIVERGED = "Try a smaller training.learning_rate, or scaled features and target."


def _check_finite(losses: NDArray[np.float64], *, what: str) -> None:
    bad = np.flatnonzero(~np.isfinite(losses))
    if len(bad):
        raise FitError(f"the {what} became {losses[bad[0]]} in epoch {bad[0] + 1}.", advice=_DIVERGED)


def _what_xla_may_change(model: keras.Model) -> str:
    """Why the compiled fit would not equal ``fit``: rows that pad the last batch enter batch statistics."""
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            return f"layer {layer.name!r} takes statistics over a batch"
    return ""


def _first_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error).strip().split("\n")[0])[:200]
