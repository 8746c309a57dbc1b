"""The forward pass over the bars of a test span, and what is kept of it.

A forecast at bar t comes from the window that ends with t, and every window begins with nothing in memory.
So a gate "at bar t" is its value when its cell has read that window: at the window's last bar for a cell that
reads forward, at its first bar for one that reads backward.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from backtester.explaining.cells import Trace
from backtester.explaining.layers import Direction, Lstm
from backtester.explaining.network import BLOCK, Network

__all__ = ["GATES", "PARTS", "Cell", "Look", "look"]

Array = NDArray[np.float64]
GATES = ("forget", "input", "output")
PARTS = (*GATES, "cell")
_LEAST = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One LSTM layer in one direction over a test span.

    Parameters
    ----------
    layer : among the LSTM layers, from 1 on, the first nearest to the prices
    direction : in which it reads
    bothways : whether the layer has a cell for each direction
    forget, input, output, cell : (bars, units), when the window of each bar has been read
    log_forget : (units,) mean over bars and steps of ln f
    window : the window of the last bar, step by step in the order of time; each part (steps, units)
    """

    layer: int
    direction: Direction
    bothways: bool
    forget: Array
    input: Array
    output: Array
    cell: Array
    log_forget: Array
    window: dict[str, Array]

    @property
    def units(self) -> int:
        """Units in this direction."""
        return len(self.log_forget)

    @property
    def name(self) -> str:
        """In words, such as "layer 2, backward"."""
        return f"layer {self.layer}, {self.direction}" if self.bothways else f"layer {self.layer}"

    @property
    def half_lives(self) -> Array:
        """Bars after which half of what each unit keeps is gone: ln 0.5 / mean ln f, (units,)."""
        half_lives: Array = np.log(0.5) / np.minimum(self.log_forget, -_LEAST)
        return half_lives


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A network over its test span.

    Parameters
    ----------
    cells : of every LSTM layer, forward before backward
    predicted : (bars,), scaled
    gradient : (bars, lookback, n_features), of the scaled prediction by the scaled window
    """

    cells: tuple[Cell, ...]
    predicted: Array
    gradient: Array


@dataclass(slots=True, kw_only=True)
class _Gathered:
    """What is kept of one cell while the blocks go by."""

    parts: dict[str, list[Array]] = field(default_factory=lambda: {part: [] for part in PARTS})
    log_forget: list[Array] = field(default_factory=list)
    window: dict[str, Array] = field(default_factory=dict)

    def add(self, trace: Trace, *, direction: Direction) -> None:
        for part, kept in self.parts.items():
            kept.append(getattr(trace, part)[:, -1])
        # a gate that is shut in single precision would else have a logarithm of minus infinity
        self.log_forget.append(np.log(np.maximum(trace.forget, np.finfo(np.float32).tiny)).mean(axis=1))
        turn = slice(None) if direction == "forward" else slice(None, None, -1)
        self.window = {part: getattr(trace, part)[-1, turn] for part in PARTS}


def look(network: Network, windows: NDArray[np.floating]) -> Look:
    """Run a network over windows and keep what is to be shown.

    Parameters
    ----------
    network : with its weights
    windows : (bars, lookback, n_features), scaled
    """
    places = [
        (number, place, way)
        for number, place in enumerate(network.lstm_layers, start=1)
        for way in range(len(_lstm(network, place).cells))
    ]
    gathered = {(place, way): _Gathered() for _, place, way in places}
    predicted, gradients = list[Array](), list[Array]()
    for start in range(0, len(windows), BLOCK):
        runs = network.run(windows[start : start + BLOCK])
        predicted.append(runs[-1].outputs[:, 0])
        gradients.append(network.gradient(runs))
        for (place, way), kept in gathered.items():
            kept.add(runs[place].traces[way], direction=_lstm(network, place).directions[way])
    cells = tuple(
        Cell(
            layer=number,
            direction=_lstm(network, place).directions[way],
            bothways=len(_lstm(network, place).cells) > 1,
            **{part: np.concatenate(values) for part, values in gathered[place, way].parts.items()},
            log_forget=np.concatenate(gathered[place, way].log_forget).mean(axis=0),
            window=gathered[place, way].window,
        )
        for number, place, way in places
    )
    return Look(cells=cells, predicted=np.concatenate(predicted), gradient=np.concatenate(gradients))


def _lstm(network: Network, place: int) -> Lstm:
    layer = network.layers[place]
    if not isinstance(layer, Lstm):
        raise TypeError(f"layer {place} is no LSTM layer")
    return layer
