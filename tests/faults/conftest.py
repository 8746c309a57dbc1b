from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from backtester.execution.worker import ENVIRONMENT
from tests.faults.running import Programs, contents, prepare

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def programs() -> Iterator[Programs]:
    # names of sockets are short
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        Path(folder).chmod(0o755)
        address = Path(folder) / "socket"
        with subprocess.Popen(
            [sys.executable, "-m", "tests.faults.zygote", str(address)],
            cwd=ROOT,
            env=os.environ | ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        ) as zygote:
            assert zygote.stdout is not None
            assert zygote.stdout.readline() == "ready\n"
            (Path(folder) / "log").mkdir()
            programs = Programs(address=address, log=Path(folder) / "log")
            yield programs
            programs.close()
            zygote.kill()


@pytest.fixture(scope="session")
def whole(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the chain ran undisturbed."""
    folder = prepare(tmp_path_factory.mktemp("whole"))
    running = programs.run(folder)
    assert running.code == 0, running.told
    return folder


@pytest.fixture(scope="session")
def whole_contents(whole: Path) -> dict[str, str]:
    return contents(whole)
