"""Every headline figure, by one formula each."""

from backtester.metrics.accuracy import ForecastAccuracy, forecast_accuracy
from backtester.metrics.performance import Performance, performance
from backtester.metrics.returns import (
    annual_turnover,
    cagr,
    drawdowns,
    max_drawdown,
    risk_free_per_bar,
    sharpe,
    total_return,
    volatility,
)

__all__ = [
    "ForecastAccuracy",
    "Performance",
    "annual_turnover",
    "cagr",
    "drawdowns",
    "forecast_accuracy",
    "max_drawdown",
    "performance",
    "risk_free_per_bar",
    "sharpe",
    "total_return",
    "volatility",
]
