"""What a verification gives."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Finding", "Verification"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A file that is not what the run wrote, or does not follow from the others.

    Parameters
    ----------
    file : its name
    where : row and column, key, or empty
    text : what was found
    """

    file: str
    where: str
    text: str

    @property
    def line(self) -> str:
        """In one line."""
        place = f"{self.file}, {self.where}" if self.where else self.file
        return f"{place}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was looked at, what was found, and what the reader must know.

    Parameters
    ----------
    checked : what was looked at, in sentences
    findings : what is not as it should be
    notes : files that are none of the run's, and versions that differ from the run's
    unfinished : why what follows from the files could not be computed again; empty: it was, or was not asked
    """

    checked: tuple[str, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    unfinished: str = ""

    @property
    def sound(self) -> bool:
        """Whether nothing was found in what was looked at."""
        return not self.findings

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"sound": self.sound, **asdict(self)}
