"""Keras networks: builders by name, and the user's own by reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from backtester.errors import RecipeError
from backtester.recipe import LstmModel

if TYPE_CHECKING:
    import keras

__all__ = ["Builder", "build_checked", "lstm_builder"]

type_of_builder = Callable[[tuple[int, int]], "keras.Model"]
Builder = type_of_builder


def lstm_builder(model: LstmModel) -> Builder:
    """Builder of the named model ``lstm``: LSTM layers, each with its dropout, and one linear unit."""

    def build(input_shape: tuple[int, int]) -> keras.Model:
        import keras

        network = keras.Sequential([keras.Input(input_shape)])
        for layer, units in enumerate(model.units, start=1):
            network.add(
                keras.layers.LSTM(
                    units, activation=model.activation, return_sequences=layer < len(model.units)
                )
            )
            if model.dropout > 0:
                network.add(keras.layers.Dropout(model.dropout))
        network.add(keras.layers.Dense(1))
        return network

    return build


def build_checked(builder: Builder, *, input_shape: tuple[int, int], name: str) -> Any:
    """Build a network and check that it maps windows to one number each.

    Raises
    ------
    RecipeError : not a Keras model, or its input or output has another shape
    """
    import keras

    network = builder(input_shape)
    if not isinstance(network, keras.Model):
        raise RecipeError(
            f"model.kind = {name!r}: the builder gave {type(network).__name__}, not a keras.Model.",
            advice="A builder is a function build(input_shape, parameters) that returns a keras.Model.",
        )
    found_in, found_out = _shape(network, "input_shape"), _shape(network, "output_shape")
    wanted_in, wanted_out = (None, *input_shape), (None, 1)
    if found_in != wanted_in or found_out != wanted_out:
        raise RecipeError(
            f"model.kind = {name!r}: the network maps {found_in} to {found_out}; "
            f"it must map {wanted_in} to {wanted_out} (samples, lookback, features -> samples, 1).",
            advice="Begin with keras.Input(input_shape) and end with Dense(1).",
        )
    return network


def _shape(network: Any, attribute: str) -> object:
    try:
        shape = getattr(network, attribute)
    except (AttributeError, ValueError):
        return "unknown (the network was not built)"
    return tuple(shape) if isinstance(shape, (tuple, list)) else shape
