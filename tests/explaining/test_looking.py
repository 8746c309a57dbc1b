"""What is kept of a forward pass: levels, movement, half-lives, order."""

import numpy as np
import pytest

from backtester.explaining.cells import CellWeights
from backtester.explaining.layers import Dense, Lstm
from backtester.explaining.looking import look
from backtester.explaining.network import Network
from backtester.explaining.values import cell_facts, cell_values, reading_order


def network(*, biases: list[float], slope: float = 0.0, both: bool = False) -> Network:
    """One LSTM layer whose forget gates have these biases and see the price by this slope; else zero."""
    units = len(biases)
    kernel, bias = np.zeros((1, 4 * units)), np.zeros(4 * units)
    kernel[0, units : 2 * units], bias[units : 2 * units] = slope, biases
    kernel[0, 2 * units : 3 * units] = 1.0
    cell = CellWeights(kernel=kernel, recurrent=np.zeros((units, 4 * units)), bias=bias)
    cells = (cell, cell) if both else (cell,)
    dense = Dense(kernel=np.ones((units * len(cells), 1)), bias=np.zeros(1))
    return Network(layers=(Lstm(cells=cells, sequences=False), dense))


def windows(bars: int = 70, lookback: int = 6) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(bars, lookback, 1))


def sigmoid(value: float) -> float:
    return 1.0 / (1.0 + np.exp(-value))


def test_a_gate_that_never_moves_has_the_half_life_of_its_level():
    biases = [1.0, 3.0, -2.0]
    cell = look(network(biases=biases), windows()).cells[0]
    expected = [np.log(0.5) / np.log(sigmoid(bias)) for bias in biases]
    np.testing.assert_allclose(cell.half_lives, expected, rtol=1e-12)
    assert cell.half_lives[0] == pytest.approx(2.2127, abs=1e-4)  # as Keras begins
    facts = cell_facts(cell, steps=6)
    assert facts["gates"]["forget"]["movement"] == pytest.approx(0.0, abs=1e-12)
    assert facts["gates"]["forget"]["mean"] == pytest.approx(np.mean([sigmoid(b) for b in biases]), abs=1e-5)
    assert facts["half_life"]["share_beyond"] == pytest.approx(1 / 3, abs=1e-5)  # 14.3 bars of 6


def test_a_gate_that_is_always_open_forgets_nothing_and_one_that_is_shut_at_once():
    half_lives = look(network(biases=[800.0, -800.0]), windows()).cells[0].half_lives
    assert half_lives[0] > 1e100
    assert 0.0 < half_lives[1] < 0.01


def test_the_gates_of_a_bar_are_those_after_its_window_was_read():
    data = windows()
    cell = look(network(biases=[0.0], slope=1.0), data).cells[0]
    np.testing.assert_allclose(cell.forget[:, 0], 1.0 / (1.0 + np.exp(-data[:, -1, 0])), rtol=1e-12)
    movement = cell_facts(cell, steps=6)["gates"]["forget"]["movement"]
    assert movement == pytest.approx(cell.forget.std(), rel=1e-4)


def test_a_cell_that_reads_backward_ends_at_the_oldest_bar():
    data = windows()
    forward, backward = look(network(biases=[0.0], slope=1.0, both=True), data).cells
    assert (forward.name, backward.name) == ("layer 1, forward", "layer 1, backward")
    np.testing.assert_allclose(backward.forget[:, 0], 1.0 / (1.0 + np.exp(-data[:, 0, 0])), rtol=1e-12)
    # the last window in the order of time, whichever way it was read
    for cell in (forward, backward):
        in_time = 1.0 / (1.0 + np.exp(-data[-1, :, 0]))
        np.testing.assert_allclose(cell.window["forget"][:, 0], in_time, rtol=1e-12)


def test_units_are_sorted_by_their_mean_forget_gate():
    cell = look(network(biases=[1.0, 3.0, -2.0, 2.0]), windows()).cells[0]
    assert reading_order(cell).tolist() == [1, 3, 0, 2]
    values = cell_values(cell, units=(2,))
    assert values["order"] == [1, 3, 0, 2]
    assert [row[0] for row in values["maps"]["forget"]] == pytest.approx(
        [sigmoid(bias) for bias in (3.0, 2.0, 1.0, -2.0)], abs=1e-3
    )
    assert values["half_lives"] == sorted(values["half_lives"], reverse=True)
    assert values["lines"]["2"]["forget"][0] == pytest.approx(sigmoid(-2.0), abs=1e-5)


def test_bands_are_mean_and_quantiles_over_the_units():
    biases = list(np.linspace(-2.0, 2.0, 11))
    band = cell_values(look(network(biases=biases), windows()).cells[0], units=())["bands"]["forget"]
    gates = [sigmoid(bias) for bias in biases]
    assert band["low"][0] == pytest.approx(np.quantile(gates, 0.1), abs=1e-5)
    assert band["mean"][0] == pytest.approx(np.mean(gates), abs=1e-5)
    assert band["high"][0] == pytest.approx(np.quantile(gates, 0.9), abs=1e-5)


def test_what_is_seen_does_not_depend_on_how_many_bars_go_together():
    data, built = windows(130), network(biases=[0.5, 1.0], slope=0.7)
    whole, part = look(built, data), look(built, data[:100])
    np.testing.assert_allclose(whole.cells[0].cell[:100], part.cells[0].cell, rtol=1e-12)
    np.testing.assert_allclose(whole.gradient[:100], part.gradient, rtol=1e-12)
    np.testing.assert_allclose(whole.predicted, built.predict(data), rtol=1e-12)
