"""A process that has imported the program once and forks itself for each call.

What it gives are processes of their own, with their own signals, limits, users and locks; only the seconds of
importing are saved. Three things in them are not the program's: bars come from ``feed.csv`` in the current
folder instead of from Yahoo, pages have no pictures, and a worker is forked instead of started.

It answers on a socket: one JSON object a connection (see `Call`), and then two lines, the id of the process
and in the end its exit code, below zero for a signal.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from tests.conftest import ENVIRONMENT


class Feed:
    """In Yahoo's place."""

    def download(self, symbol: str, *, start: date | None, end: date | None) -> pd.DataFrame | None:
        return pd.read_csv("feed.csv", index_col="Date", parse_dates=True)


class Forked:
    """In the place of ``subprocess.Popen``, for workers of the pool."""

    def __init__(self, command: Sequence[str], *, pass_fds: Sequence[int], stdout: Any, **_: Any) -> None:
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid:
            return
        from backtester.execution import worker

        try:
            os.setsid()
            for number in (signal.SIGTERM, signal.SIGALRM):
                signal.signal(number, signal.SIG_DFL)
            os.dup2(stdout.fileno(), 1)
            os.dup2(stdout.fileno(), 2)
            for name in os.listdir("/proc/self/fd"):
                if int(name) > 2 and int(name) not in pass_fds:
                    with suppress(OSError):
                        os.close(int(name))
            os.environ.update(ENVIRONMENT)
            sys.argv = ["worker", command[-1]]
            worker.main()
        finally:
            os._exit(1)

    def wait(self) -> int:
        with suppress(ChildProcessError):
            self._code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._code


class Subprocess:
    """In the place of the module ``subprocess``, for the pool."""

    DEVNULL = subprocess.DEVNULL
    Popen = Forked


def prepare() -> None:
    from backtester.execution import pool
    from backtester.prices import fetched, fetching
    from backtester.prices.yahoo import Yahoo
    from backtester.reporting import page, tearsheets

    yahoo = Yahoo(download=Feed(), today=date(2001, 1, 1))
    fetching.Yahoo = fetched.Yahoo = lambda: yahoo
    pool.subprocess = Subprocess
    page.figures = lambda _: {}
    tearsheets._quantstats = lambda *_, **__: "<p>a picture</p>"
    warm_up()


def warm_up() -> None:
    """Run the chain once, so that all is imported and what is kept in memory is there."""
    import sklearn.preprocessing  # noqa: F401 - in the worker

    from backtester.api import run
    from tests.faults.running import prepare

    with tempfile.TemporaryDirectory() as name:
        folder = prepare(Path(name) / "warm")
        changes = {"data.source": "csv", "data.path": str(folder / "feed.csv"), "execution.workers": 1}
        changes |= {"execution.store": str(folder / "s"), "execution.registry": str(folder / "r")}
        run(folder / "recipe.toml", changes=changes, out=folder)
    import_module("backtester.cli.app")


def work(call: dict[str, Any]) -> int:
    """Be the program, in the process that was forked for it."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    for target, name in ((0, os.devnull), (1, call["out"]), (2, call["err"])):
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(descriptor, target)
        os.close(descriptor)
    for name, value in call["environment"].items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    time.tzset()
    if call["largest_file"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (call["largest_file"],) * 2)
    if call["user"]:
        os.setgroups([])
        os.setgid(call["user"])
        os.setuid(call["user"])
    os.chdir(call["folder"])
    if call["before"]:
        exec(call["before"], {})
    from backtester.cli import main

    for arguments in call["commands"]:
        sys.argv = ["backtester", *arguments]
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            main()
        except SystemExit as end:
            if end.code:
                return int(end.code)
    return 0


def supervise(connection: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with connection.makefile("r") as lines:
        call = json.loads(lines.readline())
    with suppress(OSError):  # whoever called is gone
        pid = os.fork()
        if not pid:
            code = 1
            try:
                code = work(call)
            finally:
                with suppress(Exception):
                    if code == 1:
                        import traceback

                        traceback.print_exc()
                    sys.stdout.flush()
                    sys.stderr.flush()
                os._exit(code)
        connection.sendall(f"{pid}\n".encode())
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        connection.sendall(f"{code}\n".encode())


def main(address: Path) -> None:
    prepare()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors need no one to wait for them
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
        listener.listen(64)
        print("ready", flush=True)
        listener.settimeout(5.0)
        tests = os.getppid()
        while os.getppid() == tests:  # with tests that were killed it ends, too
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(None)
            with connection:
                if not os.fork():
                    listener.close()
                    supervise(connection)
                    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
