"""The compiled fit of a network with several outputs, against Keras' own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from backtester.errors import RecipeError
from backtester.samples import Samples
from backtester.training import CompiledFit, FitSettings, NetworkForecaster, PlainFit
from backtester.training.compiled import batch_order, capacity

N_CLASSES = 3
SETTINGS = FitSettings(
    epochs=6,
    batch_size=16,
    learning_rate=0.01,
    optimizer="adam",
    loss="sparse_categorical_crossentropy",
    patience=0,
)


def classes(n: int, *, seed: int = 0) -> Samples:
    rng = np.random.default_rng(seed)
    labels = rng.integers(N_CLASSES, size=n)
    inputs = rng.normal(size=(n, 4, 2)).astype(np.float32)
    inputs[:, 0, 0] += 3 * labels
    return Samples(inputs=inputs, targets=labels.astype(np.float32), origins=np.arange(n))


NONE = classes(0)


def softmax(shape: tuple[int, int]) -> keras.Model:
    layers = [keras.layers.Flatten(), keras.layers.Dense(N_CLASSES, activation="softmax")]
    return keras.Sequential([keras.Input(shape), *layers])


def test_compiled_fit_of_classes_equals_keras_fit_from_the_same_weights_and_order():
    train = classes(70)
    keras.utils.set_random_seed(3)
    model, reference = softmax((4, 2)), softmax((4, 2))
    reference.set_weights(model.get_weights())
    before = model.get_weights()
    engine = CompiledFit(model, SETTINGS)
    losses, _ = engine.fit(
        train, validation=NONE, initial=[variable.numpy() for variable in model.variables], seed=5
    )
    order_of = tf.function(batch_order, jit_compile=True, autograph=False)
    reference.compile(optimizer=keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy")
    for epoch in range(6):
        order = order_of(capacity(70), n=tf.constant(70), seed=tf.constant([5, epoch])).numpy()[:70]
        history = reference.fit(
            train.inputs[order], train.targets[order], batch_size=16, shuffle=False, verbose=0
        )
        assert losses[epoch] == pytest.approx(history.history["loss"][0], rel=1e-4)
    for mine, theirs, start in zip(model.get_weights(), reference.get_weights(), before, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)
        assert np.abs(mine - start).max() > 0.01
    told = engine.predict(train.inputs)
    assert told.shape == (70, N_CLASSES)
    np.testing.assert_allclose(told, reference.predict(train.inputs, verbose=0), atol=1e-5)


def test_plain_fit_of_classes_gives_the_same():
    train, made = classes(50), []
    for engine in (CompiledFit, PlainFit):
        keras.utils.set_random_seed(3)
        model = softmax((4, 2))
        fitted = engine(model, SETTINGS)
        fitted.fit(train, validation=NONE, initial=[v.numpy() for v in model.variables], seed=1)
        made.append(fitted.predict(train.inputs))
    np.testing.assert_allclose(made[0], made[1], atol=1e-5)


def test_a_network_with_another_count_of_outputs_is_refused():
    with pytest.raises(RecipeError, match=r"to \(None, 3\); it must map .* to \(None, 5\)"):
        NetworkForecaster(softmax, name="mine.py:build", input_shape=(4, 2), settings=SETTINGS, outputs=5)
