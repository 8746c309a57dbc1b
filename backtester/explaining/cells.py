"""One LSTM layer in NumPy: its gates, candidate and cell state at every step, and its gradient.

At step t, with the layer's input x_t, the previous output h_(t-1) and cell state c_(t-1), both zero before
the first step:

    z_t = x_t W + h_(t-1) U + b                   four blocks, in Keras' order i, f, g, o
    i_t = sigmoid(z^i)    input gate              f_t = sigmoid(z^f)    forget gate
    g_t = phi(z^g)        candidate               o_t = sigmoid(z^o)    output gate
    c_t = f_t * c_(t-1) + i_t * g_t               cell state
    h_t = o_t * phi(c_t)                          output

phi is the layer's activation; * is by element.

Source
------
Hochreiter and Schmidhuber (1997); the forget gate: Gers, Schmidhuber and Cummins (2000). The layout of W, U
and b: ``keras.layers.LSTM``, whose kernel Keras calls ``kernel`` and ``recurrent_kernel``, blocks i, f, c, o.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

__all__ = ["ACTIVATIONS", "Activation", "CellWeights", "Trace", "cell_gradient", "run_cell", "slope"]

Activation = Literal["tanh", "relu", "sigmoid", "linear"]
Array = NDArray[np.float64]


def _relu(values: Array) -> Array:
    return np.maximum(values, 0.0)


def _linear(values: Array) -> Array:
    return values


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": np.tanh,
    "relu": _relu,
    "sigmoid": expit,
    "linear": _linear,
}


def slope(activation: Activation, activated: Array) -> Array:
    """Derivative of an activation, from its value: 1 - tanh², s (1 - s); relu's at 0 is 0."""
    if activation == "tanh":
        return 1.0 - activated**2
    if activation == "sigmoid":
        return activated * (1.0 - activated)
    if activation == "relu":
        return (activated > 0.0).astype(np.float64)
    return np.ones_like(activated)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellWeights:
    """Weights of one LSTM layer in one direction, as Keras lays them out.

    Parameters
    ----------
    kernel : (n_inputs, 4 units), the W of the formula, blocks i, f, g, o
    recurrent : (units, 4 units), the U
    bias : (4 units,), the b
    activation : of candidate and cell state; the gates' own is always the sigmoid
    """

    kernel: Array
    recurrent: Array
    bias: Array
    activation: Activation = "tanh"

    @property
    def units(self) -> int:
        """Units of the layer."""
        return len(self.recurrent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """All that an LSTM layer computed; each array (n, steps, units), steps in the order of reading.

    Parameters
    ----------
    forget, input, output : gates, in 0..1
    candidate : what the input gate lets in
    cell : the cell state after the step
    hidden : the layer's output
    """

    forget: Array
    input: Array
    output: Array
    candidate: Array
    cell: Array
    hidden: Array


def run_cell(weights: CellWeights, inputs: Array) -> Trace:
    """Compute a layer over windows; each window begins with nothing in memory.

    Parameters
    ----------
    weights : of the layer
    inputs : (n, steps, n_inputs), in the order of reading
    """
    phi, units = ACTIVATIONS[weights.activation], weights.units
    n, steps, _ = inputs.shape
    from_input = inputs @ weights.kernel + weights.bias
    found = {name: np.empty((n, steps, units)) for name in Trace.__dataclass_fields__}
    hidden = cell = np.zeros((n, units))
    for step in range(steps):
        z = from_input[:, step] + hidden @ weights.recurrent
        gate_in, forget = expit(z[:, :units]), expit(z[:, units : 2 * units])
        candidate, gate_out = phi(z[:, 2 * units : 3 * units]), expit(z[:, 3 * units :])
        cell = forget * cell + gate_in * candidate
        hidden = gate_out * phi(cell)
        values = (forget, gate_in, gate_out, candidate, cell, hidden)
        for name, value in zip(found, values, strict=True):
            found[name][:, step] = value
    return Trace(**found)


def cell_gradient(weights: CellWeights, trace: Trace, *, upstream: Array) -> Array:
    """Backpropagate through the steps: the gradient by the layer's inputs.

    Parameters
    ----------
    weights, trace : from `run_cell`
    upstream : (n, steps, units), the gradient of some number by each output h_t, in the order of reading

    Returns
    -------
    (n, steps, n_inputs)
    """
    phi, activation = ACTIVATIONS[weights.activation], weights.activation
    n, steps, units = trace.hidden.shape
    result = np.empty((n, steps, weights.kernel.shape[0]))
    by_hidden = by_cell = np.zeros((n, units))
    for step in reversed(range(steps)):
        forget, gate_in, gate_out = (part[:, step] for part in (trace.forget, trace.input, trace.output))
        candidate, activated = trace.candidate[:, step], phi(trace.cell[:, step])
        before = trace.cell[:, step - 1] if step else np.zeros((n, units))
        by_hidden = by_hidden + upstream[:, step]
        by_cell = by_cell + by_hidden * gate_out * slope(activation, activated)
        by_z = np.concatenate(
            [
                by_cell * candidate * gate_in * (1.0 - gate_in),
                by_cell * before * forget * (1.0 - forget),
                by_cell * gate_in * slope(activation, candidate),
                by_hidden * activated * gate_out * (1.0 - gate_out),
            ],
            axis=1,
        )
        result[:, step] = by_z @ weights.kernel.T
        by_hidden = by_z @ weights.recurrent.T
        by_cell = by_cell * forget
    return result
