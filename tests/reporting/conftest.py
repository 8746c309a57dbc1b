"""Invented runs on disk: the files of the run directory, from a seeded random market."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from backtester.files import write_json
from backtester.recipe.sections import Recipe
from backtester.reporting import write_report
from backtester.run_directory import RunRecord, read_run, write_checksums, write_table
from tests.reporting.judged import DRAWS, add_judgement, write_evidence

ORDER_COLUMNS = ["strategy", "symbol", "decided", "filled", "side", "size", "price", "value"]
ORDER_COLUMNS += ["commission", "slippage", "status"]
TRADE_COLUMNS = ["strategy", "symbol", "entry_date", "exit_date", "direction", "size", "entry_price"]
TRADE_COLUMNS += ["exit_price", "pnl", "return", "bars"]
ACCURACY = ["rmse", "rmse_last_price", "rmse_ratio", "mae", "mae_last_price", "u2", "r2_oos", "hit_rate"]
TRAIN, TEST, FOLDS, LOOKBACK = 750, 63, 28, 20
NASTY = (
    '<script>alert("x")</script>\'"&amp; </script><!-- {{metrics}} [[note]] {% raw %} '
    "<b>ß</b> \U0001f4c8 مرحبا بالعالم " + "W" * 300
)[:300]


def _market(bars: int) -> pd.DataFrame:
    draw = np.random.default_rng(11)
    close = 100.0 * np.exp(np.cumsum(draw.normal(0.0003, 0.011, bars)))
    opening = close * np.exp(draw.normal(0.0, 0.002, bars))
    return pd.DataFrame(
        {
            "date": pd.bdate_range("2007-01-02", periods=bars),
            "open": opening,
            "high": np.maximum(opening, close) * 1.003,
            "low": np.minimum(opening, close) * 0.997,
            "close": close,
            "volume": 1e6,
        }
    )


def _forecasts(prices: pd.DataFrame, *, symbol: str, failed: int | None) -> pd.DataFrame:
    draw = np.random.default_rng(12)
    close = prices["close"].to_numpy()
    origins = np.arange(TRAIN, len(prices))
    actual = np.full(len(origins), np.nan)
    actual[:-1] = np.log(close[origins[:-1] + 1] / close[origins[:-1]])
    fold = (origins - TRAIN) // TEST
    forecast = draw.normal(0.0002, 0.0012, len(origins))
    if failed is not None:
        forecast[fold == failed] = np.nan
    return pd.DataFrame(
        {
            "symbol": symbol,
            "origin": prices["date"].to_numpy()[origins],
            "target_date": pd.Series(prices["date"]).shift(-1).to_numpy()[origins],
            "horizon": 1,
            "fold": fold,
            "seed": 7 + fold,
            "forecast": forecast,
            "forecast_sd": np.nan,
            "actual": actual,
            "last_price": close[origins],
            "forecast_price": close[origins] * np.exp(forecast),
        }
    )


def _trading(prices: pd.DataFrame, forecasts: pd.DataFrame, *, cash: bool) -> dict[str, pd.DataFrame]:
    simple = prices["close"].pct_change().to_numpy()[TRAIN + 1 :]
    wanted = np.nan_to_num(forecasts["forecast"].to_numpy()[:-1]) > 0
    trend = prices["close"].pct_change().to_numpy()[TRAIN:-1] > 0
    none = np.zeros(len(simple))
    held = {
        "strategy": none if cash else wanted.astype(float),
        "buy_and_hold": none + 1.0,
        "last_price": none,
        "last_return": trend.astype(float),
    }
    dates = prices["date"].to_numpy()[TRAIN + 1 :]
    returns, exposures = pd.DataFrame({"date": dates}), pd.DataFrame({"date": dates})
    for name, position in held.items():
        changes = np.abs(np.diff(position, prepend=0.0))
        returns[name] = position * simple - changes * 0.0002
        exposures[name] = position
    return {"returns": returns, "exposures": exposures}


def _orders(prices: pd.DataFrame, exposures: pd.DataFrame, symbol: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    opening = prices["open"].to_numpy()[TRAIN + 1 :]
    dates = exposures["date"].to_numpy()
    orders: list[dict[str, Any]] = []
    trades: list[dict[str, Any]] = []
    for name in ("strategy", "buy_and_hold", "last_price", "last_return"):
        position = exposures[name].to_numpy()
        entry: int | None = None
        for at in np.flatnonzero(np.diff(position, prepend=0.0)):
            price, size = float(opening[at]), 500.0
            buying = position[at] > 0
            orders.append(
                {
                    "strategy": name, "symbol": symbol, "decided": dates[max(at - 1, 0)], "filled": dates[at],
                    "side": "buy" if buying else "sell", "size": size, "price": price, "value": size * price,
                    "commission": size * price * 1e-4, "slippage": size * price * 1e-4, "status": "completed",
                }
            )  # fmt: skip
            if buying:
                entry = int(at)
            elif entry is not None:
                trades.append(_trade(name, symbol, dates, opening, entry, int(at)))
                entry = None
        if entry is not None:
            trades.append(_trade(name, symbol, dates, opening, entry, None))
    return pd.DataFrame(orders, columns=ORDER_COLUMNS), pd.DataFrame(trades, columns=TRADE_COLUMNS)


def _trade(name: str, symbol: str, dates: Any, opening: Any, entry: int, leave: int | None) -> dict[str, Any]:
    end = float(opening[-1 if leave is None else leave])
    gain = end / float(opening[entry]) - 1.0
    return {
        "strategy": name, "symbol": symbol, "entry_date": dates[entry],
        "exit_date": pd.NaT if leave is None else dates[leave], "direction": "long", "size": 1000.0,
        "entry_price": float(opening[entry]), "exit_price": np.nan if leave is None else end,
        "pnl": 1000.0 * gain * float(opening[entry]), "return": gain,
        "bars": (len(dates) if leave is None else leave) - entry,
    }  # fmt: skip


def performance(
    returns: pd.Series, *, exposure: pd.Series, orders: pd.DataFrame, trades: int
) -> dict[str, Any]:
    growth = (1.0 + returns).cumprod()
    sd = float(returns.std(ddof=1))
    changes = float(exposure.diff().abs().sum() + abs(exposure.iloc[0]))
    return {
        "total_return": float(growth.iloc[-1] - 1.0),
        "cagr": float(growth.iloc[-1] ** (252 / len(returns)) - 1.0),
        "volatility": sd * 252**0.5,
        "sharpe": float(returns.mean() / sd * 252**0.5) if sd > 0 else None,
        "max_drawdown": float((growth / growth.cummax().clip(lower=1.0) - 1.0).min()),
        "turnover": changes / len(returns) * 252,
        "trades": trades,
        "exposure": float(exposure.mean()),
        "time_in_market": float((exposure != 0).mean()),
        "costs": float((orders["commission"] + orders["slippage"]).sum()),
        "rejected_orders": 0,
        "final_equity": float(100_000.0 * growth.iloc[-1]),
    }


def _accuracy(forecasts: pd.DataFrame, predicted: Any) -> dict[str, Any]:
    rows = forecasts.assign(predicted=predicted).dropna(subset=["predicted", "actual"])
    if rows.empty:
        return dict.fromkeys(ACCURACY) | {"n": 0, "hit_rate_n": 0}
    last, actual = rows["last_price"], rows["actual"]
    close = last * np.exp(actual)
    error = last * np.exp(rows["predicted"]) - close
    rmse, naive = float((error**2).mean() ** 0.5), float(((last - close) ** 2).mean() ** 0.5)
    u2 = float((((rows["predicted"] - actual) ** 2).mean() / (actual**2).mean()) ** 0.5)
    hits = (np.sign(rows["predicted"]) == np.sign(actual))[rows["predicted"] != 0]
    return {
        "rmse": rmse, "rmse_last_price": naive, "rmse_ratio": rmse / naive,
        "mae": float(error.abs().mean()), "mae_last_price": float((last - close).abs().mean()),
        "u2": u2, "r2_oos": 1 - u2**2, "hit_rate": float(hits.mean()) if len(hits) else None,
        "hit_rate_n": len(hits), "n": len(rows),
    }  # fmt: skip


def _summary(forecasts: pd.DataFrame, traded: dict[str, pd.DataFrame], *, symbol: str) -> dict[str, Any]:
    returns, exposures = traded["returns"], traded["exposures"]
    orders, trades = traded["orders"], traded["trades"]
    folds = []
    bar_fold = forecasts["fold"].to_numpy()[:-1]
    for fold, rows in forecasts.groupby("fold"):
        own = returns[bar_fold == fold]
        accuracy = _accuracy(rows, rows["forecast"])
        folds.append(
            {"fold": int(str(fold)), "bars": len(rows),
             "start": str(rows["origin"].min())[:10], "end": str(rows["origin"].max())[:10],
             **{key: accuracy[key] for key in ("rmse", "rmse_last_price", "rmse_ratio", "hit_rate")},
             "return_strategy": float((1 + own["strategy"]).prod() - 1),
             "return_buy_and_hold": float((1 + own["buy_and_hold"]).prod() - 1)}
        )  # fmt: skip
    return {
        "symbols": [symbol],
        "folds": len(folds),
        "out_of_sample": {
            "start": folds[0]["start"], "end": folds[-1]["end"], "bars": len(forecasts),
        },
        "forecast": _accuracy(forecasts, forecasts["forecast"]),
        "baselines": {
            "last_return": _accuracy(forecasts, forecasts["actual"].shift(1)),
            "mean_return": _accuracy(forecasts, 0.0003),
        },
        "strategies": {
            name: performance(
                returns[name],
                exposure=exposures[name],
                orders=orders[orders["strategy"] == name],
                trades=int((trades["strategy"] == name).sum()),
            )
            for name in ("strategy", "buy_and_hold", "last_price", "last_return")
        },
        "folds_table": folds,
        "answer": (
            f"No: on {symbol} the forecast errs more than the last price, and trading it returned less "
            "a year than buy-and-hold after costs."
        ),
        "forecasts_sha256": hashlib.sha256(b"forecasts").hexdigest(),
    }  # fmt: skip


def _manifest(
    prices: pd.DataFrame, *, symbol: str, title: str, note: str, failed: int | None
) -> dict[str, Any]:
    dates = prices["date"].dt.strftime("%Y-%m-%d").to_list()
    recipe = json.loads(Recipe().model_dump_json())
    recipe["data"]["symbol"], recipe["report"]["title"] = symbol, title
    recipe["verdict"]["draws"] = DRAWS
    folds: list[dict[str, Any]] = []
    for index in range(FOLDS):
        test = TRAIN + index * TEST
        last = min(test + TEST, len(dates)) - 1
        bad = index == failed
        members = [
            {"member": 0, "seed": 1000 + index, "epochs": 6 + index % 5, "loss": 0.98 + index / 1000,
             "validation_loss": 1.01 + index / 1000}
        ]  # fmt: skip
        folds.append(
            {"index": index, "train_start": dates[test - TRAIN], "train_end": dates[test - 76],
             "validation_start": dates[test - 75], "validation_end": dates[test - 1],
             "test_start": dates[test], "test_end": dates[last], "test_bars": last - test + 1,
             "state": "failed" if bad else "done", "reason": note if bad else "",
             "members": [] if bad else members}
        )  # fmt: skip
    notes = [{"kind": "warning", "text": note}] if note else []
    return {
        "program": {"name": "backtester", "version": "0.1.0"},
        "question_sha256": hashlib.sha256(f"{symbol} {failed} {note}".encode()).hexdigest(),
        "recipe_name": "lstm",
        "recipe": recipe,
        "data": {"source": "sample", "name": "SPY.csv", "sha256": "a" * 64, "bars_sha256": "b" * 64,
                 "symbol": symbol, "adjustment": "adjusted",
                 "start": dates[0], "end": dates[-1], "bars": len(dates),
                 "notes": [{"kind": "info", "text": "Adjusted prices: dividends are in them."}, *notes]},
        "state": "done" if failed is None else "incomplete",
        "reason": "",
        "versions": {"python": "3.11.7", "tensorflow": "2.21.0", "quantstats": "0.0.86"},
        "cpu": "an invented processor",
        "folds": folds,
        "timing": {"wall_seconds": 61.2, "startup_seconds": 9.5, "training_seconds": 48.1, "workers": 2,
                   "folds_trained": FOLDS, "folds_reused": 0},
        "notes": notes,
        "started": "2024-05-01T09:00:00Z",
    }  # fmt: skip


def make_run(
    directory: Path, *, failed: int | None = None, cash: bool = False, text: str = "", title: str = "",
    trials: int = 1,
) -> RunRecord:  # fmt: skip
    """Write an invented run; ``text`` becomes symbol, title, note, reason and the trials' recipe."""
    directory.mkdir(parents=True, exist_ok=True)
    symbol = text or "SPY"
    prices = _market(TRAIN + FOLDS * TEST - 20)
    forecasts = _forecasts(prices, symbol=symbol, failed=failed)
    traded = _trading(prices, forecasts, cash=cash)
    traded["orders"], traded["trades"] = _orders(prices, traded["exposures"], symbol)
    for name, frame in {
        "prices.csv": prices, "forecasts.csv": forecasts, "returns.csv": traded["returns"],
        "exposures.csv": traded["exposures"], "orders.csv": traded["orders"], "trades.csv": traded["trades"],
    }.items():  # fmt: skip
        write_table(directory / name, frame)
    write_evidence(
        directory, prices=prices, forecasts=forecasts, traded=traded,
        recipe_name=text or "lstm", trials=trials,
    )  # fmt: skip
    write_json(directory / "summary.json", _summary(forecasts, traded, symbol=symbol))
    write_json(
        directory / "run.json",
        _manifest(prices, symbol=symbol, title=title or text, note=text, failed=failed),
    )
    add_judgement(directory)
    write_checksums(directory)
    return read_run(directory)


@pytest.fixture(scope="session")
def nasty_text() -> str:
    """Markup, quotes, placeholders of every template, emoji, right-to-left, no place to break."""
    return NASTY


@pytest.fixture(scope="session")
def plain_run(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    """28 folds, about 1,700 out-of-sample bars, nine trials, nothing wrong."""
    return make_run(tmp_path_factory.mktemp("plain") / "run", trials=9)


@pytest.fixture(scope="session")
def nasty_run(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    """A failed fold, a strategy that stays in cash, and text that is no text."""
    return make_run(tmp_path_factory.mktemp("nasty") / "run", failed=5, cash=True, text=NASTY)


@pytest.fixture(scope="session")
def plain_page(plain_run: RunRecord) -> Path:
    """The pages of the plain run."""
    return write_report(plain_run)


@pytest.fixture(scope="session")
def nasty_page(nasty_run: RunRecord) -> Path:
    """The pages of the nasty run."""
    return write_report(nasty_run)
