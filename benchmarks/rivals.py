"""Contestants in processes and environments of their own."""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from backtester.execution.worker import ENVIRONMENT
from benchmarks.figures import say
from benchmarks.work import BATCH_SIZE, EPOCHS, Work, write_samples

__all__ = ["NotInstalledError", "RivalRun", "environment_of", "run_rival"]

_HERE = Path(__file__).parent
_SECONDS_TO_INSTALL = 1800


class NotInstalledError(Exception):
    """An environment that cannot be made, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RivalRun:
    """What a contestant did.

    Parameters
    ----------
    seconds : of each fold after the warm-up
    folds, samples, steps, parameters : folds timed; training samples and gradient steps of a fold;
        weights of the network
    mean_squared_error : of the scaled forecasts, to see that something was learnt
    """

    seconds: tuple[float, ...]
    folds: int
    samples: int
    steps: int
    parameters: int
    mean_squared_error: float

    @property
    def seconds_per_fold(self) -> float:
        """Mean over the folds."""
        return statistics.mean(self.seconds)

    @property
    def usual_seconds(self) -> float:
        """Median over the folds, which one that was disturbed does not move."""
        return statistics.median(self.seconds)


def run_rival(name: str, *, work: Work, n_folds: int, python: Path = Path(sys.executable)) -> RivalRun:
    """Run ``contestants/<name>.py`` on the first folds, free to use every core.

    Raises
    ------
    RuntimeError : the contestant failed
    """
    with tempfile.TemporaryDirectory() as temporary:
        samples = Path(temporary) / "samples.npz"
        write_samples(work, samples, n_folds=n_folds)
        command = [str(python), str(_HERE / "contestants" / f"{name}.py"), str(samples)]
        command += [f"--folds={n_folds}", f"--epochs={EPOCHS}", f"--batch-size={BATCH_SIZE}"]
        ended = subprocess.run(command, capture_output=True, text=True, env=_environment(), cwd=temporary)
    if ended.returncode:
        raise RuntimeError(f"{name} ended with {ended.returncode}: {ended.stderr[-2000:]}")
    answer = json.loads(ended.stdout.splitlines()[-1])
    return RivalRun(
        seconds=tuple(answer["seconds"]),
        folds=answer["folds"],
        samples=answer["samples"],
        steps=answer["steps"],
        parameters=answer["parameters"],
        mean_squared_error=answer["mean_squared_error"],
    )


def _environment() -> dict[str, str]:
    """The user's environment without the limits that our own workers live under."""
    kept = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT}
    return kept | {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}


def environment_of(name: str) -> Path:
    """Python of the environment of ``requirements/<name>.txt``, made where it is not there or out of date.

    Raises
    ------
    NotInstalledError : it cannot be made
    """
    requirements = _HERE / "requirements" / f"{name}.txt"
    folder = _HERE / ".environments" / name
    python, ready = folder / "bin" / "python", folder / ".ready"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if ready.is_file() and ready.read_text() == wanted:
        return python
    say(f"Making the environment of {name}.")
    _call([sys.executable, "-m", "venv", "--clear", str(folder)])
    pip = [str(python), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    _call([*pip, "--requirement", str(requirements)])
    ready.write_text(wanted)
    return python


def _call(command: list[str]) -> None:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS_TO_INSTALL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalledError(str(error)) from error
    if ended.returncode:
        lines = (ended.stderr or ended.stdout).strip().splitlines() or ["no reason given"]
        raise NotInstalledError(next((line for line in lines if line.startswith("ERROR")), lines[-1]))
