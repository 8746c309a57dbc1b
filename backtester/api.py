"""The program from Python: ask a question, get an answer whose tables are pandas frames.

Examples
--------
>>> import backtester
>>> run = backtester.run("lstm", sample="SPY")          # doctest: +SKIP
>>> run.table                                           # doctest: +SKIP
>>> run.figures["equity"]                               # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from backtester.comparing import Comparison, compare_runs
from backtester.errors import UsageError
from backtester.pipeline import Listener, answer
from backtester.planning import plan_of
from backtester.prices import Prices, prices_from_frame
from backtester.question import Question
from backtester.question import ask as ask_loaded
from backtester.recipe import LoadedRecipe, load_recipe, parse_overrides, recipe_from_mapping
from backtester.reporting import (
    compared_table,
    comparison_figures,
    comparison_table,
    figures,
    write_comparison,
)
from backtester.run_directory import STRESS, RunRecord, read_json, read_run

__all__ = ["Compared", "Run", "ask", "compare", "open_run", "plan", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A finished run: its files as frames, its figures, its page.

    Parameters
    ----------
    record : as read from the run directory
    """

    record: RunRecord

    @property
    def directory(self) -> Path:
        """Where the files are."""
        return self.record.directory

    @property
    def page(self) -> Path:
        """The page to read first."""
        return self.directory / "index.html"

    @property
    def summary(self) -> dict[str, Any]:
        """Every headline figure, by stable key."""
        return self.record.summary

    @property
    def answer(self) -> str:
        """What came out, in one sentence."""
        return str(self.summary["answer"])

    @property
    def verdict(self) -> dict[str, Any]:
        """What the evidence supports: ``answer``, ``sentence``, and the four ``questions``."""
        verdict: dict[str, Any] = self.summary["verdict"]
        return verdict

    @property
    def judgement(self) -> dict[str, Any]:
        """Every test behind the verdict, with its figure and its interval."""
        judgement: dict[str, Any] = self.summary["judgement"]
        return judgement

    @property
    def table(self) -> pd.DataFrame:
        """Strategy, buy-and-hold, last price and last return side by side."""
        return comparison_table(self.record)

    @property
    def prices(self) -> pd.DataFrame:
        """The bars as used, by date."""
        return self.record.prices

    @property
    def forecasts(self) -> pd.DataFrame:
        """One row for each origin."""
        return self.record.forecasts

    @property
    def returns(self) -> pd.DataFrame:
        """Simple returns by date, a column for each way to trade."""
        return self.record.returns

    @property
    def exposures(self) -> pd.DataFrame:
        """Exposure at each close, a column for each way to trade."""
        return self.record.exposures

    @property
    def orders(self) -> pd.DataFrame:
        """Every order."""
        return self.record.orders

    @property
    def trades(self) -> pd.DataFrame:
        """Every trade, from flat to flat."""
        return self.record.trades

    @property
    def figures(self) -> dict[str, Any]:
        """The page's Plotly charts by name; in a notebook each shows itself."""
        return figures(self.record)

    @property
    def stressed(self) -> dict[str, Any]:
        """What `stress` found, as ``stress.json`` has it.

        Raises
        ------
        StorageError : the run was not stressed
        """
        return read_json(self.directory / STRESS)

    def stress(
        self,
        axes: Sequence[str] = (),
        *,
        symbols: Sequence[str | Path] = (),
        changes: Mapping[str, Any] | Sequence[str] = (),
        listener: Listener | None = None,
    ) -> Run:
        """Change the circumstances of this run, one axis at a time; train what that needs.

        Parameters
        ----------
        axes : by name, or your own as ``"file.py:AXIS"``; none: those of the recipe
        symbols : price files, or folders of them, for the axis ``symbols``
        changes : keys of ``[stress]`` and ``[execution]`` to set
        listener : hears of the progress

        Returns
        -------
        Run, judged again with what the axes said; see `stressed`

        Raises
        ------
        BacktesterError : what stopped it
        """
        from backtester.stress.running import plan_stress, stress_run

        settings = dict(changes) if isinstance(changes, Mapping) else parse_overrides(list(changes))
        settings |= {"stress.symbols": [str(path) for path in symbols]} if symbols else {}
        told = listener or Listener()
        planned = plan_stress(self.directory, axes=axes, changes=settings)
        return Run(record=stress_run(planned, step=told.step, on_progress=told.progress))

    def _repr_html_(self) -> str:
        from html import escape

        told = f"<p><b>{escape(self.verdict['sentence'])}</b></p><p>{escape(self.answer)}</p>"
        return f"{told}{self.table.to_html(na_rep='–')}"


def ask(
    recipe: str | Path | Mapping[str, Any],
    *,
    prices: pd.DataFrame | str | Path | None = None,
    symbol: str = "",
    sample: str = "",
    yahoo: str = "",
    changes: Mapping[str, Any] | Sequence[str] = (),
) -> Question:
    """Read recipe and prices and check both; nothing is trained or written.

    Parameters
    ----------
    recipe : a file, the name of a built-in recipe, or a mapping of sections
    prices : a frame, or a CSV or Parquet file, instead of the recipe's
    symbol : a name for these prices; default: the file's name, and ``prices`` for a frame
    sample, yahoo : a bundled sample or a ticker, instead of the recipe's prices
    changes : keys of the recipe to change, ``{"model.units": [25]}`` or ``["model.units=25"]``

    Raises
    ------
    UsageError : more than one source of prices
    RecipeError, PricesError : what cannot be used, with the reason
    """
    if sum([prices is not None, bool(sample), bool(yahoo)]) > 1:
        raise UsageError(
            "More than one source of prices is named.", advice="Name one file, sample or ticker."
        )
    overrides = _source(prices, symbol=symbol, sample=sample, yahoo=yahoo)
    overrides |= changes if isinstance(changes, Mapping) else parse_overrides(list(changes))
    loaded = _load(recipe, overrides=overrides)
    return ask_loaded(loaded, prices=_from_frame(prices, loaded=loaded))


def _source(
    prices: pd.DataFrame | str | Path | None, *, symbol: str, sample: str, yahoo: str
) -> dict[str, Any]:
    if isinstance(prices, str | Path):
        path = Path(prices)
        kind = "parquet" if path.suffix.lower() in {".parquet", ".pq"} else "csv"
        name = symbol or path.name.split(".")[0]
        return {"data.source": kind, "data.path": str(path.absolute()), "data.symbol": name}
    if prices is not None:
        return {"data.symbol": symbol or "prices"}
    if sample:
        return {"data.source": "sample", "data.symbol": sample}
    if yahoo:
        return {"data.source": "yahoo", "data.symbol": yahoo}
    return {"data.symbol": symbol} if symbol else {}


def _load(recipe: str | Path | Mapping[str, Any], *, overrides: Mapping[str, Any]) -> LoadedRecipe:
    if isinstance(recipe, Mapping):
        return recipe_from_mapping(recipe, name="recipe", folder=Path.cwd(), overrides=overrides)
    return load_recipe(recipe, overrides=overrides)


def _from_frame(prices: pd.DataFrame | str | Path | None, *, loaded: LoadedRecipe) -> Prices | None:
    if not isinstance(prices, pd.DataFrame):
        return None
    data = loaded.recipe.data
    return prices_from_frame(prices, symbol=data.symbol, data=data)


def run(
    recipe: str | Path | Mapping[str, Any],
    *,
    prices: pd.DataFrame | str | Path | None = None,
    symbol: str = "",
    sample: str = "",
    yahoo: str = "",
    changes: Mapping[str, Any] | Sequence[str] = (),
    out: str | Path | None = None,
    listener: Listener | None = None,
) -> Run:
    """Answer a question: train, trade, and write the run directory; see `ask` for the parameters.

    Parameters
    ----------
    out : folder that holds run directories; default: the recipe's ``report.directory``
    listener : hears of the progress

    Raises
    ------
    BacktesterError : what stopped the run
    """
    question = ask(recipe, prices=prices, symbol=symbol, sample=sample, yahoo=yahoo, changes=changes)
    return Run(record=answer(question, out=None if out is None else Path(out), listener=listener))


def plan(question: Question) -> pd.DataFrame:
    """Lay out the folds of a question: dates, bars and samples, a row for each."""
    return pd.DataFrame(plan_of(question)["folds"])


def open_run(directory: str | Path) -> Run:
    """Open a finished run.

    Raises
    ------
    RunDirectoryError : there is no finished run in this folder
    """
    return Run(record=read_run(Path(directory)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Several runs beside each other: figures, curves, a page.

    Parameters
    ----------
    comparison : of the runs
    """

    comparison: Comparison

    @property
    def sentence(self) -> str:
        """What the best of the runs is worth, as it was chosen from them."""
        return str(self.summary["sentence"])

    @property
    def summary(self) -> dict[str, Any]:
        """Every figure, by the keys of ``backtester compare --json``."""
        return self.comparison.figures

    @property
    def table(self) -> pd.DataFrame:
        """One row a run: its figures, then the settings that not all runs share."""
        return compared_table(self.summary)

    @property
    def returns(self) -> pd.DataFrame:
        """Simple returns by common date, a column for each run, then for buy-and-hold on each market."""
        return self.comparison.returns

    @property
    def figures(self) -> dict[str, Any]:
        """The page's Plotly charts by name, ``equity`` and ``gains``."""
        return comparison_figures(self.comparison)

    def write(self, path: str | Path) -> Path:
        """Write the page; one that was written before is replaced.

        Raises
        ------
        RunDirectoryError : something else is there
        """
        return write_comparison(self.comparison, path=Path(path))

    def _repr_html_(self) -> str:
        from html import escape

        return f"<p><b>{escape(self.sentence)}</b></p>{self.table.to_html(na_rep='–')}"


def compare(runs: Sequence[Run | str | Path]) -> Compared:
    """Put finished runs beside each other, on the dates that all of them have; nothing is written.

    Parameters
    ----------
    runs : two or more, or their directories

    Raises
    ------
    UsageError : fewer than two, one twice, or fewer than 60 dates in common
    RunDirectoryError : there is no finished run in a folder
    StorageError : the files of a run are missing or damaged
    """
    directories = [run.directory if isinstance(run, Run) else Path(run) for run in runs]
    return Compared(comparison=compare_runs(directories))
