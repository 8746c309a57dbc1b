"""The table that puts a published test beside the honest one: two groups of rows that are never joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from backtester.published import ratio, rmse
from backtester.reporting import words
from backtester.reporting.published import Published, price, times_last_price
from backtester.reporting.split import is_single
from backtester.run_directory import RunRecord

__all__ = ["beside", "not_counted", "sentence_case", "training_words"]


def beside(record: RunRecord, *, published: Published) -> dict[str, Any]:
    """Caption, columns and rows: the published mode, then the run itself, each with its own baseline."""
    same = _on_published_days(record, published=published)
    days = (
        "of different days and prices" if same is None else "of which one has the other's days among its own"
    )
    to = "To its baseline" if published.reversed else "To the last price"
    own = "its own baseline" if published.reversed else "its own last price"
    return {
        "caption": f"Two tests, {days}: read each against {own}, not against the other",
        "columns": ("RMSE", to, "MAE", "Right direction", "Epochs"),
        "groups": [_published_group(published), _walk_forward_group(record, published=published, same=same)],
    }


def not_counted(published: Published) -> str:
    """Say why the figures are none out of sample: a leak, or one split alone."""
    return "not out of sample" if published.leaks else "one split; not counted as out of sample"


def _row(label: str, *cells: str, own: bool = False, seed: bool = False) -> dict[str, Any]:
    return {"label": label, "cells": cells, "own": own, "seed": seed}


def _published_group(published: Published) -> dict[str, Any]:
    figures = published.figures
    naive, spread, seeds = figures["last_price"], figures["rmse"], figures["seeds"]
    dash, given = words.DASH, figures["published_rmse"]
    rows = []
    if given is not None:
        over = times_last_price(ratio(given, naive["rmse"]))
        rows.append(_row("Score in the source", price(given), over, *[dash] * 3))
    if spread is not None:
        several = spread["sd"] is not None
        label = f"Our {len(seeds)} networks, mean ± sd" if several else "Our network"
        sd = f" ± {price(spread['sd'], like=spread['mean'])}" if several else ""
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
    rows.append(_row(f"{sentence_case(figures['baseline'])}, the same rows", *errors, dash, dash))
    return {"head": _published_head(published), "kind": "published", "rows": rows}


def _published_head(published: Published) -> str:
    figures = published.figures
    train, test = figures["train"], figures["test"]
    left_out = test["rows"] - test["scored"]
    scored = f" ({test['scored']:,} scored, without the one beyond the seam)" if left_out else ""
    ahead = "one session back in time" if published.reversed else "one row ahead"
    return (
        f"As published, {not_counted(published)}: {words.plural(test['rows'], 'forecast')}{scored} of the "
        f"{figures['column']}, {ahead}, {words.span(test['start'], test['end'])}; trained once on "
        f"{words.plural(train['rows'], 'row')}"
    )


def sentence_case(text: str) -> str:
    """Begin with a capital letter, the others as they are."""
    return f"{text[:1].upper()}{text[1:]}"


def _directions(seeds: Sequence[Mapping[str, Any]]) -> tuple[float | None, int]:
    """Share of right directions over all networks, and of how many."""
    known = [(seed["direction"], seed["direction_n"]) for seed in seeds if seed["direction"] is not None]
    total = sum(n for _, n in known)
    return (sum(share * n for share, n in known) / total if total else None), total


def _right(share: float | None, n_moves: int) -> str:
    return words.DASH if share is None else f"{words.percent(share)} of {n_moves:,}"


def _walk_forward_group(record: RunRecord, *, published: Published, same: float | None) -> dict[str, Any]:
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
    if same is not None:
        rows.append(
            _row(
                f"This run's forecast, on the {published.figures['test']['scored']:,} published days",
                price(same),
                times_last_price(ratio(same, published.figures["last_price"]["rmse"])),
                *[words.DASH] * 3,
            )
        )
    other = published.figures["walk_forward"]
    ahead = f"{words.plural(other['horizon'], 'session')} ahead"
    reads = "" if other["reads"] == [other["column"]] else f" from {', '.join(other['reads'])}"
    return {
        "head": f"{name}, out of sample: {words.plural(own['n'] or 0, 'forecast')} of the {other['column']}, "
        f"{ahead}{reads}, {words.span(outside['start'], outside['end'])}; {training_words(published)}",
        "kind": "honest",
        "rows": rows,
    }


def training_words(published: Published) -> str:
    """Say what a network of the run learns from, and for how long it is used."""
    other = published.figures["walk_forward"]
    train, test = (
        words.plural(n, "bar") if isinstance(n, int) else n for n in (other["train"], other["test"])
    )
    return f"trained once on {train}" if test is None else f"trained on {train}, again every {test}"


def _on_published_days(record: RunRecord, *, published: Published) -> float | None:
    """RMSE of the walk-forward forecasts for the published days, where they are of the same prices.

    None where a day is missing, or its price or last price is another one (adjusted, another column).
    """
    walked = record.forecasts.dropna(subset=["target_date", "forecast_price", "actual"])
    walked = walked.drop_duplicates("target_date").set_index("target_date")
    table = published.forecasts
    # read backwards, a row has another price before it, and no walk-forward forecast is of the same question
    table = table[table["scored"]]
    if published.reversed or len(table) == 0 or not table["target_date"].isin(walked.index).all():
        return None
    walked = walked.loc[pd.DatetimeIndex(table["target_date"])]
    close = (walked["last_price"] * np.exp(walked["actual"])).to_numpy()
    same = np.allclose(close, table["actual"], rtol=1e-6) and np.allclose(
        walked["last_price"].to_numpy(), table["last_price"], rtol=1e-6
    )
    if not same:
        return None
    return rmse(walked["forecast_price"].to_numpy() - close)
