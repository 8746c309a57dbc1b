"""Learn, before any money is at risk, whether a neural price forecast is worth trading.

The names below are loaded on first use, so that ``import backtester`` costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing has it, without the time of importing it: signals are not told about yet
if TYPE_CHECKING:
    from typing import Any

    from backtester.api import Compared, Run, ask, compare, open_run, plan, run
    from backtester.audit import audit_question, audit_run
    from backtester.control import control_digits
    from backtester.explaining.running import explain
    from backtester.explored import explore
    from backtester.forecasting.asking import forecast
    from backtester.prices import fetch
    from backtester.verifying import verify_run

__all__ = [
    "Compared",
    "Run",
    "ask",
    "audit_question",
    "audit_run",
    "compare",
    "control_digits",
    "explain",
    "explore",
    "fetch",
    "forecast",
    "open_run",
    "plan",
    "run",
    "verify_run",
]

_ELSEWHERE = {
    "audit_question": "backtester.audit",
    "audit_run": "backtester.audit",
    "control_digits": "backtester.control",
    "explain": "backtester.explaining.running",
    "explore": "backtester.explored",
    "fetch": "backtester.prices",
    "forecast": "backtester.forecasting.asking",
    "verify_run": "backtester.verifying",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_ELSEWHERE.get(name, "backtester.api")), name)


def __dir__() -> list[str]:
    return sorted(__all__)
