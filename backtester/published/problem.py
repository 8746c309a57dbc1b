"""The published mode as training tasks: one split of the rows, each network a task beside the folds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backtester.errors import RecipeError
from backtester.features import Scaler, fit_scaler
from backtester.folds import Fold
from backtester.prices import Prices
from backtester.published.rows import Rows
from backtester.recipe import ModelSection, PublishedSection, Recipe, ScalerKind, ScalerRows, TrainingSection
from backtester.samples import FoldSamples, Samples
from backtester.tasks import BESIDE, Fingerprint, Problem, Task

__all__ = ["JointProblem", "PublishedProblem", "PublishedSamples", "published_problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSamples:
    """The samples of the published split; see `backtester.tasks.TaskSamples`.

    Parameters
    ----------
    train, validation, test : their ``origins`` are the position of the last row of each window
    scaler : one for windows and targets, which are the same series
    """

    train: Samples
    validation: Samples
    test: Samples
    scaler: Scaler

    def to_forecast(self, predicted: NDArray[np.floating]) -> NDArray[np.float64]:
        """Turn scaled predictions (n_test,) into prices (n_test,)."""
        return self.scaler.inverse(np.asarray(predicted, dtype=np.float64))


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedProblem:
    """One split of the rows, as it was published.

    Parameters
    ----------
    section : how it was published
    rows : of the series, in the order in which they are read
    scaler_kind : as in the recipe's ``[features]``
    """

    section: PublishedSection
    rows: Rows
    scaler_kind: ScalerKind

    def score(self, symbol: str) -> float | None:
        """The RMSE that was published for this very split, None where there is none."""
        section, rows = self.section, self.rows
        split = len(rows.values), len(rows.test_targets)
        same = (
            section.scored_until in {None, rows.dates.max().date()}
            and section.scored_rows.get(symbol, split) == split
            and section.scored_column == section.column
            and section.scored_order is section.order
            and section.scored_test is section.test
        )
        return section.scores.get(symbol) if same else None

    def scaler(self, which: ScalerRows) -> Scaler:
        """Fit the scaler on these rows."""
        rows = self.rows.values if which is ScalerRows.ALL else self.rows.values[: self.rows.n_train]
        return fit_scaler(rows, kind=self.scaler_kind)

    @property
    def scaler_saw_test(self) -> bool:
        """Whether the scaler was fitted on rows that do not train."""
        return (
            self.section.scaler_rows is ScalerRows.ALL
            and self.scaler_kind is not ScalerKind.NONE
            and len(self.rows.values) > self.rows.n_train
        )

    @property
    def scaler_changes(self) -> bool:
        """Whether it would be another one without those rows."""
        if not self.scaler_saw_test:
            return False
        fitted, clean = self.scaler(ScalerRows.ALL), self.scaler(ScalerRows.TRAIN)
        return not (np.array_equal(fitted.center, clean.center) and np.array_equal(fitted.scale, clean.scale))

    def samples(self) -> PublishedSamples:
        """Scaled samples of the split.

        Windows of rows that are forecast reach back into rows that train.
        """
        scaler, rows = self.scaler(self.section.scaler_rows), self.rows
        scaled = scaler.transform(rows.line).astype(np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(scaled, rows.lookback)

        def samples(targets: NDArray[np.int64]) -> Samples:
            return Samples(
                inputs=np.ascontiguousarray(windows[targets - rows.lookback])[:, :, None],
                targets=scaled[targets],
                origins=targets - 1,
            )

        watched = rows.test_targets if self.section.validation_on_test else rows.validation_targets
        return PublishedSamples(
            train=samples(rows.train_targets),
            validation=samples(watched),
            test=samples(rows.test_targets),
            scaler=scaler,
        )

    def fingerprint(self) -> Fingerprint:
        """What determines those samples."""
        section, rows = self.section, self.rows
        return Fingerprint(
            settings={
                "published": [section.scaler_rows.value, section.validation_on_test],
                "layout": [len(rows.train_targets), len(rows.validation_targets), len(rows.test_targets)],
                "first_test": int(rows.test_targets[0]),
                "scaler": self.scaler_kind.value,
            },
            arrays=(rows.values,),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JointProblem:
    """Both modes of a recipe in one queue of tasks, so that no core waits for the other's last network.

    Parameters
    ----------
    walk_forward : the folds
    published : trained beside them
    """

    walk_forward: Problem
    published: PublishedProblem

    @property
    def symbol(self) -> str:
        """Whose prices these are."""
        return self.walk_forward.symbol

    @property
    def seed(self) -> int:
        """Of the run."""
        return self.walk_forward.seed

    @property
    def model(self) -> ModelSection:
        """As in the recipe."""
        return self.walk_forward.model

    @property
    def training(self) -> TrainingSection:
        """As in the recipe."""
        return self.walk_forward.training

    @property
    def folder(self) -> Path:
        """Where a relative reference in ``model`` starts."""
        return self.walk_forward.folder

    @property
    def code_sha256(self) -> str:
        """Of the user's file named by ``model``."""
        return self.walk_forward.code_sha256

    @property
    def n_features(self) -> int:
        """Columns of a window: the walk-forward's; the published mode has one."""
        return self.walk_forward.n_features

    @property
    def folds(self) -> tuple[Fold, ...]:
        """Of the walk-forward."""
        return self.walk_forward.folds

    def tasks(self) -> tuple[Task, ...]:
        """All tasks, the published ones first: they are the longest."""
        beside = (Task(fold=BESIDE, member=member) for member in range(self.published.section.seeds))
        return (*beside, *self.walk_forward.tasks())

    def samples(self, fold: int) -> FoldSamples | PublishedSamples:
        """Scaled samples of a fold, or of the published split."""
        return self.published.samples() if fold == BESIDE else self.walk_forward.samples(fold)

    def fingerprint(self, fold: int) -> Fingerprint:
        """What determines those samples."""
        return self.published.fingerprint() if fold == BESIDE else self.walk_forward.fingerprint(fold)


def published_problem(recipe: Recipe, *, prices: Prices) -> PublishedProblem | None:
    """Give the published mode of a recipe; None where it has none.

    Raises
    ------
    RecipeError : a series that the prices lack, more features than the one series, or too few rows
    """
    section = recipe.published
    if section is None:
        return None
    if not prices.has(section.column):
        raise RecipeError(
            f'published.column = "{section.column}": {prices.source_name} has no such column.',
            advice='Set published.column = "close".',
        )
    if len(recipe.features.columns) > 1:
        raise RecipeError(
            f"features.columns = {list(recipe.features.columns)}: [published] reads one series, so that its "
            "network has one feature.",
            advice="Give one feature, or leave [published] out.",
        )
    rows = Rows.of(
        prices.column(section.column),
        dates=prices.dates,
        section=section,
        lookback=recipe.model.lookback,
        source_name=prices.source_name,
    )
    return PublishedProblem(section=section, rows=rows, scaler_kind=recipe.features.scaler)
