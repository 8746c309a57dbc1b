"""The NumPy layers against Keras', and against the equations written out number by number."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from backtester.errors import StorageError
from backtester.explaining.cells import CellWeights, Trace, run_cell
from backtester.explaining.layers import Convolution, Dense, Lstm
from backtester.explaining.network import network_of
from backtester.models.networks import bidirectional_builder, lstm_builder
from backtester.recipe import BidirectionalModel, LstmModel

ACTIVATIONS = ("tanh", "relu", "sigmoid", "linear")
TOLERANCE = 1e-5


def draws(*shape: int, seed: int = 0, sd: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, sd, shape)


def shaken(model: keras.Model, *, seed: int = 1) -> keras.Model:
    """A network whose weights are none of Keras' initial ones: no zero bias, no bias of 1."""
    model.set_weights(
        [draws(*weight.shape, seed=seed + i, sd=0.3) for i, weight in enumerate(model.get_weights())]
    )
    return model


def cell_of(layer: keras.layers.LSTM, activation: str = "tanh") -> CellWeights:
    kernel, recurrent, bias = (np.asarray(weight, dtype=np.float64) for weight in layer.get_weights())
    return CellWeights(kernel=kernel, recurrent=recurrent, bias=bias, activation=activation)


def by_hand(weights: CellWeights, window: np.ndarray) -> dict[str, list[list[float]]]:
    """The six equations for one window, a loop over single numbers; blocks i, f, c, o as Keras documents."""
    phi = {
        "tanh": math.tanh,
        "relu": lambda v: max(v, 0.0),
        "sigmoid": lambda v: 1.0 / (1.0 + math.exp(-v)),
        "linear": lambda v: v,
    }
    units = weights.units
    hidden, cell = [0.0] * units, [0.0] * units
    found: dict[str, list[list[float]]] = {name: [] for name in Trace.__dataclass_fields__}
    for x in window:
        step: dict[str, list[float]] = {name: [] for name in found}
        for u in range(units):
            z = []
            for block in range(4):
                column = block * units + u
                total = float(weights.bias[column])
                for k, value in enumerate(x):
                    total += float(value) * float(weights.kernel[k, column])
                for k, value in enumerate(hidden):
                    total += value * float(weights.recurrent[k, column])
                z.append(total)
            gate_in, forget, gate_out = (phi["sigmoid"](z[block]) for block in (0, 1, 3))
            candidate = phi[weights.activation](z[2])
            state = forget * cell[u] + gate_in * candidate
            values = (forget, gate_in, gate_out, candidate, state, gate_out * phi[weights.activation](state))
            for name, value in zip(step, values, strict=True):
                step[name].append(value)
        hidden, cell = step["hidden"], step["cell"]
        for name, values in step.items():
            found[name].append(values)
    return found


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_gate_equals_the_equations_written_out_number_by_number(activation):
    weights = CellWeights(
        kernel=draws(2, 12, seed=1),
        recurrent=draws(3, 12, seed=2, sd=0.4),
        bias=draws(12, seed=3),
        activation=activation,
    )
    windows = draws(2, 6, 2, seed=4)
    trace = run_cell(weights, windows)
    for place, window in enumerate(windows):
        for name, values in by_hand(weights, window).items():
            np.testing.assert_allclose(getattr(trace, name)[place], values, rtol=0, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_lstm_layer_equals_keras(activation):
    inputs = draws(9, 15, 3)
    layer = keras.layers.LSTM(8, activation=activation, return_sequences=True)
    keras_outputs = shaken(keras.Sequential([keras.Input((15, 3)), layer]))(inputs.astype(np.float32))
    trace = run_cell(cell_of(layer, activation), inputs)
    np.testing.assert_allclose(trace.hidden, keras_outputs, rtol=0, atol=TOLERANCE)


def test_the_cell_state_equals_keras():
    inputs = draws(4, 12, 2)
    layer = keras.layers.LSTM(6, return_state=True)
    given = keras.Input((12, 2))
    _, hidden, cell = shaken(keras.Model(given, layer(given)))(inputs.astype(np.float32))
    trace = run_cell(cell_of(layer), inputs)
    np.testing.assert_allclose(trace.cell[:, -1], cell, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(trace.hidden[:, -1], hidden, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("sequences", [True, False])
def test_a_bidirectional_layer_equals_keras(sequences):
    inputs = draws(5, 10, 3)
    layer = keras.layers.Bidirectional(keras.layers.LSTM(7, return_sequences=sequences))
    model = shaken(keras.Sequential([keras.Input((10, 3)), layer]))
    cells = (cell_of(layer.forward_layer), cell_of(layer.backward_layer))
    outputs = Lstm(cells=cells, sequences=sequences).run(inputs).outputs
    np.testing.assert_allclose(outputs, model(inputs.astype(np.float32)), rtol=0, atol=TOLERANCE)


def test_a_convolution_and_a_dense_layer_equal_keras():
    inputs = draws(5, 10, 3)
    layers = [keras.layers.Conv1D(4, 3, activation="relu"), keras.layers.Dense(2, activation="relu")]
    model = shaken(keras.Sequential([keras.Input((10, 3)), *layers]))
    conv_kernel, conv_bias, kernel, bias = model.get_weights()
    convolved = Convolution(kernel=conv_kernel, bias=conv_bias).run(inputs).outputs
    outputs = Dense(kernel=kernel, bias=bias, activation="relu").run(convolved).outputs
    np.testing.assert_allclose(outputs, model(inputs.astype(np.float32)), rtol=0, atol=TOLERANCE)


MODELS = [
    LstmModel(lookback=10, units=(8,)),
    LstmModel(lookback=10, units=(8, 6, 5, 4), dropout=0.2),
    LstmModel(lookback=10, units=(5, 4), activation="relu"),
    BidirectionalModel(kind="bidirectional", lookback=10, filters=6, kernel=3, units=(5, 4, 3), dense=(4,)),
    BidirectionalModel(kind="bidirectional", lookback=10, filters=4, kernel=2, units=(3,), dense=()),
]
NAMES = ["one layer", "four layers", "relu", "bidirectional", "bidirectional, no dense layer"]


def keras_model(model: LstmModel | BidirectionalModel, n_features: int = 2) -> keras.Model:
    builder = lstm_builder(model) if isinstance(model, LstmModel) else bidirectional_builder(model)
    return shaken(builder((model.lookback, n_features)))


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_a_whole_network_equals_keras(model):
    built = keras_model(model)
    windows = draws(70, 10, 2).astype(np.float32)  # more than one block
    network = network_of(model, tuple(built.get_weights()))
    expected = built(windows, training=False).numpy()[:, 0]
    np.testing.assert_allclose(network.predict(windows), expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_the_gradient_by_the_window_equals_tensorflow(model):
    built = keras_model(model)
    windows = draws(4, 10, 2).astype(np.float32)
    network = network_of(model, tuple(built.get_weights()))
    with tf.GradientTape() as tape:
        given = tf.constant(windows)
        tape.watch(given)
        predicted = built(given, training=False)
    expected = tape.gradient(predicted, given).numpy()
    np.testing.assert_allclose(network.gradient(network.run(windows)), expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "linear"])
def test_the_gradient_equals_a_small_change_of_each_value(activation):
    model = LstmModel(lookback=6, units=(4, 3), activation=activation)
    built = keras_model(model)
    network, windows = network_of(model, tuple(built.get_weights())), draws(2, 6, 2, seed=9)
    gradient = network.gradient(network.run(windows))
    for place, step, feature in itertools.product(range(2), range(6), range(2)):
        change = np.zeros_like(windows)
        change[place, step, feature] = 1e-5
        slope = (network.predict(windows + change) - network.predict(windows - change)) / 2e-5
        assert gradient[place, step, feature] == pytest.approx(slope[place], abs=1e-8)


def test_the_last_bar_of_a_window_is_the_first_that_the_backward_cell_reads():
    weights = CellWeights(
        kernel=draws(1, 8, seed=1), recurrent=draws(2, 8, seed=2), bias=draws(8, seed=3), activation="tanh"
    )
    layer = Lstm(cells=(weights, weights), sequences=True)
    windows = draws(1, 5, 1)
    run, turned = layer.run(windows), layer.run(windows[:, ::-1])
    np.testing.assert_array_equal(run.traces[1].forget, turned.traces[0].forget)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda weights: weights[:-1], "one is missing"),
        (lambda weights: (*weights, weights[-1]), "1 are left over"),
        (lambda weights: (weights[0][:, :8], *weights[1:]), "shape"),
    ],
    ids=["too few", "too many", "other shape"],
)
def test_weights_of_another_network_are_refused(change, said):
    model = LstmModel(lookback=10, units=(8,))
    weights = tuple(keras_model(model).get_weights())
    with pytest.raises(StorageError, match=said):
        network_of(model, change(weights))


def test_a_prediction_does_not_depend_on_the_windows_beside_it():
    model = LstmModel(lookback=10, units=(8,))
    network = network_of(model, tuple(keras_model(model).get_weights()))
    windows = draws(65, 10, 2)
    np.testing.assert_allclose(network.predict(windows)[:3], network.predict(windows[:3]), rtol=0, atol=1e-12)
