"""What the control came to, in figures and in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from backtester.control.data import Dataset
from backtester.control.forward import probabilities
from backtester.control.picture import Picture
from backtester.control.problem import DigitsProblem
from backtester.control.scoring import LEVEL, confusion, wilson_interval
from backtester.control.splits import Split, arrangements_of
from backtester.tasks import TaskResult

__all__ = ["KIND", "summary_of"]

KIND = "control digits"
REQUIRED: Mapping[str, float] = {"held_out": 0.97, "given": 0.99}
"""Share of test images that must be read rightly, fixed before the first run."""
_NOTHING_Z = 3.0
"""Standard deviations within which shuffled labels must give what guessing gives: above it something leaks,
below it something is turned round."""


def summary_of(
    dataset: Dataset,
    *,
    splits: tuple[Split, ...],
    readings: pd.DataFrame,
    networks: Mapping[int, TaskResult],
    problem: DigitsProblem,
    picture: Picture | None,
) -> dict[str, Any]:
    """Gather the figures of the page; see docs/control.md for the keys."""
    arrangements = [
        _arrangement(key, splits=splits, readings=readings, networks=networks)
        for key in arrangements_of(dataset)
    ]
    found, nothing = arrangements[0], arrangements[-1]
    first = [fold for fold, split in enumerate(splits) if split.arrangement == found["key"]]
    return {
        "kind": KIND,
        "data": {
            "name": dataset.name,
            "source": dataset.source,
            "images": len(dataset.images),
            "height": int(dataset.images.shape[1]),
            "width": int(dataset.images.shape[2]),
            "white": dataset.white,
            "sha256": dataset.sha256,
        },
        "network": {
            "parameters": sum(int(weight.size) for weight in networks[0].weights),
            **problem.training.model_dump(mode="json", exclude={"members", "warm_start"}),
        },
        "seeds": 1 + max(split.seed for split in splits),
        "interval_level": LEVEL,
        "arrangements": arrangements,
        "found": found["passed"],
        "nothing_found": nothing["passed"],
        "passed": found["passed"] and nothing["passed"],
        "answer": _answer(arrangements),
        "notes": sorted({note for result in networks.values() for note in result.notes}),
        "picture": None if picture is None else _reading(picture, [networks[fold].weights for fold in first]),
    }


def _arrangement(
    key: str, *, splits: tuple[Split, ...], readings: pd.DataFrame, networks: Mapping[int, TaskResult]
) -> dict[str, Any]:
    mine = readings[readings["arrangement"] == key]
    chosen = [(fold, split) for fold, split in enumerate(splits) if split.arrangement == key]
    n = int(mine["image"].nunique())
    network = _score(mine, column="network", n=n)
    counts = confusion(mine["label"].to_numpy(), mine["network"].to_numpy())
    # what these readings would give if they had nothing to do with the labels
    chance = float(counts.sum(axis=0) @ counts.sum(axis=1) / counts.sum() ** 2)
    passed: bool | None = None
    if key in REQUIRED:
        passed = network["accuracy"] >= REQUIRED[key]
    elif key == "shuffled":
        low, high = wilson_interval(network["accuracy"], n=n, z=_NOTHING_Z)
        passed = low <= chance <= high
    _, one = chosen[0]
    return {
        "key": key,
        "train": len(one.train),
        "validation": len(one.validation),
        "test": len(one.test),
        "images_tested": n,
        "chance": chance,
        "required": REQUIRED.get(key),
        "passed": passed,
        "network": network,
        "logistic": _score(mine[mine["logistic"].notna()], column="logistic", n=n),
        "epochs": [networks[fold].report.epochs for fold, _ in chosen],
        "confusion": counts.tolist(),
    }


def _score(readings: pd.DataFrame, *, column: str, n: int) -> dict[str, Any]:
    """Mean over the seeds; its interval counts every image once, however often it was read."""
    right = readings["label"] == readings[column].astype("int64")
    by_seed = right.groupby(readings["seed"]).mean()
    accuracy = float(by_seed.mean())
    return {
        "accuracy": accuracy,
        "sd": float(by_seed.std(ddof=1)) if len(by_seed) > 1 else None,
        "interval": list(wilson_interval(accuracy, n=n)),
        "by_seed": [float(value) for value in by_seed],
        "readings": len(right),
        "wrong": int((~right).sum()),
    }


def _answer(arrangements: Sequence[Mapping[str, Any]]) -> str:
    found, nothing = arrangements[0], arrangements[-1]
    where = "of the held-out digits" if found["key"] == "held_out" else "of the file's test images"
    seeds = len(found["network"]["by_seed"])
    share = _percent(found["network"]["accuracy"])
    low, high = (_percent(end) for end in found["network"]["interval"])
    begin = (
        f"The network reads {share} {where} rightly ({LEVEL:.0%} interval {low} to {high}"
        + (f", mean of {seeds} seeds" if seeds > 1 else "")
        + f"; {_percent(found['logistic']['accuracy'])} for logistic regression)"
    )
    begin += "." if found["passed"] else f", but {_percent(found['required'])} are required."
    low, high = (_percent(end) for end in nothing["network"]["interval"])
    end = (
        f"Under shuffled labels it is right in {_percent(nothing['network']['accuracy'])} "
        f"({low} to {high}), and guessing in 10%"
    )
    if nothing["passed"]:
        end += ": where there is nothing, it finds nothing."
    else:
        end += ": that is not what finding nothing looks like."
    return f"{begin} {end}"


def _percent(share: float) -> str:
    return f"{100.0 * share:.1f}%".replace(".0%", "%")


def _reading(picture: Picture, weights: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    """What the networks of the first arrangement make of a picture: the mean of their probabilities."""
    image = picture.levels[np.newaxis] / 255.0
    by_seed = np.concatenate([probabilities(network, images=image) for network in weights])
    mean = by_seed.mean(axis=0)
    return {
        "name": picture.name,
        "steps": list(picture.steps),
        "pixels": picture.levels.tolist(),
        "probabilities": [float(share) for share in mean],
        "digit": int(mean.argmax()),
        "networks": len(by_seed),
        "agreeing": int((by_seed.argmax(axis=1) == mean.argmax()).sum()),
    }
