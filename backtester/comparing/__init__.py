"""Several finished runs beside each other, and what choosing the best of them is worth."""

from backtester.comparing.aligned import MIN_COMMON
from backtester.comparing.comparison import Comparison, compare_runs

__all__ = ["MIN_COMMON", "Comparison", "compare_runs"]
