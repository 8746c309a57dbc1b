"""The fold ledger: what training and validation samples hang on, found by changing what comes later.

A fold's training samples, scaled inputs and targets alike, must stay bit-equal when the bars from the
validation part on are changed; its validation samples when those from the test span on are; and the inputs
of a test sample when the bars after its origin are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.audit.finding import TO_THE_END, Check, Leak
from backtester.audit.history import rescaled
from backtester.errors import BacktesterError
from backtester.features import FeatureMatrix, feature_matrix
from backtester.prices import Prices
from backtester.samples import FoldSamples, Samples
from backtester.tasks import Problem

__all__ = ["check_folds", "check_scale", "ledger"]

Samplers = Callable[[Problem, int], FoldSamples]

_LARGE = 0.3
_SCALES = (0.25, 4.0)
"""Powers of two, which move no digit: a comparison of equals does not come out otherwise by rounding. Down
and up, so that a threshold is passed from either side."""
_ALIKE = 1e-3
"""Of scaled inputs, whose size is about 1 or more: logarithms of 32 bits round otherwise on another level."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Border:
    """A bar from which on a part of a fold must not know anything."""

    part: str
    bar: int


def ledger(problem: Problem, *, dates: pd.DatetimeIndex) -> list[dict[str, object]]:
    """Give for each fold the sessions that scaler, training, validation and test use.

    Returns
    -------
    A row a fold: ``fold``, then first and last session of ``scaler``, ``train_targets``, ``validation``,
    ``test``; ``purged`` counts the training bars left out because their target lies beyond the part
    """
    rows: list[dict[str, object]] = []
    for fold in problem.folds:
        span = {"scaler": fold.train, "train": fold.train, "validation": fold.validation, "test": fold.test}
        row: dict[str, object] = {"fold": fold.index, "purged": problem.target.horizon}
        for name, bars in span.items():
            empty = bars.stop <= bars.start
            row[name] = None if empty else [f"{dates[i]:%Y-%m-%d}" for i in (bars.start, bars.stop - 1)]
        rows.append(row)
    return rows


def check_folds(
    problem: Problem,
    *,
    dates: pd.DatetimeIndex,
    folds: Sequence[int],
    samples: Samplers = Problem.samples,
) -> list[Check]:
    """Check the samples of some folds.

    Parameters
    ----------
    problem : what is trained
    dates : of its bars
    folds : which
    samples : how the samples of a fold are made

    Returns
    -------
    One check each for training, validation and test samples
    """
    found: dict[str, list[Leak]] = {"training": [], "validation": [], "test": []}
    for index in folds:
        for part, leak in _leaks_of(problem, fold=index, dates=dates, samples=samples):
            found[part].append(leak)
    return [
        Check(
            subject=f"{part} samples",
            method=f"other bars after the {part} part, in {len(folds)} folds",
            n=len(folds),
            leak=min(leaks, key=lambda leak: leak.first) if leaks else None,
        )
        for part, leaks in found.items()
    ]


def _leaks_of(
    problem: Problem, *, fold: int, dates: pd.DatetimeIndex, samples: Samplers
) -> list[tuple[str, Leak]]:
    bars = problem.folds[fold]
    own = samples(problem, fold)
    leaks = []
    after_training = bars.validation.start
    changed = samples(_changed(problem, bar=after_training), fold)
    leaks += [("training", leak) for leak in _seen(own.train, changed.train, bar=after_training, dates=dates)]
    if bars.validation.stop > bars.validation.start:
        border = bars.validation.stop
        changed = samples(_changed(problem, bar=border), fold)
        seen = _seen(own.validation, changed.validation, bar=border, dates=dates)
        leaks += [("validation", leak) for leak in seen]
    middle = (bars.test.start + bars.test.stop) // 2
    changed = samples(_changed(problem, bar=middle), fold)
    known = own.test.origins < middle
    leaks += [("test", leak) for leak in _inputs_seen(own.test, changed.test, known=known, dates=dates)]
    return leaks


def _changed(problem: Problem, *, bar: int) -> Problem:
    """Give the problem with other features and closes from a bar on."""
    generator = np.random.Generator(np.random.PCG64(bar))
    after = np.arange(len(problem.close)) >= bar
    values, close = problem.features.values.copy(), problem.close.copy()
    values[after] += _LARGE * generator.standard_normal(values[after].shape) * (1 + np.abs(values[after]))
    close[after] *= np.exp(_LARGE * generator.standard_normal(int(after.sum())))
    close.setflags(write=False)
    features = FeatureMatrix(names=problem.features.names, values=values, warmup=problem.features.warmup)
    return dataclasses.replace(problem, features=features, close=close)


def _seen(own: Samples, changed: Samples, *, bar: int, dates: pd.DatetimeIndex) -> list[Leak]:
    """What of samples that end before a bar moved with the bars from there on."""
    if len(own) != len(changed):
        return [_leak(own, moved=np.ones(len(own), dtype=bool), text="there are other samples", dates=dates)]
    leaks = []
    inputs = _moved(own.inputs, changed.inputs)
    if inputs.any():
        leaks.append(
            _leak(
                own,
                moved=inputs,
                text=f"its scaled inputs move with bars from {dates[bar]:%Y-%m-%d} on",
                dates=dates,
            )
        )
    targets = _moved(own.targets, changed.targets)
    if targets.any():
        leaks.append(
            _leak(
                own,
                moved=targets,
                text=f"its targets move with bars from {dates[bar]:%Y-%m-%d} on",
                dates=dates,
                bar=bar,
            )
        )
    return leaks


def _inputs_seen(
    own: Samples, changed: Samples, *, known: NDArray[np.bool_], dates: pd.DatetimeIndex
) -> list[Leak]:
    moved = _moved(own.inputs, changed.inputs) & known
    return (
        [_leak(own, moved=moved, text="its scaled inputs move with later bars", dates=dates)]
        if moved.any()
        else []
    )


def _moved(own: NDArray[np.float32], changed: NDArray[np.float32]) -> NDArray[np.bool_]:
    differs = (own != changed) & ~(np.isnan(own) & np.isnan(changed))
    moved: NDArray[np.bool_] = differs.reshape(len(own), -1).any(axis=1)
    return moved


def _leak(
    own: Samples, *, moved: NDArray[np.bool_], text: str, dates: pd.DatetimeIndex, bar: int | None = None
) -> Leak:
    origins = own.origins[moved]
    # Where all moved, something was fitted on everything; where the last did, their labels reach over.
    reach = TO_THE_END if bar is None or moved.all() else int(bar - origins.min())
    return Leak(first=dates[int(origins.min())].date(), n_bars=int(moved.sum()), reach=reach, text=text)


def check_scale(problem: Problem, *, prices: Prices, columns: Sequence[str], folds: Sequence[int]) -> Check:
    """Check that prices four times smaller, or larger, look the same to the network.

    Adjusted prices are divided by every later dividend and split: a level that the network sees tells it of
    those.

    Parameters
    ----------
    problem : what is trained
    prices : its bars
    columns : the recipe's features
    folds : whose samples are compared, those that are trained on and those that are forecast
    """
    method = (
        f"all prices divided and multiplied by four, in {len(folds)} fold{'' if len(folds) == 1 else 's'}"
    )
    check = Check(subject="the network's input", method=method, n=2 * len(folds))
    skipped = ""
    leaks: list[Leak] = []
    for factor in _SCALES:
        other = rescaled(prices, factor=factor)
        try:
            features = feature_matrix(other, columns, folder=problem.folder)
        except BacktesterError as error:
            skipped = f"it cannot be computed ({error.message})"
            continue
        again = dataclasses.replace(problem, features=features, close=other.column("close"))
        for fold in folds:
            leaks += _levels_seen(problem.samples(fold), again.samples(fold), problem=problem, prices=prices)
    if leaks:
        return dataclasses.replace(check, leak=min(leaks, key=lambda leak: leak.first))
    return dataclasses.replace(check, skipped=skipped)


def _levels_seen(own: FoldSamples, other: FoldSamples, *, problem: Problem, prices: Prices) -> list[Leak]:
    """In which part of a fold, and by which features, scaled inputs moved with the level of the prices."""
    leaks = []
    for mine, rescaled_part in ((own.train, other.train), (own.test, other.test)):
        allowed = _ALIKE * np.maximum(1.0, np.abs(mine.inputs))
        apart = ~(np.abs(mine.inputs - rescaled_part.inputs) <= allowed)
        if not apart.any():
            continue
        moved = zip(problem.features.names, apart.any(axis=(0, 1)), strict=True)
        leaks.append(
            Leak(
                first=prices.dates[int(mine.origins[apart.any(axis=(1, 2))].min())].date(),
                n_bars=int(apart.any(axis=(1, 2)).sum()),
                reach=TO_THE_END,
                text="the level of the prices, which later dividends and splits set, reaches the network by "
                + ", ".join(name for name, seen in moved if seen),
            )
        )
    return leaks
