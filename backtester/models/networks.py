"""Keras networks: builders by name, and the user's own by reference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backtester.errors import BacktesterError, RecipeError
from backtester.recipe import BidirectionalModel, LstmModel, ReferenceModel
from backtester.references import check_parameters, reference_file, user_code_error

if TYPE_CHECKING:
    import keras

__all__ = ["Builder", "bidirectional_builder", "build_checked", "lstm_builder", "user_builder"]

Builder = Callable[[Any], Any]
"""Maps an input shape, such as (lookback, n_features), to a Keras model."""


def lstm_builder(model: LstmModel) -> Builder:
    """Builder of the named model ``lstm``: LSTM layers, each with its dropout, and one linear unit."""

    def build(input_shape: tuple[int, int]) -> keras.Model:
        import keras

        network = keras.Sequential([keras.Input(input_shape)])
        for layer, (units, dropout) in enumerate(zip(model.units, model.dropouts, strict=True), start=1):
            network.add(
                keras.layers.LSTM(
                    units, activation=model.activation, return_sequences=layer < len(model.units)
                )
            )
            if dropout > 0:
                network.add(keras.layers.Dropout(dropout))
        network.add(keras.layers.Dense(1))
        return network

    return build


def bidirectional_builder(model: BidirectionalModel) -> Builder:
    """Builder of the named model ``bidirectional``."""

    def build(input_shape: tuple[int, int]) -> keras.Model:
        import keras

        layers = keras.layers
        network = keras.Sequential([keras.Input(input_shape)])
        network.add(layers.Conv1D(model.filters, model.kernel, activation="relu"))
        for layer, units in enumerate(model.units, start=1):
            network.add(layers.Bidirectional(layers.LSTM(units, return_sequences=layer < len(model.units))))
        for units in model.dense:
            network.add(layers.Dense(units, activation="relu"))
        network.add(layers.Dense(1))
        return network

    return build


def user_builder(named: object, *, model: ReferenceModel, folder: Path) -> Builder:
    """Builder made of a user's function ``build(input_shape, ...)``; the recipe's parameters go in by name.

    Raises
    ------
    RecipeError : not a function, or the parameters do not fit its signature
    """
    what = f"model.kind = {model.kind!r}"
    if not callable(named):
        raise RecipeError(
            f"{what}: {type(named).__name__} is neither a function nor a scikit-learn class.",
            advice="Name a function build(input_shape, ...) that returns a keras.Model.",
        )
    check_parameters(named, model.parameters, what=what, n_given=1)

    def build(input_shape: tuple[int, int]) -> Any:
        try:
            return named(input_shape, **model.parameters)
        except BacktesterError:
            raise
        except Exception as error:
            file = reference_file(model.kind, folder=folder)
            raise user_code_error(error, file=file, what=f"{what}: the builder failed") from error

    return build


def build_checked(builder: Builder, *, input_shape: tuple[int, ...], name: str, outputs: int = 1) -> Any:
    """Build a network and check that it maps each sample to as many numbers as are asked for.

    Raises
    ------
    RecipeError : not a Keras model, or its input or output has another shape
    """
    import keras

    network = builder(input_shape)
    if not isinstance(network, keras.Model):
        raise RecipeError(
            f"model.kind = {name!r}: the builder gave {type(network).__name__}, not a keras.Model.",
            advice="A builder is a function build(input_shape, ...) that returns a keras.Model.",
        )
    found_in, found_out = _shape(network, "input_shape"), _shape(network, "output_shape")
    wanted_in, wanted_out = (None, *input_shape), (None, outputs)
    if found_in != wanted_in or found_out != wanted_out:
        raise RecipeError(
            f"model.kind = {name!r}: the network maps {found_in} to {found_out}; "
            f"it must map {wanted_in} to {wanted_out} (samples, lookback, features -> samples, {outputs}).",
            advice=f"Begin with keras.Input(input_shape) and end with Dense({outputs}).",
        )
    return network


def _shape(network: Any, attribute: str) -> object:
    try:
        shape = getattr(network, attribute)
    except (AttributeError, ValueError):
        return "unknown (the network was not built)"
    return tuple(shape) if isinstance(shape, (tuple, list)) else shape
