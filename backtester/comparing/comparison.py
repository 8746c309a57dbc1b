"""The figures of several runs, and Hansen's test over the set."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backtester.comparing.aligned import AlignedRun, Floats, align_runs, markets_of
from backtester.comparing.words import notes, sentence
from backtester.judgement.blocks import block_length, varies
from backtester.judgement.sharpe_difference import sharpe_difference
from backtester.judgement.superior import Superior, superior
from backtester.metrics import cagr, max_drawdown, sharpe, total_return, volatility
from backtester.seeds import seed_of
from backtester.trials import flat_settings, varying_settings

__all__ = ["Comparison", "compare_runs"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Several runs beside each other.

    Parameters
    ----------
    figures : JSON values, None where undefined; docs/compare.md lists the keys
    returns : frame (n_dates, n_runs + n_markets), simple returns on the common dates: of each run's
        strategy, by the run's name, then of buy-and-hold on each market, by its label
    """

    figures: dict[str, Any]
    returns: pd.DataFrame


def compare_runs(directories: Sequence[Path]) -> Comparison:
    """Compare finished runs on the dates that all of them have.

    Parameters
    ----------
    directories : of the runs, in the order in which they are to be shown

    Returns
    -------
    Comparison; each run is held against buy-and-hold of its own asset at its own costs. The same files give
    the same figures

    Raises
    ------
    UsageError : fewer than two runs, one twice, a single split beside a walk-forward test, or fewer than 60
        dates in common
    RunDirectoryError : there is no finished run in a folder
    StorageError : the files of a run are missing or damaged, or of another version

    Source
    ------
    Gains as in question 2 of a run's own verdict (Ledoit and Wolf 2008), with its seed and draws: over the
    run's own dates the figure is the same. p-values over the set as in question 3 (Hansen 2005), in blocks
    of the median length that the runs ask for.
    """
    runs = align_runs(directories)
    markets = markets_of(runs)
    holdings = _holdings(runs, markets=markets)
    columns = {str(run.about["name"]): run.strategy for run in runs}
    columns |= {holding["label"]: runs[holding["run"] - 1].holding for holding in holdings}
    figures = {**_figures(runs, markets=markets), "markets": holdings}
    figures |= {"notes": notes(figures), "sentence": sentence(figures)}
    return Comparison(figures=figures, returns=pd.DataFrame(columns, index=runs[0].dates))


def _figures(runs: Sequence[AlignedRun], *, markets: Sequence[int]) -> dict[str, Any]:
    level = min(run.settings.level for run in runs)
    draws = max(run.settings.draws for run in runs)
    differences = np.column_stack([run.difference for run in runs])
    moving = varies(differences)
    block = math.ceil(np.median([block_length(column) for column in differences.T[moving]] or [1]))
    seed = seed_of(min(int(run.recipe["seed"]) for run in runs), "comparison")
    together = superior(differences, block=block, draws=draws, seed=seed)
    dates, own = runs[0].dates, {run.own_trial for run in runs}
    entries = _entries(runs, markets=markets, together=together, level=level)
    for entry, moved in zip(entries, moving, strict=True):
        entry["p_value"] = entry["p_value"] if moved else None
    return {
        "dates": {
            "origin": runs[0].origin,
            "start": f"{dates[0]:%Y-%m-%d}",
            "end": f"{dates[-1]:%Y-%m-%d}",
            "bars": len(dates),
            "years": len(dates) / runs[0].periods_per_year,
        },
        "periods_per_year": runs[0].periods_per_year,
        "level": level,
        "interval_level": 1.0 - 2.0 * level,
        "draws": draws,
        "block_length": block,
        "superior": {
            name: _known(getattr(together, name)) if moving.any() else None
            for name in ("p_value", "p_value_lower", "p_value_upper")
        },
        "best": _best(entries),
        "other_trials": len(frozenset().union(*(run.other_trials for run in runs)) - own),
        "runs": entries,
    }


def _entries(
    runs: Sequence[AlignedRun], *, markets: Sequence[int], together: Superior, level: float
) -> list[dict[str, Any]]:
    settings = [flat_settings(run.recipe) for run in runs]
    varying = varying_settings(settings)
    return [
        {
            "run": i + 1,
            **run.about,
            "market": markets[i] + 1,
            "differs": {key: settings[i][key] for key in varying if key in settings[i]},
            **_curve(run.strategy, run=run),
            "buy_and_hold": _curve(run.holding, run=run),
            "gain": _gain(run, level=level),
            "p_value": _known(together.p_values[i]),
            "other_trials": len(run.other_trials - {other.own_trial for other in runs}),
        }
        for i, run in enumerate(runs)
    ]


def _holdings(runs: Sequence[AlignedRun], *, markets: Sequence[int]) -> list[dict[str, Any]]:
    """Buy-and-hold on each market, as the first run there held it."""
    first = [markets.index(market) for market in range(max(markets) + 1)]
    symbols = [str(runs[i].about["symbol"]) for i in first]
    names = {run.about["name"] for run in runs}
    found = []
    for market, i in enumerate(first):
        label = "Buy-and-hold" if len(first) == 1 else f"Buy-and-hold of {symbols[market]}"
        if symbols.count(symbols[market]) > 1 or label in names:
            label += f" (run {i + 1})"
        curve = _curve(runs[i].holding, run=runs[i])
        found.append({"market": market + 1, "symbol": symbols[market], "label": label, "run": i + 1, **curve})
    return found


def _curve(returns: Floats, *, run: AlignedRun) -> dict[str, float | None]:
    periods, rate = run.periods_per_year, run.recipe["broker"]["risk_free_rate"]
    return {
        "total_return": _known(total_return(returns)),
        "cagr": _known(cagr(returns, periods_per_year=periods)),
        "volatility": _known(volatility(returns, periods_per_year=periods)),
        "sharpe": _known(sharpe(returns, periods_per_year=periods, risk_free_rate=rate)),
        "max_drawdown": _known(max_drawdown(returns)),
    }


def _gain(run: AlignedRun, *, level: float) -> dict[str, Any]:
    """Sharpe ratio above that of buy-and-hold, a year."""
    found = sharpe_difference(
        run.strategy - run.risk_free,
        run.holding - run.risk_free,
        draws=run.settings.draws,
        seed=seed_of(int(run.recipe["seed"]), "bootstrap"),
    )
    scale = math.sqrt(run.periods_per_year)
    return {
        "value": _known(found.difference * scale),
        "interval": [_known(end * scale) for end in found.interval(1.0 - 2.0 * level)],
        "p_value": _known(found.p_value_one_sided),
    }


def _best(entries: Sequence[Mapping[str, Any]]) -> int | None:
    """Number of the run with the largest gain; None where none has one."""
    known = [entry for entry in entries if entry["gain"]["value"] is not None]
    return max(known, key=lambda entry: float(entry["gain"]["value"]))["run"] if known else None


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
