"""Explain a network of a finished run: look at it, check it, write what is seen beside the run's page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backtester.checksums import update_checksums
from backtester.errors import UsageError
from backtester.explaining.checking import TOLERANCE, Agreement, check_agreement
from backtester.explaining.choosing import Chosen, check_kind, choose_network
from backtester.explaining.dependence import fit_line, lags_of, sensitivity, share_explained
from backtester.explaining.looking import Look, look
from backtester.explaining.values import cell_facts, cell_values, listed
from backtester.explaining.wording import CAUTION, points, sentence
from backtester.files import write_bytes
from backtester.judgement.bootstrap import one_blas_thread
from backtester.question import Question
from backtester.recipe import TargetKind
from backtester.reopening import Opened, directory_of, reopen
from backtester.reporting import write_report
from backtester.reporting.explain_page import EXPLAIN_PAGE
from backtester.reporting.pages import write_added_page
from backtester.run_directory import (
    EXPLAIN,
    PAGE,
    RunRecord,
    check_files,
    lock_directory,
    page_files,
    read_run,
    write_checksums,
)
from backtester.samples import FoldSamples
from backtester.store import FoldStore, default_store_folder

__all__ = ["Explanation", "explain"]

_MOST_UNITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What was seen of one network.

    Parameters
    ----------
    values : as ``explain.json`` has them
    page : ``explain.html``
    """

    values: dict[str, Any]
    page: Path

    @property
    def sentence(self) -> str:
        """What is seen, in one sentence."""
        return str(self.values["sentence"])


def explain(
    run: str | Path | Opened,
    *,
    fold: int | None = None,
    member: int = 0,
    layer: int = 1,
    units: Sequence[int] = (),
    store: str | Path | None = None,
) -> Explanation:
    """Show what the LSTM of a run does over a fold's test span; nothing is trained.

    Writes ``explain.json`` and ``explain.html`` into the run directory, in place of those of an earlier call.

    Parameters
    ----------
    run : a finished one, or its directory
    fold : by number, from 0 on; None for the last with a whole test span
    member : of the fold's networks, from 0 on
    layer : among the LSTM layers, from 1 on: whose gates are drawn
    units : of it, from 0 on, each drawn by itself
    store : folder of trained folds; None for the recipe's, or that in the user's cache directory

    Raises
    ------
    UsageError : no such fold, member, layer or unit
    RecipeError : the run's model has no gates that are known here
    RunDirectoryError : no finished run; one that cannot be asked again; or the store lacks the network
    StorageError : a file of the run is damaged, or the disk is full or read-only
    """
    directory = directory_of(run)
    record = read_run(directory)
    check_kind(record.manifest["recipe"]["model"]["kind"])
    check_files(directory)
    question = reopen(directory, whole=False).question
    opened = FoldStore(folder=Path(store or question.loaded.recipe.execution.store or default_store_folder()))
    chosen = choose_network(record, question=question, store=opened, fold=fold, member=member)
    n_layers = len(chosen.network.lstm_layers)
    if not 1 <= layer <= n_layers:
        raise UsageError(
            f"--layer {layer}: this network has {n_layers} LSTM {'layer' if n_layers == 1 else 'layers'}.",
            advice=f"Name one of 1 to {n_layers}.",
        )
    with one_blas_thread():
        values = _values(record, question=question, chosen=chosen, layer=layer, units=tuple(units))
    with lock_directory(directory):
        _write(read_run(directory), values)  # read again: it may have been judged again meanwhile
    return Explanation(values=values, page=directory / EXPLAIN_PAGE)


def _write(record: RunRecord, values: dict[str, Any]) -> None:
    directory = record.directory
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    write_bytes(directory / EXPLAIN, (text + "\n").encode("utf-8"))
    write_checksums(directory)
    page = directory / PAGE
    if page.is_file() and EXPLAIN_PAGE in page.read_text(encoding="utf-8"):
        write_added_page(record, name=EXPLAIN)
        update_checksums(directory, names=set(page_files(directory)) & {EXPLAIN_PAGE})
    else:
        write_report(record)  # the report lists the files of the run


def _values(
    record: RunRecord, *, question: Question, chosen: Chosen, layer: int, units: tuple[int, ...]
) -> dict[str, Any]:
    problem, task = question.problem, chosen.task
    samples = problem.samples(task.fold)
    seen = look(chosen.network, samples.test.inputs)
    shown = [cell for cell in seen.cells if cell.layer == layer]
    _check_units(units, n_units=shown[0].units)
    rows = record.forecasts[record.forecasts["fold"] == task.fold]
    agreement = check_agreement(
        seen.predicted,
        samples=samples,
        stored=chosen.result,
        members=chosen.members,
        n_members=problem.training.members,
        table=rows["forecast"].to_numpy(dtype=np.float64),
    )
    lookback = problem.model.lookback
    steps = len(next(iter(shown[0].window.values())))
    facts = [cell_facts(cell, steps=steps) for cell in seen.cells]
    drawn = [fact for fact in facts if fact["layer"] == layer]
    line = _line(chosen, samples=samples, seen=seen)
    lags = _lags(samples, seen=seen, features=problem.features.names)
    ours = samples.to_forecast(seen.predicted)
    forecast = _forecast(ours, actual=rows["actual"].to_numpy(dtype=np.float64))
    fold = problem.folds[task.fold]
    window, learnt = slice(fold.test.stop - steps, fold.test.stop), fold.training_window
    dates = [f"{date:%Y-%m-%d}" for date in question.prices.dates]
    return {
        "run": question.sha256,
        "symbol": problem.symbol,
        "model": problem.model.model_dump(mode="json"),
        "features": list(problem.features.names),
        "target": problem.target.kind.value,
        "horizon": problem.target.horizon,
        "fold": task.fold,
        "folds": len(problem.folds),
        "member": task.member,
        "members": problem.training.members,
        "seed": chosen.result.seed,
        "layer": layer,
        "units": list(units),
        "trained": {"start": dates[learnt.start], "end": dates[learnt.stop - 1]},
        "dates": dates[fold.test],
        "close": listed(problem.close[fold.test], digits=8),
        "forecast_bp": listed(1e4 * ours),
        "agreement": _agreement(agreement),
        "cells": facts,
        "shown": [cell_values(cell, units=units) for cell in shown],
        "window_dates": dates[window],
        "window_close": listed(problem.close[window], digits=8),
        "lags": lags,
        "line": line,
        "forecast": forecast,
        "sentence": sentence(facts, line=line, forecast=forecast),
        "points": points(drawn, line=line, lags=lags, forecast=forecast, lookback=lookback),
        "caution": CAUTION,
    }


def _check_units(units: tuple[int, ...], *, n_units: int) -> None:
    wrong = [unit for unit in units if not 0 <= unit < n_units]
    if wrong:
        raise UsageError(
            f"--unit {wrong[0]}: this layer has {n_units} units.", advice=f"Name one of 0 to {n_units - 1}."
        )
    if len(units) > _MOST_UNITS:
        raise UsageError(
            f"--unit: {len(units)} units are too many lines.", advice=f"Name at most {_MOST_UNITS}."
        )


def _agreement(found: Agreement) -> dict[str, Any]:
    return {
        "largest": float(f"{found.largest:.3g}"),
        "largest_bp": float(f"{found.largest_bp:.3g}"),
        "bars": found.bars,
        "tolerance": TOLERANCE,
        "in_table": found.in_table,
    }


def _line(chosen: Chosen, *, samples: FoldSamples, seen: Look) -> dict[str, Any]:
    """How much of what the network says is a straight line through the window.

    The line is fitted to what it says of the training and validation windows, and judged on the test span:
    on the span alone it would have nearly as many slopes as there are bars.
    """
    before = np.concatenate([samples.train.inputs, samples.validation.inputs])
    said = chosen.network.predict(before)
    flat = before.reshape(len(before), -1).astype(np.float64)
    test = samples.test.inputs.reshape(len(samples.test), -1).astype(np.float64)
    newest = slice(-before.shape[2], None)
    fitted = fit_line(flat, said)
    whole = fitted.predict(test)
    last = fit_line(flat[:, newest], said).predict(test[:, newest])
    price = samples.target.kind is TargetKind.CLOSE
    return {
        "share": _rounded(share_explained(seen.predicted, whole)),
        "share_before": _rounded(share_explained(said, fitted.predict(flat))),
        "outside": _rounded(_outside(samples)),
        "share_newest": _rounded(share_explained(seen.predicted, last)),
        "n_fitted": len(before),
        "n_values": flat.shape[1],
        "unit": "price" if price else "bp",
        "said": listed((1.0 if price else 1e4) * samples.target_scaler.inverse(seen.predicted), digits=6),
        "line": listed((1.0 if price else 1e4) * samples.target_scaler.inverse(whole), digits=6),
    }


def _outside(samples: FoldSamples) -> float:
    """Share of the values in the test span's windows that lie outside those of the training part."""
    low, high = (edge(samples.train.inputs, axis=(0, 1)) for edge in (np.min, np.max))
    return float(((samples.test.inputs < low) | (samples.test.inputs > high)).mean())


def _lags(samples: FoldSamples, *, seen: Look, features: Sequence[str]) -> dict[str, Any]:
    n_features = samples.train.inputs.shape[2]
    found = lags_of(
        seen.gradient,
        bp=sensitivity(seen.predicted, scaler=samples.target_scaler, kind=samples.target.kind),
        spread=samples.train.inputs.reshape(-1, n_features).std(axis=0).astype(np.float64),
    )
    return {
        "features": list(features),
        "size_bp": listed(found.size.T),
        "signed_bp": listed(found.signed.T),
        "within": found.within,
    }


def _forecast(forecast: np.ndarray, *, actual: np.ndarray) -> dict[str, Any]:
    known = actual[np.isfinite(actual)]
    return {
        "mean_bp": _rounded(1e4 * forecast.mean()),
        "sd_bp": _rounded(1e4 * forecast.std()),
        "actual_sd_bp": _rounded(1e4 * known.std()) if len(known) > 1 else None,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.5g}")
