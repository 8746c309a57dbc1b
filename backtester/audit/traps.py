"""The audit audited: every kind of leak is planted and must be caught, and clean parts must pass.

The leaks go through the same checks as a user's recipe does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from backtester.audit.columns import Column, check_columns
from backtester.audit.finding import Check
from backtester.audit.planted_columns import CLEAN, PLANTED, Feature
from backtester.audit.samples import check_folds, check_scale
from backtester.audit.trading import check_fills, check_strategy, random_forecasts
from backtester.forecasts import Forecasts
from backtester.prices import Prices, prices_from_frame
from backtester.question import Question, ask
from backtester.recipe import ScalerKind, recipe_from_mapping
from backtester.samples import FoldSamples
from backtester.tasks import Problem
from backtester.walkforward import baseline_table

__all__ = ["Trap", "selftest"]

_BARS = 240
_RECIPE = {
    "folds": {"train": 120, "test": 40, "validation": 0.2},
    "model": {"kind": "lstm", "lookback": 5, "units": [4]},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """One planted leak, or one clean part, and what the audit said of it.

    Parameters
    ----------
    key : of the leak, ``T01`` and so on; ``clean`` for a part without one
    what : in words
    checks : that looked at it
    """

    key: str
    what: str
    checks: tuple[Check, ...]

    @property
    def leaking(self) -> bool:
        """Whether there is a leak to be caught."""
        return self.key != "clean"

    @property
    def caught(self) -> Check | None:
        """The first check that found a leak."""
        return next((check for check in self.checks if check.leak is not None), None)

    @property
    def right(self) -> bool:
        """Whether the audit said what is so."""
        return self.leaking == (self.caught is not None)


def selftest() -> tuple[Trap, ...]:
    """Plant every leak and look at it.

    Returns
    -------
    Traps by key, then the clean parts
    """
    prices = _market()
    question = _question(prices)
    leaking = [
        *(
            _feature(key, what=what, feature=feature, prices=prices)
            for key, (what, feature) in PLANTED.items()
        ),
        *_fold_traps(question),
        *_trading_traps(question),
    ]
    clean = [
        *(_feature("clean", what=what, feature=feature, prices=prices) for what, feature in CLEAN.items()),
        Trap(
            key="clean", what="the folds, scalers and labels of this program", checks=tuple(_folds(question))
        ),
        Trap(
            key="clean",
            what="scaled prices, whatever their level",
            checks=(_scale(_question(prices, columns=["close"])),),
        ),
        Trap(key="clean", what="orders filled at the next open", checks=_traded(question, trader=_next_open)),
    ]
    return (*sorted(leaking, key=lambda trap: trap.key), *clean)


def _market() -> Prices:
    generator = np.random.Generator(np.random.PCG64(1))
    close = 100.0 * np.exp(np.cumsum(0.01 * generator.standard_normal(_BARS)))
    opens = np.concatenate([[100.0], close[:-1]]) * np.exp(0.002 * generator.standard_normal(_BARS))
    frame = pd.DataFrame(
        {
            "open": opens,
            "high": np.maximum(opens, close) * np.exp(0.003 * generator.random(_BARS)),
            "low": np.minimum(opens, close) * np.exp(-0.003 * generator.random(_BARS)),
            "close": close,
            "volume": 1e6 * np.exp(0.2 * generator.standard_normal(_BARS)),
        },
        index=pd.bdate_range("2020-01-01", periods=_BARS, name="date"),
    )
    return prices_from_frame(frame, symbol="SELFTEST")


def _question(
    prices: Prices, *, columns: Sequence[str] = ("log_return",), scaler: str = "standard"
) -> Question:
    mapping = {**_RECIPE, "features": {"columns": list(columns), "scaler": scaler}}
    return ask(recipe_from_mapping(mapping, name="selftest", folder=Path()), prices=prices)


def _feature(key: str, *, what: str, feature: Feature, prices: Prices) -> Trap:
    column = Column(
        subject=f"feature {key}",
        compute=lambda given: feature(given.frame.copy()).to_numpy(dtype=np.float64),
    )
    return Trap(key=key, what=what, checks=tuple(check_columns([column], prices, cuts=range(_BARS - 1))))


# ---- folds ----


def _folds(
    question: Question, *, samples: Callable[[Problem, int], FoldSamples] = Problem.samples
) -> list[Check]:
    problem = question.problem
    folds = range(len(problem.folds))
    return check_folds(problem, dates=question.prices.dates, folds=folds, samples=samples)


def _scale(question: Question) -> Check:
    columns = question.loaded.recipe.features.columns
    folds = range(len(question.problem.folds))
    return check_scale(question.problem, prices=question.prices, columns=columns, folds=folds)


def _fold_traps(question: Question) -> list[Trap]:
    traps = [
        ("T03", "a scaler fitted on the whole sample", _scaled_on_all),
        ("T09", "the test span as validation part", _validated_on_test),
        ("T10", "training labels that reach into the validation part", _not_purged),
    ]
    found = [
        Trap(key=key, what=what, checks=tuple(_folds(question, samples=sampler)))
        for key, what, sampler in traps
    ]
    raw = _question(question.prices, columns=["close"], scaler="none")
    return [*found, Trap(key="T11", what="the level of adjusted prices", checks=(_scale(raw),))]


def _scaled_on_all(problem: Problem, fold: int) -> FoldSamples:
    values = problem.features.values
    known = values[problem.features.warmup :]
    features = dataclasses.replace(problem.features, values=(values - known.mean(axis=0)) / known.std(axis=0))
    return dataclasses.replace(problem, features=features, feature_scaler=ScalerKind.NONE).samples(fold)


def _validated_on_test(problem: Problem, fold: int) -> FoldSamples:
    samples = problem.samples(fold)
    return dataclasses.replace(samples, validation=samples.test)


def _not_purged(problem: Problem, fold: int) -> FoldSamples:
    bars = problem.folds[fold]
    # scaled by nothing, so that the labels alone reach over
    problem = dataclasses.replace(
        problem,
        feature_scaler=ScalerKind.NONE,
        target=problem.target.model_copy(update={"scaler": ScalerKind.NONE}),
    )
    longer = dataclasses.replace(
        bars,
        train=slice(bars.train.start, bars.train.stop + problem.target.horizon),
        validation=slice(bars.validation.start + problem.target.horizon, bars.validation.stop),
    )
    folds = tuple(longer if each.index == fold else each for each in problem.folds)
    return dataclasses.replace(problem, folds=folds).samples(fold)


# ---- trading ----


def _trading_traps(question: Question) -> list[Trap]:
    return [
        Trap(
            key="T08",
            what="a fill at the close that decided it",
            checks=_traded(question, trader=partial(_next_open, same_bar=True)),
        ),
        Trap(
            key="T23",
            what="a size by the high of the day, used at its open",
            checks=_traded(question, trader=partial(_next_open, sized_by="high")),
        ),
    ]


def _traded(question: Question, *, trader: Callable[[Prices, Forecasts], pd.DataFrame]) -> tuple[Check, ...]:
    prices, problem = question.prices, question.problem
    table = random_forecasts(baseline_table(problem, kind="last_price", dates=prices.dates), seed=1)
    first = problem.folds[0].test.start
    looked = check_strategy(
        trader,
        prices=prices,
        forecasts=table,
        cuts=range(first + 2, len(prices) - 2, 10),
        subject="the planted strategy",
    )
    orders = trader(prices, table)
    return (check_fills(orders, dates=prices.dates, subject="the planted strategy"), *looked)


def _next_open(
    prices: Prices, forecasts: Forecasts, *, same_bar: bool = False, sized_by: str = "open"
) -> pd.DataFrame:
    """Buy and sell one lot by the sign of each forecast."""
    dates = prices.dates
    decided = dates.get_indexer(pd.DatetimeIndex(forecasts.frame["origin"]))
    decided = decided[decided < len(prices) - 1]
    filled = decided if same_bar else decided + 1
    sizing = prices.column("close" if same_bar else sized_by)[filled]
    price = prices.column("close" if same_bar else "open")[filled]
    return pd.DataFrame(
        {
            "decided": dates[decided],
            "filled": dates[filled],
            "side": np.where(forecasts.frame["forecast"].to_numpy()[: len(decided)] > 0, "buy", "sell"),
            "size": 1000.0 / sizing,
            "price": price,
        }
    )
