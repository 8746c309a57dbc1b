"""Which images train, validate and test, and under which labels.

Nothing is chosen by the test images: how many epochs a network is trained is decided by the validation
part, which is cut from the training part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backtester.control.data import Dataset
from backtester.seeds import seed_of

__all__ = ["ARRANGEMENTS", "N_LAST", "Split", "arrangements_of", "splits_of"]

N_LAST = 360
"""Images at the end of scikit-learn's digits, mostly by others: the data lie in the order of writers."""
_FIFTHS = 5
_VALIDATION_SHARE, _MOST_VALIDATION = 10, 2000

ARRANGEMENTS = ("held_out", "other_writers", "given", "shuffled")
"""A fifth held out; the last images; the file's own test images; all labels exchanged at random."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One arrangement of the images for one seed.

    Parameters
    ----------
    arrangement : one of `ARRANGEMENTS`
    seed : counted from 0
    labels : (n_images,) int64, the true ones or exchanged ones
    train, validation, test : positions of images, ascending
    """

    arrangement: str
    seed: int
    labels: NDArray[np.int64]
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


def arrangements_of(dataset: Dataset) -> tuple[str, ...]:
    """Which arrangements these images allow; the first is the one that must be found."""
    return ("given", "shuffled") if dataset.n_test else ("held_out", "other_writers", "shuffled")


def splits_of(dataset: Dataset, *, seeds: int) -> tuple[Split, ...]:
    """All splits, seed by seed: a seed more leaves those before it as they are."""
    return tuple(
        _split(dataset, arrangement=arrangement, seed=seed)
        for seed in range(seeds)
        for arrangement in arrangements_of(dataset)
    )


def _split(dataset: Dataset, *, arrangement: str, seed: int) -> Split:
    n, labels = len(dataset.labels), dataset.labels
    if dataset.n_test:
        test = np.arange(n - dataset.n_test, n)
    elif arrangement == "other_writers":
        test = np.arange(n - N_LAST, n)
    else:
        test = _fifth(labels, seed=seed)
    rest = np.setdiff1d(np.arange(n), test)
    validation = rest[_stratified(labels[rest], n=_n_validation(len(rest)), seed=seed)]
    train = np.setdiff1d(rest, validation)
    if arrangement == "shuffled":
        labels = _shuffled(labels, parts=(train, validation, test), seed=seed)
    return Split(
        arrangement=arrangement, seed=seed, labels=labels, train=train, validation=validation, test=test
    )


def _shuffled(
    labels: NDArray[np.int64], *, parts: Sequence[NDArray[np.int64]], seed: int
) -> NDArray[np.int64]:
    """Exchange the labels of each part among its own images, those of the test too: nothing is left to find.

    Exchanged over all parts, a digit that is frequent in training is rare in the test, and a network that has
    learned no more than how frequent each is does worse than guessing (7.4% here, not 10%).
    """
    rng = np.random.default_rng(seed_of(0, "shuffled labels", seed))
    result = labels.copy()
    for part in parts:
        result[part] = rng.permutation(labels[part])
    return result


def _n_validation(n: int) -> int:
    return min(n // _VALIDATION_SHARE, _MOST_VALIDATION)


def _fifth(labels: NDArray[np.int64], *, seed: int) -> NDArray[np.int64]:
    """Every fifth image of each digit in a random order: five seeds hold out every image once."""
    turn, place = divmod(seed, _FIFTHS)
    rng = np.random.default_rng(seed_of(0, "fifths", turn))
    return np.sort(
        np.concatenate([_dealt(np.flatnonzero(labels == digit), rng=rng)[place] for digit in _digits(labels)])
    )


def _dealt(positions: NDArray[np.int64], *, rng: np.random.Generator) -> Sequence[NDArray[np.int64]]:
    mixed = rng.permutation(positions)
    return [mixed[place::_FIFTHS] for place in range(_FIFTHS)]


def _stratified(labels: NDArray[np.int64], *, n: int, seed: int) -> NDArray[np.int64]:
    """About n positions, of each digit its share."""
    rng = np.random.default_rng(seed_of(0, "validation", seed))
    taken = [
        rng.permutation(found)[: max(1, round(n * len(found) / len(labels)))]
        for digit in _digits(labels)
        if len(found := np.flatnonzero(labels == digit))
    ]
    return np.sort(np.concatenate(taken))


def _digits(labels: NDArray[np.int64]) -> list[int]:
    return [int(digit) for digit in np.unique(labels)]
