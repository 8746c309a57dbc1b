"""What a judged run has more than its trades: variants, trials, and the judgement itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backtester.files import write_json
from backtester.judgement import judge, verdict
from backtester.judging import evidence_of
from backtester.run_directory import read_json, read_tables, write_table

DRAWS = 199


def write_evidence(
    directory: Path, *, prices: pd.DataFrame, forecasts: pd.DataFrame, traded: Mapping[str, pd.DataFrame],
    recipe_name: str, trials: int,
) -> None:  # fmt: skip
    """Write ``baselines.csv``, ``variants.csv``, ``trials.csv`` and ``trial_returns.csv``."""
    returns, exposures = traded["returns"], traded["exposures"]
    close = np.log(prices["close"].to_numpy())
    moves = np.diff(close, prepend=np.nan)
    at = len(prices) - len(forecasts)
    mean = np.array([np.nanmean(moves[: at + i + 1]) for i in range(len(forecasts))])
    baselines = forecasts[["symbol", "origin"]].assign(last_return=moves[at:], mean_return=mean)
    write_table(directory / "baselines.csv", baselines)

    simple = prices["close"].pct_change().to_numpy()[-len(returns) :]
    held = {name: exposures[name].to_numpy() for name in ("strategy", "buy_and_hold")}
    changes = {name: np.abs(np.diff(position, prepend=0.0)) for name, position in held.items()}
    gross = {name: position * simple for name, position in held.items()}
    variants = pd.DataFrame({"date": returns["date"]})
    for name in held:
        variants[f"{name}_double_costs"] = gross[name] - 0.0004 * changes[name]
    variants["strategy_one_bar_later"] = (
        np.concatenate(([0.0], held["strategy"][:-1])) * simple - 0.0002 * changes["strategy"]
    )
    for name in held:
        variants[f"{name}_no_costs"] = gross[name]
    for name in held:
        variants[f"turnover_{name}"] = changes[name]
    write_table(directory / "variants.csv", variants)

    names = sorted(hashlib.sha256(bytes([number])).hexdigest() for number in range(trials))
    draw = np.random.default_rng(13)
    columns = {names[0]: returns["strategy"].to_numpy()}
    for name in names[1:]:
        other = draw.random(len(simple)) > 0.5
        columns[name] = np.where(draw.random(len(simple)) < 0.7, held["strategy"], other) * simple
    table = pd.DataFrame(
        {
            "trial": names, "recipe": recipe_name, "symbol": forecasts["symbol"].iloc[0],
            "start": returns["date"].iloc[0], "end": returns["date"].iloc[-1], "bars": len(returns),
            "own": [place == 0 for place in range(trials)],
        }
    )  # fmt: skip
    write_table(directory / "trials.csv", table)
    frame = pd.DataFrame({name[:12]: column for name, column in columns.items()})
    frame.insert(0, "date", returns["date"])
    write_table(directory / "trial_returns.csv", frame)


def add_judgement(directory: Path) -> None:
    """Judge the run and write it into ``summary.json``."""
    recipe = read_json(directory / "run.json")["recipe"]
    evidence = evidence_of(read_tables(directory), recipe=recipe)
    judgement = judge(evidence)
    judged: dict[str, Any] = {
        "judgement": judgement,
        "verdict": verdict(judgement, settings=evidence.settings, failed_folds=evidence.failed_folds),
    }
    write_json(directory / "summary.json", read_json(directory / "summary.json") | judged)
