"""A run computed again from its own files: trades, figures, judgement, page.

The forecasts are taken as they lie there. Everything that follows from them, the prices and the recipe is
computed into a folder of its own, and compared file by file.
"""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from backtester.errors import StorageError
from backtester.forecasts import Forecasts
from backtester.judging import judge_run
from backtester.question import Question
from backtester.reporting import write_report
from backtester.results import write_results
from backtester.run_directory import (
    ADDED_FILES,
    JUDGED_FILES,
    MANIFEST,
    PUBLISHED_FILES,
    TABLES,
    RunRecord,
    page_files,
    read_record,
)
from backtester.verifying.files import differences
from backtester.verifying.finding import Finding
from backtester.walkforward import table_of

__all__ = ["compute_again", "manifest_findings"]

_COPIED = (MANIFEST, *PUBLISHED_FILES, *ADDED_FILES, "trials.csv", "trial_returns.csv")
_LISTED = ("stress.html", "explain.html")
"""Pages that the page names where they are there, whether or not they are drawn again."""


def manifest_findings(record: RunRecord, *, question: Question) -> list[Finding]:
    """Compare the manifest with the question that its own recipe and prices ask."""
    manifest, found = record.manifest, []
    for key, mine, anew in (
        ("data.bars_sha256", manifest["data"]["bars_sha256"], question.prices.sha256),
        ("question_sha256", manifest["question_sha256"], question.sha256),
        ("data.bars", manifest["data"]["bars"], len(question.prices)),
        ("data.symbol", manifest["data"]["symbol"], question.prices.symbol),
        ("data.start", manifest["data"]["start"], f"{question.prices.dates[0]:%Y-%m-%d}"),
        ("data.end", manifest["data"]["end"], f"{question.prices.dates[-1]:%Y-%m-%d}"),
        ("folds", len(manifest["folds"]), len(question.problem.folds)),
    ):
        if mine != anew:
            text = f"has {mine}, which recipe and prices give as {anew}"
            found.append(Finding(file="run.json", where=key, text=text))
    dates = question.prices.dates
    for entry, fold in zip(manifest["folds"], question.problem.folds, strict=False):
        for key, bar in (("train_start", fold.train.start), ("test_start", fold.test.start)):
            if entry[key] != f"{dates[bar]:%Y-%m-%d}":
                text = f"has {entry[key]}, which the folds give as {dates[bar]:%Y-%m-%d}"
                found.append(Finding(file="run.json", where=f"folds.{fold.index}.{key}", text=text))
    return found


def compute_again(record: RunRecord, *, question: Question, folder: Path, pages: bool) -> list[Finding]:
    """Compute a run again in another folder and compare its files.

    Parameters
    ----------
    record : of the run
    question : asked again from its recipe and prices
    folder : empty, to write to
    pages : also draw the pages again

    Raises
    ------
    BacktesterError : what cannot be computed from these files
    """
    for name in (*_COPIED, *(_LISTED if pages else ())):
        if (record.directory / name).is_file():
            shutil.copyfile(record.directory / name, folder / name)
    forecasts = _forecasts(record, question=question)
    results = write_results(question, forecasts=forecasts, directory=folder)
    judge_run(
        folder,
        summary=results.summary,
        recipe=record.manifest["recipe"],
        trials=(),
        own=dataclasses.replace(results.trial, sha256=_own_trial(record)),
    )
    found = []
    for name in dict.fromkeys((*TABLES, *JUDGED_FILES)):
        mine, anew = ((place / name).read_bytes() for place in (record.directory, folder))
        found += differences(name, found=mine, computed=anew)
    if pages:
        write_report(read_record(folder))
        for name in page_files(folder):
            if not (record.directory / name).is_file():
                found.append(Finding(file=name, where="", text="is missing"))
                continue
            mine, anew = ((place / name).read_bytes() for place in (record.directory, folder))
            found += differences(name, found=mine, computed=anew)
    return found


def _forecasts(record: RunRecord, *, question: Question) -> Forecasts:
    """The forecasts as they lie there, everything beside them computed again."""
    dates = question.prices.dates
    places = dates.get_indexer(pd.DatetimeIndex(record.forecasts["origin"]))
    if (places < 0).any():
        raise StorageError("forecasts.csv: has origins that are no sessions of prices.csv.")
    forecast, spread = (np.full(len(dates), np.nan) for _ in range(2))
    forecast[places] = record.forecasts["forecast"].to_numpy()
    spread[places] = record.forecasts["forecast_sd"].to_numpy()
    return table_of(question.problem, dates=dates, forecast=forecast, spread=spread)


def _own_trial(record: RunRecord) -> str:
    own = record.trials.loc[record.trials["own"].astype(bool), "trial"]
    if len(own) != 1:
        raise StorageError("trials.csv: exactly one trial must be this run's own.")
    return str(own.iloc[0])
