"""The convolutional network of the positive control, for images of a digit.

It is Keras' own example for MNIST (keras.io/examples/vision/mnist_convnet): two convolutions with 32 and
64 filters, each followed by a pooling, dropout of one half, and ten probabilities. On 28x28 pixels it has
34,826 weights. On 8x8 pixels unpadded convolutions would leave a single point, so there they are padded.

The layers have the weights and give the values of Keras' ``Conv2D`` and ``MaxPooling2D``, but are written as
one matrix product and one maximum over shifted images. XLA runs the gradient of a convolution on a CPU
without any library: on one core an epoch of the 8x8 network took 1.5 s with Keras' own layers and 0.1 s
with these.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

__all__ = ["FILTERS", "N_CLASSES", "PADDED_BELOW", "ShiftedConvolution", "ShiftedPooling", "convolutional"]

N_CLASSES = 10
FILTERS = (32, 64)
PADDED_BELOW = 16
"""Pixels a side below which the convolutions are padded."""


def convolutional(input_shape: tuple[int, int]) -> keras.Model:
    """Build the network: from images (n, height, width) to (n, 10) probabilities."""
    padding = "same" if min(input_shape) < PADDED_BELOW else "valid"
    network = keras.Sequential([keras.Input(input_shape), keras.layers.Reshape((*input_shape, 1))])
    for filters in FILTERS:
        network.add(ShiftedConvolution(filters, 3, padding=padding, activation="relu"))
        network.add(ShiftedPooling(2))
    network.add(keras.layers.Flatten())
    network.add(keras.layers.Dropout(0.5))
    network.add(keras.layers.Dense(N_CLASSES, activation="softmax"))
    return network


class ShiftedConvolution(keras.layers.Conv2D):  # type: ignore[misc]
    """A convolution of odd size as one matrix product over shifted images."""

    def call(self, inputs: Any) -> Any:
        """Map (n, h, w, channels) to (n, h, w, filters), unpadded 3x3 to (n, h - 2, w - 2, filters)."""
        rows, columns = self.kernel_size
        if self.padding == "same":
            inputs = ops.pad(inputs, [[0, 0], [rows // 2] * 2, [columns // 2] * 2, [0, 0]])
        height, width = inputs.shape[1] - rows + 1, inputs.shape[2] - columns + 1
        shifted = [inputs[:, i : i + height, j : j + width, :] for i in range(rows) for j in range(columns)]
        patches = ops.concatenate(shifted, axis=-1)
        depth = patches.shape[-1]
        kernel = ops.reshape(self.kernel, (depth, self.filters))
        products = ops.matmul(ops.reshape(patches, (-1, depth)), kernel)
        return self.activation(ops.reshape(products, (-1, height, width, self.filters)) + self.bias)


class ShiftedPooling(keras.layers.MaxPooling2D):  # type: ignore[misc]
    """The largest value of each 2x2 block, as a maximum over four strided images."""

    def call(self, inputs: Any) -> Any:
        """Map (n, h, w, channels) to (n, h // 2, w // 2, channels); an odd last row or column is left out."""
        even = inputs[:, : inputs.shape[1] // 2 * 2, : inputs.shape[2] // 2 * 2]
        upper = ops.maximum(even[:, ::2, ::2], even[:, ::2, 1::2])
        lower = ops.maximum(even[:, 1::2, ::2], even[:, 1::2, 1::2])
        return ops.maximum(upper, lower)
