"""Networks as a user would bring them in a file, named in ``[model]``."""

from __future__ import annotations

import keras

__all__ = ["lstm_with_input_dropout"]


def lstm_with_input_dropout(input_shape: tuple[int, int], *, dropout: float) -> keras.Model:
    """The named model's one layer, with the dropout inside it."""
    return keras.Sequential(
        [keras.Input(input_shape), keras.layers.LSTM(50, dropout=dropout), keras.layers.Dense(1)]
    )
