"""From repetitions to figures, and what each answer says of the machine."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backtester.execution import available_cores

__all__ = ["Disturbance", "machine", "print_answer", "ratio", "say", "spread"]


# Cores: what a system does by itself.
_QUIET = 0.2


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Median, extremes and all repetitions."""
    return {
        "median": round(statistics.median(values), 4),
        "min": round(min(values), 4),
        "max": round(max(values), 4),
        "repetitions": [round(value, 4) for value in values],
    }


def ratio(slow: Sequence[float], fast: Sequence[float]) -> dict[str, Any]:
    """How many times the first is the second, taken repetition by repetition."""
    return spread([a / b for a, b in zip(slow, fast, strict=True)])


def machine() -> dict[str, Any]:
    """What the figures are taken on."""
    return {"cores": available_cores(), "cpu": _cpu(), "python": platform.python_version()}


class Disturbance:
    """Cores that others keep busy, looked at while the benchmark itself waits.

    Figures taken beside other work are worth nothing: two threads that wait for each other on a
    busy machine took PyTorch from 0.3 s to 50 s a fold, while single-threaded workers only halved.
    """

    def __init__(self) -> None:
        self._cores_busy: list[float] = []

    def look(self) -> None:
        """Look for a second; call it between measurements, when nothing of ours runs."""
        before = _busy_seconds()
        time.sleep(1.0)
        after = _busy_seconds()
        if before is not None and after is not None:
            self._cores_busy.append(round(after - before, 2))
            if self._cores_busy[-1] > _QUIET:
                say(f"Others keep {self._cores_busy[-1]:.1f} cores busy: these figures will not count.")

    def described(self) -> dict[str, Any]:
        """Whether the figures count."""
        seen = self._cores_busy
        return {"cores_busy_with_others": seen, "quiet": max(seen) <= _QUIET if seen else None}


def _busy_seconds() -> float | None:
    """Seconds that all cores together have worked; None where there is no /proc."""
    try:
        fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    except OSError:
        return None
    user, nice, system, _, _, irq, softirq = map(int, fields[:7])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown")


def say(text: str) -> None:
    """Tell the one who waits."""
    print(text, file=sys.stderr, flush=True)


def print_answer(answer: dict[str, Any]) -> None:
    """Print one JSON object, the only thing on stdout."""
    print(json.dumps(answer, indent=2), flush=True)
