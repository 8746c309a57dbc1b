"""The fallback for networks that XLA cannot compile: ``Model.fit``, epoch by epoch.

The batch order, early stopping and best weights are those of the compiled fit.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from backtester.models.blocks import predict_in_blocks
from backtester.samples import Samples
from backtester.training.compiled import FitSettings, batch_order, capacity

__all__ = ["PlainFit"]


class PlainFit:
    """Fits and predicts with one Keras model by its own ``fit``; same calls as ``CompiledFit``."""

    def __init__(self, model: keras.Model, settings: FitSettings) -> None:
        self._model = model
        self._settings = settings
        self._order = tf.function(batch_order, jit_compile=True, autograph=False)

    def fit(
        self,
        train: Samples,
        *,
        validation: Samples,
        initial: list[NDArray[Any]],
        seed: int,
        epochs: int | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Fit from given initial variables; the model then holds the result."""
        for variable, value in zip(self._model.variables, initial, strict=True):
            variable.assign(value)
        self._compile()
        stopping = len(validation) > 0 and self._settings.patience > 0
        losses: list[float] = []
        validation_losses: list[float] = []
        best = self._model.get_weights()
        for epoch in range(self._settings.epochs if epochs is None else epochs):
            losses.append(self._epoch(train, seed=seed, epoch=epoch))
            if not len(validation):
                continue
            current = self._model.evaluate(
                validation.inputs, validation.targets[:, None], batch_size=len(validation), verbose=0
            )
            if current < min(validation_losses, default=np.inf):
                best = self._model.get_weights()
            validation_losses.append(float(current))
            if stopping and epoch - int(np.argmin(validation_losses)) >= self._settings.patience:
                break
        if stopping:
            self._model.set_weights(best)
        return np.array(losses), np.array(validation_losses)

    def _compile(self) -> None:
        optimizer = keras.optimizers.get(self._settings.optimizer)
        optimizer.learning_rate.assign(self._settings.learning_rate)
        self._model.compile(optimizer=optimizer, loss=self._settings.loss)

    def _epoch(self, train: Samples, *, seed: int, epoch: int) -> float:
        n = len(train)
        order = self._order(capacity(n), n=tf.constant(n), seed=tf.constant([seed, epoch])).numpy()[:n]
        history = self._model.fit(
            train.inputs[order],
            train.targets[order][:, None],
            batch_size=self._settings.batch_size,
            shuffle=False,
            verbose=0,
        )
        return float(history.history["loss"][0])

    def predict(self, inputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Predictions (n,); (n, outputs) of a network with several outputs."""
        return predict_in_blocks(
            lambda block: self._model(block, training=False).numpy(),
            inputs,
            outputs=self._model.output_shape[-1],
        )
