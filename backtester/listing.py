"""The runs in a folder, each with its headline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backtester.errors import StorageError, UsageError
from backtester.run_directory import FINISHED, MANIFEST, SUMMARY, read_json

__all__ = ["list_runs", "runs_text"]


def list_runs(directory: Path) -> list[dict[str, Any]]:
    """List the runs in a folder, by name.

    Returns
    -------
    list of dict with ``name``, ``state``, ``started``, and, of finished runs, ``answer``, ``rmse_ratio``,
    ``sharpe`` and ``sharpe_buy_and_hold``; a run that cannot be read has the state ``damaged``

    Raises
    ------
    UsageError : no such folder
    """
    if not directory.is_dir():
        raise UsageError(f"{directory}: no such folder.", advice="Name the folder given to `run --out`.")
    return [_headline(path.parent) for path in sorted(directory.glob(f"*/{MANIFEST}"))]


def _headline(run: Path) -> dict[str, Any]:
    try:
        manifest = read_json(run / MANIFEST)
        entry = {"name": run.name, "state": manifest["state"], "started": manifest["started"]}
        if manifest["state"] not in FINISHED:
            return entry
        summary = read_json(run / SUMMARY)
        strategies = summary["strategies"]
        return entry | {
            "answer": summary["answer"],
            "rmse_ratio": summary["forecast"]["rmse_ratio"],
            "sharpe": strategies["strategy"]["sharpe"],
            "sharpe_buy_and_hold": strategies["buy_and_hold"]["sharpe"],
        }
    except (StorageError, KeyError):
        return {"name": run.name, "state": "damaged"}


def runs_text(found: Sequence[dict[str, Any]], *, width: int) -> str:
    """Render a list of runs as lines no wider than the terminal."""
    lines = []
    for run in found:
        state = "" if run["state"] == "done" else f"  [{run['state']}]"
        lines.append(f"{run['name']}{state}"[:width])
        if "answer" in run:
            figures = (
                f"  error ratio to last price {_number(run['rmse_ratio'], digits=3)}"
                f"  Sharpe {_number(run['sharpe'])}  buy-and-hold {_number(run['sharpe_buy_and_hold'])}"
            )
            lines.append(figures[:width])
    return "\n".join(lines)


def _number(value: float | None, *, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
