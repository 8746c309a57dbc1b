"""The named networks have the layers, and so the weights, of the systems that they stand for."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from backtester.models.networks import bidirectional_builder, lstm_builder
from backtester.recipe import BidirectionalModel, LstmModel, load_recipe
from backtester.samples import Samples
from backtester.training import FitSettings, NetworkForecaster


def built(name: str) -> Any:
    model = load_recipe(name).recipe.model
    if isinstance(model, BidirectionalModel):
        return bidirectional_builder(model)((model.lookback, 1))
    assert isinstance(model, LstmModel)
    return lstm_builder(model)((model.lookback, 1))


# 4 units (inputs + units + 1) a layer of an LSTM, twice in both directions; 50 + 1 for Dense(1).
@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("lstm50", 10_451),
        ("csv-early-stopping", 10_451),
        ("stacked", 30_651),
        ("nifty50", 71_051),
        ("bidirectional", 251_585),
    ],
)
def test_a_system_has_as_many_weights_as_its_source(name, weights):
    assert built(name).count_params() == weights


def test_each_layer_has_its_own_dropout():
    rates = [layer.rate for layer in built("nifty50").layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.2, 0.25, 0.25, 0.25]
    network = lstm_builder(LstmModel(units=(4, 4), dropout=(0.0, 0.5)))((5, 1))
    assert [type(layer).__name__ for layer in network.layers] == ["LSTM", "LSTM", "Dropout", "Dense"]


def test_the_bidirectional_network_is_that_of_the_study():
    layers = built("bidirectional").layers
    kinds = ["Conv1D", *["Bidirectional"] * 3, "Dense", "Dense"]
    assert [type(layer).__name__ for layer in layers] == kinds
    assert (layers[0].filters, layers[0].kernel_size, layers[0].padding) == (32, (3,), "valid")
    assert layers[0].activation is layers[4].activation is keras.activations.relu
    assert [layer.forward_layer.units for layer in layers[1:4]] == [64, 64, 64]
    assert [layer.forward_layer.return_sequences for layer in layers[1:4]] == [True, True, False]


def market(n: int, *, signal: float, seed: int) -> Samples:
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(n, 6, 1)).astype(np.float32)
    targets = (signal * inputs[:, -1, 0] + rng.normal(size=n)).astype(np.float32)
    return Samples(inputs=inputs, targets=targets, origins=np.arange(n))


def test_the_bidirectional_network_finds_what_is_there_and_nothing_in_noise():
    model = BidirectionalModel(kind="bidirectional", lookback=6, filters=8, units=(8,), dense=(8,))
    settings = FitSettings(
        epochs=12, batch_size=32, learning_rate=0.005, optimizer="adam", loss="huber", patience=0
    )
    forecaster = NetworkForecaster(
        bidirectional_builder(model), name=model.kind, input_shape=(6, 1), settings=settings
    )
    none = Samples(
        inputs=np.empty((0, 6, 1), np.float32), targets=np.empty(0, np.float32), origins=np.arange(0)
    )

    def correlation(signal: float) -> float:
        fitted = forecaster.fit(market(900, signal=signal, seed=1), validation=none, seed=7)
        fresh = market(600, signal=signal, seed=2)
        return float(np.corrcoef(fitted.predict(fresh), fresh.targets)[0, 1])

    # of a forecast that knew the rule: 1 / √2; of noise, 95 % lie within 2 / √600
    assert correlation(1.0) > 0.6
    assert abs(correlation(0.0)) < 0.12
    assert forecaster.note == ""
