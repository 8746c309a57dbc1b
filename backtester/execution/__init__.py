"""Where training tasks run."""

from backtester.execution.pool import WorkerPool, available_cores

__all__ = ["WorkerPool", "available_cores"]
