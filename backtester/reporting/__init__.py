"""The pages of a run: one page to read first, two QuantStats tear sheets, one table for the terminal.

Everything is drawn from the files of the run directory alone, so that the pages can be drawn again
at any time. Importing this package is cheap; plotly and quantstats are loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backtester.reporting.charts import figures
    from backtester.reporting.comparison import check_place, write_comparison
    from backtester.reporting.comparison_charts import comparison_figures
    from backtester.reporting.comparison_words import compared_table, compared_text
    from backtester.reporting.pages import write_report
    from backtester.reporting.table import comparison_table, comparison_text

__all__ = [
    "check_place",
    "compared_table",
    "compared_text",
    "comparison_figures",
    "comparison_table",
    "comparison_text",
    "figures",
    "write_comparison",
    "write_report",
]

_HOMES = {
    "check_place": "backtester.reporting.comparison",
    "compared_table": "backtester.reporting.comparison_words",
    "compared_text": "backtester.reporting.comparison_words",
    "comparison_figures": "backtester.reporting.comparison_charts",
    "comparison_table": "backtester.reporting.table",
    "comparison_text": "backtester.reporting.table",
    "figures": "backtester.reporting.charts",
    "write_comparison": "backtester.reporting.comparison",
    "write_report": "backtester.reporting.pages",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
