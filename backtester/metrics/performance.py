"""Every figure of one way to trade."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from backtester.metrics.figures import defined
from backtester.metrics.returns import annual_turnover, cagr, max_drawdown, sharpe, total_return, volatility

__all__ = ["Performance", "performance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """The figures of one way to trade.

    Parameters
    ----------
    total_return, cagr, volatility, sharpe, max_drawdown : see the functions of these names
    turnover : a year, see `annual_turnover`
    trades : from flat to flat, one still open included
    exposure : mean over the closes of position value over equity, signed
    time_in_market : share of the closes with a position
    costs : commission and slippage, money
    rejected_orders : orders that the broker refused
    final_equity : money, at the last close
    """

    total_return: float
    cagr: float
    volatility: float
    sharpe: float
    max_drawdown: float
    turnover: float
    trades: int
    exposure: float
    time_in_market: float
    costs: float
    rejected_orders: int
    final_equity: float

    def as_dict(self) -> dict[str, float | int | None]:
        """Figures by name, None where one is not defined."""
        return defined(asdict(self))


def performance(
    bars: pd.DataFrame,
    *,
    trades: int,
    rejected_orders: int,
    periods_per_year: float,
    risk_free_rate: float = 0.0,
) -> Performance:
    """Give every figure of one way to trade.

    Parameters
    ----------
    bars : one row a bar, columns ``equity return exposure turnover cost`` as `backtester.backtest` gives
        them; at least one row
    trades, rejected_orders : their numbers
    periods_per_year : bars in a year
    risk_free_rate : a year, subtracted in the Sharpe ratio

    Returns
    -------
    Performance
    """
    column = {name: bars[name].to_numpy(dtype=np.float64) for name in bars.columns}
    returns, exposure = column["return"], column["exposure"]
    return Performance(
        total_return=total_return(returns),
        cagr=cagr(returns, periods_per_year=periods_per_year),
        volatility=volatility(returns, periods_per_year=periods_per_year),
        sharpe=sharpe(returns, periods_per_year=periods_per_year, risk_free_rate=risk_free_rate),
        max_drawdown=max_drawdown(returns),
        turnover=annual_turnover(column["turnover"], periods_per_year=periods_per_year),
        trades=trades,
        exposure=float(np.mean(exposure)),
        time_in_market=float(np.mean(exposure != 0.0)),
        costs=float(np.sum(column["cost"])),
        rejected_orders=rejected_orders,
        final_equity=float(column["equity"][-1]),
    )
