"""From a run directory to a forecast of the next session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backtester.backtest import next_fill
from backtester.errors import RecipeError, UsageError
from backtester.forecasting.conformal import Intervals, conformal_intervals, past_volatility
from backtester.forecasting.forecast import NextForecast
from backtester.forecasting.latest import Latest, forecast_latest
from backtester.forecasting.newer import with_newer_bars
from backtester.forecasts import Forecasts
from backtester.metrics import forecast_accuracy
from backtester.prices import NoteKind, Prices, prices_from_frame, read_prices
from backtester.question import Question, ask
from backtester.recipe import DataSection, Scheme, Source
from backtester.recipe.problems import check_mapping
from backtester.reopening import Opened, Reopened, directory_of, reopen
from backtester.run_directory import check_files, leaks_of, read_run
from backtester.store import FoldStore, default_store_folder
from backtester.walkforward import Progress, say_nothing

__all__ = ["forecast"]

_STALE_DAYS = 7
_HOW_READ = ("data.date_format", "data.column")


def forecast(
    run: str | Path | Opened,
    *,
    prices: pd.DataFrame | str | Path | None = None,
    yahoo: str = "",
    level: float = 0.9,
    changes: Mapping[str, Any] | None = None,
    step: Callable[[str], None] = say_nothing,
    on_progress: Callable[[Progress], None] = say_nothing,
    today: date | None = None,
) -> NextForecast:
    """Forecast the next session from a finished run; nothing is written but trained folds into the store.

    Parameters
    ----------
    run : a run directory, or what `backtester.run` or `backtester.open_run` gave
    prices : newer ones of the same symbol, a frame or a CSV or Parquet file; none: the run's own
    yahoo : a ticker instead, fetched anew
    level : share of outcomes that the interval should hold, from 0.5 to below 1
    changes : keys of ``[execution]`` to set; with a file of newer prices also ``data.date_format`` and
        ``data.column``, which say how it is read
    step : called with a sentence when a part begins
    on_progress : called after each network
    today : to tell whether the prices are old; None: the clock's

    Returns
    -------
    NextForecast

    Raises
    ------
    UsageError : a level out of its range, two sources of prices, or how to read a file where none is named
    RunDirectoryError, RecipeError : see `reopen`
    PricesError : newer prices that cannot be used, or differ from the run's on a common bar
    FoldsFailedError : the network of the latest window could not be trained
    UserCodeError : the user's strategy, model or feature failed
    StorageError : a file of the run is damaged, or the disk is full or read-only

    Examples
    --------
    >>> import backtester
    >>> coming = backtester.forecast("reports/lstm-SPY-1a2b3c4d", prices="SPY.csv")   # doctest: +SKIP
    >>> coming.price, coming.interval                                                  # doctest: +SKIP
    """
    if not 0.5 <= level < 1.0:
        raise UsageError(f"level = {level:g}.", advice="Allowed: from 0.5 to below 1, such as 0.9.")
    if prices is not None and yahoo:
        raise UsageError("Two sources of newer prices are named.", advice="Name one file or one ticker.")
    directory = directory_of(run)
    changes = dict(changes or {})
    reading = {key.partition(".")[2]: changes.pop(key) for key in _HOW_READ if key in changes}
    if reading and not isinstance(prices, str | Path):
        raise UsageError(
            f"data.{next(iter(reading))}: says how a file of newer prices is read, and none is named.",
            advice="Name the file, or leave the key out.",
        )
    read_run(directory)  # where there is no run, this says so
    check_files(directory)
    opened = reopen(directory, changes=changes, whole=False)
    question, notes = _with_newer(opened, prices=prices, yahoo=yahoo, reading=reading)
    recipe = question.loaded.recipe
    latest = forecast_latest(
        question,
        record=opened.record,
        store=FoldStore(folder=Path(recipe.execution.store or default_store_folder())),
        step=step,
        on_progress=on_progress,
    )
    fill = next_fill(
        question.prices,
        latest.forecasts,
        strategy=recipe.strategy,
        broker=recipe.broker,
        folder=question.loaded.folder,
        periods_per_year=recipe.data.periods_per_year,
    )
    question.check_code()  # the user's files were read again just now
    origin = question.prices.dates[-1].date()
    return NextForecast(
        run=directory,
        recipe=question.loaded.name,
        symbol=question.prices.symbol,
        origin=origin,
        horizon=recipe.target.horizon,
        last_price=float(question.prices.column("close")[-1]),
        forecasts=latest.forecasts,
        intervals=_intervals(latest.forecasts, prices=question.prices, level=level),
        level=level,
        next_fill=fill,
        fill=recipe.broker.fill.value,
        accuracy=forecast_accuracy(latest.forecasts),
        verdict=str(opened.record.summary["verdict"]["sentence"]),
        window=_window(latest, prices=question.prices),
        trained=latest.trained,
        reused=latest.reused,
        leaks=tuple(leaks_of(opened.record.manifest)),
        notes=tuple(
            dict.fromkeys([*opened.notes, *notes, *_notes(question, latest, today=today or date.today())])
        ),
    )


def _with_newer(
    opened: Reopened, *, prices: pd.DataFrame | str | Path | None, yahoo: str, reading: Mapping[str, Any]
) -> tuple[Question, list[str]]:
    """Ask the run's question on its prices with the newer bars."""
    question = opened.question
    if prices is None and not yahoo:
        return question, []
    newer = _read(question.loaded.recipe.data, prices=prices, yahoo=yahoo, reading=reading)
    longer, notes = with_newer_bars(question.prices, newer=newer)
    told = [note.text for note in (*newer.notes, *notes) if note.kind is NoteKind.WARNING]
    if len(longer) == len(question.prices):
        return question, [*told, f"{newer.source_name} holds no newer bar: the run's own prices are used."]
    return ask(question.loaded, prices=longer), told


def _read(
    data: DataSection, *, prices: pd.DataFrame | str | Path | None, yahoo: str, reading: Mapping[str, Any]
) -> Prices:
    """Read by the run's own settings, to the last bar there is."""
    open_ended: dict[str, Any] = {"end": None}
    if not isinstance(prices, str | Path):
        open_ended |= {"column": "", "date_format": ""}  # of the run's file, if it had one
    if isinstance(prices, pd.DataFrame):
        return prices_from_frame(prices, symbol=data.symbol, data=data.model_copy(update=open_ended))
    if prices is None:
        section = {**open_ended, "source": Source.YAHOO, "symbol": yahoo, "refresh": True}
        return replace(read_prices(data.model_copy(update=section), folder=Path.cwd()), symbol=data.symbol)
    parquet = Path(prices).suffix.lower() in {".parquet", ".pq"}
    place = {
        "source": Source.PARQUET if parquet else Source.CSV,
        "path": str(Path(prices).absolute()),
    }
    recipe, problems = check_mapping({"data": {**place, "symbol": data.symbol, **reading}})
    if recipe is None:
        raise RecipeError("\n".join(problems))
    section = {**open_ended, **place, **{name: getattr(recipe.data, name) for name in reading}}
    return read_prices(data.model_copy(update=section), folder=Path.cwd())


def _intervals(forecasts: Forecasts, *, prices: Prices, level: float) -> Intervals:
    frame = forecasts.frame
    origins = prices.dates.get_indexer(pd.DatetimeIndex(frame["origin"]))
    return conformal_intervals(
        frame["forecast"].to_numpy(dtype=np.float64),
        frame["actual"].to_numpy(dtype=np.float64),
        scale=past_volatility(prices.column("close"))[origins],
        horizon=int(frame["horizon"].iloc[0]),
        level=level,
    )


def _window(latest: Latest, *, prices: Prices) -> tuple[date, date] | None:
    if latest.fold is None:
        return None
    window = latest.fold.training_window
    return prices.dates[window.start].date(), prices.dates[window.stop - 1].date()


def _notes(question: Question, latest: Latest, *, today: date) -> list[str]:
    last = question.prices.dates[-1].date()
    notes = list(latest.notes)
    if latest.failed:
        notes.append(
            f"{latest.failed} earlier origins have no forecast, as their folds failed; the strategy holds "
            "cash there, and no interval is measured."
        )
    if latest.missing:
        notes.append(
            f"{latest.missing} earlier origins have no forecast, although no fold of theirs failed; the "
            "strategy holds cash there, and no interval is measured."
        )
    if question.loaded.recipe.folds.scheme is Scheme.SINGLE and latest.fold is not None:
        notes.append(
            "The run is a single split: one network made its forecasts for years. This forecast is by one "
            "trained on the latest window, so what those were worth says less of it."
        )
    if (today - last).days > _STALE_DAYS:
        notes.append(
            f"The last bar is of {last.isoformat()}, {(today - last).days} days ago; newer prices are taken "
            "by --csv or --yahoo."
        )
    elif today <= last:
        notes.append(
            f"The last bar is of {last.isoformat()}: until that session ends, its close is not final."
        )
    return notes
