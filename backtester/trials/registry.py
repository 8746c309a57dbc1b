"""The registry on disk: one file for each trial, named by its id, behind a checksum; no pickle.

Files are added and never removed, by any number of processes at once; a damaged one is told and left out.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from backtester.files import create_bytes, make_folder, remove_left_over, storage_error, write_bytes
from backtester.places import data_folder, temporary_folder, temporary_path
from backtester.trials.market import market_key, same_market, seconds
from backtester.trials.trial import Trial, same_returns

__all__ = ["DamagedTrial", "TrialRegistry", "default_registry_folder", "temporary_registry_folder"]

_MAGIC = b"walkforward trial 1\n"
_SUFFIX = ".trial"


def default_registry_folder() -> Path:
    """The user's data directory, or the system's temporary one where there is no home to write to.

    Raises
    ------
    StorageError : there is no home, and what lies in the temporary directory is not this user's alone
    """
    home = data_folder()
    if home is None:
        return temporary_folder() / "trials"
    folder = home / "trials"
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    # One that exists and is read-only still holds the trials: writing to another would hide them.
    if nearest == folder or os.access(nearest, os.W_OK | os.X_OK):
        return folder
    return temporary_folder() / "trials"


def temporary_registry_folder() -> Path:
    """Where trials are kept for a user without a home."""
    return temporary_path() / "trials"


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedTrial:
    """A file of the registry that cannot be used."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRegistry:
    """All trials below one folder.

    Parameters
    ----------
    folder : made at the first trial, for its owner alone; it need not be there to read
    """

    folder: Path

    def prepare(self) -> None:
        """Make the folder, for its owner alone.

        Raises
        ------
        StorageError : it cannot be made, or not be written to
        """
        make_folder(self.folder.parent)
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            if not os.access(self.folder, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            # a process that was killed as its trial had just been named: nobody writes that one again
            remove_left_over(self.folder)
        except OSError as error:
            raise storage_error(self.folder, error) from error

    def identify(self, trial: Trial) -> Trial:
        """Give the trial the id that it is kept under.

        That is its own, unless other returns are kept under it already: then what made them was not all in
        the hash, and it is another trial. Returns that differ by 1e-9 or less are the same: a replay's and
        Backtrader's differ in their last bits.
        """
        present = _read(self.folder / f"{trial.sha256}{_SUFFIX}")
        if isinstance(present, Trial) and not same_returns(present.returns, trial.returns):
            return trial.known_by_its_returns()
        return trial

    def register(self, trial: Trial) -> bool:
        """Keep a trial, from `identify`; whether it was new.

        A trial whose id is there already stays as it is: an identical rerun is no new trial. A damaged
        file gives way, as the id determines what belongs in it.

        Raises
        ------
        StorageError : the disk is full or read-only
        """
        path = self.folder / f"{trial.sha256}{_SUFFIX}"
        present = _read(path)
        if isinstance(present, Trial):
            return False
        content = _encode(trial, registered=trial.registered or f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
        stored = _MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n" + content
        self.prepare()
        if present is None:
            return create_bytes(path, stored)
        write_bytes(path, stored)
        return True

    def read(self) -> tuple[tuple[Trial, ...], tuple[DamagedTrial, ...]]:
        """Read every file once: the trials by id, and the files that cannot be used."""
        trials: list[Trial] = []
        damaged: list[DamagedTrial] = []
        for found in self._files():
            entry = found if isinstance(found, DamagedTrial) else _read(found)
            if isinstance(entry, Trial):
                trials.append(entry)
            elif entry is not None:
                damaged.append(entry)
        return tuple(trials), tuple(damaged)

    def all(self) -> tuple[Trial, ...]:
        """Every trial, by id."""
        return self.read()[0]

    def damaged(self) -> tuple[DamagedTrial, ...]:
        """The files that cannot be used."""
        return self.read()[1]

    def on_market(self, dates: pd.DatetimeIndex, market: npt.NDArray[np.float64]) -> tuple[Trial, ...]:
        """Every trial on the market with these returns, by id; see `same_market`."""
        answers: dict[bytes, bool] = {}
        found = []
        for trial in self.all():
            key = market_key(trial.dates, trial.market)
            if key not in answers:
                answers[key] = same_market(dates, market, other=(trial.dates, trial.market))
            if answers[key]:
                found.append(trial)
        return tuple(found)

    def _files(self) -> Iterator[Path | DamagedTrial]:
        try:
            names = sorted(os.listdir(self.folder))
        except FileNotFoundError:
            return
        except OSError as error:
            yield DamagedTrial(file=self.folder.name, reason=error.strerror or type(error).__name__)
            return
        yield from (self.folder / name for name in names if name.endswith(_SUFFIX))


def _read(path: Path) -> Trial | DamagedTrial | None:
    """Read one file; None where there is none."""
    try:
        stored = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        return DamagedTrial(file=path.name, reason=error.strerror or type(error).__name__)
    digest, content = stored[len(_MAGIC) : len(_MAGIC) + 64], stored[len(_MAGIC) + 65 :]
    if not stored.startswith(_MAGIC):
        return DamagedTrial(file=path.name, reason="not a trial of this version" if stored else "empty")
    if hashlib.sha256(content).hexdigest().encode() != digest:
        return DamagedTrial(file=path.name, reason="its checksum differs")
    try:
        trial = _decode(content)
    except (KeyError, ValueError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        return DamagedTrial(file=path.name, reason=f"its content is wrong ({error})")
    if path.name != f"{trial.sha256}{_SUFFIX}":
        return DamagedTrial(file=path.name, reason="its name is that of another trial")
    return trial


def _encode(trial: Trial, *, registered: str) -> bytes:
    about = {
        "sha256": trial.sha256,
        "name": trial.name,
        "recipe": trial.recipe,
        "symbol": trial.symbol,
        "settings": dict(trial.settings),
        "headline": dict(trial.headline),
        "registered": registered,
    }
    text = json.dumps(about, sort_keys=True, allow_nan=False).encode()
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        about=np.frombuffer(text, dtype=np.uint8),
        dates=seconds(trial.dates),
        returns=np.asarray(trial.returns, dtype=np.float64),
        market=np.asarray(trial.market, dtype=np.float64),
    )
    return buffer.getvalue()


def _decode(content: bytes) -> Trial:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        about = json.loads(arrays["about"].tobytes())
        return Trial(
            **about,
            dates=pd.DatetimeIndex(arrays["dates"].astype("datetime64[s]")),
            returns=arrays["returns"],
            market=arrays["market"],
        )
