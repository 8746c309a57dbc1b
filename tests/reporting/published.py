"""A published system's two files, hand-made, as `backtester.published` describes them; nothing is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backtester.files import write_json
from backtester.published import PublishedRecord
from backtester.run_directory import read_json, write_table

LOOKBACK, TEST_ROWS, EPOCHS = 30, 90, 12


def add_published(
    directory: Path,
    *,
    errors: tuple[float, ...] = (1.1, 1.2, 1.3),
    backwards: bool = False,
    watched: bool = True,
    text: str = "",
) -> PublishedRecord:
    """Put the files of a published test on the run's own prices beside them, and give the figures.

    Each network forecasts the last price plus noise, so large that its RMSE is about `errors` times the last
    price's. ``text`` becomes source, symbol, sentence and flaws. Backwards: rows newest first, the first 30
    windows across a seam, the others trained on.
    """
    close = pd.read_csv(directory / "prices.csv", parse_dates=["date"]).set_index("date")["close"]
    series = close[::-1] if backwards else close
    start = LOOKBACK if backwards else len(series) - TEST_ROWS
    rows = np.arange(start, start + TEST_ROWS)
    actual, last = series.to_numpy()[rows], series.to_numpy()[rows - 1]
    draw, naive = np.random.default_rng(17), np.abs(actual - last)
    noise = [np.sqrt(abs(error**2 - 1.0)) for error in errors]
    step = float(np.sqrt(np.mean((actual - last) ** 2)))
    forecasts = {
        f"forecast_{number}": _forecast(actual, last, error=error, noise=step * size, draw=draw)
        for number, (error, size) in enumerate(zip(errors, noise, strict=True), start=1)
    }
    seam = np.arange(TEST_ROWS) < (LOOKBACK if backwards else 0)
    dates = series.index
    write_table(
        directory / "published.csv",
        pd.DataFrame(
            {
                "target_date": dates[rows],
                "window_start": dates[rows - LOOKBACK],
                "window_end": dates[rows - 1],
                "actual": actual,
                "last_price": last,
                **forecasts,
                "in_training": backwards & ~seam,
                "straddles": seam,
            }
        ),
    )
    seeds: list[dict[str, Any]] = [
        _seed(100 + number, forecast - actual, naive=step, watched=watched)
        for number, forecast in enumerate(forecasts.values())
    ]
    scores = [seed["rmse"] for seed in seeds]
    days = [f"{day:%Y-%m-%d}" for day in sorted(dates[rows])]
    own = read_json(directory / "summary.json")["forecast"]
    below = [seed for seed in seeds if seed["ratio"] < 1.0]
    record: dict[str, Any] = {
        "source": text or "a study of LSTM networks, notebook 4",
        "symbol": text or "SPY",
        "column": "close",
        "order": "newest_first" if backwards else "oldest_first",
        "rows": len(series),
        "start": f"{dates.min():%Y-%m-%d}",
        "end": f"{dates.max():%Y-%m-%d}",
        "lookback": LOOKBACK,
        "epochs": EPOCHS,
        "train": {
            "rows": len(series) - TEST_ROWS,
            "start": f"{dates.min():%Y-%m-%d}",
            "end": f"{dates.max():%Y-%m-%d}",
            "samples": len(series) - TEST_ROWS - LOOKBACK,
            "validation": 0,
        },
        "test": {"rows": TEST_ROWS, "start": days[0], "end": days[-1]},
        "last_price": {"rmse": step, "mae": float(naive.mean())},
        "seeds": seeds,
        "failures": [] if errors else [{"seed": 7, "reason": text or "the loss is no number"}],
        "rmse": {
            "mean": float(np.mean(scores)),
            "sd": float(np.std(scores, ddof=1)) if len(scores) > 1 else None,
            "min": min(scores),
            "max": max(scores),
        }
        if scores
        else None,
        "ratio": float(np.mean(scores)) / step if scores else None,
        "published_rmse": None if backwards else 1.12 * step,
        "parts": [{"key": "seam", "title": text or "across the seam", "rows": LOOKBACK, "rmse": 3.0 * step,
                   "last_price_rmse": step}] if backwards else [],
        "flaws": [
            {"key": "one_split", "title": text or "One split", "text": text or "One split of one market."},
            {"key": "scaler", "title": "Scaler fitted on test rows", "text": "It changes nothing here."},
        ],
        "examined": {
            "seeds": [{key: seed[key] for key in ("seed", "rmse", "ratio")} | {"p_value": 0.03}
                      for seed in below],
            "in_training": 0, "in_inputs": 0, "in_own_window": 0,
            "text": text or "No row is in its own window.",
        } if below else None,
        "walk_forward": {"rmse": own["rmse"], "rmse_last_price": own["rmse_last_price"],
                         "ratio": own["rmse_ratio"]},
        "sentence": text or "As published (one split, scaler fitted on all rows): RMSE 1.20, last price "
        "1.00; walk-forward: RMSE 1.02, last price 1.01.",
    }  # fmt: skip
    write_json(directory / "published.json", record)
    return record  # type: ignore[return-value]


def _forecast(
    actual: np.ndarray, last: np.ndarray, *, error: float, noise: float, draw: np.random.Generator
) -> np.ndarray:
    """Last price and noise; below the last price only with a look at what is to be forecast."""
    base = last if error >= 1.0 else actual + error * (last - actual)
    return np.asarray(base + (draw.normal(0.0, noise, len(last)) if error >= 1.0 else 0.0), dtype=np.float64)


def _seed(seed: int, misses: np.ndarray, *, naive: float, watched: bool) -> dict[str, Any]:
    rmse = float(np.sqrt(np.mean(misses**2)))
    epochs = np.arange(1, EPOCHS + 1)
    return {
        "seed": seed,
        "rmse": rmse,
        "mae": float(np.abs(misses).mean()),
        "ratio": rmse / naive,
        "direction": 0.51,
        "direction_n": len(misses),
        "epochs": EPOCHS,
        "loss": (0.05 / epochs**1.5).tolist(),
        "validation_loss": (0.02 / epochs).tolist() if watched else [],
    }
