"""A whole network of a named kind in NumPy, from the weights that were stored when it was trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backtester.errors import StorageError
from backtester.explaining.cells import CellWeights
from backtester.explaining.layers import Convolution, Dense, Layer, LayerRun, Lstm
from backtester.models.forecaster import Weights
from backtester.recipe import BidirectionalModel, LstmModel

__all__ = ["BLOCK", "Network", "network_of"]

Array = NDArray[np.float64]
BLOCK = 64
"""Windows computed together: what is kept of each step and unit would else fill the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A trained network; its numbers are float64, where Keras computes in float32.

    Parameters
    ----------
    layers : in order, the last with one output
    """

    layers: tuple[Layer, ...]

    @property
    def lstm_layers(self) -> tuple[int, ...]:
        """Which layers are LSTM layers, from the input on."""
        return tuple(place for place, layer in enumerate(self.layers) if isinstance(layer, Lstm))

    def run(self, inputs: NDArray[np.floating]) -> tuple[LayerRun, ...]:
        """Compute every layer over windows (n, lookback, n_features)."""
        runs, values = list[LayerRun](), np.asarray(inputs, dtype=np.float64)
        for layer in self.layers:
            runs.append(layer.run(values))
            values = runs[-1].outputs
        return tuple(runs)

    def predict(self, inputs: NDArray[np.floating]) -> Array:
        """Scaled predictions (n,) of windows (n, lookback, n_features)."""
        blocks = [self.run(inputs[start : start + BLOCK]) for start in range(0, len(inputs), BLOCK)]
        return np.concatenate([runs[-1].outputs[:, 0] for runs in blocks])

    def gradient(self, runs: Sequence[LayerRun]) -> Array:
        """Derivative of each scaled prediction by each value of its window: (n, lookback, n_features).

        Parameters
        ----------
        runs : from `run`
        """
        upstream = np.ones_like(runs[-1].outputs)
        for layer, run in zip(reversed(self.layers), reversed(runs), strict=True):
            upstream = layer.gradient(run, upstream=upstream)
        return upstream


def network_of(model: LstmModel | BidirectionalModel, weights: Weights) -> Network:
    """Put stored weights into the layers that the recipe names.

    Parameters
    ----------
    model : the recipe's ``[model]``
    weights : as ``keras.Model.get_weights`` gave them: of an LSTM layer kernel, recurrent kernel and bias (of
        a bidirectional one those three forward, then backward), of any other layer kernel and bias

    Raises
    ------
    StorageError : they are too few, too many, or of other shapes
    """
    rest = iter([np.asarray(weight, dtype=np.float64) for weight in weights])
    try:
        layers = tuple(_layers(model, rest))
        left = len(list(rest))
        if left:
            raise ValueError(f"{left} are left over")
    except ValueError as error:
        raise StorageError(
            f"the stored weights do not fit model.kind = {model.kind!r} ({error}).",
            advice="Run the same recipe into another folder (--out), and explain that run.",
        ) from error
    return Network(layers=layers)


def _layers(model: LstmModel | BidirectionalModel, weights: Iterator[Array]) -> Iterator[Layer]:
    width: int | None = None
    both_ways = isinstance(model, BidirectionalModel)
    if isinstance(model, BidirectionalModel):
        kernel = _next(weights, (model.kernel, None, model.filters))
        yield Convolution(kernel=kernel, bias=_next(weights, (model.filters,)))
        width = model.filters
    for number, units in enumerate(model.units, start=1):
        cells = tuple(_cell(model, weights, n_inputs=width, units=units) for _ in range(1 + both_ways))
        yield Lstm(cells=cells, sequences=number < len(model.units))
        width = units * len(cells)
    sizes = model.dense if isinstance(model, BidirectionalModel) else ()
    for size in sizes:
        kernel = _next(weights, (width, size))
        yield Dense(kernel=kernel, bias=_next(weights, (size,)), activation="relu")
        width = size
    yield Dense(kernel=_next(weights, (width, 1)), bias=_next(weights, (1,)))


def _cell(
    model: LstmModel | BidirectionalModel, weights: Iterator[Array], *, n_inputs: int | None, units: int
) -> CellWeights:
    return CellWeights(
        kernel=_next(weights, (n_inputs, 4 * units)),
        recurrent=_next(weights, (units, 4 * units)),
        bias=_next(weights, (4 * units,)),
        activation=model.activation if isinstance(model, LstmModel) else "tanh",
    )


def _next(weights: Iterator[Array], shape: tuple[int | None, ...]) -> Array:
    """Take the next weight and check its shape; None stands for any length."""
    weight = next(weights, None)
    if weight is None:
        raise ValueError("one is missing")
    fits = len(weight.shape) == len(shape) and all(
        wanted in (None, found) for wanted, found in zip(shape, weight.shape, strict=True)
    )
    if not fits:
        raise ValueError(f"shape {weight.shape} where {shape} is expected")
    return weight
