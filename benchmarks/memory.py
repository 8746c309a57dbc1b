"""Resident memory of the processes of a training, as Linux tells it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["MemoryLog", "mb_per_fold", "resident_mb", "worker_ids"]


def resident_mb(process: int) -> float:
    """Resident memory of a process in MiB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def worker_ids() -> tuple[int, ...]:
    """Our worker processes: those that this process started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(") ")[2].split()[1])
            command = (folder / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == os.getpid() and b"backtester.execution.worker" in command:
            found.append(int(folder.name))
    return tuple(sorted(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryLog:
    """Memory of some processes after each of some folds.

    Parameters
    ----------
    processes : their ids
    folds : folds done by all of them together, at each reading
    readings : for each process its MiB, one for each entry of ``folds``
    """

    processes: tuple[int, ...]
    folds: list[int] = field(default_factory=list)
    readings: dict[int, list[float]] = field(default_factory=dict)

    def read(self, *, done: int) -> None:
        """Take a reading."""
        self.folds.append(done)
        for process in self.processes:
            self.readings.setdefault(process, []).append(resident_mb(process))


def mb_per_fold(folds: Sequence[float], megabytes: Sequence[float]) -> float:
    """Slope of the straight line through the readings, by least squares.

    Examples
    --------
    >>> mb_per_fold([1, 2, 3], [10.0, 10.5, 11.0])
    0.5
    """
    mean_fold, mean_mb = sum(folds) / len(folds), sum(megabytes) / len(megabytes)
    above = sum((f - mean_fold) * (m - mean_mb) for f, m in zip(folds, megabytes, strict=True))
    return above / sum((f - mean_fold) ** 2 for f in folds)
