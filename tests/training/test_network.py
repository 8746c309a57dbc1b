"""The compiled fit against Keras' own, for the kinds of layers that people bring."""

from collections.abc import Callable
from typing import get_args

import keras
import numpy as np
import pytest
import tensorflow as tf

from backtester.errors import FitError, RecipeError
from backtester.recipe.choices import Optimizer
from backtester.samples import Samples
from backtester.training import CompiledFit, FitSettings, NetworkForecaster, PlainFit
from backtester.training.compiled import batch_order, capacity

LOOKBACK = 8


def samples(n: int, *, seed: int = 0, signal: float = 0.0) -> Samples:
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(n, LOOKBACK, 2)).astype(np.float32)
    targets = (signal * inputs[:, -1, 0] + rng.normal(size=n)).astype(np.float32)
    return Samples(inputs=inputs, targets=targets, origins=np.arange(n))


NONE = samples(0)


def settings(**changes: object) -> FitSettings:
    plain = {
        "epochs": 10,
        "batch_size": 32,
        "learning_rate": 0.001,
        "optimizer": "adam",
        "loss": "mse",
        "patience": 0,
    }
    return FitSettings(**plain | changes)


def lstm(shape: tuple[int, int]) -> keras.Model:
    return keras.Sequential([keras.Input(shape), keras.layers.LSTM(6), keras.layers.Dense(1)])


def stacked(shape: tuple[int, int]) -> keras.Model:
    layers = [keras.layers.LSTM(5, return_sequences=True), keras.layers.LSTM(5), keras.layers.Dense(1)]
    return keras.Sequential([keras.Input(shape), *layers])


def bidirectional(shape: tuple[int, int]) -> keras.Model:
    layers = [
        keras.layers.Conv1D(4, 3, activation="relu"),
        keras.layers.Bidirectional(keras.layers.LSTM(4)),
        keras.layers.Dense(1),
    ]
    return keras.Sequential([keras.Input(shape), *layers])


def dense(shape: tuple[int, int]) -> keras.Model:
    penalty = keras.regularizers.L2(0.01)
    inputs = keras.Input(shape)
    hidden = keras.layers.Dense(7, activation="relu", kernel_regularizer=penalty)(
        keras.layers.Flatten()(inputs)
    )
    return keras.Model(inputs, keras.layers.Dense(1)(hidden))


def dropout(shape: tuple[int, int]) -> keras.Model:
    layers = [keras.layers.LSTM(6, dropout=0.3), keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    return keras.Sequential([keras.Input(shape), *layers])


def batch_normalised(shape: tuple[int, int]) -> keras.Model:
    layers = [keras.layers.LSTM(4), keras.layers.BatchNormalization(), keras.layers.Dense(1)]
    return keras.Sequential([keras.Input(shape), *layers])


def uncompilable(shape: tuple[int, int]) -> keras.Model:
    class ThroughPython(keras.layers.Layer):
        def call(self, inputs: tf.Tensor) -> tf.Tensor:
            @tf.custom_gradient
            def identity(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
                result = tf.numpy_function(lambda value: value, [x], tf.float32)
                result.set_shape(x.shape)
                return result, lambda gradient: gradient

            return identity(inputs)

        def compute_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
            return input_shape

    layers = [keras.layers.LSTM(4), ThroughPython(), keras.layers.Dense(1)]
    return keras.Sequential([keras.Input(shape), *layers])


def initial_of(model: keras.Model) -> list[np.ndarray]:
    return [variable.numpy() for variable in model.variables]


def built(builder: Callable[[tuple[int, int]], keras.Model]) -> keras.Model:
    keras.utils.set_random_seed(3)
    return builder((LOOKBACK, 2))


@pytest.mark.parametrize(
    ("builder", "optimizer"),
    [
        *((builder, "adam") for builder in (lstm, stacked, bidirectional)),
        (dense, "rmsprop"),
        # each compiles a graph of its own, ten seconds
        *(
            pytest.param(dense, optimizer, marks=pytest.mark.slow)
            for optimizer in get_args(Optimizer)
            if optimizer != "rmsprop"
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_compiled_fit_equals_keras_fit_from_the_same_weights_and_order(
    builder: Callable[[tuple[int, int]], keras.Model], optimizer: str
):
    train, chosen = samples(150), settings(optimizer=optimizer)
    model = built(builder)
    initial = initial_of(model)
    losses, _ = CompiledFit(model, chosen).fit(train, validation=NONE, initial=initial, seed=5)
    compiled_weights = model.get_weights()

    order_of = tf.function(batch_order, jit_compile=True, autograph=False)
    reference = built(builder)
    reference.compile(optimizer=keras.optimizers.get(optimizer), loss="mse")
    reference.optimizer.learning_rate.assign(0.001)
    for epoch in range(10):
        order = order_of(capacity(150), n=tf.constant(150), seed=tf.constant([5, epoch])).numpy()[:150]
        assert sorted(order.tolist()) == list(range(150))
        reference.fit(train.inputs[order], train.targets[order], batch_size=32, shuffle=False, verbose=0)
    moved = max(
        float(np.abs(now - before).max())
        for now, before in zip(compiled_weights, built(builder).get_weights(), strict=True)
    )
    apart = max(
        float(np.abs(mine - theirs).max())
        for mine, theirs in zip(compiled_weights, reference.get_weights(), strict=True)
    )
    assert moved > 100 * apart
    assert apart < 1e-5
    assert len(losses) == 10


@pytest.mark.parametrize("patience", [0, 2])
def test_plain_fit_gives_the_same_weights_and_stops_at_the_same_epoch(patience: int):
    train, validation = samples(90), samples(40, seed=9)
    chosen = settings(patience=patience, learning_rate=0.01, epochs=12)
    made = []
    for engine in (CompiledFit, PlainFit):
        model = built(lstm)
        fitted = engine(model, chosen)
        losses, validation_losses = fitted.fit(
            train, validation=validation, initial=initial_of(model), seed=1
        )
        made.append((losses, validation_losses, model.get_weights(), fitted.predict(validation.inputs)))
    assert len(made[0][0]) == len(made[1][0])
    if patience:
        assert len(made[0][0]) < 12
    for mine, theirs in zip(made[0][:2], made[1][:2], strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)
    for mine, theirs in zip(made[0][2], made[1][2], strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)
    np.testing.assert_allclose(made[0][3], made[1][3], atol=1e-5)


def test_early_stopping_keeps_the_weights_of_the_best_epoch():
    train, validation = samples(90), samples(40, seed=9)
    model = built(lstm)
    fitted = CompiledFit(model, settings(patience=2, learning_rate=0.05, epochs=30))
    _, validation_losses = fitted.fit(train, validation=validation, initial=initial_of(model), seed=1)
    assert len(validation_losses) == int(np.argmin(validation_losses)) + 3
    now = np.mean((fitted.predict(validation.inputs) - validation.targets) ** 2)
    assert now == pytest.approx(validation_losses.min(), rel=1e-5)


def test_each_epoch_has_another_order():
    order_of = tf.function(batch_order, jit_compile=True, autograph=False)
    orders = [
        tuple(order_of(64, n=tf.constant(50), seed=tf.constant([1, epoch])).numpy()[:50].tolist())
        for epoch in range(5)
    ]
    assert len(set(orders)) == 5
    assert all(sorted(order) == list(range(50)) for order in orders)


def forecaster(builder: Callable[[tuple[int, int]], keras.Model], **changes: object) -> NetworkForecaster:
    return NetworkForecaster(
        builder, name="mine.py:build", input_shape=(LOOKBACK, 2), settings=settings(**changes)
    )


@pytest.mark.parametrize("builder", [lstm, dropout], ids=lambda b: b.__name__)
def test_a_fit_depends_on_its_seed_alone_and_not_on_the_fits_before_it(
    builder: Callable[[tuple[int, int]], keras.Model],
):
    first, second = forecaster(builder), forecaster(builder)
    train = samples(100)
    second.fit(samples(60, seed=4), validation=NONE, seed=99)
    one = first.fit(train, validation=NONE, seed=11)
    two = second.fit(train, validation=NONE, seed=11)
    other = second.fit(train, validation=NONE, seed=12)
    assert [w.tobytes() for w in one.weights] == [w.tobytes() for w in two.weights]
    assert [w.tobytes() for w in one.weights] != [w.tobytes() for w in other.weights]


def test_dropout_is_drawn_anew_at_each_step_and_absent_when_predicting():
    fitted = forecaster(dropout).fit(samples(64), validation=NONE, seed=1)
    test = samples(70, seed=2)
    np.testing.assert_array_equal(fitted.predict(test), fitted.predict(test))
    with_dropout = forecaster(dropout).fit(samples(64), validation=NONE, seed=1).report.loss
    without = forecaster(
        lambda shape: keras.Sequential([keras.Input(shape), keras.layers.LSTM(6), keras.layers.Dense(1)])
    ).fit(samples(64), validation=NONE, seed=1)
    assert with_dropout != without.report.loss


def test_a_forecast_does_not_depend_on_how_many_are_predicted_with_it():
    fitted = forecaster(lstm).fit(samples(100), validation=NONE, seed=1)
    test = samples(130, seed=2)
    whole = fitted.predict(test)
    for n in (1, 2, 63, 64, 65, 129):
        part = Samples(inputs=test.inputs[:n], targets=test.targets[:n], origins=test.origins[:n])
        assert fitted.predict(part).tobytes() == whole[:n].tobytes()


def test_network_learns_a_signal():
    made = forecaster(lstm, epochs=40, learning_rate=0.01)
    fitted = made.fit(samples(600, signal=2.0), validation=NONE, seed=1)
    test = samples(200, seed=5, signal=2.0)
    assert np.corrcoef(fitted.predict(test), test.inputs[:, -1, 0])[0, 1] > 0.95


@pytest.mark.parametrize(
    ("builder", "why"),
    [(batch_normalised, "statistics over a batch"), (uncompilable, "")],
    ids=["batch normalisation", "python inside"],
)
def test_network_that_cannot_be_compiled_is_fitted_by_keras_and_says_so(
    builder: Callable[[tuple[int, int]], keras.Model], why: str
):
    made = forecaster(builder, epochs=2)
    made.prepare(samples(64), validation=NONE)
    assert made.note.startswith("trained by Keras' own fit")
    assert why in made.note
    one, two = (made.fit(samples(64), validation=NONE, seed=3) for _ in range(2))
    assert np.isfinite(one.predict(samples(10))).all()
    assert [w.tobytes() for w in one.weights] == [w.tobytes() for w in two.weights]


def test_compilable_network_has_no_note():
    made = forecaster(stacked)
    made.prepare(samples(64), validation=samples(20))
    assert made.note == ""


def test_diverging_fit_is_an_error_that_names_the_epoch():
    wild = samples(64)
    huge = Samples(inputs=wild.inputs, targets=wild.targets * np.float32(1e30), origins=wild.origins)
    with pytest.raises(FitError, match=r"training loss became .* in epoch 1"):
        forecaster(lstm).fit(huge, validation=NONE, seed=1)


@pytest.mark.parametrize(
    ("builder", "said"),
    [
        (lambda shape: keras.Sequential([keras.Input(shape), keras.layers.LSTM(3)]), r"\(None, 3\)"),
        (lambda shape: keras.Sequential([keras.Input((3, 2)), keras.layers.LSTM(1)]), r"\(None, 3, 2\)"),
        (lambda shape: "a network", "str"),
    ],
    ids=["output", "input", "no network"],
)
def test_network_of_the_wrong_shape_is_refused_with_both_shapes(builder: object, said: str):
    with pytest.raises(RecipeError, match=said):
        forecaster(builder)


@pytest.mark.parametrize("loss", ["mae", "huber", "log_cosh"])
def test_losses_by_name_are_the_mean_over_the_samples(loss: str):
    train = samples(64)
    model = built(lstm)
    fitted = CompiledFit(model, settings(loss=loss, batch_size=64, epochs=1))
    before = model(train.inputs).numpy()
    wanted = float(np.mean(keras.losses.get(loss)(train.targets[:, None], before)))
    losses, _ = fitted.fit(train, validation=NONE, initial=initial_of(model), seed=1)
    assert losses[0] == pytest.approx(wanted, rel=1e-5)
