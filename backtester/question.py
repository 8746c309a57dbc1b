"""The question of a run: recipe and prices, read and checked, before anything is trained or written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import metadata

from backtester.backtest import check_fill, costs_of
from backtester.backtest.loading import load_strategy
from backtester.errors import PricesError, UserCodeError
from backtester.features import feature_matrix
from backtester.folds import Part, make_folds
from backtester.models.baselines import BASELINES
from backtester.prices import Note, NoteKind, Prices, read_prices
from backtester.published import JointProblem, PublishedProblem, published_problem
from backtester.recipe import (
    LoadedRecipe,
    Recipe,
    ReferenceModel,
    ReferenceStrategy,
    Scheme,
    question_sha256,
    trial_sha256,
)
from backtester.references import reference_sha256
from backtester.tasks import Problem

__all__ = ["Question", "ask"]

_PROGRAM = "walkforward-backtester"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a run is asked, with all that its answer depends on.

    Parameters
    ----------
    loaded : the recipe
    prices : checked
    problem : what is trained, fold by fold
    published : what is trained beside it, for the published mode; None where the recipe has none
    notes : on the fills, on batches larger than the samples, and on a test that is no walk-forward
    code_sha256s : of each file of the user's, by the reference that names it
    sha256 : the same for the same question, wherever and however it is run
    trial_sha256 : the same for the same returns: that hash without ``[verdict]``
    """

    loaded: LoadedRecipe
    prices: Prices
    problem: Problem
    notes: tuple[Note, ...]
    code_sha256s: Mapping[str, str]
    sha256: str
    trial_sha256: str
    published: PublishedProblem | None = None

    @property
    def joint(self) -> JointProblem | None:
        """Both modes as one queue of tasks; None where there is no published one."""
        if self.published is None:
            return None
        return JointProblem(walk_forward=self.problem, published=self.published)

    @property
    def directory_name(self) -> str:
        """The run directory's name: the same question has the same place."""
        parts = [_plain(self.loaded.name), _plain(self.prices.symbol), self.sha256[:8]]
        return "-".join(parts)

    def check_tradable(self) -> None:
        """Check that there is a bar to trade on after the first forecast.

        Raises
        ------
        PricesError : the first forecast is made at the last bar
        """
        n_needed = self.problem.folds[0].test.start + 2
        if len(self.prices) < n_needed:
            raise PricesError(
                f"{self.prices.source_name}: {len(self.prices)} rows are too few: the first forecast is made "
                f"at the last of them, so nothing can be traded; {n_needed} are needed.",
                advice="Take a longer history, or shorten folds.train.",
            )

    def known_as(self, *, version: str, code_sha256s: Mapping[str, str]) -> Question:
        """Give the same question under the hashes that a run of it has.

        Parameters
        ----------
        version : of the program that made the run
        code_sha256s : of the user's files as the run had them, by the reference that names each
        """
        recipe, bars = self.loaded.recipe, self.prices.sha256
        code = {**self.code_sha256s, **code_sha256s, _PROGRAM: version}
        return replace(
            self,
            sha256=question_sha256(recipe, bars_sha256=bars, code_sha256s=code),
            trial_sha256=trial_sha256(recipe, bars_sha256=bars, code_sha256s=code),
        )

    def known_here(self) -> Question:
        """Give the same question under the hashes that this version of the program gives it."""
        return self.known_as(version=self.code_sha256s[_PROGRAM], code_sha256s={})

    @property
    def own_code(self) -> dict[str, str]:
        """SHA-256 of each file of the user's, by the reference that names it; empty where it has none."""
        return {name: sha256 for name, sha256 in self.code_sha256s.items() if name != _PROGRAM}

    def check_code(self) -> None:
        """Check that the user's files are still those that were asked about.

        Raises
        ------
        UserCodeError : one was edited meanwhile, so that the answer would be to another question
        """
        now = _code_sha256s(self.loaded)
        edited = [name for name, sha256 in self.code_sha256s.items() if now[name] != sha256]
        if edited:
            raise UserCodeError(
                f"{edited[0]!r} was edited while this run went on.",
                advice="Run again: what was trained before is not trained again.",
            )


def ask(loaded: LoadedRecipe, *, prices: Prices | None = None) -> Question:
    """Read and check everything that a run needs.

    Parameters
    ----------
    loaded : the recipe
    prices : instead of those that ``[data]`` names

    Raises
    ------
    PricesError : prices that cannot be used, or too few for one fold
    RecipeError : settings that do not fit the prices or one another, or user code that cannot be loaded
    """
    recipe = loaded.recipe
    prices = read_prices(recipe.data, folder=loaded.folder) if prices is None else prices
    folds = make_folds(
        prices.dates,
        train=recipe.folds.train,
        test=recipe.folds.test,
        validation=recipe.folds.validation,
        scheme=recipe.folds.scheme,
        embargo=recipe.folds.embargo,
        phase=recipe.folds.phase,
    )
    notes = check_fill(
        prices,
        fill=recipe.broker.fill,
        horizon=recipe.target.horizon,
        first_bar=folds[0].test.start + 1,
    )
    costs_of(recipe.broker, max_exposure=recipe.strategy.max_exposure)
    load_strategy(recipe.strategy, folder=loaded.folder, periods_per_year=recipe.data.periods_per_year)
    features = feature_matrix(prices, recipe.features.columns, folder=loaded.folder)
    problem = Problem(
        symbol=prices.symbol,
        features=features,
        close=prices.column("close"),
        folds=tuple(folds),
        seed=recipe.seed,
        target=recipe.target,
        feature_scaler=recipe.features.scaler,
        model=recipe.model,
        training=recipe.training,
        folder=loaded.folder,
        code_sha256=_model_sha256(loaded),
    )
    if recipe.model.kind not in BASELINES:
        problem.check()
    code_sha256s = _code_sha256s(loaded)
    return Question(
        loaded=loaded,
        prices=prices,
        problem=problem,
        notes=(*_split_notes(recipe), *_batch_notes(problem), *notes),
        code_sha256s=code_sha256s,
        sha256=question_sha256(recipe, bars_sha256=prices.sha256, code_sha256s=code_sha256s),
        trial_sha256=trial_sha256(recipe, bars_sha256=prices.sha256, code_sha256s=code_sha256s),
        published=published_problem(recipe, prices=prices),
    )


def _split_notes(recipe: Recipe) -> tuple[Note, ...]:
    """Name a test that is no walk-forward, so that its figures are not taken for those of one."""
    if recipe.folds.scheme is not Scheme.SINGLE:
        return ()
    text = (
        'folds.scheme = "single": this is a single split, not a walk-forward test. The model is trained once '
        "and tested on all that follows, so that one training span answers for all."
    )
    return (Note(kind=NoteKind.WARNING, text=text),)


def _batch_notes(problem: Problem) -> tuple[Note, ...]:
    """Name batches that a fold cannot fill: the network then takes one step an epoch, and learns less."""
    model, training = problem.model, problem.training
    # whether a reference leads to a network is not known before it is loaded, by a worker
    asked = not isinstance(model, ReferenceModel) or "batch_size" in training.model_fields_set
    if model.kind in BASELINES or not asked:
        return ()
    counts = [
        len(
            fold.origins(
                Part.TRAIN,
                lookback=model.lookback,
                horizon=problem.target.horizon,
                warmup=problem.features.warmup,
            )
        )
        for fold in problem.folds
    ]
    short = [count for count in counts if count < training.batch_size]
    if not short:
        return ()
    text = (
        f"training.batch_size = {training.batch_size} is more than the training samples of {len(short)} of "
        f"{len(counts)} folds (the fewest: {min(short)}): there, an epoch is one step over all of them."
    )
    return (Note(kind=NoteKind.WARNING, text=text),)


def _model_sha256(loaded: LoadedRecipe) -> str:
    model = loaded.recipe.model
    return reference_sha256(model.kind, folder=loaded.folder) if isinstance(model, ReferenceModel) else ""


def _code_sha256s(loaded: LoadedRecipe) -> dict[str, str]:
    recipe, folder = loaded.recipe, loaded.folder
    references = [column for column in recipe.features.columns if ":" in column]
    if isinstance(recipe.model, ReferenceModel):
        references.append(recipe.model.kind)
    if isinstance(recipe.strategy, ReferenceStrategy):
        references.append(recipe.strategy.kind)
    hashes = {reference: reference_sha256(reference, folder=folder) for reference in references}
    return {_PROGRAM: metadata.version(_PROGRAM), **hashes}


def _plain(name: str) -> str:
    """Give a name as part of a folder's name: letters of any script, digits, nothing that leads elsewhere."""
    return re.sub(r"[^\w.+=]+", "_", name).strip("._")[:60] or "_"
