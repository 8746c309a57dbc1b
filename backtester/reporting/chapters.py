"""What each chapter of the page says, as plain values for the template."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from backtester.published import PUBLISHED_CSV, PUBLISHED_JSON
from backtester.reporting import words
from backtester.reporting.curves import monthly_returns
from backtester.reporting.split import is_single
from backtester.reporting.table import known_series
from backtester.run_directory import RunRecord

__all__ = [
    "accuracy",
    "cost_rows",
    "failures",
    "files",
    "fold_rows",
    "month_tables",
    "notes",
    "question",
    "settings",
    "trading",
]

LAST_TRADES = 12

_SECTIONS = (
    *("data", "folds", "features", "target", "model", "training"),
    *("published", "strategy", "broker", "verdict", "execution", "report"),
)
_MODELS = {"lstm": "an LSTM network", "bidirectional": "a bidirectional LSTM network"}
_FILES = (
    ("tearsheet_buy_and_hold.html", "QuantStats tear sheet, strategy against buy-and-hold"),
    ("tearsheet_last_price.html", "QuantStats tear sheet, strategy against the last price"),
    ("stress.html", "how far the result carries over, axis by axis"),
    ("stress.json", "every case of every axis"),
    ("explain.html", "gates, cell state and memory of one of its networks"),
    ("explain.json", "all that this page draws"),
    ("summary.json", "every headline figure, by stable key"),
    ("forecasts.csv", "each out-of-sample forecast with what then happened"),
    ("baselines.csv", "the naive forecasts at the same origins"),
    ("returns.csv", "daily returns of the four curves, net of costs"),
    ("exposures.csv", "share of equity invested at each close"),
    ("trades.csv", "each position from entry to exit"),
    ("orders.csv", "each order with its fill and its costs"),
    ("variants.csv", "daily returns at double costs, one bar later and without costs"),
    ("trials.csv", "every variant that was ever scored on these prices"),
    ("trial_returns.csv", "daily returns of each of them"),
    (PUBLISHED_CSV, "each forecast of the system as published; not out of sample"),
    (PUBLISHED_JSON, "its figures and flaws; not out of sample"),
    ("prices.csv", "the bars as used, after repairs"),
    ("run.json", "recipe as used, data hashes, seeds, versions, state of each fold"),
    ("SHA256SUMS", "checksums of the data files"),
)


def question(record: RunRecord) -> dict[str, Any]:
    """What was asked: names for the sentence, and the facts as (label, text)."""
    recipe, data = record.manifest["recipe"], record.manifest["data"]
    model, broker = recipe["model"], recipe["broker"]
    horizon, outside = int(recipe["target"]["horizon"]), record.summary["out_of_sample"]
    units = ", ".join(str(unit) for unit in model.get("units", ()))
    members = int(recipe["training"].get("members", 1))
    kind = str(recipe["strategy"]["kind"])
    meaning = words.strategy_words(recipe["strategy"])
    fill = "open" if broker["fill"] == "next_open" else "close"
    model_parts = [
        str(model["kind"]),
        f"{units} units" if units else "",
        f"looks back {words.plural(int(model['lookback']), 'bar')}",
        f"{members} networks averaged" if members > 1 else "",
    ]
    facts = [
        ("Prices", f"{data['adjustment']} daily bars, {words.span(data['start'], data['end'])}"),
        ("Out of sample", f"{words.span(outside['start'], outside['end'])}, {outside['bars']:,} bars"),
        ("Model", ", ".join(part for part in model_parts if part)),
        _training_words(record),
        ("Forecast", f"{words.plural(horizon, 'bar')} ahead, after each close"),
        ("Strategy", f"{kind}: {meaning}" if meaning else kind),
        ("Costs a side", f"{broker['commission_bp']:g} bp commission, {broker['slippage_bp']:g} bp slippage"),
        ("Fills", f"at the next bar's {fill}"),
    ]
    return {
        "model": _MODELS.get(str(model["kind"]), str(model["kind"])),
        "symbol": ", ".join(record.summary["symbols"]),
        "horizon": "next close" if horizon == 1 else f"close {horizon} bars ahead",
        "strategy": kind,
        "facts": facts,
    }


def _training_words(record: RunRecord) -> tuple[str, str]:
    folds = record.manifest["recipe"]["folds"]
    if is_single(record):
        return "Trained", f"once, on {_length(folds['train'])}, then tested on all that follows"
    return (
        "Retrained",
        f"{words.plural(len(record.manifest['folds']), 'time')}, each on {_length(folds['train'])} "
        f"({folds['scheme']}), then tested on {_length(folds['test'])}",
    )


def _length(value: Any) -> str:
    return words.plural(value, "bar") if isinstance(value, int) else str(value)


def failures(record: RunRecord) -> list[dict[str, str]]:
    """Folds without a forecast."""
    return [
        {
            "fold": str(fold["index"]),
            "test": words.span(fold.get("test_start"), fold.get("test_end")),
            "reason": str(fold.get("reason") or "no reason recorded"),
        }
        for fold in record.manifest["folds"]
        if fold.get("state") == "failed"
    ]


def accuracy(record: RunRecord) -> dict[str, Any]:
    """Rows of the forecast table: the forecast, the last price, and the other naive forecasts."""
    own, naive = record.summary["forecast"], record.summary.get("baselines", {})
    last = {"rmse": own["rmse_last_price"], "rmse_ratio": 1.0, "mae": own.get("mae_last_price"), "u2": 1.0}
    rows = [("This forecast", own), ("Last price", {**last, "r2_oos": 0.0, "n": own.get("n")})]
    rows += [
        (label, naive[key])
        for key, label in (("last_return", "Last return"), ("mean_return", "Mean return so far"))
        if key in naive
    ]
    keys = ("rmse", "rmse_ratio", "mae", "u2", "r2_oos", "hit_rate", "hit_rate_n")
    return {
        "rows": [(label, {key: row.get(key) for key in keys}) for label, row in rows],
        "sentence": words.ratio_sentence(own["rmse_ratio"]),
    }


def fold_rows(record: RunRecord) -> list[dict[str, Any]]:
    """One row for each fold: its spans from the manifest, its figures from the summary."""
    scores = {row["fold"]: row for row in record.summary["folds_table"]}
    rows = []
    for fold in record.manifest["folds"]:
        members = fold.get("members") or []
        rows.append(
            {
                "fold": fold["index"],
                "failed": fold.get("state") == "failed",
                "train": words.span(fold.get("train_start"), fold.get("train_end")),
                "test": words.span(fold.get("test_start"), fold.get("test_end")),
                "bars": fold.get("test_bars"),
                "epochs": _range([member.get("epochs") for member in members]),
                "loss": _mean([member.get("loss") for member in members]),
                "validation_loss": _mean([member.get("validation_loss") for member in members]),
                **{
                    key: scores.get(fold["index"], {}).get(key)
                    for key in ("rmse_ratio", "hit_rate", "return_strategy", "return_buy_and_hold")
                },
            }
        )
    return rows


def _mean(values: Sequence[Any]) -> float | None:
    known = [float(value) for value in values if not words.is_missing(value)]
    return sum(known) / len(known) if known else None


def _range(values: Sequence[Any]) -> str:
    known = [int(value) for value in values if not words.is_missing(value)]
    if not known:
        return words.DASH
    return str(known[0]) if min(known) == max(known) else f"{min(known)}–{max(known)}"


def month_tables(record: RunRecord) -> list[dict[str, Any]]:
    """Monthly returns of strategy and buy-and-hold; ``heat`` from -1 to 1 on one scale for both."""
    tables = {
        name: monthly_returns(record.returns[name])
        for name in ("strategy", "buy_and_hold")
        if name in record.returns
    }
    largest = [float(np.nanmax(np.abs(table.drop(columns="year")), initial=0.0)) for table in tables.values()]
    scale = max([*largest, 0.01])
    return [
        {
            "label": words.LABELS[name],
            "rows": [
                {
                    "year": int(str(year)),
                    "total": row["year"],
                    "months": [
                        {"value": row[month], "heat": 0.0 if np.isnan(row[month]) else row[month] / scale}
                        for month in range(1, 13)
                    ],
                }
                for year, row in table.iterrows()
            ],
        }
        for name, table in tables.items()
    ]


def trading(record: RunRecord) -> dict[str, Any]:
    """Figures of the strategy's trades, and the last of them."""
    trades = record.trades[record.trades["strategy"] == "strategy"]
    closed = trades[trades["exit_date"].notna()]
    figures = record.summary["strategies"]["strategy"]
    last = [
        {
            "entry": _day(row["entry_date"]),
            "exit": "open" if pd.isna(row["exit_date"]) else _day(row["exit_date"]),
            **{key: row[key] for key in ("direction", "entry_price", "exit_price", "pnl", "return", "bars")},
        }
        for row in trades.tail(LAST_TRADES).iloc[::-1].to_dict("records")
    ]
    return {
        "n": len(trades),
        "facts": [
            ("Trades", words.count(figures.get("trades"))),
            ("Closed with a gain", words.percent(float((closed["pnl"] > 0).mean()) if len(closed) else None)),
            ("Mean return a trade", words.minus(words.percent(_average(closed["return"]), digits=2))),
            ("Mean holding, bars", words.number(_average(closed["bars"]), digits=1)),
            ("Average exposure", words.percent(figures.get("exposure"))),
            ("Time in the market", words.percent(figures.get("time_in_market"))),
            ("Turnover a year", words.minus(words.times(figures.get("turnover")))),
        ],
        "last": last,
        "rejected": int(figures.get("rejected_orders") or 0),
    }


def _day(value: Any) -> str:
    return words.DASH if pd.isna(value) else pd.Timestamp(value).strftime("%Y-%m-%d")


def _average(values: pd.Series) -> float | None:
    return float(values.mean()) if len(values) else None


def cost_rows(record: RunRecord) -> list[dict[str, Any]]:
    """What trading cost each curve, from its orders."""
    cash = float(record.manifest["recipe"]["broker"]["cash"])
    rows = []
    for name in known_series(record.summary):
        orders = record.orders[record.orders["strategy"] == name]
        total = record.summary["strategies"][name].get("costs")
        rows.append(
            {
                "name": name,
                "orders": len(orders[orders["filled"].notna()]),
                "rejected": record.summary["strategies"][name].get("rejected_orders") or 0,
                **{key: float(orders[key].abs().sum()) for key in ("value", "commission", "slippage")},
                "total": total,
                "share": None if words.is_missing(total) else total / cash,
            }
        )
    return rows


def settings(record: RunRecord) -> list[tuple[str, list[tuple[str, str]]]]:
    """The recipe as used, section by section, values as in a recipe file."""
    recipe: Mapping[str, Any] = record.manifest["recipe"]
    # a section that is not given is null, and not a setting
    top = [
        (key, _toml(value))
        for key, value in recipe.items()
        if not isinstance(value, Mapping) and value is not None
    ]
    # run.json has sorted keys; a reader expects the order of a recipe file
    names = sorted(
        (name for name, section in recipe.items() if isinstance(section, Mapping)),
        key=lambda name: _SECTIONS.index(name) if name in _SECTIONS else len(_SECTIONS),
    )
    sections = [(f"[{name}]", [(key, _toml(value)) for key, value in recipe[name].items()]) for name in names]
    return [("", top), *sections] if top else sections


def _toml(value: Any) -> str:
    return "not set" if value is None else json.dumps(value, ensure_ascii=False)


def notes(record: RunRecord) -> list[dict[str, str]]:
    """What was found about the data and the run, warnings first; the same text once."""
    found = [*record.manifest["data"].get("notes", ()), *record.manifest.get("notes", ())]
    unique = {(str(note["kind"]), str(note["text"])): None for note in found}
    order = {"warning": 0, "repair": 1}
    return [
        {"kind": kind, "text": text} for kind, text in sorted(unique, key=lambda note: order.get(note[0], 2))
    ]


def files(record: RunRecord) -> list[tuple[str, str]]:
    """Files beside the page, the page itself left out."""
    made_with_the_page = {name for name, _ in _FILES if name.startswith("tearsheet")}
    return [
        (name, text)
        for name, text in _FILES
        if name in made_with_the_page or (record.directory / name).is_file()
    ]
