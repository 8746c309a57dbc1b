"""What a run would do: its folds and samples, as a table and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backtester.calibration import Estimate
from backtester.folds import Fold, Folds, folds_table
from backtester.models.baselines import BASELINES
from backtester.question import Question

__all__ = ["duration_text", "estimate_text", "plan_of", "plan_text"]


def plan_of(question: Question) -> dict[str, Any]:
    """Lay out a question without training.

    Returns
    -------
    dict of JSON values: ``recipe``, ``symbol``, ``start``, ``end``, ``bars``, ``directory``, ``networks``
    (to train, members counted), ``published`` (networks of the published mode, not among those),
    ``features`` and ``folds``, a dict for each with dates, bars and samples
    """
    problem, prices = question.problem, question.prices
    table = folds_table(
        Folds(folds=problem.folds, n_bars=len(prices)),
        prices.dates,
        lookback=problem.model.lookback,
        horizon=problem.target.horizon,
        warmup=problem.features.warmup,
    )
    for column in [name for name in table.columns if name.endswith(("_start", "_end"))]:
        table[column] = (
            table[column].dt.strftime("%Y-%m-%d").astype(object).where(table[column].notna(), None)
        )
    trained = 0 if problem.model.kind in BASELINES else len(problem.folds) * problem.training.members
    return {
        "recipe": question.loaded.name,
        "symbol": prices.symbol,
        "start": f"{prices.dates[0]:%Y-%m-%d}",
        "end": f"{prices.dates[-1]:%Y-%m-%d}",
        "bars": len(prices),
        "directory": question.directory_name,
        "features": list(problem.features.names),
        "networks": trained,
        "published": 0 if question.published is None else question.published.section.seeds,
        "folds": table.to_dict(orient="records"),
    }


def plan_text(question: Question, *, width: int) -> str:
    """Render a plan: a line of facts, the folds as a table, and a picture of their spans."""
    plan = plan_of(question)
    facts = (
        f"{plan['symbol']}: {plan['bars']} bars, {plan['start']} to {plan['end']}; "
        f"{len(plan['folds'])} folds, {plan['networks']} networks to train on {', '.join(plan['features'])}."
        f"{_published_words(question)}"
    )
    rows = [
        f"{fold['fold']:>4}  {fold['train_start']}  {fold['train_samples']:>7}  "
        f"{fold['validation_samples']:>6}  {fold['test_start']}  {fold['test_end']}  "
        f"{fold['test_samples']:>5}"
        for fold in plan["folds"]
    ]
    head = "fold  train from  samples  valid.  test from   test to     tests"
    picture = _picture(question.problem.folds, n_bars=plan["bars"], columns=min(width, 100) - 6)
    return "\n".join([facts, "", head, *rows, "", *picture])


def _published_words(question: Question) -> str:
    if question.published is None:
        return ""
    rows, seeds = question.published.rows, question.published.section.seeds
    return (
        f"\nAs published: {seeds} more network{'s' if seeds > 1 else ''}, each on {len(rows.train_targets)} "
        f"samples of one split, to forecast {len(rows.test_targets)} rows."
    )


def estimate_text(estimate: Estimate) -> str:
    """Render what a run will take."""
    if not estimate.networks:
        return (
            f"Nothing to train ({estimate.stored} networks are in the store); trading and report take about "
            f"{duration_text(estimate.total_seconds)}."
        )
    stored = f" ({estimate.stored} are in the store)" if estimate.stored else ""
    parts = (
        f"start {duration_text(estimate.startup_seconds)}",
        f"training {estimate.networks} networks{stored} {duration_text(estimate.training_seconds)}, "
        f"{estimate.seconds_per_network:.2f} s each on {estimate.workers} workers",
        f"trading and report {duration_text(estimate.report_seconds)}",
        f"in all {duration_text(estimate.total_seconds)}",
        f"memory {estimate.workers} × {estimate.worker_bytes / 1e6:.0f} MB" if estimate.worker_bytes else "",
    )
    return f"Expected: {'; '.join(part for part in parts if part)}."


def duration_text(seconds: float) -> str:
    """Render a time to wait: seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _picture(folds: Sequence[Fold], *, n_bars: int, columns: int) -> list[str]:
    """Draw one line a fold, at most 24 of them: ``-`` trains, ``v`` validates, ``#`` tests."""
    lines = []
    for fold in folds[:: -(-len(folds) // 24)]:
        cells = [" "] * columns
        for bars, mark in ((fold.train, "-"), (fold.validation, "v"), (fold.test, "#")):
            if bars.stop > bars.start:
                first = columns * bars.start // n_bars
                for cell in range(first, max(first + 1, columns * bars.stop // n_bars)):
                    cells[min(cell, columns - 1)] = mark
        lines.append(f"{fold.index:>4}  {''.join(cells).rstrip()}")
    return [*lines, "      - train   v validation   # test"]
