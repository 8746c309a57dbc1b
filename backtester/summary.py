"""``summary.json``: every headline figure of a run, by stable key, and the answer in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backtester.backtest import Trading
from backtester.forecasts import Forecasts
from backtester.metrics import forecast_accuracy, performance, total_return
from backtester.recipe import Recipe

__all__ = ["answer_of", "summarise"]


def summarise(
    recipe: Recipe,
    *,
    symbol: str,
    forecasts: Forecasts,
    baselines: Mapping[str, Forecasts],
    traded: Mapping[str, Trading],
) -> dict[str, Any]:
    """Summarise a run.

    Parameters
    ----------
    recipe : as used
    symbol : whose prices
    forecasts : of the model
    baselines : forecasts by baseline
    traded : ``strategy``, ``buy_and_hold``, ``last_price``, ``last_return``, on identical dates

    Returns
    -------
    dict of JSON values; what is not defined is None
    """
    bars = traded["strategy"].bars
    summary = {
        "symbols": [symbol],
        "folds": int(forecasts.frame["fold"].nunique()),
        "out_of_sample": {
            "start": f"{bars.index[0]:%Y-%m-%d}",
            "end": f"{bars.index[-1]:%Y-%m-%d}",
            "bars": len(bars),
        },
        "forecast": forecast_accuracy(forecasts).as_dict(),
        "baselines": {kind: forecast_accuracy(table).as_dict() for kind, table in baselines.items()},
        "strategies": {name: _strategy_figures(trading, recipe=recipe) for name, trading in traded.items()},
        "folds_table": _folds_table(forecasts, traded=traded),
        "forecasts_sha256": forecasts.sha256,
    }
    return summary | {"answer": answer_of(summary)}


def _strategy_figures(trading: Trading, *, recipe: Recipe) -> dict[str, Any]:
    return performance(
        trading.bars,
        trades=len(trading.trades),
        rejected_orders=trading.rejected,
        periods_per_year=recipe.data.periods_per_year,
        risk_free_rate=recipe.broker.risk_free_rate,
    ).as_dict()


def _folds_table(forecasts: Forecasts, *, traded: Mapping[str, Trading]) -> list[dict[str, Any]]:
    """Figures of each fold; a fold's returns are those of the bars after its origins."""
    n_bars = len(traded["strategy"].bars)
    fold_of_bar = forecasts.frame["fold"].to_numpy()[:n_bars]
    rows = []
    for fold, frame in forecasts.frame.groupby("fold"):
        accuracy = forecast_accuracy(Forecasts(frame=frame)).as_dict()
        mine = fold_of_bar == fold
        row = {
            "fold": int(str(fold)),
            "start": f"{frame['origin'].iloc[0]:%Y-%m-%d}",
            "end": f"{frame['origin'].iloc[-1]:%Y-%m-%d}",
            "bars": int(mine.sum()),
        }
        row |= {key: accuracy[key] for key in ("rmse", "rmse_last_price", "rmse_ratio", "hit_rate")}
        for name in ("strategy", "buy_and_hold"):
            row[f"return_{name}"] = total_return(traded[name].bars["return"].to_numpy()[mine])
        rows.append(row)
    return rows


def answer_of(summary: Mapping[str, Any]) -> str:
    """Say in one sentence what came out: the forecast against the last price, the money against holding."""
    strategy, holding = summary["strategies"]["strategy"], summary["strategies"]["buy_and_hold"]
    return f"{_about_forecast(summary)}; {_about_money(strategy, holding)}."


def _about_forecast(summary: Mapping[str, Any]) -> str:
    ratio, of_mean = summary["forecast"]["rmse_ratio"], summary["baselines"]["mean_return"]["rmse_ratio"]
    if ratio is None:
        return "There is no forecast to score"
    beside = "" if of_mean is None else f" (forecasting the mean of past returns: {of_mean:.4f} times)"
    return f"The forecast error was {ratio:.4f} times that of the last price{beside}"


def _about_money(strategy: Mapping[str, Any], holding: Mapping[str, Any]) -> str:
    if strategy["trades"] == 0:
        return f"the strategy never left cash, while buy-and-hold made {_a_year(holding)}"
    mine, held = _a_year(strategy), _a_year(holding)
    if mine == held:
        return f"after costs the strategy made as much as buy-and-hold, {held}"
    verb = "more than" if strategy["total_return"] > holding["total_return"] else "less than"
    return f"after costs the strategy made {verb} buy-and-hold, {mine} against {held}"


def _a_year(figures: Mapping[str, Any]) -> str:
    sharpe = "" if figures["sharpe"] is None else f" (Sharpe {figures['sharpe']:.2f})"
    return f"{100 * figures['cagr']:.1f}% a year{sharpe}"
