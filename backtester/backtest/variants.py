"""One run traded under other circumstances: dearer, a bar later, for nothing."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd

from backtester.backtest.broker import costs_of
from backtester.backtest.replay import replay_holding, retrade
from backtester.forecasts import Forecasts
from backtester.prices.table import Prices
from backtester.recipe.sections import BrokerSection
from backtester.recipe.strategies import StrategySection

__all__ = ["one_bar_later", "variants_table", "with_double_costs", "without_costs"]

_LARGEST = 0.99
"""Share of the equity that one trade at the largest exposure may cost, however much dearer it gets."""


def variants_table(
    prices: Prices,
    forecasts: Forecasts,
    *,
    strategy: StrategySection,
    broker: BrokerSection,
    folder: Path,
    periods_per_year: int,
) -> pd.DataFrame:
    """Trade the forecasts again at double costs, one bar later, and without costs.

    Parameters
    ----------
    prices : the whole history of one symbol
    forecasts : out of sample; rows of other symbols are left out
    strategy : the recipe's ``[strategy]``
    broker : the recipe's ``[broker]``
    folder : of the recipe, to which a user's strategy file is relative
    periods_per_year : bars in a year

    Returns
    -------
    frame, index ``date``, the bars of `trade`. Simple returns: ``strategy_double_costs`` and
    ``buy_and_hold_double_costs`` (see `with_double_costs`), ``strategy_one_bar_later`` (see
    `one_bar_later`; to be held against buy-and-hold as it was, which waits for no forecast),
    ``strategy_no_costs`` and ``buy_and_hold_no_costs``. Of the two runs without costs also
    ``turnover_strategy`` and ``turnover_buy_and_hold``, value traded over equity

    Raises
    ------
    RecipeError, UserCodeError : as `trade`
    """

    def traded(table: Forecasts, account: BrokerSection) -> pd.DataFrame:
        return retrade(
            prices,
            table,
            strategy=strategy,
            broker=account,
            folder=folder,
            periods_per_year=periods_per_year,
        )

    dear, free = with_double_costs(broker, max_exposure=strategy.max_exposure), without_costs(broker)
    strategy_free = traded(forecasts, free)
    held_free = replay_holding(prices, forecasts, broker=free)
    return pd.DataFrame(
        {
            "strategy_double_costs": traded(forecasts, dear)["return"],
            "buy_and_hold_double_costs": replay_holding(prices, forecasts, broker=dear)["return"],
            "strategy_one_bar_later": traded(one_bar_later(forecasts), broker)["return"],
            "strategy_no_costs": strategy_free["return"],
            "buy_and_hold_no_costs": held_free["return"],
            "turnover_strategy": strategy_free["turnover"],
            "turnover_buy_and_hold": held_free["turnover"],
        }
    )


def one_bar_later(forecasts: Forecasts) -> Forecasts:
    """Hand each forecast over one bar after it was made.

    At the close of bar t + 1 the strategy is told the forecast that was made at the close of bar t; its
    order fills at bar t + 2. Prices it sees up to bar t + 1, as always. So nothing is known earlier than
    before, and the forecast later. At the first origin there is no forecast, which is cash.

    Parameters
    ----------
    forecasts : with a row for every bar from the first origin on, as `walk_forward` makes them

    Returns
    -------
    Forecasts for trading: the ``actual`` of a row is still that of its own origin
    """
    frame = forecasts.frame
    late = frame.groupby("symbol", sort=False)[["forecast", "forecast_sd"]].shift(1)
    price = frame["last_price"] * np.exp(late["forecast"])
    return Forecasts(
        frame=frame.assign(forecast=late["forecast"], forecast_sd=late["forecast_sd"], forecast_price=price)
    )


def without_costs(broker: BrokerSection) -> BrokerSection:
    """Give the broker without commission and slippage."""
    return broker.model_copy(update={"commission_bp": 0.0, "slippage_bp": 0.0})


def with_double_costs(broker: BrokerSection, *, max_exposure: float) -> BrokerSection:
    """Double commission and slippage, as far as one trade leaves something of the equity.

    Parameters
    ----------
    broker : the recipe's ``[broker]``
    max_exposure : the largest position that is traded, as a share of equity

    Returns
    -------
    BrokerSection; the factor is 2, or less where a trade of ``max_exposure`` would take more than 99 % of
    the equity, which is 2475 bp a trade at fourfold leverage; never less than 1

    Raises
    ------
    RecipeError : the costs as they are could take the whole equity in one trade

    Source
    ------
    A buy costs f·(s + c) + f²·s·c of its value at f-fold slippage s and commission c; the largest f is the
    root at which that is 0.99 / max_exposure.

    Examples
    --------
    >>> dear = with_double_costs(BrokerSection(commission_bp=1.0, slippage_bp=0.5), max_exposure=1.0)
    >>> dear.commission_bp, dear.slippage_bp
    (2.0, 1.0)
    """
    costs = costs_of(broker, max_exposure=max_exposure)
    once, limit = costs.slippage + costs.commission, _LARGEST / max_exposure
    both = costs.slippage * costs.commission
    largest = 2.0 * limit / (once + math.sqrt(once**2 + 4.0 * both * limit)) if once > 0.0 else math.inf
    factor = max(1.0, min(2.0, largest))
    return broker.model_copy(
        update={"commission_bp": factor * broker.commission_bp, "slippage_bp": factor * broker.slippage_bp}
    )
