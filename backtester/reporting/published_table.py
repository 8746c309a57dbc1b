"""The table that puts a published test beside the honest one: two groups of rows that are never joined."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from backtester.published import PublishedRecord
from backtester.reporting import words
from backtester.reporting.published import Published, price, ratio_to, times_last_price
from backtester.reporting.split import is_single
from backtester.run_directory import RunRecord

__all__ = ["COLUMNS", "table_groups"]

COLUMNS = ("RMSE", "To the last price", "MAE", "Right direction", "Epochs")


def table_groups(record: RunRecord, *, published: Published) -> list[dict[str, Any]]:
    """Rows of the published mode, then those of the run itself, each with its own last price."""
    return [_published_group(published.figures), _walk_forward_group(record, published=published)]


def _row(label: str, *cells: str, own: bool = False, seed: bool = False) -> dict[str, Any]:
    return {"label": label, "cells": cells, "own": own, "seed": seed}


def _published_group(figures: PublishedRecord) -> dict[str, Any]:
    naive, spread, seeds = figures["last_price"], figures["rmse"], figures["seeds"]
    dash, given = words.DASH, figures["published_rmse"]
    rows = []
    if given is not None:
        over = times_last_price(ratio_to(naive["rmse"], given))
        rows.append(_row("Score in the source", price(given), over, *[dash] * 3))
    if spread is not None:
        several = spread["sd"] is not None
        label = f"Our {len(seeds)} networks, mean ± sd" if several else "Our network"
        sd = f" ± {price(spread['sd'])}" if several else ""
        mae = float(np.mean([seed["mae"] for seed in seeds]))
        right, n_moves = _directions(seeds)
        rows.append(
            _row(
                label,
                f"{price(spread['mean'])}{sd}",
                times_last_price(figures["ratio"]),
                price(mae),
                _right(right, n_moves),
                dash if several else str(seeds[0]["epochs"]),
                own=True,
            )
        )
        if several:
            rows += [
                _row(
                    f"seed {seed['seed']}",
                    price(seed["rmse"]),
                    times_last_price(seed["ratio"]),
                    price(seed["mae"]),
                    _right(seed["direction"], seed["direction_n"]),
                    str(seed["epochs"]),
                    seed=True,
                )
                for seed in seeds
            ]
    errors = price(naive["rmse"]), times_last_price(1.0), price(naive["mae"])
    rows.append(_row("Last price, the same rows", *errors, dash, dash))
    test = figures["test"]
    return {
        "head": f"As published, not out of sample: {words.plural(test['rows'], 'forecast')}, "
        f"{words.span(test['start'], test['end'])}",
        "kind": "published",
        "rows": rows,
    }


def _directions(seeds: Sequence[Mapping[str, Any]]) -> tuple[float | None, int]:
    """Share of right directions over all networks, and of how many."""
    known = [(seed["direction"], seed["direction_n"]) for seed in seeds if seed["direction"] is not None]
    total = sum(n for _, n in known)
    return (sum(share * n for share, n in known) / total if total else None), total


def _right(share: float | None, n_moves: int) -> str:
    return words.DASH if share is None else f"{words.percent(share)} of {n_moves:,}"


def _walk_forward_group(record: RunRecord, *, published: Published) -> dict[str, Any]:
    own, outside = record.summary["forecast"], record.summary["out_of_sample"]
    name = "Single split, by the rules of the house" if is_single(record) else "Walk-forward"
    rows = [
        _row(
            "This run's forecast",
            price(own["rmse"]),
            times_last_price(own["rmse_ratio"]),
            price(own.get("mae")),
            _right(own.get("hit_rate"), own.get("hit_rate_n") or 0),
            words.DASH,
            own=True,
        ),
        _row(
            "Last price, the same bars",
            price(own["rmse_last_price"]),
            times_last_price(None if words.is_missing(own["rmse_last_price"]) else 1.0),
            price(own.get("mae_last_price")),
            *[words.DASH] * 2,
        ),
    ]
    same = _on_published_days(record, published=published)
    if same is not None:
        rows.append(
            _row(
                f"This run's forecast, on the {published.figures['test']['rows']:,} published days",
                price(same),
                times_last_price(ratio_to(published.figures["last_price"]["rmse"], same)),
                *[words.DASH] * 3,
            )
        )
    return {
        "head": f"{name}, out of sample: {words.plural(own['n'] or 0, 'forecast')}, "
        f"{words.span(outside['start'], outside['end'])}",
        "kind": "honest",
        "rows": rows,
    }


def _on_published_days(record: RunRecord, *, published: Published) -> float | None:
    """RMSE of the walk-forward forecasts for the published days, where they are of the same prices.

    None where a day is missing, or its price or last price is another one (adjusted, another column).
    """
    walked = record.forecasts.dropna(subset=["target_date", "forecast_price", "actual"])
    walked = walked.drop_duplicates("target_date").set_index("target_date")
    table = published.forecasts
    if len(table) == 0 or not table["target_date"].isin(walked.index).all():
        return None
    walked = walked.loc[pd.DatetimeIndex(table["target_date"])]
    close = (walked["last_price"] * np.exp(walked["actual"])).to_numpy()
    same = np.allclose(close, table["actual"], rtol=1e-6) and np.allclose(
        walked["last_price"].to_numpy(), table["last_price"], rtol=1e-6
    )
    if not same:
        return None
    return math.sqrt(float(np.mean((walked["forecast_price"].to_numpy() - close) ** 2)))
