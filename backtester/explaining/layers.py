"""The layers of the named networks in NumPy: each with its forward pass and its gradient.

Of each layer, `run` gives what it computed and `gradient` turns a gradient by its outputs into one by its
inputs (backpropagation). Dropout does nothing after the training, and has no layer here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from backtester.explaining.cells import (
    ACTIVATIONS,
    Activation,
    CellWeights,
    Trace,
    cell_gradient,
    run_cell,
    slope,
)

__all__ = ["Convolution", "Dense", "Direction", "Layer", "LayerRun", "Lstm"]

Array = NDArray[np.float64]
Direction = Literal["forward", "backward"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRun:
    """What one layer computed.

    Parameters
    ----------
    inputs : (n, steps, n_inputs), or (n, n_inputs) behind the last LSTM layer
    outputs : (n, steps, n_outputs) or (n, n_outputs)
    traces : of an LSTM layer, one for each direction in which it reads; else empty
    """

    inputs: Array
    outputs: Array
    traces: tuple[Trace, ...] = ()


class Layer(Protocol):
    """A layer with its weights."""

    def run(self, inputs: Array) -> LayerRun:
        """Compute the outputs."""

    def gradient(self, run: LayerRun, *, upstream: Array) -> Array:
        """Gradient by the inputs, given that by the outputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense:
    """outputs = phi(inputs W + b).

    Parameters
    ----------
    kernel : (n_inputs, units)
    bias : (units,)
    activation : phi
    """

    kernel: Array
    bias: Array
    activation: Activation = "linear"

    def run(self, inputs: Array) -> LayerRun:
        """Compute the outputs (n, units) of (n, n_inputs)."""
        return LayerRun(inputs=inputs, outputs=ACTIVATIONS[self.activation](inputs @ self.kernel + self.bias))

    def gradient(self, run: LayerRun, *, upstream: Array) -> Array:
        """Gradient by the inputs (n, n_inputs)."""
        by_inputs: Array = (upstream * slope(self.activation, run.outputs)) @ self.kernel.T
        return by_inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolution:
    """Convolution along the bars, without padding: outputs_t = phi(sum_j inputs_(t+j) W_j + b).

    Parameters
    ----------
    kernel : (width, n_inputs, filters)
    bias : (filters,)
    activation : phi
    """

    kernel: Array
    bias: Array
    activation: Activation = "relu"

    def run(self, inputs: Array) -> LayerRun:
        """Compute the outputs (n, steps - width + 1, filters) of (n, steps, n_inputs)."""
        width = len(self.kernel)
        steps = inputs.shape[1] - width + 1
        summed = sum(
            (inputs[:, j : j + steps] @ self.kernel[j] for j in range(width)), start=np.zeros(1) + self.bias
        )
        return LayerRun(inputs=inputs, outputs=ACTIVATIONS[self.activation](summed))

    def gradient(self, run: LayerRun, *, upstream: Array) -> Array:
        """Gradient by the inputs (n, steps, n_inputs)."""
        by_sum = upstream * slope(self.activation, run.outputs)
        steps = by_sum.shape[1]
        by_inputs = np.zeros_like(run.inputs)
        for j, kernel in enumerate(self.kernel):
            by_inputs[:, j : j + steps] += by_sum @ kernel.T
        return by_inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Lstm:
    """An LSTM layer; with two cells a bidirectional one, which puts the outputs of both side by side.

    Parameters
    ----------
    cells : one for each direction: the first reads from the oldest bar on, the second from the newest back
    sequences : whether the outputs of all steps go on, or only that of the last step read
    """

    cells: tuple[CellWeights, ...]
    sequences: bool

    @property
    def directions(self) -> tuple[Direction, ...]:
        """In which order each cell reads."""
        both: tuple[Direction, ...] = ("forward", "backward")
        return both[: len(self.cells)]

    def run(self, inputs: Array) -> LayerRun:
        """Compute the outputs (n, steps, cells × units), or (n, cells × units), of (n, steps, n_inputs)."""
        traces = tuple(
            run_cell(cell, _in_order(inputs, direction))
            for cell, direction in zip(self.cells, self.directions, strict=True)
        )
        if self.sequences:
            outputs = [
                _in_order(trace.hidden, way) for trace, way in zip(traces, self.directions, strict=True)
            ]
        else:
            outputs = [trace.hidden[:, -1] for trace in traces]
        return LayerRun(inputs=inputs, outputs=np.concatenate(outputs, axis=-1), traces=traces)

    def gradient(self, run: LayerRun, *, upstream: Array) -> Array:
        """Gradient by the inputs (n, steps, n_inputs)."""
        total = np.zeros_like(run.inputs)
        shares = np.split(upstream, len(self.cells), axis=-1)
        for cell, trace, way, share in zip(self.cells, run.traces, self.directions, shares, strict=True):
            if self.sequences:
                by_hidden = _in_order(share, way)
            else:
                by_hidden = np.zeros_like(trace.hidden)
                by_hidden[:, -1] = share
            total += _in_order(cell_gradient(cell, trace, upstream=by_hidden), way)
        return total


def _in_order(values: Array, direction: Direction) -> Array:
    """Turn steps of time into the order of reading, or back."""
    return values if direction == "forward" else values[:, ::-1]
