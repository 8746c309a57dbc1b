"""A published system's two files, as `backtester.published` writes them; the networks alone are made up."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd

from backtester.files import write_json
from backtester.models.forecaster import FitReport
from backtester.published import JointProblem, PublishedProblem, PublishedRecord, Rows
from backtester.published.scoring import forecast_frame, rmse
from backtester.published.writing import published_record
from backtester.recipe import PublishedSection, ScalerKind, TrainingSection, recipe_from_mapping
from backtester.run_directory import read_json, write_table
from backtester.tasks import BESIDE, Problem, Task, TaskFailure, TaskResult
from backtester.walkforward import Beside

LOOKBACK, TEST_ROWS, EPOCHS = 30, 90, 12


def add_published(
    directory: Path,
    *,
    errors: tuple[float, ...] = (1.1, 1.2, 1.3),
    failed: int = 0,
    backwards: bool = False,
    watched: bool = True,
    text: str = "",
    score: float = 1.12,
) -> PublishedRecord:
    """Put the files of a published test on the run's own prices beside them, and give the figures.

    Each network forecasts the last price plus noise, so large that its RMSE is about `errors` times the last
    price's; `failed` more gave nothing, and at least one where there is no other. The source's score is
    `score` times the last price's. ``text`` becomes source, symbol, sentence, flaws and reasons. Backwards:
    rows newest first, the first 30 windows across a seam, the others trained on; the source has no score.
    """
    n_failed = failed or int(not errors)
    close = pd.read_csv(directory / "prices.csv", parse_dates=["date"]).set_index("date")["close"]
    published, naive = _published(
        close, backwards=backwards, watched=watched, text=text, score=score, seeds=len(errors) + n_failed
    )
    problem = _joint(published, symbol=_symbol(text))
    results = tuple(
        _result(number, error=error, published=published, naive=naive, watched=watched)
        for number, error in enumerate(errors)
    )
    failures = tuple(
        TaskFailure(
            task=Task(fold=BESIDE, member=len(errors) + number), reason=text or "the loss is no number"
        )
        for number in range(n_failed)
    )
    write_table(directory / "published.csv", forecast_frame(published.rows, results=results))
    record = published_record(
        problem,
        beside=Beside(results=results, failures=failures),
        forecast=read_json(directory / "summary.json")["forecast"],
        recipe=recipe_from_mapping(_recipe_of(directory), name="any", folder=directory).recipe,
    )
    record = _with_text(record, text=text) if text else record
    write_json(directory / "published.json", dict(record))
    return record


def _symbol(text: str) -> str:
    return text or "SPY"


def _recipe_of(directory: Path) -> dict[str, Any]:
    """The sections of the run's recipe that the other mode is told by."""
    recipe = read_json(directory / "run.json").get("recipe", {})
    return {name: recipe[name] for name in ("folds", "features", "target") if name in recipe}


def _published(
    close: pd.Series, *, backwards: bool, watched: bool, text: str, score: float, seeds: int
) -> tuple[PublishedProblem, float]:
    again = {"order": "newest_first", "test": "again", "test_rows": TEST_ROWS, "train": len(close) - 20}
    settings: dict[str, Any] = {
        "source": text or "a study of LSTM networks, notebook 4",
        "train": len(close) - TEST_ROWS,
        "validation_on_test": watched,
        "seeds": seeds,
        **(again if backwards else {}),
    }

    def made(**more: Any) -> PublishedProblem:
        section = PublishedSection.model_validate(settings | more)
        rows = Rows.of(
            close.to_numpy(dtype=np.float64),
            dates=pd.DatetimeIndex(close.index),
            section=section,
            lookback=LOOKBACK,
            source_name="prices.csv",
        )
        return PublishedProblem(section=section, rows=rows, scaler_kind=ScalerKind.MINMAX)

    rows = made().rows
    naive = rmse((rows.actual - rows.last_price)[rows.scored])
    return made(scores={} if backwards else {_symbol(text): score * naive}), naive


def _joint(published: PublishedProblem, *, symbol: str) -> JointProblem:
    """The published problem beside folds that are never trained."""
    folds = SimpleNamespace(symbol=symbol, seed=7, training=TrainingSection(epochs=EPOCHS, patience=0))
    return JointProblem(walk_forward=cast(Problem, folds), published=published)


def _result(
    number: int, *, error: float, published: PublishedProblem, naive: float, watched: bool
) -> TaskResult:
    """Last price and noise; below the last price only with a look at what is to be forecast."""
    rows = published.rows
    actual, last = rows.actual, rows.last_price
    noise = np.random.default_rng(17 + number).normal(0.0, naive * math.sqrt(abs(error**2 - 1.0)), len(last))
    forecast = last + noise if error >= 1.0 else actual + error * (last - actual)
    epochs = np.arange(1, EPOCHS + 1)
    report = FitReport(
        epochs=EPOCHS,
        loss=tuple((0.05 / epochs**1.5).tolist()),
        validation_loss=tuple((0.02 / epochs).tolist()) if watched else (),
    )
    return TaskResult(
        task=Task(fold=BESIDE, member=number), seed=100 + number, forecast=forecast, report=report
    )


def _with_text(record: PublishedRecord, *, text: str) -> PublishedRecord:
    """The same with a text wherever one may stand."""
    flaws = [flaw | {"title": text, "text": text} for flaw in record["flaws"][:1]] + record["flaws"][1:]
    parts = [part | {"title": text} for part in record["parts"]]
    examined = record["examined"]
    changes: dict[str, Any] = {
        "sentence": text,
        "flaws": flaws,
        "parts": parts,
        "examined": None if examined is None else examined | {"text": text},
    }
    return cast(PublishedRecord, {**record, **changes})
