"""Symbols: the same recipe on other prices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backtester.errors import BacktesterError
from backtester.judgement import Answer
from backtester.prices import Prices, read_prices
from backtester.recipe import Source
from backtester.reporting.words import percent
from backtester.stress.across import Across, Counted, across_symbols
from backtester.stress.axis import AxisResult, Case, Picture, PictureKind
from backtester.stress.compared import GAIN, GAIN_LABEL, Traded, trade_outcomes
from backtester.stress.context import Context, Outcome, Variant
from backtester.trials import same_market

__all__ = ["AXIS", "Symbols", "price_files"]

_SUFFIXES = {
    ".csv": Source.CSV,
    ".csv.gz": Source.CSV,
    ".parquet": Source.PARQUET,
}
_FEWEST = 3

Returns = tuple[pd.DatetimeIndex, NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbols:
    """Ask the same of other symbols, each over its own dates.

    Symbols move together, so that 60 of them are not 60 experiments: how many would gain by luck comes from
    resamples of dates, all symbols together, in which every gain is moved to 0.

    Answered *yes* where luck gives as many that gain, or more, with a chance of at most the recipe's
    ``verdict.level``; *no* where half of them or fewer gain; else *inconclusive*, as for fewer than three
    symbols and for a run without a gain. The run's own symbol does not count: the recipe was made on it.
    """

    key: str = "symbols"
    title: str = "Other symbols"
    question: str = "Does the same recipe gain on other symbols?"

    def variants(self, context: Context) -> Sequence[Variant]:
        """Give the run and the same on every price file named; nothing where none is."""
        if not context.settings.symbols:
            return []
        own = context.question.prices
        found = [Variant(label=f"{own.symbol}, the run's own", coordinates={"symbol": own.symbol})]
        markets = {"the run's own market": _returns(own)}
        for name in context.settings.symbols:
            files = price_files(Path(name))
            found += [_variant(context, path=path, markets=markets) for path in files]
            if not files:
                found.append(Variant(label=name, refusal="The folder holds no price files."))
        return found

    def conclude(self, context: Context, outcomes: Sequence[Outcome]) -> AxisResult:
        """Compare the symbols."""
        if not outcomes:
            return _nothing(context)
        traded, reasons = trade_outcomes(context, outcomes)
        cases = [
            _case(context, outcome, traded=one, reason=reason, own=at == 0)
            for at, (outcome, one, reason) in enumerate(zip(outcomes, traded, reasons, strict=True))
        ]
        others = [one for one in traded[1:] if one is not None]
        across = across_symbols(
            others,
            periods_per_year=context.recipe.data.periods_per_year,
            draws=context.settings.draws,
            seed=context.seed("symbols"),
        )
        answer = _answer(context, across=across)
        return AxisResult(
            answer=answer,
            sentence=_sentence(across, n_refused=sum(map(bool, reasons))),
            figure=GAIN,
            cases=cases,
            pictures=_pictures(cases[0], across=across),
            facts=_facts(across, n_refused=sum(map(bool, reasons))),
            traded=traded,
            notes=_notes(cases, reasons=reasons),
        )


def price_files(path: Path) -> list[Path]:
    """Give the price files of a folder in the order of their names; a file is itself.

    Parameters
    ----------
    path : file or folder, relative to the current folder
    """
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if _suffix(file) and not file.name.startswith("."))


def _suffix(path: Path) -> str:
    name = path.name.casefold()
    return next((suffix for suffix in _SUFFIXES if name.endswith(suffix)), "")


def _returns(prices: Prices) -> Returns:
    close = prices.column("close")
    return prices.dates[1:], close[1:] / close[:-1] - 1.0


def _variant(context: Context, *, path: Path, markets: dict[str, Returns]) -> Variant:
    """One file; a market that is there already, under whatever name or adjustment, is no further witness."""
    suffix = _suffix(path)
    symbol = path.name[: len(path.name) - len(suffix)] or path.name
    data = context.recipe.data.model_copy(
        update={
            "source": _SUFFIXES.get(suffix, Source.CSV),
            "symbol": symbol,
            "path": str(path.absolute()),
            "confirmed_jumps": (),
        }
    )
    coordinates = {"symbol": symbol}
    try:
        prices = read_prices(data, folder=Path.cwd())
    except BacktesterError as error:
        return Variant(label=symbol, coordinates=coordinates, refusal=error.message)
    returns = _returns(prices)
    for name, known in markets.items():
        if same_market(*returns, other=known):
            return Variant(label=symbol, coordinates=coordinates, refusal=f"This is {name} again.")
    markets[f"the market of {symbol}"] = returns
    return Variant(label=symbol, prices=prices, coordinates=coordinates)


def _case(context: Context, outcome: Outcome, *, traded: Traded | None, reason: str, own: bool) -> Case:
    variant = outcome.variant
    if traded is None:
        return Case(label=variant.label, coordinates=variant.coordinates, note=reason)
    figures = context.figures(traded.bars, holding=traded.holding, forecasts=traded.forecasts)
    dates = traded.bars.index
    return Case(
        label=variant.label,
        coordinates=variant.coordinates,
        figures=figures,
        stands=context.stands(figures),
        note=f"{dates[0].date()} to {dates[-1].date()}",
        own=own,
    )


def _answer(context: Context, *, across: Across) -> Answer:
    gaining = across.gaining
    if across.n < _FEWEST or not context.baseline[GAIN] > 0.0:
        return Answer.INCONCLUSIVE
    if gaining.n <= across.n / 2:
        return Answer.NO
    return Answer.YES if gaining.p_value <= context.recipe.verdict.level else Answer.INCONCLUSIVE


def _sentence(across: Across, *, n_refused: int) -> str:
    refused = f" {n_refused} more were refused." if n_refused else ""
    if across.n == 0:
        return f"None of the other symbols could be traded.{refused}"
    low, high = across.mean_gain_interval
    apart = (
        f"They move together: they say as much as {across.effective:.1f} independent ones. "
        if across.n > 1 and math.isfinite(across.effective)
        else ""
    )
    return (
        f"Of {across.n} other symbols, {across.gaining.n} beat buy-and-hold at the same risk; by luck it "
        f"would be {_by_luck(across.gaining)}. {across.forecasting.n} beat the last price; by luck it would "
        f"be {_by_luck(across.forecasting)}. {apart}The mean gain in Sharpe ratio is {across.mean_gain:+.2f} "
        f"({percent(across.level, digits=0)} interval {low:+.2f} to {high:+.2f}).{refused}"
    ).replace(" -", " −")


def _by_luck(counted: Counted) -> str:
    return (
        f"{counted.by_luck:.0f}, and {counted.often_by_luck:.0f} or more once in twenty "
        f"(p = {counted.p_value:.3f})"
    )


def _facts(across: Across, *, n_refused: int) -> dict[str, float]:
    return {
        "symbols": across.n,
        "refused": n_refused,
        "beat_holding": across.gaining.n,
        "beat_holding_by_luck": across.gaining.by_luck,
        "beat_holding_by_luck_once_in_twenty": across.gaining.often_by_luck,
        "p_value_holding": across.gaining.p_value,
        "beat_last_price": across.forecasting.n,
        "beat_last_price_by_luck": across.forecasting.by_luck,
        "beat_last_price_by_luck_once_in_twenty": across.forecasting.often_by_luck,
        "p_value_last_price": across.forecasting.p_value,
        "mean_correlation_of_gains": across.correlation,
        "effective_symbols": across.effective,
        "mean_gain": across.mean_gain,
        "mean_gain_low": across.mean_gain_interval[0],
        "mean_gain_high": across.mean_gain_interval[1],
    }


def _pictures(own: Case, *, across: Across) -> list[Picture]:
    return [
        Picture(
            kind=PictureKind.STRIP,
            title="The gain on every symbol",
            figure=GAIN,
            figure_label=GAIN_LABEL,
            baseline=own.figures[GAIN],
        ),
        Picture(
            kind=PictureKind.STRIP,
            title="The forecast on every symbol",
            figure="rmse_ratio",
            figure_label="RMSE over that of the last price",
            baseline=own.figures["rmse_ratio"],
        ),
        Picture(
            kind=PictureKind.HISTOGRAM,
            title="How many symbols beat buy-and-hold by luck",
            figure="beat_holding",
            figure_label="Symbols that beat buy-and-hold where no gain is real",
            baseline=float(across.gaining.n) if across.n else math.nan,
            draws=tuple(across.gaining.draws),
        ),
    ]


def _notes(cases: Sequence[Case], *, reasons: Sequence[str]) -> list[str]:
    refused = [case.label for case, reason in zip(cases, reasons, strict=True) if reason]
    notes = [
        "Survivors: whoever lists symbols today leaves out those that failed or were taken over, which no "
        "one knew then. That flatters buy-and-hold and every strategy that is long.",
        "Each symbol is compared over its own dates.",
    ]
    if refused:
        notes.append(f"Refused, for the reason in the table: {', '.join(refused)}.")
    return notes


def _nothing(context: Context) -> AxisResult:
    own = Case(
        label=f"{context.question.prices.symbol}, the run's own",
        coordinates={"symbol": context.question.prices.symbol},
        figures=context.baseline,
        stands=context.stands(context.baseline),
        own=True,
    )
    nothing = across_symbols([], periods_per_year=1, draws=1, seed=0)
    return AxisResult(
        answer=Answer.INCONCLUSIVE,
        sentence="No other symbols were named.",
        figure=GAIN,
        cases=[own],
        pictures=_pictures(own, across=nothing)[:2],
        notes=["Name price files or folders of them: stress.symbols."],
    )


AXIS = Symbols()
