"""The network of the positive control against Keras' own layers."""

import keras
import numpy as np
import pytest

from backtester.control.forward import probabilities
from backtester.models.digits import ShiftedConvolution, ShiftedPooling, convolutional


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_shifted_layers_give_what_those_of_keras_give(padding: str):
    images = np.random.default_rng(0).normal(size=(3, 9, 7, 2)).astype(np.float32)
    mine = ShiftedConvolution(4, 3, padding=padding, activation="relu")
    theirs = keras.layers.Conv2D(4, 3, padding=padding, activation="relu")
    mine.build(images.shape)
    theirs.build(images.shape)
    theirs.set_weights([mine.get_weights()[0], np.arange(4, dtype=np.float32)])
    mine.set_weights(theirs.get_weights())
    convolved = theirs(images).numpy()
    np.testing.assert_allclose(mine(images).numpy(), convolved, atol=1e-5)
    np.testing.assert_array_equal(
        ShiftedPooling(2)(convolved).numpy(), keras.layers.MaxPooling2D(2)(convolved).numpy()
    )


# 34,826: printed by Keras' example for MNIST (keras.io/examples/vision/mnist_convnet)
@pytest.mark.parametrize(("side", "n_weights"), [(28, 34_826), (8, 21_386)])
def test_the_network_has_the_weights_of_keras_example_and_numpy_reads_what_it_reads(
    side: int, n_weights: int
):
    keras.utils.set_random_seed(1)
    network = convolutional((side, side))
    images = np.random.default_rng(0).random((5, side, side)).astype(np.float32)
    assert network.count_params() == n_weights
    told = probabilities(network.get_weights(), images=images)
    np.testing.assert_allclose(told, network(images, training=False).numpy(), atol=1e-6)
    np.testing.assert_allclose(told.sum(axis=1), 1.0)
