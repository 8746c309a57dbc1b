"""Folds: which bars train, validate and test, and which origins give samples.

A fold is laid out as ``[train][validation][embargo bars][test]``. The setting ``train`` counts the bars of
train and validation together. The purge follows from the horizon: see `Fold.origins`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass
from enum import Enum
from typing import overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.errors import PricesError, RecipeError
from backtester.recipe.sections import Scheme
from backtester.spans import CalendarSpan, read_span

__all__ = ["Fold", "Folds", "Part", "folds_table", "make_folds"]


class Part(Enum):
    """What a bar serves for in a fold."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """One retraining: the bars it learns from and the bars it is judged on.

    Parameters
    ----------
    index : position in time, from 0
    train, validation : slices over bar positions, adjacent; validation may be empty
    test : slice over bar positions, after both

    Raises
    ------
    RecipeError : the parts are empty, overlap or are out of order
    """

    index: int
    train: slice
    validation: slice
    test: slice

    def __post_init__(self) -> None:
        edges = (0, self.train.start, self.validation.start, self.validation.stop, self.test.start)
        ordered = all(earlier <= later for earlier, later in itertools.pairwise(edges))
        adjacent = self.train.stop == self.validation.start
        if not (ordered and adjacent and _length(self.train) > 0 and _length(self.test) > 0):
            raise RecipeError(f"fold {self.index}: its parts are empty or out of order: {self!r}.")

    def bars(self, part: Part | str) -> slice:
        """Give one part, ``"train"``, ``"validation"`` or ``"test"``."""
        return {Part.TRAIN: self.train, Part.VALIDATION: self.validation, Part.TEST: self.test}[Part(part)]

    @property
    def training_window(self) -> slice:
        """Train and validation together: all bars that the fold learns from."""
        return slice(self.train.start, self.validation.stop)

    def origins(self, part: Part | str, *, lookback: int, horizon: int, warmup: int) -> NDArray[np.int64]:
        """Give the bars after whose close a sample of this part is made.

        A training sample needs its whole window at or after ``train.start + warmup``, and both its origin t
        and its target bar t + horizon in the part: so no label reaches into a later part, and every fold has
        as many samples as if the prices began with it. A validation sample needs origin and target in its
        part; its window may reach back. In the test span every bar is an origin.

        Parameters
        ----------
        part : train, validation or test; a `Part` or its name
        lookback : bars in a window, the origin's included
        horizon : bars from origin to target
        warmup : leading bars without features

        Returns
        -------
        array (n_samples,) of bar positions, ascending, read-only; empty for an empty validation part

        Raises
        ------
        RecipeError : no sample is left to train on, or none in a validation part that has bars

        Examples
        --------
        >>> fold = Fold(index=0, train=slice(0, 6), validation=slice(6, 9), test=slice(9, 12))
        >>> fold.origins(Part.TRAIN, lookback=2, horizon=1, warmup=1)
        array([2, 3, 4])
        >>> fold.origins(Part.VALIDATION, lookback=2, horizon=1, warmup=1)
        array([6, 7])
        >>> fold.origins(Part.TEST, lookback=2, horizon=1, warmup=1)
        array([ 9, 10, 11])
        """
        found = self._origins(Part(part), lookback=lookback, horizon=horizon, warmup=warmup)
        if len(found) == 0 and _length(self.bars(part)) > 0:
            raise self._no_sample(Part(part), lookback=lookback, horizon=horizon, warmup=warmup)
        return found

    def _origins(self, part: Part, *, lookback: int, horizon: int, warmup: int) -> NDArray[np.int64]:
        bars = self.bars(part)
        if part is Part.TEST:
            return _positions(bars.start, bars.stop)
        first_full_window = self.train.start + warmup + lookback - 1
        return _positions(max(first_full_window, bars.start), bars.stop - horizon)

    def _no_sample(self, part: Part, *, lookback: int, horizon: int, warmup: int) -> RecipeError:
        n_window, n_validation = _length(self.training_window), _length(self.validation)
        if n_window <= lookback:
            return RecipeError(
                f"fold {self.index}: folds.train gives {n_window} bars, model.lookback = {lookback}: "
                "no training sample is left.",
                advice="folds.train must be more than model.lookback.",
            )
        kind = "training" if part is Part.TRAIN else "validation"
        return RecipeError(
            f"fold {self.index}: no {kind} sample is left: folds.train gives {n_window} bars, of which "
            f"folds.validation takes {n_validation}; warm-up of the features {warmup}, "
            f"model.lookback = {lookback}, target.horizon = {horizon}.",
            advice="Lengthen folds.train, or shorten the features, model.lookback or target.horizon"
            + (", or set folds.validation = 0." if n_validation else "."),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Folds(Sequence[Fold]):
    """All folds of one history, in order; also a scikit-learn splitter over its bars.

    Parameters
    ----------
    folds : ascending; their test spans tile the bars from the first test bar to the last bar
    n_bars : bars in the history
    """

    folds: tuple[Fold, ...]
    n_bars: int

    def __len__(self) -> int:
        return len(self.folds)

    @overload
    def __getitem__(self, index: int) -> Fold: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Fold, ...]: ...
    def __getitem__(self, index: int | slice) -> Fold | tuple[Fold, ...]:
        return self.folds[index]

    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:  # noqa: N803, PLR0917
        """Give the number of folds, as scikit-learn asks for it."""
        return len(self.folds)

    def split(  # noqa: PLR0917  (scikit-learn's signature)
        self,
        X: Sized | None = None,  # noqa: N803
        y: object = None,
        groups: object = None,
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield the bars to train on (validation included) and to test on, as scikit-learn asks for them.

        The rows of ``X`` are the bars. A splitter does not know how far the labels reach: make the folds with
        ``embargo = horizon`` when ``y`` lies ``horizon`` bars ahead.

        Raises
        ------
        PricesError : ``X`` has another number of rows than the folds were made for
        """
        if X is not None and _n_rows(X) != self.n_bars:
            raise PricesError(f"X has {_n_rows(X)} rows; these folds were made for {self.n_bars} bars.")
        for fold in self.folds:
            window = fold.training_window
            yield np.arange(window.start, window.stop), np.arange(fold.test.start, fold.test.stop)


def make_folds(
    calendar: pd.DatetimeIndex,
    *,
    train: int | str,
    test: int | str,
    validation: float = 0.1,
    scheme: Scheme = Scheme.ROLLING,
    embargo: int = 0,
    phase: int = 0,
) -> Folds:
    """Cut a history into folds whose test spans tile it.

    The first test span starts ``embargo + phase`` bars after the first training window, which ends after
    ``train`` bars, or before the first bar on or after the first date plus a calendar span. Calendar test
    spans are counted from the date of the first test bar. The last test span may be shorter. Later bars
    never change an earlier fold.

    Parameters
    ----------
    calendar : session dates, ascending, unique
    train : length of the training window, validation included: bars, or a calendar span ``"3Y"``, ``"18M"``,
        ``"6W"``, ``"90D"``
    test : length of a test span, in bars or as a calendar span; ``Scheme.SINGLE`` tests on all the rest
    validation : share of the training window, its last part; rounded to the nearest bar, halves up, and
        at least one bar when it is not 0
    scheme : rolling keeps the window's length, expanding begins it at the first bar, single makes one fold
    embargo : bars left out between training window and test span
    phase : shift of the first test span, in bars

    Returns
    -------
    Folds, at least one

    Raises
    ------
    PricesError : too few rows for one fold
    RecipeError : a setting out of its range, or a training window without bars

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=9)
    >>> [(fold.train, fold.test) for fold in make_folds(days, train=4, test=3, validation=0)]
    [(slice(0, 4, None), slice(4, 7, None)), (slice(3, 7, None), slice(7, 9, None))]
    >>> [fold.train for fold in make_folds(days, train=4, test=3, validation=0, scheme=Scheme.EXPANDING)]
    [slice(0, 4, None), slice(0, 7, None)]
    >>> make_folds(days, train=4, test=3, validation=0.25, embargo=1, phase=1)[0]
    Fold(index=0, train=slice(1, 4, None), validation=slice(4, 5, None), test=slice(6, 9, None))
    >>> [fold.test for fold in make_folds(days, train="4D", test="3D", validation=0)]
    [slice(4, 7, None), slice(7, 9, None)]
    """
    train_span, test_span = read_span("folds.train", train), read_span("folds.test", test)
    _check_settings(validation, embargo=embargo, phase=phase)
    n_bars = len(calendar)
    first_test = _first_test(calendar, train_span, setting=train, embargo=embargo, phase=phase)
    starts = [first_test] if scheme is Scheme.SINGLE else _test_starts(calendar, test_span, first=first_test)
    folds = []
    for index, (start, stop) in enumerate(zip(starts, [*starts[1:], n_bars], strict=True)):
        known = start - embargo
        begin = 0 if scheme is Scheme.EXPANDING else _window_start(calendar, train_span, stop=known)
        n_validation = max(1, math.floor(validation * (known - begin) + 0.5)) if validation > 0 else 0
        if known - begin - n_validation < 1:
            raise RecipeError(
                f"folds.train = {train!r}, folds.validation = {validation}: fold {index}, tested from "
                f"{calendar[start].date()}, has {known - begin} bars to learn from, "
                f"of which {n_validation} validate.",
                advice="Lengthen folds.train so that at least one bar trains.",
            )
        held_out = known - n_validation
        parts = slice(begin, held_out), slice(held_out, known), slice(start, stop)
        folds.append(Fold(index=index, train=parts[0], validation=parts[1], test=parts[2]))
    return Folds(folds=tuple(folds), n_bars=n_bars)


def folds_table(
    folds: Folds, calendar: pd.DatetimeIndex, *, lookback: int, horizon: int, warmup: int
) -> pd.DataFrame:
    """Describe the folds for the eye: first and last dates, bars and samples of each part.

    Returns
    -------
    frame, a row for each fold: ``fold``, then for each of ``train``, ``validation``, ``test`` the columns
    ``_start``, ``_end`` (NaT for an empty part), ``_bars`` and ``_samples``
    """
    rows = []
    for fold in folds:
        row: dict[str, object] = {"fold": fold.index}
        for part in Part:
            dates = calendar[fold.bars(part)]
            row[f"{part.value}_start"] = dates[0] if len(dates) else pd.NaT
            row[f"{part.value}_end"] = dates[-1] if len(dates) else pd.NaT
            row[f"{part.value}_bars"] = len(dates)
            origins = fold._origins(part, lookback=lookback, horizon=horizon, warmup=warmup)
            row[f"{part.value}_samples"] = len(origins)
        rows.append(row)
    return pd.DataFrame(rows)


def _check_settings(validation: float, *, embargo: int, phase: int) -> None:
    if not 0 <= validation <= 0.5:
        raise RecipeError(f"folds.validation = {validation!r}.", advice="Allowed: a share from 0 to 0.5.")
    for key, value in (("embargo", embargo), ("phase", phase)):
        if value < 0:
            raise RecipeError(f"folds.{key} = {value!r}.", advice="Allowed: a number of bars from 0 on.")


def _first_test(
    calendar: pd.DatetimeIndex, span: int | CalendarSpan, *, setting: int | str, embargo: int, phase: int
) -> int:
    n_bars = len(calendar)
    about = ""
    if isinstance(span, int):
        n_train = span
    elif n_bars > 0 and calendar[0] + span.times(1) <= calendar[-1]:
        n_train = int(calendar.searchsorted(calendar[0] + span.times(1)))
    else:
        n_days = (calendar[-1] - calendar[0]).days if n_bars > 0 else 0
        estimate = span.mean_days * ((n_bars - 1) / n_days if n_days > 0 else 5 / 7)
        n_train = max(math.ceil(estimate), n_bars)
        about = "about "
    first = n_train + embargo + phase
    if first >= n_bars or about:
        raise PricesError(
            f"too few rows for one fold: {about}{first + 1} needed (folds.train = {setting!r}, "
            f"embargo {embargo}, phase {phase}, and at least one to test), {n_bars} found.",
            advice="Take a longer history, or shorten folds.train.",
        )
    return first


def _test_starts(calendar: pd.DatetimeIndex, span: int | CalendarSpan, *, first: int) -> list[int]:
    if isinstance(span, int):
        return list(range(first, len(calendar), span))
    anchor, last = calendar[first], calendar[-1]
    starts = [first]
    times = 1
    # Counted from the anchor each time: month by month, the 31st would drift to the 28th.
    while (edge := anchor + span.times(times)) <= last:
        start = int(calendar.searchsorted(edge))
        if start > starts[-1]:
            starts.append(start)
        times += 1
    return starts


def _window_start(calendar: pd.DatetimeIndex, span: int | CalendarSpan, *, stop: int) -> int:
    if isinstance(span, int):
        return stop - span
    return int(calendar.searchsorted(calendar[stop] - span.times(1)))


def _length(bars: slice) -> int:
    return int(bars.stop - bars.start)


def _positions(start: int, stop: int) -> NDArray[np.int64]:
    found = np.arange(start, max(start, stop), dtype=np.int64)
    found.setflags(write=False)
    return found


def _n_rows(table: Sized) -> int:
    shape = getattr(table, "shape", None)
    return len(table) if shape is None else int(shape[0])
