"""Real small disks and real read-only places, or a reason why there are none here."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

NOBODY = 54321
"""A user that no system knows: no name, no home."""


def must(*command: object) -> None:
    """Do what only root can do, or skip with the reason."""
    if os.geteuid() != 0:
        pytest.skip(f"{command[0]} needs root")
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{command[0]} is not allowed here: {done.stderr.strip()}")


@dataclass(frozen=True)
class Disk:
    """A tmpfs of its own, of so many bytes."""

    folder: Path

    def resize(self, n_bytes: int) -> None:
        must("mount", "-o", f"remount,size={n_bytes}", self.folder)

    def close(self) -> None:
        """Make it read-only."""
        must("mount", "-o", "remount,ro", self.folder)

    @property
    def used(self) -> int:
        found = os.statvfs(self.folder)
        return (found.f_blocks - found.f_bfree) * found.f_frsize


@contextmanager
def mounted(folder: Path, *, n_bytes: int) -> Iterator[Disk]:
    folder.mkdir(parents=True, exist_ok=True)
    must("mount", "-t", "tmpfs", "-o", f"size={n_bytes},mode=755", "tmpfs", folder)
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


@contextmanager
def immutable(folder: Path) -> Iterator[None]:
    """Nothing can be made in it, not even by root."""
    must("chattr", "+i", folder)
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", str(folder)], check=False)
