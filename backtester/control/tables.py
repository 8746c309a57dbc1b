"""The tables of the control: every reading of an image, every epoch, and the images read wrongly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from backtester.control.data import Dataset
from backtester.control.splits import Split
from backtester.tasks import TaskResult

__all__ = ["epochs_table", "misread_table", "readings_table"]


def readings_table(
    splits: tuple[Split, ...], *, networks: Mapping[int, TaskResult], logistic: Mapping[int, TaskResult]
) -> pd.DataFrame:
    """Give every reading of a test image.

    Returns
    -------
    columns arrangement, seed, image (position in the data), label, network (the digit read), probability
    (that the network gave it), logistic (the digit that logistic regression read; missing where it was fitted
    for another seed on the same images)
    """
    frames = []
    for fold, split in enumerate(splits):
        shares = networks[fold].forecast
        plain = logistic[fold].forecast.round() if fold in logistic else np.full(len(shares), np.nan)
        frames.append(
            pd.DataFrame(
                {
                    "arrangement": split.arrangement,
                    "seed": split.seed,
                    "image": split.test,
                    "label": split.labels[split.test],
                    "network": shares.argmax(axis=1),
                    "probability": shares.max(axis=1),
                    "logistic": pd.Series(plain).astype("Int64"),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def epochs_table(splits: tuple[Split, ...], *, networks: Mapping[int, TaskResult]) -> pd.DataFrame:
    """Give the losses of every epoch: columns arrangement, seed, epoch (from 1), loss, validation_loss."""

    def rows() -> Iterator[tuple[str, int, int, float, float]]:
        for fold, split in enumerate(splits):
            report = networks[fold].report
            for epoch, (loss, seen) in enumerate(
                zip(report.loss, report.validation_loss, strict=True), start=1
            ):
                yield split.arrangement, split.seed, epoch, loss, seen

    return pd.DataFrame(rows(), columns=["arrangement", "seed", "epoch", "loss", "validation_loss"])


def misread_table(readings: pd.DataFrame, *, dataset: Dataset, arrangement: str) -> pd.DataFrame:
    """Give the images of one arrangement that the network read wrongly, the surest mistakes first.

    Returns
    -------
    columns seed, image, label, network, probability, pixels (grey levels row by row, with blanks between)
    """
    wrong = readings[(readings["arrangement"] == arrangement) & (readings["label"] != readings["network"])]
    wrong = wrong.sort_values(["probability", "image", "seed"], ascending=[False, True, True])
    pixels = [" ".join(map(str, dataset.images[image].ravel())) for image in wrong["image"]]
    return wrong[["seed", "image", "label", "network", "probability"]].assign(pixels=pixels)
